"""Ordinary responses are odd: markup, non-ASCII letters, URLs with parameters, unknown fields, all kinds of times."""

import re
from typing import Any

import pytest

from tests.contract.simulator_client import H100, L40S, Api, moment, version_of
from tests.support.control import ODD_NAME
from tests.support.simulator import ECHO, Simulator

_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?Z")


@pytest.fixture(scope="module")
def simulator_options() -> dict[str, Any]:
    return {"deploySeconds": 0}


def is_odd(text: str) -> bool:
    return {"<", "&"} <= set(text) and not text.isascii()


def digits(text: str) -> int:
    found = _FRACTION.fullmatch(text)
    assert found, text
    return len(found[1] or "")


def test_names_and_descriptions_are_odd(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    deployment = api.deployed(echo)
    assert is_odd(ODD_NAME)
    assert deployment["functionName"] == api.http.get(version_of(echo)).json()["function"]["name"] == ODD_NAME
    assert is_odd(api.http.get(version_of((ECHO, ECHO))).json()["function"]["description"])


def test_non_ascii_letters_are_not_escaped(api: Api, echo: tuple[str, str]) -> None:
    for answer in (api.http.get(version_of(echo)), api.http.get("/functions")):
        assert ODD_NAME.split()[-1].strip('"').encode() in answer.content


def test_the_error_of_an_instance_is_odd_and_contains_a_url_with_parameters(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.instance_behaviour(echo[1], outcome="fail")
    assert api.deploy(echo, H100, L40S).status_code == 200
    health = api.wait(echo, "ERROR")["healthInfo"]
    assert len(health) == 2
    for entry in health:
        assert is_odd(entry["error"])
        assert re.search(r"https://\S+\?\S+&\S+=", entry["error"])


def everything(api: Api, simulator: Simulator, function: tuple[str, str]) -> dict[str, Any]:
    """One object of each kind, as responses show it."""
    deployment = api.deployed(function, minInstances=1)
    listed = api.http.get("/functions").json()["functions"]
    read = api.http.get(version_of(function)).json()["function"]
    failed = simulator.add_function()
    simulator.instance_behaviour(failed[1], outcome="fail")
    api.deploy(failed)
    return {
        "deployment": deployment,
        "specification": deployment["deploymentSpecifications"][0],
        "patched": api.patch(deployment, maxInstances=5).json()["gpuSpecification"],
        "function": read,
        "instance": read["activeInstances"][0],
        "listed": next(item for item in listed if item["versionId"] == function[1]),
        "health": api.wait(failed, "ERROR")["healthInfo"][0],
    }


def test_every_object_contains_an_unknown_field(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    for kind, shown in everything(api, simulator, echo).items():
        assert isinstance(shown["newerField"], dict), kind


def test_fields_of_responses_may_be_posted_back(api: Api, echo: tuple[str, str]) -> None:
    first = api.deployed(echo, H100, L40S)
    assert api.undeploy(echo).status_code == 200
    assert api.deploy(echo, *first["deploymentSpecifications"]).status_code == 200


def test_times_have_0_to_9_fractional_digits(simulator: Simulator, api: Api) -> None:
    simulator.add_functions("many", 200)
    functions = api.http.get("/functions").json()["functions"]
    assert {digits(item["createdAt"]) for item in functions} == set(range(10))
    for name in range(20):
        api.deploy(simulator.add_function(f"deployed {name}"), minInstances=0)
    rows = list(simulator.deployments().values())
    assert len({digits(row["createdAt"]) for row in rows}) > 3
    assert len({digits(row["lastUpdatedAt"]) for row in rows}) > 3


def test_a_time_is_the_same_at_every_read_and_the_last_update_is_not_truncated(api: Api, echo: tuple[str, str]) -> None:
    before = api.deployed(echo, minInstances=0)
    seen = [moment(before["lastUpdatedAt"])]
    for maximum in range(3, 9):
        assert api.patch(before, maxInstances=maximum).status_code == 200
        shown = api.get(echo).json()["deployment"]
        assert shown == api.http.get(f"/deployments/{before['deploymentId']}").json()["deployment"] | {
            "deploymentSpecifications": shown["deploymentSpecifications"]
        }
        assert shown["createdAt"] == before["createdAt"]
        seen.append(moment(shown["lastUpdatedAt"]))
    assert seen == sorted(set(seen)), "each update has a later time"


def test_a_plain_server_sends_known_fields_and_short_times() -> None:
    with Simulator.start(plain=True, deploySeconds=0) as simulator, Api(simulator) as api:
        for kind, shown in everything(api, simulator, simulator.add_function()).items():
            assert "newerField" not in shown, kind
        assert {digits(item["createdAt"]) for item in api.http.get("/functions").json()["functions"]} <= {0, 3, 6, 9}


def test_responses_show_the_odd_values_that_are_set(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    api.deployed(echo)
    simulator.change(echo[1], odd={"status": None}, oddDeployment={"createdAt": 5}, oddSpecifications={"clusters": 7})
    listed = [item for item in api.http.get("/functions").json()["functions"] if item["versionId"] == echo[1]]
    shown = api.get(echo).json()["deployment"]
    assert [item["status"] for item in listed] == [None]
    assert (shown["createdAt"], shown["deploymentSpecifications"][0]["clusters"]) == (5, 7)
    simulator.change(echo[1], odd={}, oddDeployment={}, oddSpecifications={})
    assert isinstance(api.get(echo).json()["deployment"]["createdAt"], str)
