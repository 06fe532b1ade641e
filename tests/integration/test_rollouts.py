"""Another functionVersionId through the running operator: up beside the old one, or after it, and each way it can turn.

NVCF's log is the witness of what was asked for, and its allocations of what runs.
"""

from typing import Any

import pytest

from tests.support.cluster import condition_of
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


@pytest.fixture
def other(tenant: Tenant) -> str:
    """Another version of the tenant's function."""
    return tenant.another_version()


def test_blue_green_brings_the_new_version_up_before_the_old_one_goes(tenant: Tenant, other: str) -> None:
    deployed(tenant)
    tenant.namespace.edit("echo", functionVersionId=other)
    found = tenant.namespace.wait_for("echo")
    assert asked_of_all(tenant) == [("createDeployment", tenant.version), *both(tenant, other)]
    post, delete = (tenant.all_asked(operation)[-1] for operation in ("createDeployment", "deleteDeployment"))
    active = [e for e in tenant.all_asked("getDeployment") if e["functionVersionId"] == other and e["status"] == 200]
    assert post["ended"] < active[0]["started"] < delete["started"], "the old one went before the new one was seen"
    assert found["status"]["functionVersionId"] == other
    assert found["status"].get("incoming") is None
    assert not found["status"].get("retiring")
    assert set(tenant.mine()) == {other}
    eventually(
        lambda: [message for _, reason, message in tenant.namespace.events("echo") if reason == "RollingOut"],
        lambda reported: any("both use GPUs" in message for message in reported),
        within=30,
        what="an Event names the cost",
    )


def test_while_the_new_version_comes_up_the_old_one_serves_and_the_status_says_so(tenant: Tenant, other: str) -> None:
    deployed(tenant)
    tenant.simulator.instance_behaviour(other, supply=False)
    tenant.namespace.edit("echo", functionVersionId=other)
    # Before its POST the status says so already, with the intent; from the answer on it names the new version.
    tenant.namespace.wait_until("echo", lambda found: "incoming" in found["status"], what="the new version is named")
    found = tenant.namespace.wait_for("echo", "Reconciling", "True", reason="RollingOut")
    status = found["status"]
    assert (status["phase"], status["functionVersionId"], status["functionStatus"]) == (
        "RollingOut",
        tenant.version,
        "ACTIVE",
    )
    assert status["incoming"]["functionVersionId"] == other
    assert condition_of(found, "Available")["status"] == "True"
    tenant.simulator.instance_behaviour(other, supply=True)
    tenant.simulator.serve(other)
    tenant.namespace.wait_for("echo")


def test_the_drain_of_the_old_version_is_shown_and_ended_at_its_deadline(tenant: Tenant, other: str) -> None:
    deployed(tenant, undeploy={"drainTimeoutSeconds": 8})
    tenant.simulator.change(tenant.version, queueDepth=3)
    tenant.namespace.edit("echo", functionVersionId=other)
    found = tenant.namespace.wait_for("echo", "Reconciling", "True", reason="Draining")
    assert found["status"]["functionVersionId"] == other
    (leaving,) = found["status"]["retiring"]
    assert leaving["functionVersionId"] == tenant.version
    assert leaving["deadline"] > leaving["since"]
    assert condition_of(found, "Available")["status"] == "True"
    tenant.namespace.wait_for("echo")
    assert [e["query"] for e in tenant.all_asked("deleteDeployment")] == ["graceful=true", "graceful=false"]
    assert set(tenant.mine()) == {other}


def test_recreate_takes_the_old_version_down_first(tenant: Tenant, other: str) -> None:
    deployed(tenant, rollout={"versionChange": "Recreate"})
    tenant.namespace.edit("echo", functionVersionId=other)
    tenant.namespace.wait_for("echo")
    assert asked_of_all(tenant)[1:] == [("deleteDeployment", tenant.version), ("createDeployment", other)]
    assert set(tenant.mine()) == {other}


def test_recreate_does_not_take_a_version_down_for_one_that_does_not_exist(tenant: Tenant) -> None:
    deployed(tenant, rollout={"versionChange": "Recreate"})
    tenant.namespace.edit("echo", functionVersionId="7c1e0000-0000-4000-8000-00000000dead")
    found = tenant.namespace.wait_for("echo", "Stalled", reason="FunctionNotFound")
    assert condition_of(found, "Available")["status"] == "True"
    assert set(tenant.mine()) == {tenant.version}


