"""Deployments: behaviour of the real server beyond the conformance cases."""

from datetime import timedelta
from typing import Any

import pytest

from tests.contract.simulator_client import DEADLINE, H100, L40S, Api, deployment_of, moment, version_of
from tests.support.simulator import OTHER_KEY, Simulator
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    ("value", "shown", "reason"),
    [
        ("3", 3, "text that holds a number is one"),
        (" 3 ", 3, "blanks around it do not matter"),
        (3.9, 3, "a fraction is cut off"),
        (2**31 - 1, 2**31 - 1, "the largest of 32 bits"),
        (2**31, None, "beyond 32 bits"),
        (True, None, "a truth value is no number"),
        ("many", None, "other text is none"),
        ("3.5", None, "text with a fraction is none"),
        ([3], None, "a list is none"),
        ("", None, "empty text is null, which is not allowed here"),
    ],
)
def test_numbers_are_read_as_leniently_as_by_the_real_server(
    api: Api, echo: tuple[str, str], value: object, shown: int | None, reason: str
) -> None:
    answer = api.deploy(echo, minInstances=0, maxInstances=value)
    if shown is None:
        assert answer.status_code == 400, reason
        assert "maxInstances" in answer.json()["detail"], reason
        assert "type" not in answer.json(), reason
    else:
        assert answer.json()["deployment"]["deploymentSpecifications"][0]["maxInstances"] == shown, reason


def test_one_response_lists_all_violations_of_a_body(api: Api, echo: tuple[str, str]) -> None:
    bad = {"gpu": " ", "minInstances": -1, "maxInstances": 0, "maxRequestConcurrency": 0, "preferredOrder": 100}
    detail = api.deploy(echo, bad).json()["detail"]
    for field in ("gpu", "instanceType", "minInstances", "maxInstances", "maxRequestConcurrency", "preferredOrder"):
        assert f"deploymentSpecifications[0].{field}," in detail


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_null_in_the_list_of_specifications_is_a_server_error(api: Api, echo: tuple[str, str], method: str) -> None:
    answer = api.http.request(method, deployment_of(echo), json={"deploymentSpecifications": [None]})
    assert answer.status_code == 500
    assert "type" not in answer.json()


def test_two_identical_specifications_are_two(api: Api, echo: tuple[str, str]) -> None:
    shown = api.deployed(echo, H100, H100)["deploymentSpecifications"]
    assert len({item["gpuSpecificationId"] for item in shown}) == 2


def test_specifications_come_back_in_a_different_order_than_from_post(api: Api, echo: tuple[str, str]) -> None:
    answered = api.deploy(echo, H100, L40S).json()["deployment"]["deploymentSpecifications"]
    read = api.get(echo).json()["deployment"]["deploymentSpecifications"]
    assert answered == read[::-1]


def test_created_at_loses_precision_after_post(api: Api, echo: tuple[str, str]) -> None:
    answered = api.deploy(echo, minInstances=0).json()["deployment"]
    read = api.get(echo).json()["deployment"]
    assert api.get(echo).json()["deployment"]["createdAt"] == read["createdAt"]
    assert timedelta(0) <= moment(answered["createdAt"]) - moment(read["createdAt"]) < timedelta(seconds=1)
    assert answered["createdAt"] < answered["lastUpdatedAt"]


@pytest.mark.parametrize(
    ("field", "value"), [("backend", ""), ("backend", " "), ("clusters", []), ("clusters", ["", " "]), ("regions", [])]
)
def test_empty_optional_fields_are_never_shown(api: Api, echo: tuple[str, str], field: str, value: object) -> None:
    shown = api.deploy(echo, **{field: value}).json()["deployment"]["deploymentSpecifications"][0]
    assert field not in shown


@pytest.mark.parametrize(("size", "status"), [(20_000, 200), (40_000, 500)])
def test_large_chart_values_are_a_server_error(simulator: Simulator, api: Api, size: int, status: int) -> None:
    chart = simulator.add_function("chart", kind="helm")
    assert api.deploy(chart, configuration={"text": "x" * size}).status_code == status


