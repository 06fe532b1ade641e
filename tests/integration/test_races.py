"""The races of the server (docs/races.md), each provoked by its switch, met by the running operator."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from nvcf_operator.reconcile.ports import BELIEF
from tests.chaos import oracle
from tests.support.cluster import RESOURCE, condition_of
from tests.support.process import Operator
from tests.support.simulator import Simulator
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

CREATE_SETTLE, REDEPLOY_SETTLE = 6.0, 6.0
"""Seconds; longer than a busy machine delays the simulator, or a test that observes what happens meanwhile."""

GPU = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
CREATED, PATCHED = ("createDeployment", 200), ("updateGpuSpecification", 200)


@pytest.fixture(scope="module")
def operator(
    operator_identity: Path, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """An operator with these settles."""
    settles: dict[str, Any] = {"create_settle_seconds": CREATE_SETTLE, "redeploy_settle_seconds": REDEPLOY_SETTLE}
    log = tmp_path_factory.mktemp("races") / "operator.log"
    with Operator.start(operator_identity, simulator.url, log, **settles) as running:
        yield running
        assert running.running, f"the operator has ended: {running.output()[-3000:]}"


@pytest.fixture
def tenant(tenant: Tenant) -> Iterator[Tenant]:
    """A tenant whose simulator is without races again after the test."""
    plain = {"slowPost": 0, "slowPatch": 0, "slowLoop": 0, "writeGap": 0, "undonePatch": 0, "returningRow": 0}
    caches = {"lateHealthInfo": 0, "publicCache": 0, "catalogueCache": 0, "keyCache": 0}
    yield tenant
    tenant.simulator.behave(races={**plain, **caches}, dependencies={}, loop=True, period=0.2)
    tenant.simulator.clear_faults()
    tenant.simulator.hide()


def violations(tenant: Tenant) -> list[str]:
    """What the oracle finds wrong."""
    log = tenant.simulator.log(functionVersionId=tenant.version)
    hasty = oracle.hasty_posts(log, create_settle=CREATE_SETTLE, redeploy_settle=REDEPLOY_SETTLE)
    return hasty + oracle.two_writers(log) + lost(tenant)


def lost(tenant: Tenant) -> list[str]:
    """Instances of the version that run although no deployment has them."""
    leaked = tenant.simulator.leaked()
    return [item["instanceId"] for item in leaked if item["functionVersionId"] == tenant.version]


def maximum(tenant: Tenant) -> int:
    """The maximum that NVCF holds."""
    return int(tenant.simulator.deployments()[tenant.version]["deploymentSpecifications"][0]["maxInstances"])


def in_flight(tenant: Tenant, operation: str) -> Any:
    """Wait until a request of that operation is being carried out."""
    return eventually(
        lambda: tenant.simulator.log(functionVersionId=tenant.version, operation=operation, inFlight=True),
        bool,
        within=20,
        what=f"{operation} under way",
    )


# Race 1: POSTs at once all succeed, and only the last one's instances are known.


def test_two_manifests_of_one_version_make_one_post(tenant: Tenant) -> None:
    tenant.simulator.behave(races={"slowPost": 1.0})
    tenant.namespace.apply(tenant.manifest("first"), tenant.manifest("second"))
    named = tenant.namespace
    eventually(
        lambda: {name: condition_of(named.get(name), "Ready").get("reason") for name in ("first", "second")},
        lambda reasons: sorted(map(str, reasons.values())) == ["Active", "Conflict"],
        within=30,
        what="one is Active, the other in Conflict",
    )
    assert tenant.writes() == [CREATED]
    assert violations(tenant) == []


# Race 2: a POST goes on although its answer is lost, and nothing of it is seen meanwhile.


@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 504}], ids=["reset", "504"])
def test_no_second_post_while_the_first_may_run(tenant: Tenant, fault: dict[str, Any]) -> None:
    tenant.simulator.behave(races={"slowPost": 3.0})
    cut = {"operation": "createDeployment", "functionVersionId": tenant.version, "when": "during", "delay": 0.1}
    tenant.simulator.fault(**cut, **fault)
    tenant.namespace.apply(tenant.manifest())
    found = tenant.namespace.wait_for("echo", "Reconciling", reason="AwaitingAnswer")
    assert "nvcf-operator.io/undeploy" in found["metadata"]["finalizers"]
    tenant.namespace.wait_for("echo")
    assert len(tenant.asked("createDeployment")) == 1
    assert violations(tenant) == []


def test_a_deletion_waits_for_the_post_whose_answer_was_lost(tenant: Tenant) -> None:
    tenant.simulator.behave(races={"slowPost": 3.0})
    cut = {"operation": "createDeployment", "functionVersionId": tenant.version, "when": "during", "delay": 0.1}
    tenant.simulator.fault(**cut, reset=True)
    tenant.namespace.apply(tenant.manifest())
    in_flight(tenant, "createDeployment")
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo", within=60)
    assert [operation for operation, _ in tenant.writes()] == ["createDeployment", "deleteDeployment"]
    assert tenant.version not in tenant.simulator.deployments()
    assert lost(tenant) == []


# Race 3: the server's loop writes back what it has read, and a PATCH that was answered is undone.


def deploy_slowly(tenant: Tenant) -> None:
    """Have a deployment that stays DEPLOYING with one specification that fails, and a loop that stands still."""
    tenant.simulator.behave(loop=False)
    tenant.simulator.instance_behaviour(tenant.version, fates={"NCP.GPU.L40S_1x": "wait", "NCP.GPU.H100_1x": "fail"})
    body = tenant.manifest(rollout={"progressDeadlineSeconds": 600})
    body["spec"]["deploymentSpecifications"].append({**GPU, "gpu": "H100", "instanceType": "NCP.GPU.H100_1x"})
    tenant.namespace.apply(body)
    tenant.namespace.wait_for("echo", "Reconciling", reason="Deploying")


def test_a_patch_undone_by_the_servers_loop_is_made_again(tenant: Tenant) -> None:
    deploy_slowly(tenant)
    spec = tenant.namespace.get("echo")["spec"]["deploymentSpecifications"]
    eventually(lambda: _failed(tenant), bool, within=20, what="an instance has failed")
    # Longer than the edit takes, and over before the PATCH is read back.
    tenant.simulator.behave(races={"slowLoop": 5.0})
    with ThreadPoolExecutor(1) as pool:
        server_pass = pool.submit(tenant.simulator.run_pass)
        # By kubectl itself, which starts for longer than the loop's pass takes to begin.
        edit = {"spec": {"deploymentSpecifications": [{**spec[0], "maxInstances": 6}, spec[1]]}}
        here = ("-n", tenant.namespace.name)
        tenant.namespace.plane.kubectl(*here, "patch", RESOURCE, "echo", "--type=merge", "-p", json.dumps(edit))
        eventually(tenant.writes, lambda writes: PATCHED in writes, within=20, what="the PATCH")
        assert not server_pass.done(), "the PATCH came too late for this pass of the loop"
        server_pass.result()
    tenant.simulator.behave(races={"slowLoop": 0})
    eventually(lambda: _maxima(tenant), lambda seen: seen == {2, 6}, within=20, what="it is made again")
    assert tenant.writes() == [CREATED, PATCHED, PATCHED]


def _failed(tenant: Tenant) -> list[Any]:
    ended = tenant.simulator.allocations(alive=False)
    return [item for item in ended if item["functionVersionId"] == tenant.version and item["state"] == "failed"]


def _maxima(tenant: Tenant) -> set[int]:
    deployment = tenant.simulator.deployments()[tenant.version]
    return {item["maxInstances"] for item in deployment["deploymentSpecifications"]}


# Races 4 and 5: after DELETE the row comes back, and would overwrite a new one.


def test_no_post_into_a_row_that_comes_back(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.behave(loop=False, races={"returningRow": 1})
    cursor = tenant.simulator.cursor
    tenant.simulator.undeploy(tenant.version)
    eventually(
        lambda: [e for e in tenant.asked("getDeployment") if e["id"] > cursor and e["status"] == 404],
        bool,
        within=20,
        what="it is missed",
    )
    # The queue keeps the row from being cleared away by the pass that brings it back.
    tenant.simulator.change(tenant.version, queueDepth=1)
    tenant.simulator.run_pass()
    tenant.namespace.wait_for("echo", "Reconciling", reason="Draining")
    tenant.simulator.change(tenant.version, queueDepth=0)
    tenant.simulator.run_pass()
    tenant.simulator.behave(loop=True)
    tenant.namespace.wait_for("echo")
    back = [entry for entry in tenant.asked("getDeployment") if entry["status"] == 200][-2:]
    assert tenant.writes() == [CREATED, CREATED], "and none was refused"
    missing = [e for e in tenant.asked("getDeployment") if e["status"] == 404 and e["started"] > back[0]["started"]]
    assert tenant.asked("createDeployment")[1]["started"] - missing[0]["started"] >= REDEPLOY_SETTLE
    assert violations(tenant) == []


def test_a_recreated_resource_does_not_post_into_the_old_row(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    # A POST within the 1.5 s before the loop's next pass would be overwritten by it.
    tenant.simulator.behave(loop=False, races={"returningRow": 1})
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", "Reconciling", reason="Settling")
    tenant.simulator.behave(loop=True)
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [CREATED, ("deleteDeployment", 200), CREATED]
    assert violations(tenant) == []


def test_a_deletion_leaves_nothing_although_the_row_comes_back(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.behave(races={"returningRow": 1})
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    eventually(tenant.simulator.deployments, lambda rows: tenant.version not in rows, within=10, what="the row is gone")
    assert lost(tenant) == []


# Race 6: writes of one deployment at once lose updates.


def test_one_write_at_a_time_per_deployment(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(gpu={"maxRequestConcurrency": 2}))
    tenant.namespace.wait_for("echo")
    tenant.simulator.behave(races={"slowPatch": 3.0})
    tenant.namespace.scale("echo", maxInstances=4)
    in_flight(tenant, "updateGpuSpecification")
    tenant.namespace.scale("echo", maxInstances=5, maxRequestConcurrency=3)
    in_flight(tenant, "updateDeployment")
    tenant.namespace.scale("echo", maxInstances=6)
    tenant.namespace.wait_for("echo", within=60)
    (specification,) = tenant.simulator.deployments()[tenant.version]["deploymentSpecifications"]
    assert (specification["maxInstances"], specification["maxRequestConcurrency"]) == (6, 3)
    assert len(tenant.writes()) >= 3
    assert oracle.two_writers(tenant.simulator.log(functionVersionId=tenant.version)) == []


# Race 7: what the server cannot read or undo is answered as done, or as failed.


def test_a_failed_read_of_the_allocator_is_waited_out_without_a_write(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.depend(tenant.version, instances={"status": 503})
    tenant.simulator.change(tenant.version, olderByDays=0)
    tenant.namespace.wait_for("echo", "Ready", "False", reason="Degraded")
    tenant.simulator.depend(tenant.version)
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [CREATED]


def test_an_error_by_a_failed_read_of_the_allocator_is_redeployed(tenant: Tenant) -> None:
    tenant.simulator.instance_behaviour(tenant.version, outcome="wait")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", "Reconciling", reason="Deploying")
    tenant.simulator.depend(tenant.version, instances={"status": 503})
    tenant.simulator.change(tenant.version, olderByDays=0)
    tenant.namespace.wait_for("echo", "Reconciling", reason="DeploymentFailed")
    tenant.simulator.depend(tenant.version)
    tenant.simulator.instance_behaviour(tenant.version, outcome="run")
    tenant.namespace.annotate("echo", reconcile_requested_at="now")  # else the next attempt is a minute away
    tenant.namespace.wait_for("echo", within=40)
    assert tenant.writes() == [CREATED, ("deleteDeployment", 200), CREATED]
    assert violations(tenant) == []


def test_a_delete_that_was_answered_and_not_carried_out_is_asked_for_again(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    answer = '{"function": {"id": "%s", "versionId": "%s", "ncaId": "acme", "name": "echo", "status": "INACTIVE"}}'
    tenant.simulator.fault(
        operation="deleteDeployment",
        functionVersionId=tenant.version,
        count=1,
        status=200,
        body=answer % (tenant.function, tenant.version),
    )
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo", within=40)
    assert tenant.writes() == [CREATED, ("deleteDeployment", 200), ("deleteDeployment", 200)]
    assert tenant.version not in tenant.simulator.deployments()
    assert lost(tenant) == []


@pytest.mark.parametrize("broken", ["allocator", "queue"])
def test_a_deletion_ends_while_what_nvcf_leans_on_fails(tenant: Tenant, broken: str) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.depend(tenant.version, **{broken: {"status": 503}})
    tenant.simulator.change(tenant.version, queueDepth=5 if broken == "queue" else 0)
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert tenant.writes() == [CREATED, ("deleteDeployment", 200)]
    # What NVCF leaves running then is in none of its answers.
    assert bool(lost(tenant)) == (broken == "allocator")


def age_of_list(tenant: Tenant) -> float:
    """Seconds since the operator last got the account's list."""
    lists = tenant.simulator.log(operation="listFunctions", status=200)
    return time.monotonic() - max((entry["started"] for entry in lists), default=0.0)


