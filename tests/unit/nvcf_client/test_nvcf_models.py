"""NVCF's objects: answers are read leniently, requests carry exactly what was given."""

import json
import time

import pytest
from pydantic import ValidationError

from nvcf_client.models import Deployment, Function, GpuSpecification, HealthInfo
from nvcf_client.responses import FunctionsResponse

ID = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"

OLD_ANSWER = {
    "functionId": ID,
    "functionVersionId": ID,
    "ncaId": "account",
    "functionStatus": "DEPLOYING",
    "requestQueueUrl": "https://queue.example",
    "healthInfo": [{"sisRequestId": "old-id", "gpu": "L40", "backend": "GFN", "error": "no capacity"}],
    "deploymentSpecifications": [{"gpu": "L40", "backend": "GFN", "minInstances": 1, "maxInstances": 2}],
}
CURRENT_ANSWER = {
    "functionId": ID,
    "functionVersionId": ID,
    "deploymentId": "d",
    "functionName": "echo",
    "ncaId": "account",
    "functionStatus": "ACTIVE",
    "healthInfo": [{"icmsRequestId": "new-id", "gpu": "L40", "backend": "GFN", "error": "no capacity"}],
    "deploymentSpecifications": [
        {
            "gpuSpecificationId": "s",
            "gpu": "L40",
            "instanceType": "t",
            "minInstances": 0,
            "maxInstances": 2,
            "preferredOrder": 1,
            "cpuArch": "amd64",
            "os": "linux",
            "driverVersion": "1",
            "storage": "1G",
            "systemMemory": "2G",
            "gpuMemory": "3G",
            "aFieldOfNextYear": {"x": [1]},
        }
    ],
    "createdAt": "2026-01-01T00:00:00.123456789Z",
    "lastUpdatedAt": "2026-01-01T00:00:00Z",
}


def test_an_old_servers_answer_is_read_without_the_newer_fields() -> None:
    deployment = Deployment.model_validate_json(json.dumps(OLD_ANSWER))
    assert (deployment.deployment_id, deployment.function_name, deployment.last_updated_at) == (None, None, None)
    assert deployment.request_queue_url == "https://queue.example"
    assert deployment.health_info[0].icms_request_id == "old-id"
    assert deployment.deployment_specifications[0].instance_type is None


def test_a_current_servers_answer_is_read_and_unknown_fields_stay_away() -> None:
    deployment = Deployment.model_validate_json(json.dumps(CURRENT_ANSWER))
    specification = deployment.deployment_specifications[0]
    assert deployment.deployment_id == "d"
    assert deployment.created_at == "2026-01-01T00:00:00.123456789Z", "a timestamp is kept as text, to its last digit"
    assert specification.gpu_specification_id == "s"
    assert specification.gpu_memory == "3G"
    assert "NextYear" not in str(deployment.to_json())


@pytest.mark.parametrize("status", ["ACTIVE", "DEGRADING", "SOMETHING_NEW", ""])
def test_a_status_is_plain_text_so_that_a_new_one_never_fails(status: str) -> None:
    assert Deployment.model_validate(CURRENT_ANSWER | {"functionStatus": status}).function_status == status


@pytest.mark.parametrize("absent", [{}, {"healthInfo": None, "deploymentSpecifications": None}])
def test_absent_lists_are_empty(absent: dict[str, None]) -> None:
    bare = {"functionId": ID, "functionVersionId": ID, "ncaId": "a", "functionStatus": "INACTIVE"}
    deployment = Deployment.model_validate(bare | absent)
    assert (deployment.health_info, deployment.deployment_specifications) == ((), ())


def test_both_spellings_make_the_same_specification() -> None:
    snake = GpuSpecification(gpu="L40", min_instances=1, max_instances=2, max_request_concurrency=3)
    camel = {"gpu": "L40", "minInstances": 1, "maxInstances": 2, "maxRequestConcurrency": 3}
    assert GpuSpecification.model_validate(camel) == snake