def test_response_only_fields_that_are_posted_back_are_ignored(api: Api, echo: tuple[str, str]) -> None:
    first = api.deployed(echo)
    assert api.undeploy(echo).status_code == 200
    second = api.deploy(echo, *first["deploymentSpecifications"]).json()["deployment"]
    assert second["deploymentSpecifications"][0]["gpuSpecificationId"] not in str(first)


@pytest.mark.parametrize(
    ("word", "status"),
    [("true", 200), ("FALSE", 200), ("on", 200), ("0", 200), ("", 200), ("nope", 400), ("2", 400)],
)
def test_graceful_is_true_or_false(api: Api, echo: tuple[str, str], word: str, status: int) -> None:
    api.deployed(echo, minInstances=0)
    assert api.http.delete(f"{deployment_of(echo)}?graceful={word}").status_code == status


def test_a_patch_that_changes_nothing_leaves_the_time_of_the_last_update(api: Api, echo: tuple[str, str]) -> None:
    before = api.deployed(echo)
    assert api.patch(before, maxInstances=2).status_code == 200
    assert api.get(echo).json()["deployment"]["lastUpdatedAt"] == before["lastUpdatedAt"]


def test_a_put_that_repeats_everything_leaves_the_time_of_the_last_update(api: Api, echo: tuple[str, str]) -> None:
    before = api.deployed(echo)
    assert api.update(echo, {"minInstances": 1, "maxInstances": 2, "maxRequestConcurrency": 1}).status_code == 200
    assert api.get(echo).json()["deployment"]["lastUpdatedAt"] == before["lastUpdatedAt"]


def test_clusters_must_be_repeated_by_put(api: Api, echo: tuple[str, str]) -> None:
    api.deployed(echo, clusters=["a", "b", "ncp-cluster-1"])
    assert api.update(echo, {"minInstances": 1, "maxInstances": 3}).status_code == 400
    repeated = {"clusters": ["b", "ncp-cluster-1", "a"]}
    assert api.update(echo, {"minInstances": 1, "maxInstances": 3} | repeated).status_code == 200


