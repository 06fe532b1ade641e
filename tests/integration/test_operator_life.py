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
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

GPU = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
OPERATOR = "system:serviceaccount:nvcf-operator-system:nvcf-operator"


def test_a_manifest_becomes_ready_by_one_post_and_four_writes(tenant: Tenant, control_plane: ControlPlane) -> None:
    start, began = control_plane.audit_log.stat().st_size, time.monotonic()
    tenant.namespace.apply(tenant.manifest())
    found = tenant.namespace.wait_for("echo")
    status = found["status"]
    assert (status["phase"], status["functionStatus"], status["instances"]) == ("Active", "ACTIVE", "1-2")
    assert status["deploymentId"] == tenant.simulator.deployments()[tenant.version]["deploymentId"]
    assert tenant.writes() == [("createDeployment", 200)]
    # On a slow machine it deploys for longer than the poll interval, after which it is read again for its health.
    assert len(tenant.asked("getDeployment")) <= 1 + int((time.monotonic() - began) / FAST["poll_interval"])
    posted = tenant.asked("createDeployment")[0]
    assert posted["body"] == {"deploymentSpecifications": [GPU]}
    events = {(kind, reason) for kind, reason, _ in _events(tenant, "Active")}
    assert events == {("Normal", "Created"), ("Normal", "Active")}
    assert _written(tenant, control_plane, start) == ["functiondeployments"] + 3 * ["functiondeployments/status"]


