"""Another functionVersionId through the running operator: up beside the old one, or after it, and each way it can turn.

NVCF's log is the witness of what was asked for, and its allocations of what runs.
"""

from typing import Any

import pytest

from tests.support.cluster import condition_of
from tests.support.team import Team
from tests.support.waiting import eventually


@pytest.fixture
def other(team: Team) -> str:
    """Another version of the team's function."""
    return team.another_version()


def test_blue_green_brings_the_new_version_up_before_the_old_one_goes(team: Team, other: str) -> None:
    deployed(team)
    team.namespace.edit("echo", functionVersionId=other)
    found = team.namespace.wait_for("echo")
    assert asked_of_all(team) == [("createDeployment", team.version), *both(team, other)]
    post, delete = (team.all_asked(operation)[-1] for operation in ("createDeployment", "deleteDeployment"))
    active = [e for e in team.all_asked("getDeployment") if e["functionVersionId"] == other and e["status"] == 200]
    assert post["ended"] < active[0]["started"] < delete["started"], "the old one went before the new one was seen"
    assert found["status"]["functionVersionId"] == other
    assert found["status"].get("incoming") is None
    assert not found["status"].get("retiring")
    assert set(team.mine()) == {other}
    eventually(
        lambda: [message for _, reason, message in team.namespace.events("echo") if reason == "RollingOut"],
        lambda told: any("both use GPUs" in message for message in told),
        within=30,
        what="an Event tells of the cost",
    )


def test_while_the_new_version_comes_up_the_old_one_serves_and_the_status_says_so(team: Team, other: str) -> None:
    deployed(team)
    team.simulator.instance_behaviour(other, supply=False)
    team.namespace.edit("echo", functionVersionId=other)
    # Before its POST the status says so already, with the intent; from the answer on it names the new version.
    team.namespace.wait_until("echo", lambda found: "incoming" in found["status"], what="the new version is named")
    found = team.namespace.wait_for("echo", "Reconciling", "True", reason="RollingOut")
    status = found["status"]
    assert (status["phase"], status["functionVersionId"], status["functionStatus"]) == (
        "RollingOut",
        team.version,
        "ACTIVE",
    )
    assert status["incoming"]["functionVersionId"] == other
    assert condition_of(found, "Available")["status"] == "True"
    team.simulator.instance_behaviour(other, supply=True)
    team.simulator.serve(other)
    team.namespace.wait_for("echo")


def test_the_drain_of_the_old_version_is_shown_and_ended_at_its_deadline(team: Team, other: str) -> None:
    deployed(team, undeploy={"drainTimeoutSeconds": 8})
    team.simulator.change(team.version, queueDepth=3)
    team.namespace.edit("echo", functionVersionId=other)
    found = team.namespace.wait_for("echo", "Reconciling", "True", reason="Draining")
    assert found["status"]["functionVersionId"] == other
    (leaving,) = found["status"]["retiring"]
    assert leaving["functionVersionId"] == team.version
    assert leaving["deadline"] > leaving["since"]
    assert condition_of(found, "Available")["status"] == "True"
    team.namespace.wait_for("echo")
    assert [e["query"] for e in team.all_asked("deleteDeployment")] == ["graceful=true", "graceful=false"]
    assert set(team.mine()) == {other}


def test_recreate_takes_the_old_version_down_first(team: Team, other: str) -> None:
    deployed(team, rollout={"versionChange": "Recreate"})
    team.namespace.edit("echo", functionVersionId=other)
    team.namespace.wait_for("echo")
    assert asked_of_all(team)[1:] == [("deleteDeployment", team.version), ("createDeployment", other)]
    assert set(team.mine()) == {other}


def test_recreate_does_not_take_a_version_down_for_one_that_does_not_exist(team: Team) -> None:
    deployed(team, rollout={"versionChange": "Recreate"})
    team.namespace.edit("echo", functionVersionId="7c1e0000-0000-4000-8000-00000000dead")
    found = team.namespace.wait_for("echo", "Stalled", reason="FunctionNotFound")
    assert condition_of(found, "Available")["status"] == "True"
    assert set(team.mine()) == {team.version}


@pytest.mark.parametrize(
    ("behaviour", "deadline", "said"),
    [
        ({"outcome": "fail", "error": "image pull failed: no such tag"}, 600, "image pull failed: no such tag"),
        ({"supply": False}, 8, "rollout.progressDeadlineSeconds (8)"),
    ],
)
def test_a_version_that_does_not_come_up_is_taken_down_and_the_old_one_goes_on(
    team: Team, other: str, behaviour: dict[str, Any], deadline: int, said: str
) -> None:
    deployed(team, rollout={"progressDeadlineSeconds": deadline})
    team.simulator.instance_behaviour(other, **behaviour)
    team.namespace.edit("echo", functionVersionId=other)
    found = team.namespace.wait_for("echo", "Stalled", reason="RolloutFailed")
    assert said in condition_of(found, "Stalled")["message"]
    assert condition_of(found, "Available")["status"] == "True"
    eventually(
        lambda: set(team.simulator.deployments()) & {team.version, other},
        lambda there: there == {team.version},
        within=20,
        what="the new one is gone",
    )
    assert set(team.mine()) == {team.version}
    found = team.namespace.wait_for("echo", "Stalled", reason="RolloutFailed")
    assert found["status"]["failed"]["functionVersionId"] == other
    assert found["status"]["functionVersionId"] == team.version
    assert [item for item in asked_of_all(team) if item[1] == other] == [
        ("createDeployment", other),
        ("deleteDeployment", other),
    ]
    team.simulator.instance_behaviour(other, outcome="run", supply=True)
    team.namespace.annotate("echo", reconcile_requested_at="again")
    team.namespace.wait_for("echo")
    assert set(team.mine()) == {other}