def test_a_request_leaves_out_what_is_unset_and_what_only_the_server_sets() -> None:
    read = Deployment.model_validate(CURRENT_ANSWER).deployment_specifications[0]
    expected = {"gpu": "L40", "instanceType": "t", "minInstances": 0, "maxInstances": 2, "preferredOrder": 1}
    assert read.to_request() == expected


def test_an_update_carries_the_id_and_the_numbers() -> None:
    read = Deployment.model_validate(CURRENT_ANSWER).deployment_specifications[0]
    assert read.to_update() == {"gpuSpecificationId": "s", "minInstances": 0, "maxInstances": 2}


def test_an_update_without_an_id_carries_what_identifies_the_specification() -> None:
    read = Deployment.model_validate(CURRENT_ANSWER).deployment_specifications[0]
    expected = {"gpu": "L40", "instanceType": "t", "minInstances": 0, "maxInstances": 2}
    assert read.model_copy(update={"gpu_specification_id": None}).to_update() == expected


def test_what_the_caller_gave_keeps_its_letters_and_formats() -> None:
    given = {
        "gpu": "l40S",
        "backend": "gFn",
        "minInstances": 1,
        "maxInstances": 2,
        "clusters": ["B", "a"],
        "configuration": {"Some_Key": {"innerKey": [1, 2.5, None]}, "a-b": True, "unset": None},
        "helmValidationPolicy": {
            "name": "default",
            "extraKubernetesTypes": [{"group": "", "version": "v1", "kind": "X"}],
        },
        "autoscalingConfiguration": {
            "scaleUpDetails": {"factor": 2, "threshold": 80.5, "stickiness": {"size": 600, "threshold": "pt1m"}}
        },
    }
    sent = GpuSpecification.model_validate(given).to_request()
    assert sent == given
    assert isinstance(sent["autoscalingConfiguration"]["scaleUpDetails"]["factor"], int), "2 is not made 2.0"


def test_a_configuration_is_neither_in_a_repr_nor_in_an_error() -> None:
    specification = GpuSpecification(gpu="g", min_instances=1, max_instances=1, configuration={"password": "hunter2"})
    assert "hunter2" not in repr(specification)
    with pytest.raises(ValidationError) as caught:
        GpuSpecification.model_validate({"gpu": {"password": "hunter2"}, "minInstances": 1, "maxInstances": 1})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["icmsRequestId", "sisRequestId", "icms_request_id"])
def test_the_health_id_is_read_under_every_name_it_had(name: str) -> None:
    assert HealthInfo.model_validate({name: "x"}).icms_request_id == "x"


def test_a_functions_environment_is_not_kept() -> None:
    function = Function.model_validate(
        {"id": ID, "versionId": ID, "ncaId": "a", "status": "ACTIVE", "containerEnvironment": [{"value": "hunter2"}]}
    )
    assert "hunter2" not in f"{function!r}{function.to_json()}"


def test_reading_a_list_of_ten_thousand_functions_costs_little_cpu() -> None:
    one = {
        "id": ID,
        "versionId": ID,
        "ncaId": "x" * 43,
        "name": "function",
        "status": "ACTIVE",
        "functionType": "DEFAULT",
        "containerImage": "registry.example/some/image:1",
        "apiBodyFormat": "CUSTOM",
        "health": {"protocol": "HTTP", "uri": "/h", "port": 8000, "timeout": "PT10S", "expectedStatusCode": 200},
        "createdAt": "2026-01-01T00:00:00Z",
    }
    body = json.dumps({"functions": [one] * 10_000}).encode()
    spent = []
    for _ in range(3):
        start = time.process_time()
        assert len(FunctionsResponse.model_validate_json(body).functions) == 10_000
        spent.append(time.process_time() - start)
    assert min(spent) < 0.15, f"CPU seconds: {spent}"
