"""The races of the real server: each happens if its switch is on, and only then."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.contract.simulator_client import DEADLINE, H100, L40S, Api, alive, moment, version_of
from tests.support.simulator import Simulator
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def simulator_options() -> dict[str, Any]:
    # Passes run only when a test starts them, so that races are deterministic.
    return {"period": 3600, "deploySeconds": 0}


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    before = httpx.get(f"{running.control}/behaviour", trust_env=False).json()["races"]
    yield running
    running.behave(races=before, dependencies={})
    running.hide()


def under_way(simulator: Simulator, function: tuple[str, str], operation: str) -> Callable[[], Any]:
    def read() -> Any:
        entries = simulator.log(functionVersionId=function[1], operation=operation)
        return [entry for entry in entries if entry["inFlight"]]

    return read


def make_active(simulator: Simulator, api: Api, function: tuple[str, str], *specifications: Any) -> Any:
    assert api.deploy(function, *specifications).status_code == 200
    simulator.run_pass()
    return api.wait(function, "ACTIVE")


def test_nothing_of_a_slow_post_is_visible_before_its_end(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    simulator.behave(races={"slowPost": 3})
    answer = pool.submit(api.deploy, echo)
    entry = eventually(under_way(simulator, echo, "createDeployment"), within=DEADLINE, what="the POST")[0]
    assert entry["status"] is None
    assert entry["committed"] is None
    assert api.status(echo) == "404"
    assert api.http.get(version_of(echo)).json()["function"]["status"] == "INACTIVE"
    assert api.undeploy(echo).status_code == 404
    assert alive(simulator, echo) == []
    assert not answer.done()
    assert answer.result().status_code == 200
    assert api.status(echo) == "DEPLOYING"


def test_a_post_continues_when_its_client_is_gone(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.behave(races={"slowPost": [3, 3.5]})
    api.http.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        api.deploy(echo)
    api.http.timeout = httpx.Timeout(20)
    assert api.status(echo) == "404"
    api.wait(echo, "DEPLOYING")


def test_an_aborted_allocation_leaves_nothing(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.behave(races={"slowPost": 5}, allocationTimeout=0.2)
    answer = api.deploy(echo)
    simulator.behave(allocationTimeout=30)
    assert answer.status_code == 500
    assert api.status(echo) == "404"
    assert alive(simulator, echo) == []


def test_concurrent_posts_all_succeed_and_the_losers_instances_leak(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    simulator.behave(races={"slowPost": 2})
    answers = list(pool.map(lambda _: api.deploy(echo), range(3)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    ids = {answer.json()["deployment"]["deploymentId"] for answer in answers}
    kept = api.get(echo).json()["deployment"]["deploymentId"]
    assert len(ids) == 3
    assert {item["deploymentId"] for item in simulator.leaked() if item["functionVersionId"] == echo[1]} == ids - {kept}
    assert api.undeploy(echo).status_code == 200
    assert len(alive(simulator, echo)) == 2, "nobody knows them any more"
    gone = (ids - {kept}).pop()
    assert api.http.get(f"/deployments/{gone}").status_code == 404


def test_without_the_switch_the_second_post_is_rejected(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    answers = list(pool.map(lambda _: api.deploy(echo), range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    assert len(alive(simulator, echo)) == 1


def test_parallel_patches_of_one_specification_lose_updates(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    deployment = make_active(simulator, api, echo, H100 | {"minInstances": 0})
    simulator.behave(races={"slowPatch": 2})
    first = pool.submit(api.patch, deployment, minInstances=2)
    second = pool.submit(api.patch, deployment, maxInstances=7)
    assert (first.result().status_code, second.result().status_code) == (200, 200)
    shown = api.get(echo).json()["deployment"]["deploymentSpecifications"][0]
    assert (shown["minInstances"], shown["maxInstances"]) in {(2, 2), (0, 7)}


def test_parallel_patches_of_two_specifications_lose_nothing(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    deployment = make_active(simulator, api, echo, H100, L40S)
    simulator.behave(races={"slowPatch": 0.2})
    answers = [pool.submit(api.patch, deployment, number, maxInstances=7) for number in (0, 1)]
    assert [answer.result().status_code for answer in answers] == [200, 200]
    shown = api.get(echo).json()["deployment"]["deploymentSpecifications"]
    assert [item["maxInstances"] for item in shown] == [7, 7]


def test_a_patch_is_undone_at_the_next_pass_if_switched(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.instance_behaviour(echo[1], outcome="wait")
    api.deploy(echo)
    before = api.get(echo).json()["deployment"]
    simulator.behave(races={"undonePatch": 1})
    assert api.patch(before, maxInstances=9).json()["gpuSpecification"]["maxInstances"] == 9
    patched = api.get(echo).json()["deployment"]
    assert moment(patched["lastUpdatedAt"]) > moment(before["lastUpdatedAt"])
    simulator.run_pass()
    assert api.get(echo).json()["deployment"] == before, "the time of the last update goes back as well"
    assert api.patch(before, maxInstances=9).status_code == 200
    simulator.run_pass()
    assert api.get(echo).json()["deployment"]["deploymentSpecifications"][0]["maxInstances"] == 9, "it was one"


def test_a_slow_loop_undoes_a_patch_while_a_specification_fails(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    simulator.instance_behaviour(echo[1], outcomes={"NCP.GPU.H100_1x": "fail", "NCP.GPU.L40S_1x": "wait"})
    api.deploy(echo, H100, L40S)
    before = api.get(echo).json()["deployment"]
    simulator.behave(races={"slowLoop": 3})
    server_pass = pool.submit(simulator.run_pass)
    eventually(lambda: simulator.state()["loopIsLooking"], within=DEADLINE, what="the loop has read what is there")
    assert api.patch(before, maxInstances=9).status_code == 200
    server_pass.result()
    after = api.get(echo).json()["deployment"]
    assert after["deploymentSpecifications"] == before["deploymentSpecifications"]
    assert after["healthInfo"]


def test_a_deleted_row_comes_back_for_one_pass(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    before = make_active(simulator, api, echo)
    simulator.behave(races={"returningRow": 1})
    assert api.undeploy(echo).status_code == 200
    assert api.status(echo) == "404"
    # The pass that writes the row back processes it before it ends, and the next one cleans it up.
    simulator.change(echo[1], queueDepth=1)
    simulator.run_pass()
    shown = api.get(echo).json()["deployment"]
    assert (shown["functionStatus"], shown["deploymentId"]) == ("INACTIVE", before["deploymentId"])
    assert "INACTIVE" in api.deploy(echo).json()["detail"]
    simulator.change(echo[1], queueDepth=0)
    simulator.run_pass()
    assert api.status(echo) == "404"
    assert api.deploy(echo).status_code == 200


def test_an_old_row_overwrites_a_new_deployment_whose_instances_leak(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    old = make_active(simulator, api, echo)
    simulator.behave(races={"returningRow": 1})
    api.undeploy(echo)
    new = api.deploy(echo).json()["deployment"]
    simulator.run_pass()
    assert api.get(echo).json()["deployment"]["deploymentId"] == old["deploymentId"]
    assert api.http.get(f"/deployments/{new['deploymentId']}").status_code == 404
    assert new["deploymentId"] in {item["deploymentId"] for item in simulator.leaked()}


def redeploy(simulator: Simulator, api: Api, function: tuple[str, str]) -> Any:
    """Undeploy and deploy immediately; return the response to POST."""
    assert api.undeploy(function).status_code == 200
    assert api.status(function) == "404"
    answer = api.deploy(function)
    assert answer.status_code == 200
    return answer.json()["deployment"]


def check_overwritten(simulator: Simulator, api: Api, function: tuple[str, str], old: Any, new: Any) -> None:
    """The old row is shown in place of the new deployment, whose instances keep running."""
    for _ in range(3):
        shown = api.get(function).json()["deployment"]
        assert (shown["deploymentId"], shown["functionStatus"]) == (old["deploymentId"], "DEPLOYING")
        assert shown["lastUpdatedAt"] == old["lastUpdatedAt"]
        assert moment(shown["lastUpdatedAt"]) < moment(new["lastUpdatedAt"])
        simulator.run_pass()
    assert api.http.get(f"/deployments/{new['deploymentId']}").status_code == 404
    assert [(item["deploymentId"], item["leaked"]) for item in alive(simulator, function)] == [
        (new["deploymentId"], True)
    ]


def test_a_slow_pass_writes_the_row_that_it_read_over_a_new_deployment(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    old = make_active(simulator, api, echo)
    simulator.behave(races={"slowLoop": 4})
    server_pass = pool.submit(simulator.run_pass)
    eventually(lambda: simulator.state()["loopIsLooking"], within=DEADLINE, what="the loop has read what is there")
    new = redeploy(simulator, api, echo)
    assert not server_pass.done(), "the redeployment came too late for this pass"
    assert api.get(echo).json()["deployment"]["deploymentId"] == new["deploymentId"]
    server_pass.result()
    simulator.behave(races={"slowLoop": 0})
    check_overwritten(simulator, api, echo, old, new)
    assert api.undeploy(echo).status_code == 200
    assert [item["deploymentId"] for item in alive(simulator, echo)] == [new["deploymentId"]], "DELETE ends the old one"


def test_a_pass_can_be_held_as_long_as_a_test_needs(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    spared = simulator.add_function("made after the pass has begun")
    old = make_active(simulator, api, echo)
    with simulator.long_pass():
        new = redeploy(simulator, api, echo)
        assert api.deploy(spared).status_code == 200
        assert simulator.state()["loopIsLooking"]
    check_overwritten(simulator, api, echo, old, new)
    assert api.wait(spared, "ACTIVE")


def test_no_other_pass_starts_while_one_is_held() -> None:
    with Simulator.start(period=0.05, deploySeconds=0) as simulator, Api(simulator) as api:
        echo = simulator.add_function()
        old = api.deployed(echo)
        with simulator.long_pass():
            before = simulator.state()["loopPasses"]
            new = redeploy(simulator, api, echo)
            httpx.get(f"{simulator.control}/state", trust_env=False)
            simulator.fault(functionVersionId=echo[1], delay=0.5, count=1)
            assert api.status(echo) == "DEPLOYING", "ten periods later"
            assert simulator.state()["loopPasses"] == before
        assert api.get(echo).json()["deployment"]["deploymentId"] == old["deploymentId"] != new["deploymentId"]
        eventually(lambda: simulator.state()["loopPasses"] > before + 1, within=DEADLINE, what="the next pass")


def test_a_slow_pass_does_not_affect_a_deployment_that_remains(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    before = make_active(simulator, api, echo)
    with simulator.long_pass():
        assert api.patch(before, minInstances=2).status_code == 200
    simulator.run_pass()
    assert api.get(echo).json()["deployment"]["deploymentSpecifications"][0]["minInstances"] == 2
    assert len(alive(simulator, echo)) == 2, "the next pass asks for what the slow one did not see"


def test_a_row_deleted_during_a_slow_pass_is_back_for_one_pass(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    old = make_active(simulator, api, echo)
    with simulator.long_pass():
        assert api.undeploy(echo).status_code == 200
        assert api.status(echo) == "404"
    shown = api.get(echo).json()["deployment"]
    assert (shown["functionStatus"], shown["deploymentId"]) == ("INACTIVE", old["deploymentId"])
    assert api.deploy(echo).status_code == 400
    assert alive(simulator, echo) == []
    simulator.run_pass()
    assert api.status(echo) == "404"


def test_a_slow_pass_that_cannot_read_instances_fails_the_new_deployment_under_the_old_id(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    old = make_active(simulator, api, echo)
    with simulator.long_pass():
        new = redeploy(simulator, api, echo)
        simulator.depend(echo[1], instances={"status": 503})
    simulator.depend(echo[1])
    shown = api.get(echo).json()["deployment"]
    assert (shown["functionStatus"], shown["deploymentId"]) == ("ERROR", old["deploymentId"])
    assert [item["deploymentId"] for item in alive(simulator, echo)] == [new["deploymentId"]]


@pytest.mark.parametrize("deployed", [True, False])
@pytest.mark.parametrize("status", ["ACTIVE", "DEPLOYING"])
def test_only_deleting_the_version_ends_a_status_without_a_row(
    simulator: Simulator, api: Api, echo: tuple[str, str], deployed: bool, status: str
) -> None:
    if deployed:
        make_active(simulator, api, echo)
    simulator.lose_row(echo[1], status=status)
    for _ in range(2):
        assert api.get(echo).status_code == 404
        assert api.undeploy(echo).status_code == 404
        answer = api.deploy(echo)
        assert (answer.status_code, "Missing deployment" in answer.json()["detail"]) == (500, True)
        assert api.http.get(version_of(echo)).json()["function"]["status"] == status
        simulator.run_pass()
    assert alive(simulator, echo) == []
    assert api.http.delete(version_of(echo)).status_code == 204
    again = simulator.add_function(functionId=echo[0], functionVersionId=echo[1])
    assert api.deploy(again).status_code == 200


def test_between_its_two_writes_a_post_shows_an_inactive_row_and_so_does_a_delete(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    simulator.behave(races={"writeGap": 2})
    for write in (api.deploy, api.undeploy):
        answer = pool.submit(write, echo)
        api.wait(echo, "INACTIVE")
        assert not answer.done()
        assert answer.result().status_code == 200


def test_a_delete_while_the_allocator_fails_leaves_the_instance_running(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    make_active(simulator, api, echo)
    simulator.depend(echo[1], allocator={"status": 503})
    assert api.undeploy(echo).status_code == 200
    assert api.status(echo) == "404"
    assert [item["leaked"] for item in alive(simulator, echo)] == [True]


def test_a_graceful_delete_while_the_message_bus_is_down_counts_as_drained(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    make_active(simulator, api, echo)
    simulator.change(echo[1], queueDepth=5)
    simulator.behave(dependencies={"queue": {"status": 503}})
    assert api.undeploy(echo, graceful="true").status_code == 200
    assert api.status(echo) == "404"


def test_error_is_visible_before_its_health_info(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.instance_behaviour(echo[1], outcome="fail")
    simulator.behave(races={"lateHealthInfo": 5})
    api.deploy(echo)
    simulator.run_pass()
    assert "healthInfo" not in api.wait(echo, "ERROR")
    simulator.jump(6)
    simulator.run_pass()
    assert api.get(echo).json()["deployment"]["healthInfo"]


def test_a_function_made_public_is_rejected_only_when_the_cache_expires(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.behave(races={"publicCache": 180})
    make_active(simulator, api, echo)
    simulator.change(echo[1], public=True)
    assert api.undeploy(echo).status_code == 200
    simulator.jump(181)
    assert api.deploy(echo).status_code == 400
    assert "public" in api.deploy(echo).json()["detail"]


def test_a_bad_catalogue_stays_as_long_as_it_is_cached(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.behave(races={"catalogueCache": 900})
    simulator.hide("H100")
    assert "H100" in api.deploy(echo).json()["detail"]
    simulator.hide()
    assert api.deploy(echo).status_code == 400
    simulator.jump(901)
    assert api.deploy(echo).status_code == 200


def test_a_stopped_loop_shows_active_while_instances_are_gone(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    make_active(simulator, api, echo)
    simulator.instance_behaviour(echo[1], supply=False)
    simulator.lose(echo[1])
    shown = api.http.get(version_of(echo)).json()["function"]
    assert (shown["status"], shown["activeInstances"]) == ("ACTIVE", [])
    simulator.run_pass()
    assert api.status(echo) == "DEGRADED"