@pytest.mark.parametrize("broken", ["keys", "artifacts"])
def test_a_dependencys_404_creates_nothing_and_ends_nothing(tenant: Tenant, broken: str) -> None:
    tenant.simulator.behave(dependencies={broken: {"status": 404}})
    if broken == "keys":  # a list from before, for another test, would be believed for so long
        eventually(lambda: age_of_list(tenant), lambda age: age > BELIEF, within=30, what="the last list is too old")
    tenant.namespace.apply(tenant.manifest())
    if broken == "keys":
        tenant.namespace.wait_for("echo", "Ready", "False")
        assert tenant.writes() == []
        assert "finalizers" not in tenant.namespace.get("echo")["metadata"]
    else:
        tenant.namespace.wait_for("echo", "Ready", "False", reason="Rejected")
        assert {status for _, status in tenant.writes()} == {404}
    tenant.simulator.behave(dependencies={})
    tenant.namespace.annotate("echo", reconcile_requested_at="now")
    tenant.namespace.wait_for("echo", within=60)
    assert [write for write in tenant.writes() if write == CREATED] == [CREATED]
    assert lost(tenant) == []


# Race 8: the server remembers bad answers, so a 400 is not for ever.


def test_a_catalogue_that_was_wrong_is_tried_again(tenant: Tenant) -> None:
    tenant.simulator.behave(races={"catalogueCache": 900})
    tenant.simulator.jump(1000)
    tenant.simulator.hide("L40S")
    tenant.namespace.apply(tenant.manifest())
    found = tenant.namespace.wait_for("echo", "Stalled", reason="Rejected")
    assert "L40S" in condition_of(found, "Stalled")["message"]
    tenant.simulator.hide()
    tenant.namespace.annotate("echo", reconcile_requested_at="early")
    eventually(tenant.writes, lambda writes: len(writes) >= 2, within=20, what="a second try, of the cache again")
    tenant.simulator.jump(1000)
    tenant.namespace.annotate("echo", reconcile_requested_at="late")
    tenant.namespace.wait_for("echo")
    *refused, last = tenant.writes()
    assert set(refused) == {("createDeployment", 400)}
    assert last == CREATED


