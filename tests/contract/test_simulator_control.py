"""The simulator's control API: outside changes, capacity, and the request log."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.contract.simulator_client import DEADLINE, H100, L40S, Api, deployment_of, version_of
from tests.support.simulator import Simulator
from tests.support.waiting import eventually


def test_outside_changes_deploy_scale_redeploy_and_undeploy(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.deploy(echo[1], H100, L40S)
    first = api.wait(echo, "ACTIVE")
    simulator.scale(echo[1], maxInstances=9, maxRequestConcurrency=4)
    shown = api.get(echo).json()["deployment"]["deploymentSpecifications"]
    assert [(s["minInstances"], s["maxInstances"], s["maxRequestConcurrency"]) for s in shown] == [(1, 9, 4)] * 2
    simulator.redeploy(echo[1])
    second = api.wait(echo, "ACTIVE")
    assert second["deploymentId"] != first["deploymentId"]
    assert len(second["deploymentSpecifications"]) == 2
    simulator.undeploy(echo[1])
    assert api.status(echo) == "404"
    assert [item for item in simulator.allocations() if item["functionVersionId"] == echo[1]] == []


def test_outside_changes_are_not_in_the_request_log(simulator: Simulator, echo: tuple[str, str]) -> None:
    simulator.deploy(echo[1], H100)
    assert simulator.log(functionVersionId=echo[1]) == []


def test_a_status_can_be_set_and_the_loop_continues_from_it(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    api.deployed(echo)
    simulator.change(echo[1], status="ERROR")
    assert api.status(echo) == "ERROR"
    with pytest.raises(RuntimeError, match="status"):
        simulator.change(echo[1], status="BROKEN")


def test_capacity_is_shared_by_all_and_freed_by_undeploying(simulator: Simulator, api: Api) -> None:
    simulator.capacity(**{"NCP.GPU.A100_1x": 3})
    a100 = {"gpu": "A100", "instanceType": "ncp.gpu.a100_1X", "minInstances": 2, "maxInstances": 2}
    first, second = simulator.add_function("first"), simulator.add_function("second")
    api.deployed(first, a100)
    api.deploy(second, a100)
    simulator.run_pass()
    assert api.status(second) == "DEPLOYING", "one of two came"
    api.undeploy(first)
    simulator.run_pass()
    assert api.status(second) == "DEPLOYING", "the server does not ask again"
    api.undeploy(second)
    api.deployed(second, a100)
    api.undeploy(second)
    simulator.capacity(**{"NCP.GPU.A100_1x": None})


def test_a_request_can_wait_for_capacity_if_the_scenario_says_so() -> None:
    with Simulator.start(forgetUnserved=False) as simulator, Api(simulator) as api:
        simulator.capacity(**{"NCP.GPU.H100_1x": 0})
        echo = simulator.add_function()
        api.deploy(echo)
        simulator.run_pass()
        assert api.status(echo) == "DEPLOYING"
        simulator.capacity(**{"NCP.GPU.H100_1x": 1})
        api.wait(echo, "ACTIVE")


def test_running_functions_request_instances_again_when_capacity_is_back(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    api.deployed(echo)
    simulator.instance_behaviour(echo[1], capacity=0)
    simulator.lose(echo[1])
    api.wait(echo, "DEGRADED")
    simulator.instance_behaviour(echo[1], capacity=None)
    api.wait(echo, "ACTIVE")


def test_the_clock_can_be_moved_past_the_start_of_instances(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.instance_behaviour(echo[1], deploySeconds=7200)
    api.deploy(echo)
    simulator.run_pass()
    assert api.status(echo) == "DEPLOYING"
    simulator.jump(7200)
    simulator.run_pass()
    assert api.status(echo) == "ACTIVE"


def test_a_starting_instance_is_an_allocation_and_shown_with_its_function(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.instance_behaviour(echo[1], outcome="wait")
    api.deploy(echo)
    allocation = next(item for item in simulator.allocations() if item["functionVersionId"] == echo[1])
    assert (allocation["state"], allocation["leaked"]) == ("starting", False)
    shown = api.http.get(version_of(echo)).json()["function"]["activeInstances"]
    assert [(item["instanceId"], item["instanceStatus"]) for item in shown] == [(allocation["instanceId"], "STARTING")]
    assert shown[0]["backend"] == "NCP"
    assert shown[0]["location"] == "ncp-cluster-1"


def test_the_log_records_everything_about_a_request(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    api.http.get(version_of(echo), headers={"User-Agent": "tester/1.0"}, params={"a": "b"})
    deployment = api.deploy(echo).json()["deployment"]
    api.patch(deployment, maxInstances=3)
    api.patch(deployment, maxInstances=3)
    read, post, patch, idle = simulator.log(functionVersionId=echo[1])
    assert (read["operation"], read["query"], read["userAgent"], read["mutating"]) == (
        "getFunction",
        "a=b",
        "tester/1.0",
        False,
    )
    assert post["body"] == {"deploymentSpecifications": [H100]}
    assert (post["method"], post["status"], post["operation"]) == ("POST", 200, "createDeployment")
    assert post["path"] == f"/v2/nvcf{deployment_of(echo)}"
    assert post["started"] < post["committed"] < post["ended"] < patch["started"]
    assert (patch["functionId"], patch["functionVersionId"], patch["deploymentId"]) == (
        *echo,
        deployment["deploymentId"],
    )
    assert idle["mutating"]
    assert idle["committed"] is None, "a PATCH that changes nothing commits nothing"


def test_the_log_continues_from_a_cursor_and_can_be_cleared(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    api.get(echo)
    cursor = simulator.cursor
    api.get(echo)
    assert [entry["id"] for entry in simulator.log(cursor)] == [cursor + 1]
    simulator.clear_log()
    assert simulator.log() == []
    api.get(echo)
    assert [entry["id"] for entry in simulator.log()] == [cursor + 2], "ids go on counting"


def test_requests_in_flight_are_counted_and_outlive_clearing(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.fault(functionVersionId=echo[1], delay=3, count=1)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(api.get, echo)
        eventually(simulator.in_flight, within=DEADLINE, what="a request in flight")
        simulator.clear_log()
        assert [entry["inFlight"] for entry in simulator.log()] == [True]
        assert answer.result().status_code == 404
    assert simulator.in_flight() == 0


def test_the_log_can_be_filtered_by_the_simulator(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    api.get(echo)
    api.undeploy(echo)

    def operations(**query: str) -> list[str]:
        answer = httpx.get(f"{simulator.control}/log", params={"version": echo[1], **query}, trust_env=False)
        return [entry["operation"] for entry in answer.json()["entries"]]

    assert operations() == ["getDeployment", "deleteDeployment"]
    assert operations(mutating="true") == operations(method="DELETE") == ["deleteDeployment"]
    assert operations(operation="getDeployment") == ["getDeployment"]
    assert operations(key="nobody") == []


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("PATCH", "/behaviour", {"peroid": 1}, "peroid"),
        ("PATCH", "/behaviour", {"races": {"slowPost": -1}}, "slowPost"),
        ("PUT", "/capacity", {"X": -1}, "X"),
        ("POST", "/clock", {"seconds": "soon"}, "seconds"),
        ("POST", "/clock", [], "object"),
        ("PATCH", "/keys/nobody", {"revoked": True}, "nobody"),
        ("POST", "/versions/nope/lose", {}, "nope"),
    ],
)
def test_an_error_names_its_field(simulator: Simulator, method: str, path: str, body: object, word: str) -> None:
    answer = httpx.request(method, simulator.control + path, json=body, trust_env=False)
    assert answer.status_code in (400, 404)
    assert word in answer.json()["error"]
