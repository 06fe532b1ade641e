"""Manifests of another CRD than this operator's: one that it cannot read, and one that its own CRD would refuse."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hack.controlplane import KubectlError
from nvcf_operator.api.names import CRD_NAME
from tests.support.cluster import condition_of
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

PATCH = ("patch", "crd", CRD_NAME, "--type=json", "-p")
SPEC = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties"
VERSION_CHANGE = f"{SPEC}/rollout/properties/versionChange"


def is_accepted(sandbox: Sandbox, manifest: dict[str, Any]) -> bool:
    """Whether the API server takes a manifest."""
    arguments = ("-n", sandbox.namespace.name, "apply", "--dry-run=server", "-f", "-")
    try:
        sandbox.namespace.plane.kubectl(*arguments, input=json.dumps(manifest))
    except KubectlError:
        return False
    return True


@pytest.fixture
def newer_crd(sandbox: Sandbox) -> Iterator[None]:
    """The CRD allows one more value of rollout.versionChange."""
    kubectl, last = sandbox.namespace.plane.kubectl, f"{VERSION_CHANGE}/enum/-"
    kubectl(*PATCH, json.dumps([{"op": "add", "path": last, "value": "Canary"}]))
    canary = sandbox.manifest(rollout={"versionChange": "Canary"})
    try:
        eventually(lambda: is_accepted(sandbox, canary), bool, within=20, what="the API server takes the new value")
        yield
    finally:
        sandbox.namespace.plane.kubectl(*PATCH, json.dumps([{"op": "remove", "path": f"{VERSION_CHANGE}/enum/2"}]))


def test_a_fraction_that_an_older_crd_let_pass_is_deployed_and_reported_as_nvcf_takes_it(sandbox: Sandbox) -> None:
    kubectl = sandbox.namespace.plane.kubectl
    details = "deploymentSpecifications/items/properties/autoscalingConfiguration/properties/scaleUpDetails/properties"
    kind = f"{SPEC}/{details}/threshold/type"
    scaling = {"autoscalingConfiguration": {"scaleUpDetails": {"factor": 2, "threshold": 75.5}}}
    kubectl(*PATCH, json.dumps([{"op": "replace", "path": kind, "value": "number"}]))
    try:
        eventually(lambda: is_accepted(sandbox, sandbox.manifest(gpu=scaling)), bool, within=20, what="75.5 is taken")
        sandbox.namespace.apply(sandbox.manifest(gpu=scaling))
    finally:
        kubectl(*PATCH, json.dumps([{"op": "replace", "path": kind, "value": "integer"}]))
    other = {"metadata": {"name": "another"}}
    fraction = sandbox.manifest(gpu=scaling) | other
    eventually(lambda: is_accepted(sandbox, fraction), lambda taken: not taken, within=20, what="75.5 is refused")
    with sandbox.operator():
        sandbox.ready()
        sandbox.namespace.edit("echo", undeploy={"graceful": False})
        sandbox.ready()
    (specification,) = sandbox.simulator.deployments()[sandbox.version]["deploymentSpecifications"]
    assert specification["autoscalingConfiguration"]["scaleUpDetails"]["threshold"] == 75
    assert sandbox.writes() == [("createDeployment", 200)]


@pytest.mark.usefixtures("newer_crd")
def test_what_status_names_is_undeployed_though_the_manifest_cannot_be_read(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        sandbox.namespace.edit("echo", rollout={"versionChange": "Canary"})
        found = sandbox.namespace.wait_for("echo", "Ready", "False", reason="InvalidSpec")
        assert "spec.rollout.versionChange" in condition_of(found, "Ready")["message"]
        assert sandbox.writes() == [("createDeployment", 200)]
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
    assert sandbox.writes() == [("createDeployment", 200), ("deleteDeployment", 200)]
