"""A CRD that is older than the operator: nothing is deployed without a record, and the condition says what to do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from nvcf_operator.api.crd import crd
from nvcf_operator.api.names import CRD_NAME
from tests.support.cluster import condition_of
from tests.support.installation import install
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.needs_assets

INTENT_SCHEMA = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/intent"
INTENT = {"uid": "u", "functionVersionId": "v", "token": "t"}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A control plane of its own: what is dropped there makes statuses that nobody else should meet."""
    with (
        ControlPlane.start(tmp_path / "plane", controller_manager=False) as plane,
        Sandbox.made(plane, install(plane), "default", tmp_path) as made,
    ):
        yield made


def change_crd(sandbox: Sandbox, **operation: object) -> None:
    """Change the schema of `status.intent`."""
    step = json.dumps([{"path": INTENT_SCHEMA, **operation}])
    sandbox.namespace.plane.kubectl("patch", "crd", CRD_NAME, "--type=json", "-p", step)


def keeps_intent(sandbox: Sandbox) -> bool:
    """Whether the API server stores `status.intent`."""
    patch = json.dumps({"status": {"intent": INTENT}})
    flags = ("--subresource=status", "--type=merge", "--dry-run=server", "-o", "json")
    arguments = ("-n", sandbox.namespace.name, "patch", "fd", "echo", *flags, "-p", patch)
    return "intent" in json.loads(sandbox.namespace.plane.kubectl(*arguments))["status"]


def test_under_an_older_crd_nothing_is_deployed_and_the_missing_field_is_named(sandbox: Sandbox) -> None:
    sandbox.namespace.apply(sandbox.manifest())
    change_crd(sandbox, op="remove")
    eventually(lambda: keeps_intent(sandbox), lambda kept: not kept, within=20, what="the CRD is older")
    with sandbox.operator() as operator:
        found = sandbox.namespace.wait_for("echo", "Reconciling", reason="WriteRefused")
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
        assert sandbox.writes() == []
        status = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
        change_crd(sandbox, op="add", value=status["properties"]["intent"])
        sandbox.ready()
        assert [operation for operation, _ in sandbox.writes()] == ["createDeployment"]
