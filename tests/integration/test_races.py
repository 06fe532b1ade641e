"""The races of the server (docs/races.md), each provoked by its switch, met by the running operator."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import oracle
from tests.support.cluster import condition_of
from tests.support.process import Operator
from tests.support.simulator import Simulator
from tests.support.team import Team
from tests.support.waiting import eventually

CREATE_SETTLE, REDEPLOY_SETTLE = 6.0, 6.0
"""Seconds; longer than a busy machine delays the simulator, or a test that looks at what happens meanwhile."""

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
def team(team: Team) -> Iterator[Team]:
    """A team whose simulator is without races again after the test."""
    plain = {"slowPost": 0, "slowPatch": 0, "slowLoop": 0, "writeGap": 0, "undonePatch": 0, "returningRow": 0}
    caches = {"lateHealthInfo": 0, "publicCache": 0, "catalogueCache": 0, "keyCache": 0}
    yield team
    team.simulator.behave(races={**plain, **caches}, dependencies={}, loop=True, period=0.2)
    team.simulator.clear_faults()
    team.simulator.hide()


def violations(team: Team) -> list[str]:
    """What the oracle finds wrong."""
    log = team.simulator.log(functionVersionId=team.version)
    hasty = oracle.hasty_posts(log, create_settle=CREATE_SETTLE, redeploy_settle=REDEPLOY_SETTLE)
    return hasty + oracle.two_writers(log) + lost(team)


def lost(team: Team) -> list[str]:
    """Instances of the version that run although no deployment has them."""
    leaked = team.simulator.leaked()
    return [item["instanceId"] for item in leaked if item["functionVersionId"] == team.version]


def maximum(team: Team) -> int:
    """The maximum that NVCF holds."""
    return int(team.simulator.deployments()[team.version]["deploymentSpecifications"][0]["maxInstances"])


def in_flight(team: Team, operation: str) -> Any:
    """Wait until a request of that operation is being carried out."""
    return eventually(
        lambda: team.simulator.log(functionVersionId=team.version, operation=operation, inFlight=True),
        bool,
        within=20,
        what=f"{operation} under way",
    )


# Race 1: POSTs at once all succeed, and only the last one's instances are known.


def test_two_manifests_of_one_version_make_one_post(team: Team) -> None:
    team.simulator.behave(races={"slowPost": 1.0})
    team.namespace.apply(team.manifest("first"), team.manifest("second"))
    named = team.namespace
    eventually(
        lambda: {name: condition_of(named.get(name), "Ready").get("reason") for name in ("first", "second")},
        lambda reasons: sorted(map(str, reasons.values())) == ["Active", "Conflict"],
        within=30,
        what="one is Active, the other in Conflict",
    )
    assert team.writes() == [CREATED]
    assert violations(team) == []


# Race 2: a POST goes on although its answer is lost, and nothing of it is seen meanwhile.


@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 504}], ids=["reset", "504"])
def test_no_second_post_while_the_first_may_run(team: Team, fault: dict[str, Any]) -> None:
    team.simulator.behave(races={"slowPost": 3.0})
    cut = {"operation": "createDeployment", "functionVersionId": team.version, "when": "during", "delay": 0.1}
    team.simulator.fault(**cut, **fault)
    team.namespace.apply(team.manifest())
    found = team.namespace.wait_for("echo", "Reconciling", reason="AwaitingAnswer")
    assert "nvcf-operator.io/undeploy" in found["metadata"]["finalizers"]
    team.namespace.wait_for("echo")
    assert len(team.asked("createDeployment")) == 1
    assert violations(team) == []


def test_a_deletion_waits_for_the_post_whose_answer_was_lost(team: Team) -> None:
    team.simulator.behave(races={"slowPost": 3.0})
    cut = {"operation": "createDeployment", "functionVersionId": team.version, "when": "during", "delay": 0.1}
    team.simulator.fault(**cut, reset=True)
    team.namespace.apply(team.manifest())
    in_flight(team, "createDeployment")
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo", within=60)
    assert [operation for operation, _ in team.writes()] == ["createDeployment", "deleteDeployment"]
    assert team.version not in team.simulator.deployments()
    assert lost(team) == []


# Race 3: the server's loop writes back what it has read, and a PATCH that was answered is undone.


def deploy_slowly(team: Team) -> None:
    """Have a deployment that stays DEPLOYING with one specification that fails, and a loop that stands still."""
    team.simulator.behave(loop=False)
    team.simulator.instance_behaviour(team.version, outcomes={"NCP.GPU.L40S_1x": "wait", "NCP.GPU.H100_1x": "fail"})
    body = team.manifest(rollout={"progressDeadlineSeconds": 600})
    body["spec"]["deploymentSpecifications"].append({**GPU, "gpu": "H100", "instanceType": "NCP.GPU.H100_1x"})
    team.namespace.apply(body)
    team.namespace.wait_for("echo", "Reconciling", reason="Deploying")


def test_a_patch_undone_by_the_servers_loop_is_made_again(team: Team) -> None:
    deploy_slowly(team)
    spec = team.namespace.get("echo")["spec"]["deploymentSpecifications"]
    eventually(lambda: _failed(team), bool, within=20, what="an instance has failed")
    # Longer than the edit takes, and over before the PATCH is read back.
    team.simulator.behave(races={"slowLoop": 5.0})
    with ThreadPoolExecutor(1) as pool:
        look = pool.submit(team.simulator.run_pass)
        team.namespace.edit("echo", deploymentSpecifications=[{**spec[0], "maxInstances": 6}, spec[1]])
        eventually(team.writes, lambda writes: PATCHED in writes, within=20, what="the PATCH")
        assert not look.done(), "the PATCH came too late for this look of the loop"
        look.result()
    team.simulator.behave(races={"slowLoop": 0})
    eventually(lambda: _maxima(team), lambda seen: seen == {2, 6}, within=20, what="it is made again")
    assert team.writes() == [CREATED, PATCHED, PATCHED]


def _failed(team: Team) -> list[Any]:
    ended = team.simulator.allocations(alive=False)
    return [item for item in ended if item["functionVersionId"] == team.version and item["state"] == "failed"]


def _maxima(team: Team) -> set[int]:
    deployment = team.simulator.deployments()[team.version]
    return {item["maxInstances"] for item in deployment["deploymentSpecifications"]}


# Races 4 and 5: after DELETE the row comes back, and would overwrite a new one.


def test_no_post_into_a_row_that_comes_back(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.behave(loop=False, races={"returningRow": 1})
    cursor = team.simulator.cursor
    team.simulator.undeploy(team.version)
    eventually(
        lambda: [e for e in team.asked("getDeployment") if e["id"] > cursor and e["status"] == 404],
        bool,
        within=20,
        what="it is missed",
    )
    # The queue keeps the row from being cleared away by the look that brings it back.
    team.simulator.change(team.version, queueDepth=1)
    team.simulator.run_pass()
    team.namespace.wait_for("echo", "Reconciling", reason="Draining")
    team.simulator.change(team.version, queueDepth=0)
    team.simulator.run_pass()
    team.simulator.behave(loop=True)
    team.namespace.wait_for("echo")
    back = [entry for entry in team.asked("getDeployment") if entry["status"] == 200][-2:]
    assert team.writes() == [CREATED, CREATED], "and none was refused"
    missing = [e for e in team.asked("getDeployment") if e["status"] == 404 and e["started"] > back[0]["started"]]
    assert team.asked("createDeployment")[1]["started"] - missing[0]["started"] >= REDEPLOY_SETTLE
    assert violations(team) == []


def test_a_resource_made_anew_does_not_post_into_the_old_row(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    # A POST within the 1.5 s before the loop's next look would be overwritten by it.
    team.simulator.behave(loop=False, races={"returningRow": 1})
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo", "Reconciling", reason="Settling")
    team.simulator.behave(loop=True)
    team.namespace.wait_for("echo")
    assert team.writes() == [CREATED, ("deleteDeployment", 200), CREATED]
    assert violations(team) == []


def test_a_deletion_leaves_nothing_although_the_row_comes_back(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.behave(races={"returningRow": 1})
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    eventually(team.simulator.deployments, lambda rows: team.version not in rows, within=10, what="the row is gone")
    assert lost(team) == []


# Race 6: writes of one deployment at once lose updates.


def test_one_write_at_a_time_per_deployment(team: Team) -> None:
    team.namespace.apply(team.manifest(gpu={"maxRequestConcurrency": 2}))
    team.namespace.wait_for("echo")
    team.simulator.behave(races={"slowPatch": 3.0})
    team.namespace.scale("echo", maxInstances=4)
    in_flight(team, "updateGpuSpecification")
    team.namespace.scale("echo", maxInstances=5, maxRequestConcurrency=3)
    in_flight(team, "updateDeployment")
    team.namespace.scale("echo", maxInstances=6)
    team.namespace.wait_for("echo", within=60)
    (specification,) = team.simulator.deployments()[team.version]["deploymentSpecifications"]
    assert (specification["maxInstances"], specification["maxRequestConcurrency"]) == (6, 3)
    assert len(team.writes()) >= 3
    assert oracle.two_writers(team.simulator.log(functionVersionId=team.version)) == []


# Race 7: what the server cannot read or undo is answered as done, or as failed.


def test_a_failed_read_of_the_allocator_is_waited_out_without_a_write(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.depend(team.version, instances={"status": 503})
    team.simulator.change(team.version, olderByDays=0)
    team.namespace.wait_for("echo", "Ready", "False", reason="Degraded")
    team.simulator.depend(team.version)
    team.namespace.wait_for("echo")
    assert team.writes() == [CREATED]


def test_an_error_by_a_failed_read_of_the_allocator_is_deployed_anew(team: Team) -> None:
    team.simulator.instance_behaviour(team.version, outcome="wait")
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo", "Reconciling", reason="Deploying")
    team.simulator.depend(team.version, instances={"status": 503})
    team.simulator.change(team.version, olderByDays=0)
    team.namespace.wait_for("echo", "Reconciling", reason="DeploymentFailed")
    team.simulator.depend(team.version)
    team.simulator.instance_behaviour(team.version, outcome="run")
    team.namespace.annotate("echo", reconcile_requested_at="now")  # else the next attempt is a minute away
    team.namespace.wait_for("echo", within=40)
    assert team.writes() == [CREATED, ("deleteDeployment", 200), CREATED]
    assert violations(team) == []


def test_a_delete_that_was_answered_and_not_carried_out_is_asked_for_again(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    answer = '{"function": {"id": "%s", "versionId": "%s", "ncaId": "acme", "name": "echo", "status": "INACTIVE"}}'
    team.simulator.fault(
        operation="deleteDeployment",
        functionVersionId=team.version,
        count=1,
        status=200,
        body=answer % (team.function, team.version),
    )
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo", within=40)
    assert team.writes() == [CREATED, ("deleteDeployment", 200), ("deleteDeployment", 200)]
    assert team.version not in team.simulator.deployments()
    assert lost(team) == []


@pytest.mark.parametrize("broken", ["allocator", "queue"])
def test_a_deletion_ends_while_what_nvcf_leans_on_fails(team: Team, broken: str) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.depend(team.version, **{broken: {"status": 503}})
    team.simulator.change(team.version, queueDepth=5 if broken == "queue" else 0)
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    assert team.writes() == [CREATED, ("deleteDeployment", 200)]
    # What NVCF leaves running then is in none of its answers.
    assert bool(lost(team)) == (broken == "allocator")


@pytest.mark.parametrize("broken", ["keys", "artifacts"])
def test_a_dependencys_404_creates_nothing_and_ends_nothing(team: Team, broken: str) -> None:
    team.simulator.behave(dependencies={broken: {"status": 404}})
    team.namespace.apply(team.manifest())
    if broken == "keys":
        team.namespace.wait_for("echo", "Ready", "False")
        assert team.writes() == []
        assert "finalizers" not in team.namespace.get("echo")["metadata"]
    else:
        team.namespace.wait_for("echo", "Ready", "False", reason="Rejected")
        assert {status for _, status in team.writes()} == {404}
    team.simulator.behave(dependencies={})
    team.namespace.annotate("echo", reconcile_requested_at="now")
    team.namespace.wait_for("echo", within=60)
    assert [write for write in team.writes() if write == CREATED] == [CREATED]
    assert lost(team) == []


# Race 8: the server remembers bad answers, so a 400 is not for ever.


def test_a_catalogue_that_was_wrong_is_tried_again(team: Team) -> None:
    team.simulator.behave(races={"catalogueCache": 900})
    team.simulator.jump(1000)
    team.simulator.hide("L40S")
    team.namespace.apply(team.manifest())
    found = team.namespace.wait_for("echo", "Stalled", reason="Rejected")
    assert "L40S" in condition_of(found, "Stalled")["message"]
    team.simulator.hide()
    team.namespace.annotate("echo", reconcile_requested_at="early")
    eventually(team.writes, lambda writes: len(writes) >= 2, within=20, what="a second try, of the cache again")
    team.simulator.jump(1000)
    team.namespace.annotate("echo", reconcile_requested_at="late")
    team.namespace.wait_for("echo")
    *refused, last = team.writes()
    assert set(refused) == {("createDeployment", 400)}
    assert last == CREATED


def test_a_deletion_refused_for_a_public_function_is_tried_again(team: Team) -> None:
    team.simulator.behave(races={"publicCache": 180})
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.change(team.version, public=True)
    team.simulator.jump(200)
    team.namespace.delete("echo")
    team.namespace.wait_until(
        "echo", lambda found: condition_of(found, "DeletionBlocked").get("status") == "True", what="it is told"
    )
    team.simulator.change(team.version, public=False)
    asked = len(team.asked("deleteDeployment"))
    eventually(lambda: len(team.asked("deleteDeployment")), lambda n: n > asked, within=20, what="a try, of the cache")
    assert team.asked("deleteDeployment")[-1]["status"] == 400
    team.simulator.jump(200)
    team.namespace.wait_gone("echo", within=60)
    assert team.version not in team.simulator.deployments()


def test_a_key_that_is_remembered_works_on_and_is_told_when_it_does_not(team: Team) -> None:
    team.simulator.add_key("remembered", "nvapi-remembered")
    team.namespace.secret("nvapi-remembered")
    team.simulator.behave(races={"keyCache": 60})
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.change_key("remembered", revoked=True)
    team.namespace.scale("echo", maxInstances=4)
    team.namespace.wait_for("echo")
    assert team.writes() == [CREATED, PATCHED]
    team.simulator.jump(100)
    team.namespace.wait_for("echo", "CredentialsValid", "False", reason="Unauthorized")
    assert team.writes() == [CREATED, PATCHED]


def test_an_error_is_told_with_the_reason_that_comes_after_it(team: Team) -> None:
    team.simulator.behave(races={"lateHealthInfo": 1.0})
    team.simulator.instance_behaviour(team.version, outcome="fail", error="image pull failed")
    team.namespace.apply(team.manifest())
    team.namespace.wait_until("echo", lambda found: found["status"].get("functionStatus") == "ERROR", what="ERROR")
    team.namespace.wait_until(
        "echo", lambda found: found["status"].get("health") == ["image pull failed"], what="the reason"
    )


# Race 9: a deployment that was DEPLOYING for more than 7 days and fails is removed by the server.


def test_a_deployment_that_the_server_removed_is_deployed_again(team: Team) -> None:
    team.simulator.instance_behaviour(team.version, outcome="wait")
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo", "Reconciling", reason="Deploying")
    team.simulator.behave(loop=False)
    team.simulator.change(team.version, olderByDays=8)
    team.simulator.instance_behaviour(team.version, outcome="fail", deploySeconds=0)
    eventually(lambda: _looked(team), lambda rows: team.version not in rows, within=20, what="the server removes it")
    team.simulator.instance_behaviour(team.version, outcome="run")
    team.simulator.behave(loop=True)
    team.namespace.wait_for("echo", within=120)  # a minute where the operator has seen the ERROR before it went
    assert team.writes() == [CREATED, CREATED]
    assert violations(team) == []


def _looked(team: Team) -> Any:
    team.simulator.run_pass()
    return team.simulator.deployments()