def test_a_deletion_refused_for_a_public_function_is_tried_again(tenant: Tenant) -> None:
    tenant.simulator.behave(races={"publicCache": 180})
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.change(tenant.version, public=True)
    tenant.simulator.jump(200)
    tenant.namespace.delete("echo")
    tenant.namespace.wait_until(
        "echo", lambda found: condition_of(found, "DeletionBlocked").get("status") == "True", what="it is reported"
    )
    tenant.simulator.change(tenant.version, public=False)
    asked = len(tenant.asked("deleteDeployment"))
    eventually(
        lambda: len(tenant.asked("deleteDeployment")), lambda n: n > asked, within=20, what="a try, of the cache"
    )
    assert tenant.asked("deleteDeployment")[-1]["status"] == 400
    tenant.simulator.jump(200)
    tenant.namespace.wait_gone("echo", within=60)
    assert tenant.version not in tenant.simulator.deployments()


def test_a_key_that_is_remembered_works_on_and_is_reported_when_it_does_not(tenant: Tenant) -> None:
    tenant.simulator.add_key("remembered", "nvapi-remembered")
    tenant.namespace.secret("nvapi-remembered")
    tenant.simulator.behave(races={"keyCache": 60})
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.change_key("remembered", revoked=True)
    tenant.namespace.scale("echo", maxInstances=4)
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [CREATED, PATCHED]
    tenant.simulator.jump(100)
    tenant.namespace.wait_for("echo", "CredentialsValid", "False", reason="Unauthorized")
    assert tenant.writes() == [CREATED, PATCHED]


