"""A manifest of a newer CRD, which this operator cannot read: nothing is touched, and a deletion goes on."""

import json
from collections.abc import Iterator

import pytest

from nvcf_operator.api.names import CRD_NAME
from operating import Place, condition_of, eventually

PATCH = ("patch", "crd", CRD_NAME, "--type=json", "-p")
VERSION_CHANGE = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/rollout/properties/versionChange"


@pytest.fixture
def newer_crd(place: Place) -> Iterator[None]:
    """The CRD allows one more value of rollout.versionChange."""
    kubectl, last = place.namespace.plane.kubectl, f"{VERSION_CHANGE}/enum/-"
    kubectl(*PATCH, json.dumps([{"op": "add", "path": last, "value": "Canary"}]))
    canary = place.manifest(rollout={"versionChange": "Canary"})

    def accepted() -> bool:
        try:
            text = json.dumps(canary)
            kubectl("-n", place.namespace.name, "apply", "--dry-run=server", "-f", "-", input=text)
        except RuntimeError:
            return False
        return True

    try:
        eventually(accepted, bool, within=20, what="the API server takes the new value")
        yield
    finally:
        place.namespace.plane.kubectl(*PATCH, json.dumps([{"op": "remove", "path": f"{VERSION_CHANGE}/enum/2"}]))


@pytest.mark.usefixtures("newer_crd")
def test_what_status_names_is_undeployed_though_the_manifest_cannot_be_read(place: Place) -> None:
    with place.operator():
        place.namespace.apply(place.manifest())
        place.ready()
        place.namespace.edit("echo", rollout={"versionChange": "Canary"})
        found = place.namespace.wait_for("echo", "Ready", "False", reason="InvalidSpec")
        assert "spec.rollout.versionChange" in condition_of(found, "Ready")["message"]
        assert place.writes() == [("createDeployment", 200)]
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo")
    assert place.writes() == [("createDeployment", 200), ("deleteDeployment", 200)]
