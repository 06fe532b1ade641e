"""The API of CloudFunction as Python reads and writes it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from nvcf_operator.api.common import LastWrite, Retry
from nvcf_operator.api.conditions import READY, Condition, merge
from nvcf_operator.api.function_spec import ENVIRONMENT_LIMIT, CloudFunctionSpec
from nvcf_operator.api.function_status import (
    FUNCTION_CONDITION_TYPES,
    CloudFunctionStatus,
    FailedTemplate,
    FunctionPhase,
    LatestVersion,
    RegisteredVersion,
    Registration,
)
from nvcf_operator.api.spec import FunctionDeploymentSpec

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
SMALL: dict[str, Any] = {"name": "llama", "template": {"inferenceUrl": "/v1/chat", "containerImage": "image:1"}}
ID = "3E4666BF-d5e5-4aa7-b8ce-cefe41c7568a"
GPUS = [{"gpu": "L40S", "minInstances": 1, "maxInstances": 2}]

FULL = CloudFunctionStatus(
    uid="u",
    observed_generation=3,
    conditions=(Condition(type=READY, status="True", reason="Registered", last_transition_time=NOON),),
    phase=FunctionPhase.REGISTERED,
    account_id="account",
    credential="c0ffee",
    function_id="f",
    latest=LatestVersion(version_id="v2", hash="h12", revision="1-4-2", generation=3),
    versions=(
        RegisteredVersion(
            version_id="v2", hash="h12", revision="1-4-2", created_at=NOON, served=True, secrets="d", secret_names="n"
        ),
        RegisteredVersion(version_id="v1", hash="h11", leaving=True),
    ),
    intent=Registration(uid="u", hash="h12", revision="1-4-2", token="t", function_id="f", secrets="d", answered=True),
    failed=FailedTemplate(hash="h13", generation=2, reason="ArtifactRejected"),
    last_write=LastWrite(digest="d", count=1, since=NOON),
    retry=Retry(attempts=1, next_attempt_time=NOON, reason="Unreachable"),
    last_handled_reconcile_at="a",
    last_handled_new_version_at="b",
    last_handled_new_function_at="c",
    last_handled_secrets_at="d",
)


def test_a_small_manifest_is_read_with_its_settings() -> None:
    spec = CloudFunctionSpec.model_validate(SMALL)
    assert spec.problems() == ()
    assert spec.to_dict() == {
        **SMALL,
        "rateLimitPolicy": "Limited",
        "history": {"limit": 1},
        "adoptionPolicy": "Refuse",
        "deletionPolicy": "Delete",
        "managementPolicy": "Manage",
        "suspend": False,
    }


@pytest.mark.parametrize("size", [ENVIRONMENT_LIMIT, ENVIRONMENT_LIMIT + 1])
def test_an_environment_that_is_too_large_in_total_is_named_with_its_size(size: int) -> None:
    values = ["ä" * 16000, "x" * 32000]
    left = size - len("ABC") - sum(len(value.encode()) for value in values)
    variables = [{"key": key, "value": value} for key, value in zip("ABC", [*values, "x" * left], strict=True)]
    template = {**SMALL["template"], "containerEnvironment": variables}
    spec = CloudFunctionSpec.model_validate({**SMALL, "template": template})
    said = spec.problems()
    assert len(said) == (size > ENVIRONMENT_LIMIT)
    assert all(f"spec.template.containerEnvironment: {size} bytes" in text for text in said)


def test_no_text_of_a_manifest_shows_a_value_of_the_environment() -> None:
    template = {**SMALL["template"], "containerEnvironment": [{"key": "K", "value": "hunter2"}]}
    assert "hunter2" not in repr(CloudFunctionSpec.model_validate({**SMALL, "template": template}))


def test_the_status_above_sets_every_field_and_is_read_back_as_it_was_written() -> None:
    assert set(FULL.model_fields_set) == set(CloudFunctionStatus.model_fields)
    assert CloudFunctionStatus.model_validate(FULL.to_dict()) == FULL


def test_a_status_without_anything_says_that_nothing_was_observed() -> None:
    assert CloudFunctionStatus().to_dict() == {"observedGeneration": -1}


def test_conditions_stand_in_the_order_of_their_kind() -> None:
    stated = [Condition(type=kind, status="True", reason="X") for kind in reversed(list(FUNCTION_CONDITION_TYPES))]
    assert [item.type for item in merge([], stated, NOON, FUNCTION_CONDITION_TYPES)] == list(FUNCTION_CONDITION_TYPES)


def test_a_deployment_may_refer_to_a_function_in_place_of_ids() -> None:
    spec = FunctionDeploymentSpec.model_validate(
        {"functionRef": {"name": "llama", "revision": "1-4-2"}, "deploymentSpecifications": GPUS}
    )
    assert spec.function_ref is not None
    assert (spec.function_ref.name, spec.function_ref.revision) == ("llama", "1-4-2")
    assert (spec.function_id, spec.function_version_id) == (None, None)


@pytest.mark.parametrize(("given", "missing"), [({}, "functionId"), ({"functionId": ID}, "functionVersionId")])
def test_a_deployment_with_neither_form_is_refused_by_the_field(given: dict[str, Any], missing: str) -> None:
    with pytest.raises(ValueError, match=f"{missing} is required where functionRef is not set"):
        FunctionDeploymentSpec.model_validate({**given, "deploymentSpecifications": GPUS})
