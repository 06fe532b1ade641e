"""Nulls in Helm values, which Kubernetes' merge patches drop, mean what they meant before they were dropped."""

from typing import Any

import pytest

from tests.support import tools
from tests.support.cluster import condition_of
from tests.support.sandbox import Sandbox

CREATED, PATCHED = ("createDeployment", 200), ("updateGpuSpecification", 200)
VALUES: dict[str, Any] = {
    "resources": {"limits": None, "requests": {"cpu": None, "memory": "1Gi"}},
    "Größe <&>": {"a": 1, "b": None},
    "list": [{"name": "x", "value": None}, None, 1.0],
    "empty": {},
}


def manifest(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """A manifest of a Helm-chart function with such values."""
    function, version = sandbox.simulator.add_function("chart", kind="helm")
    return sandbox.manifest(functionId=function, functionVersionId=version, gpu={"configuration": VALUES}, **changes)


@pytest.mark.parametrize("change", ["Reject", "Redeploy"])
def test_an_edit_of_the_maximum_is_one_patch(sandbox: Sandbox, change: str) -> None:
    with sandbox.operator():
        tools.create(sandbox.namespace, manifest(sandbox, rollout={"immutableChange": change}))
        sandbox.ready()
        sandbox.namespace.scale(
            "echo", maxInstances=5
        )  # a merge patch, as kubectl edit, kubectl apply and Helm send it
        sandbox.ready()
    assert sandbox.writes() == [CREATED, PATCHED]


def test_a_manifest_without_the_nulls_that_takes_the_place_of_one_with_them_changes_nothing(sandbox: Sandbox) -> None:
    body = manifest(sandbox)
    with sandbox.operator():
        tools.create(sandbox.namespace, body)
        sandbox.ready()
        body["spec"]["deploymentSpecifications"][0]["configuration"] = {
            "resources": {"requests": {"memory": "1Gi"}},
            "Größe <&>": {"a": 1},
            "list": VALUES["list"],
        }
        tools.replace(sandbox.namespace, body)
        tools.reconcile_now(sandbox.namespace, "echo")
        sandbox.ready()
    assert sandbox.writes() == [CREATED]


def test_another_value_is_reported_by_its_path_and_never_by_its_value(sandbox: Sandbox) -> None:
    body = manifest(sandbox)
    with sandbox.operator():
        tools.create(sandbox.namespace, body)
        sandbox.ready()
        body["spec"]["deploymentSpecifications"][0]["configuration"] = {
            **VALUES,
            "resources": {"requests": {"memory": "geheim-2Gi"}},
        }
        tools.replace(sandbox.namespace, body)
        found = sandbox.namespace.wait_for("echo", "Stalled", reason="ImmutableFieldChanged")
    message = condition_of(found, "Stalled")["message"]
    assert "deploymentSpecifications[0].configuration.resources.requests.memory" in message
    assert "2Gi" not in message
    assert "1Gi" not in message
    assert sandbox.writes() == [CREATED]
