"""Faults that the simulator injects: the response, and whether the request was executed."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.contract.simulator_client import DEADLINE, Api, deployment_of
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def running(running: Simulator) -> Simulator:
    running.add_key("second", "nvapi-second")
    return running


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    running.clear_faults()


@pytest.mark.parametrize(("when", "deployed"), [("before", False), ("after", True)])
@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}, {"body": "<html>", "contentType": "text/html"}])
def test_before_prevents_execution_and_after_only_loses_the_response(
    simulator: Simulator, api: Api, echo: tuple[str, str], when: str, deployed: bool, fault: dict[str, Any]
) -> None:
    name = simulator.fault(operation="createDeployment", when=when, functionVersionId=echo[1], **fault)
    try:
        api.deploy(echo)
    except httpx.TransportError:
        assert fault == {"reset": True}
    simulator.clear_faults()
    assert (api.status(echo) != "404") == deployed
    entry = simulator.log(functionVersionId=echo[1], operation="createDeployment")[0]
    assert entry["fault"] == name
    assert (entry["committed"] is not None) == deployed
    assert (entry["status"] is None) == ("reset" in fault)


@pytest.mark.parametrize("fault", [{"status": 504}, {"reset": True}])
def test_a_request_that_is_cut_off_while_it_runs_continues(
    simulator: Simulator, api: Api, echo: tuple[str, str], fault: dict[str, Any]
) -> None:
    simulator.behave(races={"slowPost": 3})
    simulator.fault(operation="createDeployment", when="during", delay=0.1, functionVersionId=echo[1], **fault)
    try:
        assert api.deploy(echo).status_code == 504
    except httpx.TransportError:
        assert fault == {"reset": True}
    asked: dict[str, Any] = {"functionVersionId": echo[1], "operation": "createDeployment"}
    (entry,) = simulator.log(**asked)
    assert (entry["inFlight"], entry["committed"]) == (True, None)
    assert api.status(echo) == "404"
    simulator.behave(races={"slowPost": 0})
    (entry,) = eventually(
        lambda: [found for found in simulator.log(**asked) if not found["inFlight"]],
        within=DEADLINE,
        what="the end of the POST",
    )
    assert entry["committed"] is not None
    assert entry["status"] == fault.get("status")
    assert api.status(echo) != "404"


@pytest.mark.parametrize(
    "operation", ["createDeployment", "updateDeployment", "updateGpuSpecification", "deleteDeployment"]
)
@pytest.mark.parametrize("fault", [{"status": 504}, {"reset": True}])
def test_every_write_continues_when_its_response_is_cut_off(
    simulator: Simulator, api: Api, echo: tuple[str, str], operation: str, fault: dict[str, Any]
) -> None:
    writes: dict[str, Callable[[], httpx.Response]] = {
        "createDeployment": lambda: api.deploy(echo, maxInstances=7),
        "updateDeployment": lambda: api.update(echo, {"minInstances": 1, "maxInstances": 7}),
        "updateGpuSpecification": lambda: api.patch(before, maxInstances=7),
        "deleteDeployment": lambda: api.undeploy(echo),
    }
    before = {} if operation == "createDeployment" else api.deployed(echo)
    # Each has its own way to be slow: in the gap of a POST the loop would consider the row drained.
    simulator.behave(races={"slowPost": 2, "slowPatch": 2, "writeGap": 2 * (operation == "deleteDeployment")})
    simulator.fault(operation=operation, when="during", functionVersionId=echo[1], **fault)
    try:
        assert writes[operation]().status_code == 504
    except httpx.TransportError:
        assert fault == {"reset": True}
    asked: dict[str, Any] = {"functionVersionId": echo[1], "operation": operation}
    (entry,) = simulator.log(**asked)
    assert (entry["inFlight"], entry["committed"]) == (True, None)
    (entry,) = eventually(lambda: simulator.log(**asked, inFlight=False), within=DEADLINE, what="its end")
    simulator.behave(races={"slowPost": 0, "slowPatch": 0, "writeGap": 0})
    assert entry["committed"] is not None
    assert entry["status"] == fault.get("status")
    if operation == "deleteDeployment":
        assert api.status(echo) == "404"
    else:
        assert api.get(echo).json()["deployment"]["deploymentSpecifications"][0]["maxInstances"] == 7


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ({"envelope": "service"}, {"type", "title", "status", "detail", "instance"}),
        ({"envelope": "framework"}, {"title", "status", "detail", "instance"}),
        ({"envelope": "gateway"}, {"requestStatus"}),
        ({"envelope": "message"}, {"message"}),
        ({"envelope": "issue"}, {"issue"}),
    ],
)
def test_the_envelope_of_a_fault_can_be_chosen(
    simulator: Simulator, api: Api, echo: tuple[str, str], fault: dict[str, Any], body: set[str]
) -> None:
    simulator.fault(functionVersionId=echo[1], status=429, retryAfter=7, detail="slow down", **fault)
    answer = api.get(echo)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"
    assert answer.json().keys() == body
    assert "slow down" in answer.text


def test_a_body_can_be_empty_broken_or_short(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.fault(functionVersionId=echo[1], status=502, envelope="empty", count=1)
    simulator.fault(functionVersionId=echo[1], body="{", count=1)
    simulator.fault(functionVersionId=echo[1], truncate=True, when="after", count=1)
    assert api.get(echo).content == b""
    answer = api.get(echo)
    assert (answer.status_code, answer.text) == (200, "{")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        api.get(echo)
    assert api.get(echo).status_code == 404


def test_a_delay_does_not_change_the_response(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    simulator.fault(functionVersionId=echo[1], delay=0.3)
    assert api.get(echo).status_code == 404
    entry = simulator.log(functionVersionId=echo[1])[0]
    assert entry["ended"] - entry["started"] >= 0.3


def test_a_hanging_request_is_in_flight_until_its_client_disconnects(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.fault(functionVersionId=echo[1], hang=True)
    api.http.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        api.get(echo)
    entry = eventually(
        lambda: simulator.log(functionVersionId=echo[1], inFlight=False), within=DEADLINE, what="the end"
    )[0]
    assert entry["status"] is None


@pytest.mark.parametrize(
    ("matcher", "reason"),
    [
        ({"method": "GET"}, "a method"),
        ({"method": ["GET", "HEAD"]}, "one of several"),
        ({"operation": ["getDeployment"]}, "an operation"),
        ({"path": "*/deployments/functions/*"}, "a pattern of the path"),
        ({"query": "a=?"}, "a pattern of the query"),
        ({"key": "default"}, "a key by its name"),
    ],
)
def test_a_fault_applies_only_to_what_it_matches(
    simulator: Simulator, api: Api, echo: tuple[str, str], matcher: dict[str, Any], reason: str
) -> None:
    simulator.fault(status=503, **matcher)
    assert api.http.get(deployment_of(echo), params={"a": "b"}).status_code == 503, reason
    with Api(simulator, "nvapi-second") as second:
        assert second.http.delete(f"/functions/{echo[0]}/versions/{echo[1]}").status_code == 204, reason


def test_a_fault_starts_after_its_skip_and_ends_after_its_count(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.fault(functionVersionId=echo[1], status=503, skip=1, count=2)
    assert [api.get(echo).status_code for _ in range(5)] == [404, 503, 503, 404, 404]
    assert simulator.faults()[0]["met"] == 2


def test_the_seed_makes_chance_repeatable() -> None:
    def statuses() -> list[int]:
        with Simulator.start({"seed": 7}) as simulator, Api(simulator) as api:
            simulator.fault(status=503, probability=0.5)
            return [api.http.get("/functions").status_code for _ in range(30)]

    first = statuses()
    assert set(first) == {200, 503}
    assert first == statuses()


def test_faults_can_be_in_the_scenario_and_are_removed_by_name() -> None:
    scenario = {"faults": [{"name": "outage", "status": 500}, {"name": "rest", "status": 502}]}
    with Simulator.start(scenario) as simulator, Api(simulator) as api:
        assert api.http.get("/functions").status_code == 500
        httpx.delete(f"{simulator.control}/faults", params={"name": "outage"}, trust_env=False)
        assert api.http.get("/functions").status_code == 502


def test_a_rule_with_an_unknown_field_is_rejected(simulator: Simulator) -> None:
    answer = httpx.post(f"{simulator.control}/faults", json={"statuz": 500}, trust_env=False)
    assert answer.status_code == 400
    assert "statuz" in answer.json()["error"]


def test_no_token_is_ever_in_the_log(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    api.get(echo)
    with Api(simulator, "nvapi-nobody") as stranger:
        stranger.get(echo)
    known, unknown = simulator.log(functionVersionId=echo[1])
    assert known["key"] == "default"
    assert unknown["key"].startswith("sha256:")
    assert KEY not in str(simulator.log()) + str(simulator.state())
    assert "nvapi-nobody" not in str(simulator.log())
