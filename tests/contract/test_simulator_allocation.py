"""How POST requests instances: one specification after the other, each with retries, and what a late failure undoes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.simulator_client import DEADLINE, H100, L40S, Api, alive, version_of
from tests.support.simulator import Simulator
from tests.support.waiting import eventually

IDLE = H100 | {"minInstances": 0}
NEVER = 3600


@pytest.fixture(scope="module")
def simulator_options() -> dict[str, Any]:
    return {"period": 3600, "deploySeconds": 0}


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.behave(races={"slowPost": 0}, allocationTimeout=30, dependencies={})


def lasted(simulator: Simulator, function: tuple[str, str]) -> float:
    """How long the only POST of a version took."""
    (entry,) = simulator.log(functionVersionId=function[1], operation="createDeployment")
    return float(entry["ended"] - entry["started"])


def wait_for_post(simulator: Simulator, function: tuple[str, str]) -> None:
    asked: dict[str, Any] = {"functionVersionId": function[1], "operation": "createDeployment"}
    eventually(lambda: simulator.log(**asked, inFlight=True), within=DEADLINE, what="the POST")


def test_each_specification_is_a_separate_call_and_nothing_limits_their_sum(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.behave(races={"slowPost": 0.6}, allocationTimeout=1)
    assert api.deploy(echo, H100, L40S, H100 | {"minInstances": 2}).status_code == 200
    assert lasted(simulator, echo) >= 1.8
    assert len(alive(simulator, echo)) == 4


def test_a_specification_with_minimum_0_makes_no_call(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.behave(races={"slowPost": NEVER}, allocationTimeout=NEVER, dependencies={"allocator": {"status": 503}})
    assert api.deploy(echo, IDLE, IDLE).status_code == 200
    assert api.status(echo) == "ACTIVE"
    assert alive(simulator, echo) == []


def test_instances_provided_before_the_last_call_are_not_visible_and_not_leaked(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    simulator.behave(races={"slowPost": 3})
    answer = pool.submit(api.deploy, echo, H100, L40S)
    (first,) = eventually(lambda: alive(simulator, echo), within=DEADLINE, what="the first specification's instance")
    assert (first["instanceType"], first["leaked"]) == ("NCP.GPU.H100_1x", False)
    assert api.status(echo) == "404"
    assert api.undeploy(echo).status_code == 404
    assert api.http.get(version_of(echo)).json()["function"]["status"] == "INACTIVE"
    assert not answer.done()
    assert answer.result().status_code == 200
    assert {item["leaked"] for item in alive(simulator, echo)} == {False}


def test_a_call_that_returns_5xx_is_tried_three_times(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.instance_behaviour(echo[1], allocationSeconds=0.5)
    simulator.depend(echo[1], allocator={"status": 503, "count": 2})
    assert api.deploy(echo).status_code == 200
    assert lasted(simulator, echo) >= 1.5, "each try takes its time"
    assert len(alive(simulator, echo)) == 1


def test_the_attempts_are_counted_per_specification(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.depend(echo[1], allocator={"status": 500, "count": 3})
    answer = api.deploy(echo, H100, L40S)
    assert (answer.status_code, api.status(echo)) == (502, "404")
    assert "500" in answer.json()["detail"]
    assert alive(simulator, echo) == []
    assert api.deploy(echo, H100, L40S).status_code == 200, "the failures are used up"


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_a_call_that_returns_4xx_is_not_retried(
    simulator: Simulator, api: Api, echo: tuple[str, str], status: int
) -> None:
    simulator.depend(echo[1], allocator={"status": status, "count": 1})
    assert api.deploy(echo).status_code == status
    assert api.deploy(echo).status_code == 200


def test_a_call_that_hangs_is_aborted_once_and_fails_the_post(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.behave(races={"slowPost": NEVER}, allocationTimeout=0.8)
    answer = api.deploy(echo, H100, L40S)
    assert (answer.status_code, "type" in answer.json()) == (500, False)
    assert 0.8 <= lasted(simulator, echo) < 2 * 0.8 + 0.8
    assert api.status(echo) == "404"


def test_a_version_can_be_slower_than_the_others(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.behave(races={"slowPost": NEVER}, allocationTimeout=NEVER)
    simulator.instance_behaviour(echo[1], allocationSeconds=0)
    assert api.deploy(echo).status_code == 200


def test_a_post_that_fails_late_ends_the_instances_provided_before(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    simulator.behave(races={"slowPost": 3})
    answer = pool.submit(api.deploy, echo, H100, L40S)
    eventually(lambda: alive(simulator, echo), within=DEADLINE, what="the first specification's instance")
    simulator.depend(echo[1], allocator={"status": 404})
    assert answer.result().status_code == 404
    assert alive(simulator, echo) == []


def test_a_post_that_fails_late_deletes_the_row_of_another_post(
    simulator: Simulator, api: Api, echo: tuple[str, str], pool: ThreadPoolExecutor
) -> None:
    simulator.behave(races={"slowPost": 4})
    first = pool.submit(api.deploy, echo)
    wait_for_post(simulator, echo)
    simulator.behave(races={"slowPost": 0})
    second = api.deploy(echo)
    assert second.status_code == 200
    simulator.run_pass()
    assert api.status(echo) == "ACTIVE"
    simulator.depend(echo[1], allocator={"status": 404})
    assert not first.done(), "the first POST ended too early"
    assert first.result().status_code == 404
    assert api.status(echo) == "404"
    assert api.http.get(version_of(echo)).json()["function"]["status"] == "INACTIVE"
    (left,) = alive(simulator, echo)
    assert (left["deploymentId"], left["leaked"]) == (second.json()["deployment"]["deploymentId"], True)


@pytest.mark.parametrize(
    "place",
    [{"clusters": ["misspelt"]}, {"regions": ["eu-nowhere"]}, {"attributes": ["KATA", "misspelt"]}],
    ids=lambda place: next(iter(place)),
)
def test_an_unknown_place_is_a_400_without_its_name_and_not_checked_at_minimum_0(
    api: Api, echo: tuple[str, str], place: dict[str, Any]
) -> None:
    refused = api.deploy(echo, L40S | place)
    assert refused.status_code == 400
    detail = refused.json()["detail"]
    assert "'L40S'" in detail
    assert "'NCP.GPU.L40S_1x'" in detail
    assert "misspelt" not in detail
    assert "nowhere" not in detail
    assert api.status(echo) == "404"
    assert api.deploy(echo, L40S | place | {"minInstances": 0}).status_code == 200


def test_places_are_found_ignoring_case(api: Api, echo: tuple[str, str]) -> None:
    place = {"clusters": ["NCP-Cluster-1", "elsewhere"], "regions": ["US-EAST-1"], "attributes": ["kata"]}
    assert api.deploy(echo, L40S | place).status_code == 200


def test_without_a_free_gpu_post_is_400_and_409_for_a_backend(simulator: Simulator, api: Api) -> None:
    a100 = {"gpu": "A100", "instanceType": "NCP.GPU.A100_1x", "minInstances": 1, "maxInstances": 1}
    simulator.capacity(**{"NCP.GPU.A100_1x": 0})
    plain, placed = simulator.add_function(), simulator.add_function()
    assert api.deploy(plain, a100).status_code == 400
    assert api.deploy(placed, a100 | {"backend": "NCP"}).status_code == 409
    simulator.capacity(**{"NCP.GPU.A100_1x": 1})
    assert api.deploy(plain, a100 | {"minInstances": 2, "maxInstances": 2}).status_code == 200, "some, but too few"
    assert api.status(plain) == "DEPLOYING"
    simulator.capacity(**{"NCP.GPU.A100_1x": None})


def test_the_check_of_places_can_be_switched_off(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.behave(placement=False)
    assert api.deploy(echo, L40S | {"clusters": ["anywhere"]}).status_code == 200
    simulator.behave(placement=True)
