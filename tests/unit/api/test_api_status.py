"""Status: one form for one meaning, and nothing of NVCF that could make a write fail."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from nvcf_operator.api.crd import crd
from nvcf_operator.api.status import (
    READY,
    Condition,
    Failed,
    FunctionDeploymentStatus,
    Incoming,
    Intent,
    LastWrite,
    ObservedGpuSpecification,
    Phase,
    Retiring,
    Retry,
    TakenReference,
)

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)

FULL = FunctionDeploymentStatus(
    uid="u",
    observed_generation=3,
    conditions=(Condition(type=READY, status="True", reason="Active", last_transition_time=NOON),),
    phase=Phase.ACTIVE,
    account_id="account",
    credential="c0ffee",
    function_id="f",
    function_name="naïve & <co>",
    function_ref=TakenReference(generation=2, hash="h1", revision="1-4-2"),
    function_version_id="v1",
    deployment_id="d",
    function_status="ACTIVE",
    gpu_specifications=(ObservedGpuSpecification(gpu_specification_id="s", gpu="L40S", min_instances=1),),
    instances="1-4",
    running=3,
    intent=Intent(
        uid="u",
        function_version_id="v1",
        token="token",
        specifications=2,
        answered=True,
        deployment_id="d",
        last_updated_at="2026-01-31T12:00:00.123456789Z",
    ),
    incoming=Incoming(function_version_id="v2", deployment_id="d2", since=NOON),
    retiring=(Retiring(function_version_id="v0", deployment_id="d0", since=NOON, deadline=NOON + timedelta(hours=1)),),
    failed=Failed(function_version_id="v3", generation=2, reason="RolloutFailed"),
    progressing_since=NOON,
    last_write=LastWrite(digest="abc", count=2, since=NOON),
    health=("pull failed: https://x.example/y?a=1&b=<2>",),
    retry=Retry(attempts=2, next_attempt_time=NOON, reason="Unreachable"),
    last_handled_reconcile_at="a",
    last_handled_redeploy_at="b",
)


def test_what_is_written_is_what_is_read_back() -> None:
    assert FunctionDeploymentStatus.model_validate(FULL.to_dict()) == FULL


def test_the_example_above_sets_every_field() -> None:
    assert set(FULL.model_fields_set) == set(FunctionDeploymentStatus.model_fields)


def test_a_new_status_says_that_nothing_was_observed_and_nothing_else() -> None:
    assert FunctionDeploymentStatus().to_dict() == {"observedGeneration": -1}


def test_an_empty_list_and_a_list_left_out_are_one_and_the_same() -> None:
    written = FunctionDeploymentStatus.model_validate({"health": [], "retiring": [], "conditions": []})
    assert written.to_dict() == FunctionDeploymentStatus().to_dict()


def test_times_are_utc_and_of_whole_seconds_so_that_two_writings_of_one_moment_are_equal() -> None:
    elsewhere = datetime(2026, 1, 31, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    status = FunctionDeploymentStatus(progressing_since=elsewhere)
    assert status.to_dict()["progressingSince"] == "2026-01-31T12:00:00Z"
    assert status.progressing_since == NOON


def test_a_phase_and_a_status_of_a_newer_version_are_read() -> None:
    status = FunctionDeploymentStatus.model_validate({"phase": "Hibernating", "functionStatus": "FROZEN", "new": 1})
    assert (status.phase, status.function_status) == ("Hibernating", "FROZEN")


def _fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}{name}", field
        yield from _fields(field, f"{path}{name}.")
        yield from _fields(field.get("items", {}), f"{path}{name}[].")


def test_nothing_but_conditions_and_times_is_bound_by_the_schema_of_the_status() -> None:
    schema = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    bounds = {"enum", "pattern", "format", "maxLength", "minLength", "maxItems", "minItems", "maximum", "minimum"}
    bound = {
        path: found
        for path, field in _fields(schema)
        if (found := bounds & field.keys()) and field.get("format") != "date-time"
    }
    assert all(path.startswith("conditions[].") for path in bound), bound
