"""A CRD that is older than the operator: nothing is deployed without a record, and a person is told what to do."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nvcf_operator.api.crd import crd
from nvcf_operator.api.names import CRD_NAME
from operating import Place, condition_of, eventually

FIELDS = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties"
INTENT = {"uid": "u", "functionVersionId": "v", "token": "t"}


def keeps_intent(place: Place) -> bool:
    """Whether the API server stores `status.intent`."""
    patch = json.dumps({"status": {"intent": INTENT}})
    flags = ("--subresource=status", "--type=merge", "--dry-run=server", "-o", "json")
    arguments = ("-n", place.namespace.name, "patch", "fd", "echo", *flags, "-p", patch)
    return "intent" in json.loads(place.namespace.plane.kubectl(*arguments))["status"]


Install = Callable[[], None]


@contextmanager
def without_intent(place: Place) -> Iterator[Install]:
    """Take `status.intent` out of the CRD for the body, which may put it back itself."""

    def patch(**operation: object) -> None:
        step = json.dumps([{"path": f"{FIELDS}/intent", **operation}])
        place.namespace.plane.kubectl("patch", "crd", CRD_NAME, "--type=json", "-p", step)

    def install() -> None:
        status = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
        patch(op="add", value=status["properties"]["intent"])
        eventually(lambda: keeps_intent(place), bool, within=20, what="the CRD is this version's")

    patch(op="remove")
    try:
        eventually(lambda: keeps_intent(place), lambda kept: not kept, within=20, what="the CRD is older")
        yield install
    finally:
        install()


def test_under_an_older_crd_nothing_is_deployed_and_the_missing_field_is_named(place: Place) -> None:
    place.namespace.apply(place.manifest())
    with without_intent(place) as install, place.operator() as operator:
        found = place.namespace.wait_for("echo", "Reconciling", reason="WriteRefused")
        message = condition_of(found, "Ready")["message"]
        assert "status.intent" in message
        assert "kubectl apply -k crds" in message
        eventually(
            lambda: operator.metric("nvcf_operator_crd_fields_missing"),
            lambda number: number == 1.0,
            within=30,
            what="the metric shows the missing field",
        )
        assert "the CRD is older than the operator and lacks status.intent" in operator.output()
        assert place.writes() == []
        install()
        place.ready()
        assert [operation for operation, _ in place.writes()] == ["createDeployment"]