def test_converged_is_silent(tenant: Tenant, control_plane: ControlPlane, operator: Operator) -> None:
    tenant.namespace.apply(tenant.manifest())
    found = tenant.namespace.wait_for("echo")
    _events(tenant, "Active")  # after which the audit log has the last write
    start, cursor = control_plane.audit_log.stat().st_size, tenant.simulator.cursor
    polls = operator.metric("nvcf_operator_polls_total")
    eventually(
        lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= polls + 3, within=20, what="three polls"
    )
    assert [w for w in tenant.simulator.log(cursor, functionVersionId=tenant.version) if w["mutating"]] == []
    assert tenant.namespace.get("echo")["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
    assert _written(tenant, control_plane, start) == []


def test_a_new_maximum_is_one_patch_with_both_numbers(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.namespace.scale("echo", maxInstances=5)
    found = tenant.namespace.wait_for("echo")
    assert found["status"]["instances"] == "1-5"
    assert tenant.writes() == [("createDeployment", 200), ("updateGpuSpecification", 200)]
    deployment = found["status"]["deploymentId"]
    patched = [
        e for e in tenant.simulator.log(tenant.cursor) if e["deploymentId"] == deployment and e["method"] == "PATCH"
    ]
    assert [entry["body"] for entry in patched] == [{"minInstances": 1, "maxInstances": 5}]


def test_concurrency_and_maximum_go_in_one_put(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(gpu={"maxRequestConcurrency": 2}))
    tenant.namespace.wait_for("echo")
    tenant.namespace.scale("echo", maxRequestConcurrency=8, maxInstances=3)
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [("createDeployment", 200), ("updateDeployment", 200)]
    (specification,) = tenant.simulator.deployments()[tenant.version]["deploymentSpecifications"]
    assert (specification["maxRequestConcurrency"], specification["maxInstances"]) == (8, 3)


def test_a_raised_minimum_is_progress_until_the_instances_run(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.instance_behaviour(tenant.version, supply=False)
    tenant.namespace.scale("echo", minInstances=2)
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason="ScalingUp")
    tenant.simulator.instance_behaviour(tenant.version, supply=True)
    tenant.simulator.serve(tenant.version)
    found = tenant.namespace.wait_for("echo")
    assert condition_of(found, "Reconciling")["status"] == "False"
    assert len(tenant.simulator.allocations()) >= 2


def test_what_nvcf_cannot_change_in_place_is_refused_and_nothing_touched(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.namespace.scale("echo", instanceType="NCP.GPU.H100_1x", gpu="H100")
    found = tenant.namespace.wait_for("echo", "Stalled", reason="ImmutableFieldChanged")
    assert "deploymentSpecifications[0].gpu: manifest H100, deployed L40S" in condition_of(found, "Stalled")["message"]
    assert condition_of(found, "Available")["status"] == "True"
    tenant.namespace.scale("echo", instanceType="NCP.GPU.L40S_1x", gpu="L40S")
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [("createDeployment", 200)]


def test_deletion_drains_and_then_lets_the_resource_go(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.change(tenant.version, queueDepth=2)
    tenant.namespace.delete("echo")
    tenant.namespace.wait_until("echo", lambda found: found["status"]["phase"] == "Draining", what="Draining")
    assert FINALIZER in tenant.namespace.get("echo")["metadata"]["finalizers"]
    (deleted,) = tenant.asked("deleteDeployment")
    assert deleted["query"] == "graceful=true"
    tenant.simulator.change(tenant.version, queueDepth=0)
    tenant.namespace.wait_gone("echo")
    assert _mine(tenant) == []


def test_an_overdue_drain_is_forced(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(undeploy={"drainTimeoutSeconds": 2}))
    tenant.namespace.wait_for("echo")
    tenant.simulator.change(tenant.version, queueDepth=2)
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert [entry["query"] for entry in tenant.asked("deleteDeployment")] == ["graceful=true", "graceful=false"]
    assert _mine(tenant) == []


def test_retain_leaves_the_deployment_and_needs_no_finalizer(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(deletionPolicy="Retain"))
    found = tenant.namespace.wait_for("echo")
    assert "finalizers" not in found["metadata"]
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert tenant.writes() == [("createDeployment", 200)]
    assert tenant.version in tenant.simulator.deployments()


def test_what_is_deployed_already_is_adopted_without_a_write(tenant: Tenant) -> None:
    tenant.simulator.deploy(tenant.version, GPU)
    tenant.namespace.apply(tenant.manifest())
    found = tenant.namespace.wait_for("echo")
    assert FINALIZER in found["metadata"]["finalizers"]
    assert found["status"]["deploymentId"] == tenant.simulator.deployments()[tenant.version]["deploymentId"]
    assert tenant.writes() == []
    assert ("Normal", "Adopted") in {(kind, reason) for kind, reason, _ in _events(tenant, "Adopted")}


def test_adoption_refused_touches_nothing(tenant: Tenant) -> None:
    tenant.simulator.deploy(tenant.version, GPU)
    tenant.namespace.apply(tenant.manifest(adoptionPolicy="Refuse"))
    found = tenant.namespace.wait_for("echo", "Stalled", reason="AlreadyDeployed")
    assert "finalizers" not in found["metadata"]
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert tenant.writes() == []
    assert tenant.version in tenant.simulator.deployments()


def test_undeployed_outside_is_deployed_again_after_the_settle(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.undeploy(tenant.version)
    tenant.namespace.wait_for("echo", "Ready", "False", reason="Settling")
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [("createDeployment", 200), ("createDeployment", 200)]
    missing = [e for e in tenant.asked("getDeployment") if e["status"] == 404][1:]
    second = tenant.asked("createDeployment")[1]
    assert second["started"] - missing[0]["started"] >= 3.0
    assert any(reason == "Drift" for _, reason, _ in _events(tenant, "Drift"))


def test_scaled_outside_is_mended_by_reconcile_now(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.scale(tenant.version, maxInstances=9)
    tenant.namespace.annotate("echo", reconcile_requested_at="one")
    tenant.namespace.wait_until(
        "echo", lambda found: found["status"].get("lastHandledReconcileAt") == "one", what="the answer"
    )
    (specification,) = tenant.simulator.deployments()[tenant.version]["deploymentSpecifications"]
    assert specification["maxInstances"] == 2


def test_suspended_is_shown_and_not_written_and_still_deletes(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(suspend=True))
    tenant.namespace.wait_for("echo", "Ready", "False", reason="Suspended")
    assert tenant.writes() == []
    tenant.namespace.edit("echo", suspend=False)
    tenant.namespace.wait_for("echo")
    tenant.namespace.annotate("echo", paused="true")
    tenant.namespace.scale("echo", maxInstances=7)
    tenant.namespace.wait_for("echo", "Ready", "False", reason="Suspended")
    assert tenant.writes() == [("createDeployment", 200)]
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert _mine(tenant) == []


def test_observe_never_writes(tenant: Tenant) -> None:
    tenant.simulator.deploy(tenant.version, GPU)
    tenant.namespace.apply(tenant.manifest(managementPolicy="Observe", gpu={"maxInstances": 8}))
    tenant.namespace.wait_for("echo", "Ready", "False", reason="Observing")
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert tenant.writes() == []


@pytest.mark.parametrize("silent", [{"managementPolicy": "Observe"}, {"suspend": True}], ids=["Observe", "suspend"])
def test_what_is_only_shown_is_followed_by_polls(tenant: Tenant, silent: dict[str, Any]) -> None:
    def shows(status: str | None) -> None:
        what = f"functionStatus {status}"
        tenant.namespace.wait_until("echo", lambda found: found["status"].get("functionStatus") == status, what=what)

    tenant.namespace.apply(tenant.manifest(**silent))
    tenant.namespace.wait_for("echo", "Ready", "False")
    tenant.simulator.deploy(tenant.version, GPU)
    shows("ACTIVE")
    tenant.namespace.wait_for("echo")
    tenant.simulator.instance_behaviour(tenant.version, supply=False)
    tenant.simulator.lose(tenant.version)
    shows("DEGRADED")
    tenant.simulator.undeploy(tenant.version)
    shows(None)
    tenant.namespace.wait_for("echo", "Available", "False")
    assert tenant.writes() == []


def test_observe_shows_what_another_resource_holds(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest("holder"))
    tenant.namespace.wait_for("holder")
    tenant.namespace.apply(tenant.manifest("observer", managementPolicy="Observe"))
    tenant.namespace.wait_for("observer", "Ready", "True", reason="Observing")
    assert tenant.writes() == [("createDeployment", 200)]


def test_a_second_resource_on_one_version_waits_for_the_first(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest("first"))
    tenant.namespace.wait_for("first")
    tenant.namespace.apply(tenant.manifest("second"))
    found = tenant.namespace.wait_for("second", "Stalled", reason="Conflict")
    assert f"{tenant.namespace.name}/first" in condition_of(found, "Stalled")["message"]
    assert tenant.writes() == [("createDeployment", 200)]


def test_error_is_shown_with_the_reason_that_nvcf_gives(tenant: Tenant) -> None:
    tenant.simulator.instance_behaviour(tenant.version, outcome="fail", error="image pull failed: no such tag")
    tenant.namespace.apply(tenant.manifest())
    found = tenant.namespace.wait_for("echo", "Reconciling", reason="DeploymentFailed")
    assert "image pull failed: no such tag" in condition_of(found, "Ready")["message"]
    assert found["status"]["health"] == ["image pull failed: no such tag"]
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")


def test_degraded_is_shown_and_heals_without_a_write(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.instance_behaviour(tenant.version, supply=False)
    tenant.simulator.lose(tenant.version)
    found = tenant.namespace.wait_for("echo", "Ready", "False", reason="Degraded")
    assert condition_of(found, "Available")["status"] == "False"
    tenant.simulator.instance_behaviour(tenant.version, supply=True)
    tenant.simulator.serve(tenant.version)
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [("createDeployment", 200)]


def test_a_deployment_that_never_comes_up_is_reported_after_its_deadline(tenant: Tenant) -> None:
    tenant.simulator.instance_behaviour(tenant.version, supply=False)
    tenant.namespace.apply(tenant.manifest(rollout={"progressDeadlineSeconds": 2}))
    found = tenant.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
    assert "rollout.progressDeadlineSeconds (2)" in condition_of(found, "Stalled")["message"]
    assert tenant.version in tenant.simulator.deployments()


def test_an_undone_patch_is_made_again(tenant: Tenant) -> None:
    tenant.simulator.instance_behaviour(tenant.version, supply=False)
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason="Deploying")
    tenant.simulator.behave(races={"undonePatch": 1})
    tenant.namespace.scale("echo", maxInstances=6)
    eventually(
        lambda: tenant.writes().count(("updateGpuSpecification", 200)), lambda n: n == 2, within=20, what="a second"
    )
    (specification,) = tenant.simulator.deployments()[tenant.version]["deploymentSpecifications"]
    assert specification["maxInstances"] == 6


def test_every_status_that_was_written_keeps_the_rules(tenant: Tenant, control_plane: ControlPlane) -> None:
    statuses = Statuses(control_plane.audit_log, control_plane.audit_log.stat().st_size)
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.namespace.scale("echo", maxInstances=5)
    found = tenant.namespace.wait_for("echo")
    assert kstatus(found) == "Current"
    wrong: list[str] = []

    def checked() -> int:
        wrong.extend(statuses.wrong(namespace=tenant.namespace.name))
        return statuses.checked

    eventually(checked, lambda number: number >= 3, within=15, what="the statuses that were written are seen")
    assert wrong == []


def _events(tenant: Tenant, wanted: str) -> list[tuple[str, str, str]]:
    return eventually(
        lambda: tenant.namespace.events("echo"),
        lambda events: wanted in {reason for _, reason, _ in events},
        within=15,
        what=f"an Event {wanted}",
    )


def _written(tenant: Tenant, control_plane: ControlPlane, offset: int) -> list[str]:
    """What the operator wrote to the test's resources, in order."""
    return [
        event.resource
        for event in read_audit_log(control_plane.audit_log, offset)
        if event.user == OPERATOR and event.namespace == tenant.namespace.name and event.verb in ("patch", "update")
        if event.resource.startswith("functiondeployments")
    ]


def _mine(tenant: Tenant) -> list[dict[str, Any]]:
    return [item for item in tenant.simulator.allocations() if item["functionVersionId"] == tenant.version]