def test_a_patch_to_minimum_0_leaves_a_degraded_deployment_degraded(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    deployment = api.deployed(echo)
    simulator.instance_behaviour(echo[1], supply=False)
    simulator.lose(echo[1])
    api.wait(echo, "DEGRADED")
    assert api.patch(deployment, minInstances=0).status_code == 200
    simulator.run_pass()
    simulator.run_pass()
    assert api.status(echo) == "DEGRADED"


def test_a_key_with_another_policy_may_not_patch(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    deployment = api.deployed(echo, minInstances=0)
    simulator.add_key("elsewhere", "nvapi-elsewhere", resources=["function:00000000-0000-4000-8000-000000000001/*"])
    with Api(simulator, "nvapi-elsewhere") as stranger:
        assert stranger.patch(deployment, maxInstances=9).status_code == 403
        assert stranger.get(echo).status_code == 403
    with Api(simulator, OTHER_KEY) as other:
        assert other.patch(deployment, maxInstances=9).status_code == 200, "the account is not checked"


def test_instances_above_the_maximum_are_ended(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    deployment = api.deployed(echo, minInstances=3, maxInstances=4)
    assert api.patch(deployment, minInstances=1, maxInstances=1).status_code == 200
    simulator.run_pass()
    alive = [item for item in simulator.allocations() if item["functionVersionId"] == echo[1]]
    assert len(alive) == 1


def test_instances_missing_for_lack_of_capacity_are_not_requested_again(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.instance_behaviour(echo[1], capacity=0)
    api.deploy(echo)
    simulator.instance_behaviour(echo[1], capacity=None)
    deployment = api.get(echo).json()["deployment"]
    assert api.patch(deployment, minInstances=2).status_code == 200
    simulator.run_pass()
    simulator.run_pass()
    assert api.status(echo) == "DEPLOYING"
    simulator.serve(echo[1])
    api.wait(echo, "ACTIVE")


def test_one_failing_specification_shows_its_health_while_the_rest_still_deploys(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.instance_behaviour(
        echo[1], outcomes={"NCP.GPU.L40S_1x": "fail", "NCP.GPU.H100_1x": "wait"}, error="no such image"
    )
    api.deploy(echo, H100, L40S)
    simulator.instance_behaviour(echo[1], deploySeconds=0)

    def health() -> Any:
        return api.get(echo).json()["deployment"].get("healthInfo")

    entry = eventually(health, within=DEADLINE, what="healthInfo")[0]
    assert api.status(echo) == "DEPLOYING"
    assert entry["error"] == "no such image"
    assert entry["icmsRequestId"] == "00000000-0000-0000-0000-000000000000"
    assert entry["gpu"] == entry["instanceType"] == "NCP.GPU.L40S_1x", "gpu holds the instance type, as in NVCF"


def test_when_instances_cannot_be_read_deploying_ends_in_error_and_active_only_degrades(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    lasting = simulator.add_function()
    api.deployed(lasting)
    simulator.depend(lasting[1], instances={"status": 503})
    api.wait(lasting, "DEGRADED")
    simulator.depend(lasting[1])
    api.wait(lasting, "ACTIVE")

    simulator.instance_behaviour(echo[1], outcome="wait")
    api.deploy(echo)
    simulator.depend(echo[1], instances={"status": 503, "count": 1})
    assert "could not be read" in api.wait(echo, "ERROR")["healthInfo"][0]["error"]
    assert not [item for item in simulator.allocations() if item["functionVersionId"] == echo[1]]


def test_a_deployment_that_fails_after_a_week_is_removed_immediately(
    simulator: Simulator, api: Api, echo: tuple[str, str]
) -> None:
    simulator.instance_behaviour(echo[1], capacity=0)
    api.deploy(echo)
    simulator.change(echo[1], olderByDays=8)
    simulator.depend(echo[1], instances={"status": 503, "count": 1})
    api.wait(echo, "404")
    assert api.http.get(version_of(echo)).json()["function"]["status"] == "INACTIVE"


@pytest.mark.parametrize(
    ("dependency", "status", "reported"),
    [
        ("allocator", 503, 502),
        ("allocator", 404, 404),
        ("allocator", 401, 401),
        ("catalogue", 500, 502),
        ("artifacts", 422, 422),
        ("helm", 500, 400),
    ],
)
def test_a_failing_dependency_determines_the_status_of_post(
    simulator: Simulator, api: Api, dependency: str, status: int, reported: int
) -> None:
    function = simulator.add_function(kind="helm" if dependency == "helm" else "container")
    simulator.depend(function[1], **{dependency: {"status": status}})
    answer = api.deploy(function)
    assert answer.status_code == reported
    assert answer.json()["type"]
    assert api.status(function) == "404"


def test_without_put_it_is_405_and_everything_else_works(simulator: Simulator, api: Api, echo: tuple[str, str]) -> None:
    deployment = api.deployed(echo)
    (specification,) = deployment["deploymentSpecifications"]
    simulator.behave(put=False)
    refused = api.update(echo, specification)
    simulator.behave(put=True)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "DELETE, GET, POST")
    assert "type" not in refused.json()
    assert api.update(echo, specification).status_code == 200


@pytest.mark.parametrize(
    ("threshold", "status"), [(0, 200), (75.5, 200), (100, 200), (100.9, 200), (101, 400), (-1, 400)]
)
def test_a_threshold_is_a_whole_number_from_0_to_100(
    api: Api, echo: tuple[str, str], threshold: float, status: int
) -> None:
    scaling = {"scaleUpDetails": {"factor": 2, "threshold": threshold}}
    assert api.deploy(echo, minInstances=0, autoscalingConfiguration=scaling).status_code == status
    if status == 200:
        (shown,) = api.get(echo).json()["deployment"]["deploymentSpecifications"]
        assert shown["autoscalingConfiguration"]["scaleUpDetails"]["threshold"] == int(threshold)


@pytest.mark.parametrize(
    "odd",
    [
        {"minInstances": True},
        {"minInstances": [1]},
        {"maxInstances": {}},
        {"gpu": ["L40S"]},
        {"clusters": "c1"},
        {"clusters": [["c1"]]},
        {"configuration": []},
        {"autoscalingConfiguration": "none"},
        {"helmValidationPolicy": []},
    ],
    ids=str,
)
def test_a_value_of_another_json_type_is_refused(api: Api, echo: tuple[str, str], odd: dict[str, Any]) -> None:
    answer = api.deploy(echo, **odd)
    assert answer.status_code == 400
    assert "type" not in answer.json()
    assert next(iter(odd)) in answer.json()["detail"]