def test_a_second_change_in_the_middle_ends_at_the_newest_version(team: Team, other: str) -> None:
    third = team.another_version()
    deployed(team)
    team.simulator.instance_behaviour(other, supply=False)
    team.namespace.edit("echo", functionVersionId=other)
    team.namespace.wait_for("echo", "Reconciling", "True", reason="RollingOut")
    team.namespace.edit("echo", functionVersionId=third)
    found = team.namespace.wait_for("echo")
    assert found["status"]["functionVersionId"] == third
    assert set(team.mine()) == {third}
    assert set(team.simulator.deployments()) & {team.version, other, third} == {third}


def test_back_to_the_old_version_in_the_middle_touches_only_the_new_one(team: Team, other: str) -> None:
    deployed(team)
    team.simulator.instance_behaviour(other, supply=False)
    team.namespace.edit("echo", functionVersionId=other)
    team.namespace.wait_for("echo", "Reconciling", "True", reason="RollingOut")
    team.namespace.edit("echo", functionVersionId=team.version)
    team.namespace.wait_for("echo")
    assert asked_of_all(team) == [("createDeployment", team.version), ("createDeployment", other), gone(other)]


def test_back_to_the_old_version_while_it_drains_waits_for_its_end_and_deploys_it_again(team: Team, other: str) -> None:
    deployed(team)
    team.simulator.change(team.version, queueDepth=3)
    team.namespace.edit("echo", functionVersionId=other)
    team.namespace.wait_for("echo", "Reconciling", "True", reason="Draining")
    team.namespace.edit("echo", functionVersionId=team.version)
    team.namespace.wait_until(
        "echo", lambda it: it["status"]["observedGeneration"] == it["metadata"]["generation"], what="the way back"
    )
    assert set(team.mine()) == {team.version, other}
    team.simulator.change(team.version, queueDepth=0)
    found = team.namespace.wait_for("echo", within=40)
    assert found["status"]["functionVersionId"] == team.version
    assert set(team.mine()) == {team.version}


def test_deletion_in_the_middle_leaves_neither_version(team: Team, other: str) -> None:
    deployed(team)
    team.simulator.instance_behaviour(other, supply=False)
    team.namespace.edit("echo", functionVersionId=other)
    team.namespace.wait_for("echo", "Reconciling", "True", reason="RollingOut")
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    assert team.mine() == []
    assert not set(team.simulator.deployments()) & {team.version, other}


def test_a_version_that_nvcf_gave_up_makes_way_at_once(team: Team, other: str) -> None:
    team.simulator.instance_behaviour(team.version, outcome="fail", error="bad image")
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo", "Reconciling", "True", reason="DeploymentFailed")
    team.namespace.edit("echo", functionVersionId=other)
    found = team.namespace.wait_for("echo")
    assert found["status"]["functionVersionId"] == other
    assert set(team.simulator.deployments()) & {team.version, other} == {other}


def test_no_rollout_onto_a_version_that_another_resource_holds(team: Team, other: str) -> None:
    deployed(team)
    team.namespace.apply({**team.manifest("holder"), "spec": {**team.manifest()["spec"], "functionVersionId": other}})
    team.namespace.wait_for("holder")
    team.namespace.edit("echo", functionVersionId=other)
    found = team.namespace.wait_for("echo", "Stalled", reason="Conflict")
    assert condition_of(found, "Available")["status"] == "True"
    team.namespace.delete("holder")
    team.namespace.wait_for("echo", within=40)
    assert set(team.mine()) == {other}


def deployed(team: Team, **spec: Any) -> None:
    """Deploy the first version."""
    team.namespace.apply(team.manifest(**spec))
    team.namespace.wait_for("echo")


def both(team: Team, other: str) -> list[tuple[str, str]]:
    """What a rollout asks for."""
    return [("createDeployment", other), ("deleteDeployment", team.version)]


def gone(version: str) -> tuple[str, str]:
    """One DELETE."""
    return ("deleteDeployment", version)


def asked_of_all(team: Team) -> list[tuple[str, str]]:
    """Operation and version of every change of the team's function, the oldest first."""
    return [(entry["operation"], entry["functionVersionId"]) for entry in team.all_asked() if entry["mutating"]]