@pytest.mark.parametrize(
    ("behaviour", "deadline", "said"),
    [
        ({"outcome": "fail", "error": "image pull failed: no such tag"}, 600, "image pull failed: no such tag"),
        ({"supply": False}, 8, "rollout.progressDeadlineSeconds (8)"),
    ],
)
def test_a_version_that_does_not_come_up_is_taken_down_and_the_old_one_goes_on(
    tenant: Tenant, other: str, behaviour: dict[str, Any], deadline: int, said: str
) -> None:
    deployed(tenant, rollout={"progressDeadlineSeconds": deadline})
    tenant.simulator.instance_behaviour(other, **behaviour)
    tenant.namespace.edit("echo", functionVersionId=other)
    found = tenant.namespace.wait_for("echo", "Stalled", reason="RolloutFailed")
    assert said in condition_of(found, "Stalled")["message"]
    assert condition_of(found, "Available")["status"] == "True"
    eventually(
        lambda: set(tenant.simulator.deployments()) & {tenant.version, other},
        lambda there: there == {tenant.version},
        within=20,
        what="the new one is gone",
    )
    assert set(tenant.mine()) == {tenant.version}
    found = tenant.namespace.wait_for("echo", "Stalled", reason="RolloutFailed")
    assert found["status"]["failed"]["functionVersionId"] == other
    assert found["status"]["functionVersionId"] == tenant.version
    assert [item for item in asked_of_all(tenant) if item[1] == other] == [
        ("createDeployment", other),
        ("deleteDeployment", other),
    ]
    tenant.simulator.instance_behaviour(other, outcome="run", supply=True)
    tenant.namespace.annotate("echo", reconcile_requested_at="again")
    tenant.namespace.wait_for("echo")
    assert set(tenant.mine()) == {other}


def test_a_second_change_in_the_middle_ends_at_the_newest_version(tenant: Tenant, other: str) -> None:
    third = tenant.another_version()
    deployed(tenant)
    tenant.simulator.instance_behaviour(other, supply=False)
    tenant.namespace.edit("echo", functionVersionId=other)
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason="RollingOut")
    tenant.namespace.edit("echo", functionVersionId=third)
    found = tenant.namespace.wait_for("echo")
    assert found["status"]["functionVersionId"] == third
    assert set(tenant.mine()) == {third}
    assert set(tenant.simulator.deployments()) & {tenant.version, other, third} == {third}


def test_back_to_the_old_version_in_the_middle_touches_only_the_new_one(tenant: Tenant, other: str) -> None:
    deployed(tenant)
    tenant.simulator.instance_behaviour(other, supply=False)
    tenant.namespace.edit("echo", functionVersionId=other)
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason="RollingOut")
    tenant.namespace.edit("echo", functionVersionId=tenant.version)
    tenant.namespace.wait_for("echo")
    assert asked_of_all(tenant) == [("createDeployment", tenant.version), ("createDeployment", other), gone(other)]


def test_back_to_the_old_version_while_it_drains_waits_for_its_end_and_deploys_it_again(
    tenant: Tenant, other: str
) -> None:
    deployed(tenant)
    tenant.simulator.change(tenant.version, queueDepth=3)
    tenant.namespace.edit("echo", functionVersionId=other)
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason="Draining")
    tenant.namespace.edit("echo", functionVersionId=tenant.version)
    tenant.namespace.wait_until(
        "echo", lambda it: it["status"]["observedGeneration"] == it["metadata"]["generation"], what="the way back"
    )
    assert set(tenant.mine()) == {tenant.version, other}
    tenant.simulator.change(tenant.version, queueDepth=0)
    found = tenant.namespace.wait_for("echo", within=40)
    assert found["status"]["functionVersionId"] == tenant.version
    assert set(tenant.mine()) == {tenant.version}


def test_deletion_in_the_middle_leaves_neither_version(tenant: Tenant, other: str) -> None:
    deployed(tenant)
    tenant.simulator.instance_behaviour(other, supply=False)
    tenant.namespace.edit("echo", functionVersionId=other)
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason="RollingOut")
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert tenant.mine() == []
    assert not set(tenant.simulator.deployments()) & {tenant.version, other}


def test_a_version_that_nvcf_gave_up_makes_way_at_once(tenant: Tenant, other: str) -> None:
    tenant.simulator.instance_behaviour(tenant.version, outcome="fail", error="bad image")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason="DeploymentFailed")
    tenant.namespace.edit("echo", functionVersionId=other)
    found = tenant.namespace.wait_for("echo")
    assert found["status"]["functionVersionId"] == other
    assert set(tenant.simulator.deployments()) & {tenant.version, other} == {other}


def test_no_rollout_onto_a_version_that_another_resource_holds(tenant: Tenant, other: str) -> None:
    deployed(tenant)
    tenant.namespace.apply(
        {**tenant.manifest("holder"), "spec": {**tenant.manifest()["spec"], "functionVersionId": other}}
    )
    tenant.namespace.wait_for("holder")
    tenant.namespace.edit("echo", functionVersionId=other)
    found = tenant.namespace.wait_for("echo", "Stalled", reason="Conflict")
    assert condition_of(found, "Available")["status"] == "True"
    tenant.namespace.delete("holder")
    tenant.namespace.wait_for("echo", within=40)
    assert set(tenant.mine()) == {other}


def deployed(tenant: Tenant, **spec: Any) -> None:
    """Deploy the first version."""
    tenant.namespace.apply(tenant.manifest(**spec))
    tenant.namespace.wait_for("echo")


def both(tenant: Tenant, other: str) -> list[tuple[str, str]]:
    """What a rollout asks for."""
    return [("createDeployment", other), ("deleteDeployment", tenant.version)]


def gone(version: str) -> tuple[str, str]:
    """One DELETE."""
    return ("deleteDeployment", version)


def asked_of_all(tenant: Tenant) -> list[tuple[str, str]]:
    """Operation and version of every change of the tenant's function, the oldest first."""
    return [(entry["operation"], entry["functionVersionId"]) for entry in tenant.all_asked() if entry["mutating"]]
