"""Two resources for one function version: the holder keeps it, the other waits, writes nothing, and takes over."""

import time
from datetime import datetime

import pytest

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace, condition_of
from tests.support.control import Control
from tests.support.simulator import KEY
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


@pytest.fixture
def neighbour(control_plane: ControlPlane, namespace: str) -> Namespace:
    """A second namespace, without a Secret."""
    control_plane.kubectl("create", "namespace", f"{namespace}-neighbour")
    return Namespace(control_plane, f"{namespace}-neighbour")


def conflict_of(namespace: Namespace, name: str) -> str:
    """Wait for the conflict of a resource and give its message."""
    found = namespace.wait_for(name, "Stalled", reason="Conflict")
    assert "finalizers" not in found["metadata"]
    return str(condition_of(found, "Stalled")["message"])


def test_the_second_resource_of_a_namespace_takes_over_when_the_first_is_gone(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest("first"))
    tenant.namespace.wait_for("first")
    tenant.namespace.apply(tenant.manifest("second", gpu={"maxInstances": 7}))
    assert f"{tenant.namespace.name}/first" in conflict_of(tenant.namespace, "second")
    tenant.namespace.delete("first")
    tenant.namespace.wait_gone("first")
    tenant.namespace.wait_for("second", within=90)
    assert tenant.writes() == [("createDeployment", 200), ("deleteDeployment", 200), ("createDeployment", 200)]
    assert_settled(tenant.simulator, tenant.version)


def test_the_holder_in_another_namespace_is_named_and_followed(tenant: Tenant, neighbour: Namespace) -> None:
    neighbour.secret(KEY)
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    neighbour.apply(tenant.manifest("other"))
    assert f"{tenant.namespace.name}/echo" in conflict_of(neighbour, "other")
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    neighbour.wait_for("other", within=90)
    assert tenant.writes() == [("createDeployment", 200), ("deleteDeployment", 200), ("createDeployment", 200)]
    assert_settled(tenant.simulator, tenant.version)


def test_a_conflict_that_is_deleted_leaves_the_holder_alone(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest("first"))
    tenant.namespace.wait_for("first")
    tenant.namespace.apply(tenant.manifest("second"))
    conflict_of(tenant.namespace, "second")
    tenant.namespace.delete("second")
    tenant.namespace.wait_gone("second")
    assert tenant.writes() == [("createDeployment", 200)]


@pytest.mark.parametrize("key", [None, "nvapi-no-such-key"], ids=["no Secret", "a key of no account"])
def test_an_older_resource_without_a_key_that_works_keeps_nobody_from_deploying(
    tenant: Tenant, neighbour: Namespace, key: str | None
) -> None:
    if key is not None:
        neighbour.secret(key)
    neighbour.apply(tenant.manifest("older"))
    older = neighbour.wait_for("older", "CredentialsValid", "False")
    made = datetime.fromisoformat(older["metadata"]["creationTimestamp"]).timestamp()
    eventually(time.time, lambda now: now >= made + 1, within=5, what="another second, which makes it the older one")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [("createDeployment", 200)]


def assert_settled(simulator: Control, version: str) -> None:
    """Check that the second POST came a redeploy settle (3 s) after the version was first seen gone."""
    calls = simulator.log(functionVersionId=version)
    deleted = next(entry for entry in calls if entry["operation"] == "deleteDeployment")
    second = [entry for entry in calls if entry["operation"] == "createDeployment"][-1]
    assert second["started"] - deleted["ended"] >= 3.0
