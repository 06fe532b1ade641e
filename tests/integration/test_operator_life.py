"""The life of a resource through the running operator, on a real API server, with NVCF's log as the witness."""

import time
from typing import Any

import pytest

from hack.controlplane import ControlPlane, read_audit_log
from nvcf_operator.api.names import FINALIZER
from tests.support.cluster import condition_of
from tests.support.kstatus import kstatus
from tests.support.process import FAST, Operator
from tests.support.statuses import Statuses
from tests.support.team import Team
from tests.support.waiting import eventually

GPU = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
OPERATOR = "system:serviceaccount:nvcf-operator-system:nvcf-operator"


def test_a_manifest_becomes_ready_by_one_post_and_four_writes(team: Team, control_plane: ControlPlane) -> None:
    start, began = control_plane.audit_log.stat().st_size, time.monotonic()
    team.namespace.apply(team.manifest())
    found = team.namespace.wait_for("echo")
    status = found["status"]
    assert (status["phase"], status["functionStatus"], status["instances"]) == ("Active", "ACTIVE", "1-2")
    assert status["deploymentId"] == team.simulator.deployments()[team.version]["deploymentId"]
    assert team.writes() == [("createDeployment", 200)]
    # On a slow machine it deploys for longer than the poll interval, after which it is read again for its health.
    assert len(team.asked("getDeployment")) <= 1 + int((time.monotonic() - began) / FAST["poll_interval"])
    posted = team.asked("createDeployment")[0]
    assert posted["body"] == {"deploymentSpecifications": [GPU]}
    events = {(kind, reason) for kind, reason, _ in _events(team, "Active")}
    assert events == {("Normal", "Created"), ("Normal", "Active")}
    assert _written(team, control_plane, start) == ["functiondeployments"] + 3 * ["functiondeployments/status"]


