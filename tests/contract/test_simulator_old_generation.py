"""The old generation of the API (2.87), which the old SDK's documentation describes."""

from collections.abc import Iterator

import pytest

from tests.contract.simulator_client import Api, deployment_of
from tests.support.simulator import ECHO, Simulator

FUNCTION = (ECHO, ECHO)
OLD = {"backend": "GFN", "gpu": "T10", "minInstances": 1, "maxInstances": 2}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator.start(generation="old") as running:
        yield running


def test_a_deployment_has_the_fields_of_that_generation(api: Api) -> None:
    shown = api.deployed(FUNCTION, OLD)
    assert shown.keys() == {
        "functionId",
        "functionVersionId",
        "ncaId",
        "functionStatus",
        "requestQueueUrl",
        "deploymentSpecifications",
        "createdAt",
    }
    specification = shown["deploymentSpecifications"][0]
    assert "gpuSpecificationId" not in specification
    assert specification["instanceType"] == "g4.tiny", "the server chose one"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"backend": None}, "backend"),
        ({"maxRequestConcurrency": 1025}, "maxRequestConcurrency"),
        ({"gpu": None}, "gpu"),
    ],
)
def test_the_rules_are_those_of_that_generation(api: Api, changes: dict[str, object], field: str) -> None:
    answer = api.deploy(FUNCTION, OLD | changes)
    assert answer.status_code == 400
    assert field in answer.json()["detail"]


def test_there_is_no_patch_and_no_get_by_deployment_id(simulator: Simulator, api: Api) -> None:
    api.deployed(FUNCTION, OLD)
    assert api.http.patch(f"/deployments/{ECHO}/gpu-specifications/{ECHO}", json={"maxInstances": 3}).status_code == 404
    assert api.http.get(f"/deployments/{ECHO}").status_code == 404
    assert api.http.patch(deployment_of(FUNCTION), json={}).status_code == 405


def test_put_finds_specifications_by_gpu_and_backend(api: Api) -> None:
    l40 = {"backend": "GFN", "gpu": "L40", "minInstances": 0, "maxInstances": 1}
    api.deployed(FUNCTION, OLD, l40)
    answer = api.update(FUNCTION, l40 | {"maxInstances": 5}, OLD | {"maxInstances": 3})
    numbers = {s["gpu"]: s["maxInstances"] for s in answer.json()["deployment"]["deploymentSpecifications"]}
    assert numbers == {"T10": 3, "L40": 5}
    assert api.update(FUNCTION, OLD, OLD).status_code == 400


def test_there_is_no_degraded_and_health_has_the_old_id(simulator: Simulator, api: Api) -> None:
    api.deployed(FUNCTION, OLD)
    simulator.instance_behaviour(ECHO, supply=False)
    simulator.lose(ECHO)
    simulator.run_pass()
    simulator.run_pass()
    assert api.status(FUNCTION) == "ACTIVE"
    api.undeploy(FUNCTION)

    simulator.instance_behaviour(ECHO, supply=True, outcome="fail")
    api.deploy(FUNCTION, OLD)
    assert api.wait(FUNCTION, "ERROR")["healthInfo"][0].keys() >= {"sisRequestId", "error"}