def test_an_error_is_reported_with_the_reason_that_comes_after_it(tenant: Tenant) -> None:
    tenant.simulator.behave(races={"lateHealthInfo": 1.0})
    tenant.simulator.instance_behaviour(tenant.version, outcome="fail", error="image pull failed")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_until("echo", lambda found: found["status"].get("functionStatus") == "ERROR", what="ERROR")
    tenant.namespace.wait_until(
        "echo", lambda found: found["status"].get("health") == ["image pull failed"], what="the reason"
    )


# Race 9: a deployment that was DEPLOYING for more than 7 days and fails is removed by the server.


def test_a_deployment_that_the_server_removed_is_deployed_again(tenant: Tenant) -> None:
    tenant.simulator.instance_behaviour(tenant.version, outcome="wait")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", "Reconciling", reason="Deploying")
    tenant.simulator.behave(loop=False)
    tenant.simulator.change(tenant.version, olderByDays=8)
    tenant.simulator.instance_behaviour(tenant.version, outcome="fail", deploySeconds=0)
    eventually(lambda: _rows(tenant), lambda rows: tenant.version not in rows, within=20, what="the server removes it")
    tenant.simulator.instance_behaviour(tenant.version, outcome="run")
    tenant.simulator.behave(loop=True)
    tenant.namespace.wait_for("echo", within=120)  # a minute where the operator has seen the ERROR before it went
    assert tenant.writes() == [CREATED, CREATED]
    assert violations(tenant) == []


def _rows(tenant: Tenant) -> Any:
    tenant.simulator.run_pass()
    return tenant.simulator.deployments()