def test_converged_is_silent(team: Team, control_plane: ControlPlane, operator: Operator) -> None:
    team.namespace.apply(team.manifest())
    found = team.namespace.wait_for("echo")
    _events(team, "Active")  # after which the audit log has the last write
    start, cursor = control_plane.audit_log.stat().st_size, team.simulator.cursor
    polls = operator.metric("nvcf_operator_polls_total")
    eventually(
        lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= polls + 3, within=20, what="three polls"
    )
    assert [w for w in team.simulator.log(cursor, functionVersionId=team.version) if w["mutating"]] == []
    assert team.namespace.get("echo")["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
    assert _written(team, control_plane, start) == []


def test_a_new_maximum_is_one_patch_with_both_numbers(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.namespace.scale("echo", maxInstances=5)
    found = team.namespace.wait_for("echo")
    assert found["status"]["instances"] == "1-5"
    assert team.writes() == [("createDeployment", 200), ("updateGpuSpecification", 200)]
    deployment = found["status"]["deploymentId"]
    patched = [e for e in team.simulator.log(team.cursor) if e["deploymentId"] == deployment and e["method"] == "PATCH"]
    assert [entry["body"] for entry in patched] == [{"minInstances": 1, "maxInstances": 5}]


def test_concurrency_and_maximum_go_in_one_put(team: Team) -> None:
    team.namespace.apply(team.manifest(gpu={"maxRequestConcurrency": 2}))
    team.namespace.wait_for("echo")
    team.namespace.scale("echo", maxRequestConcurrency=8, maxInstances=3)
    team.namespace.wait_for("echo")
    assert team.writes() == [("createDeployment", 200), ("updateDeployment", 200)]
    (specification,) = team.simulator.deployments()[team.version]["deploymentSpecifications"]
    assert (specification["maxRequestConcurrency"], specification["maxInstances"]) == (8, 3)


def test_a_raised_minimum_is_progress_until_the_instances_run(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.instance_behaviour(team.version, supply=False)
    team.namespace.scale("echo", minInstances=2)
    team.namespace.wait_for("echo", "Reconciling", "True", reason="ScalingUp")
    team.simulator.instance_behaviour(team.version, supply=True)
    team.simulator.serve(team.version)
    found = team.namespace.wait_for("echo")
    assert condition_of(found, "Reconciling")["status"] == "False"
    assert len(team.simulator.allocations()) >= 2


def test_what_nvcf_cannot_change_in_place_is_refused_and_nothing_touched(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.namespace.scale("echo", instanceType="NCP.GPU.H100_1x", gpu="H100")
    found = team.namespace.wait_for("echo", "Stalled", reason="ImmutableFieldChanged")
    assert "deploymentSpecifications[0].gpu: manifest H100, deployed L40S" in condition_of(found, "Stalled")["message"]
    assert condition_of(found, "Available")["status"] == "True"
    team.namespace.scale("echo", instanceType="NCP.GPU.L40S_1x", gpu="L40S")
    team.namespace.wait_for("echo")
    assert team.writes() == [("createDeployment", 200)]


def test_deletion_drains_and_then_lets_the_resource_go(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.change(team.version, queueDepth=2)
    team.namespace.delete("echo")
    team.namespace.wait_until("echo", lambda found: found["status"]["phase"] == "Draining", what="Draining")
    assert FINALIZER in team.namespace.get("echo")["metadata"]["finalizers"]
    (deleted,) = team.asked("deleteDeployment")
    assert deleted["query"] == "graceful=true"
    team.simulator.change(team.version, queueDepth=0)
    team.namespace.wait_gone("echo")
    assert _mine(team) == []


def test_an_overdue_drain_is_forced(team: Team) -> None:
    team.namespace.apply(team.manifest(undeploy={"drainTimeoutSeconds": 2}))
    team.namespace.wait_for("echo")
    team.simulator.change(team.version, queueDepth=2)
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    assert [entry["query"] for entry in team.asked("deleteDeployment")] == ["graceful=true", "graceful=false"]
    assert _mine(team) == []


def test_retain_leaves_the_deployment_and_needs_no_finalizer(team: Team) -> None:
    team.namespace.apply(team.manifest(deletionPolicy="Retain"))
    found = team.namespace.wait_for("echo")
    assert "finalizers" not in found["metadata"]
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    assert team.writes() == [("createDeployment", 200)]
    assert team.version in team.simulator.deployments()


def test_what_is_deployed_already_is_adopted_without_a_write(team: Team) -> None:
    team.simulator.deploy(team.version, GPU)
    team.namespace.apply(team.manifest())
    found = team.namespace.wait_for("echo")
    assert FINALIZER in found["metadata"]["finalizers"]
    assert found["status"]["deploymentId"] == team.simulator.deployments()[team.version]["deploymentId"]
    assert team.writes() == []
    assert ("Normal", "Adopted") in {(kind, reason) for kind, reason, _ in _events(team, "Adopted")}


def test_adoption_refused_touches_nothing(team: Team) -> None:
    team.simulator.deploy(team.version, GPU)
    team.namespace.apply(team.manifest(adoptionPolicy="Refuse"))
    found = team.namespace.wait_for("echo", "Stalled", reason="AlreadyDeployed")
    assert "finalizers" not in found["metadata"]
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    assert team.writes() == []
    assert team.version in team.simulator.deployments()


def test_undeployed_outside_is_deployed_again_after_the_settle(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.undeploy(team.version)
    team.namespace.wait_for("echo", "Ready", "False", reason="Settling")
    team.namespace.wait_for("echo")
    assert team.writes() == [("createDeployment", 200), ("createDeployment", 200)]
    missing = [e for e in team.asked("getDeployment") if e["status"] == 404][1:]
    second = team.asked("createDeployment")[1]
    assert second["started"] - missing[0]["started"] >= 3.0
    assert any(reason == "Drift" for _, reason, _ in _events(team, "Drift"))


def test_scaled_outside_is_mended_by_reconcile_now(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.scale(team.version, maxInstances=9)
    team.namespace.annotate("echo", reconcile_requested_at="one")
    team.namespace.wait_until(
        "echo", lambda found: found["status"].get("lastHandledReconcileAt") == "one", what="the answer"
    )
    (specification,) = team.simulator.deployments()[team.version]["deploymentSpecifications"]
    assert specification["maxInstances"] == 2


def test_suspended_is_shown_and_not_written_and_still_deletes(team: Team) -> None:
    team.namespace.apply(team.manifest(suspend=True))
    team.namespace.wait_for("echo", "Ready", "False", reason="Suspended")
    assert team.writes() == []
    team.namespace.edit("echo", suspend=False)
    team.namespace.wait_for("echo")
    team.namespace.annotate("echo", paused="true")
    team.namespace.scale("echo", maxInstances=7)
    team.namespace.wait_for("echo", "Ready", "False", reason="Suspended")
    assert team.writes() == [("createDeployment", 200)]
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    assert _mine(team) == []


def test_observe_never_writes(team: Team) -> None:
    team.simulator.deploy(team.version, GPU)
    team.namespace.apply(team.manifest(managementPolicy="Observe", gpu={"maxInstances": 8}))
    team.namespace.wait_for("echo", "Ready", "False", reason="Observing")
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    assert team.writes() == []


@pytest.mark.parametrize("silent", [{"managementPolicy": "Observe"}, {"suspend": True}], ids=["Observe", "suspend"])
def test_what_is_only_shown_is_followed_by_polls(team: Team, silent: dict[str, Any]) -> None:
    def shows(status: str | None) -> None:
        what = f"functionStatus {status}"
        team.namespace.wait_until("echo", lambda found: found["status"].get("functionStatus") == status, what=what)

    team.namespace.apply(team.manifest(**silent))
    team.namespace.wait_for("echo", "Ready", "False")
    team.simulator.deploy(team.version, GPU)
    shows("ACTIVE")
    team.namespace.wait_for("echo")
    team.simulator.instance_behaviour(team.version, supply=False)
    team.simulator.lose(team.version)
    shows("DEGRADED")
    team.simulator.undeploy(team.version)
    shows(None)
    team.namespace.wait_for("echo", "Available", "False")
    assert team.writes() == []


def test_observe_shows_what_another_resource_holds(team: Team) -> None:
    team.namespace.apply(team.manifest("holder"))
    team.namespace.wait_for("holder")
    team.namespace.apply(team.manifest("observer", managementPolicy="Observe"))
    team.namespace.wait_for("observer", "Ready", "True", reason="Observing")
    assert team.writes() == [("createDeployment", 200)]


def test_a_second_resource_on_one_version_waits_for_the_first(team: Team) -> None:
    team.namespace.apply(team.manifest("first"))
    team.namespace.wait_for("first")
    team.namespace.apply(team.manifest("second"))
    found = team.namespace.wait_for("second", "Stalled", reason="Conflict")
    assert f"{team.namespace.name}/first" in condition_of(found, "Stalled")["message"]
    assert team.writes() == [("createDeployment", 200)]


def test_error_is_shown_with_the_reason_that_nvcf_gives(team: Team) -> None:
    team.simulator.instance_behaviour(team.version, outcome="fail", error="image pull failed: no such tag")
    team.namespace.apply(team.manifest())
    found = team.namespace.wait_for("echo", "Reconciling", reason="DeploymentFailed")
    assert "image pull failed: no such tag" in condition_of(found, "Ready")["message"]
    assert found["status"]["health"] == ["image pull failed: no such tag"]
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")


def test_degraded_is_shown_and_heals_without_a_write(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.instance_behaviour(team.version, supply=False)
    team.simulator.lose(team.version)
    found = team.namespace.wait_for("echo", "Ready", "False", reason="Degraded")
    assert condition_of(found, "Available")["status"] == "False"
    team.simulator.instance_behaviour(team.version, supply=True)
    team.simulator.serve(team.version)
    team.namespace.wait_for("echo")
    assert team.writes() == [("createDeployment", 200)]


def test_a_deployment_that_never_comes_up_is_told_after_its_deadline(team: Team) -> None:
    team.simulator.instance_behaviour(team.version, supply=False)
    team.namespace.apply(team.manifest(rollout={"progressDeadlineSeconds": 2}))
    found = team.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
    assert "rollout.progressDeadlineSeconds (2)" in condition_of(found, "Stalled")["message"]
    assert team.version in team.simulator.deployments()


def test_an_undone_patch_is_made_again(team: Team) -> None:
    team.simulator.instance_behaviour(team.version, supply=False)
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo", "Reconciling", "True", reason="Deploying")
    team.simulator.behave(races={"undonePatch": 1})
    team.namespace.scale("echo", maxInstances=6)
    eventually(
        lambda: team.writes().count(("updateGpuSpecification", 200)), lambda n: n == 2, within=20, what="a second"
    )
    (specification,) = team.simulator.deployments()[team.version]["deploymentSpecifications"]
    assert specification["maxInstances"] == 6


def test_every_status_that_was_written_keeps_the_rules(team: Team, control_plane: ControlPlane) -> None:
    statuses = Statuses(control_plane.audit_log, control_plane.audit_log.stat().st_size)
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.namespace.scale("echo", maxInstances=5)
    found = team.namespace.wait_for("echo")
    assert kstatus(found) == "Current"
    wrong: list[str] = []

    def checked() -> int:
        wrong.extend(statuses.wrong(namespace=team.namespace.name))
        return statuses.checked

    eventually(checked, lambda number: number >= 3, within=15, what="the statuses that were written are seen")
    assert wrong == []


def _events(team: Team, wanted: str) -> list[tuple[str, str, str]]:
    return eventually(
        lambda: team.namespace.events("echo"),
        lambda events: wanted in {reason for _, reason, _ in events},
        within=15,
        what=f"an Event {wanted}",
    )


def _written(team: Team, control_plane: ControlPlane, offset: int) -> list[str]:
    """What the operator wrote to the test's resources, in order."""
    return [
        event.resource
        for event in read_audit_log(control_plane.audit_log, offset)
        if event.user == OPERATOR and event.namespace == team.namespace.name and event.verb in ("patch", "update")
        if event.resource.startswith("functiondeployments")
    ]


def _mine(team: Team) -> list[dict[str, Any]]:
    return [item for item in team.simulator.allocations() if item["functionVersionId"] == team.version]
