"""Answers of which a part is odd: passed over where nothing depends on it, refused where something does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from nvcf_client import endpoints, errors
from nvcf_client.answers import Answer
from nvcf_client.requests import Request
from nvcf_client.responses import DeploymentResponse, DeploymentsResponse, FunctionsResponse, reading

SPECIFICATION = {"gpuSpecificationId": "s", "gpu": "L40", "instanceType": "t", "minInstances": 0, "maxInstances": 2}
DEPLOYMENT = {
    "functionId": "f",
    "functionVersionId": "v",
    "deploymentId": "d",
    "ncaId": "acme",
    "functionStatus": "ACTIVE",
    "deploymentSpecifications": [SPECIFICATION],
}


def function(version: Any = "v", **changes: Any) -> dict[str, Any]:
    return {"id": "f", "versionId": version, "ncaId": "acme", "status": "ACTIVE", "name": "echo", **changes}


def functions(*entries: Any) -> FunctionsResponse:
    return reading(FunctionsResponse)(json.dumps({"functions": entries}).encode())


def deployment(specification: Any = SPECIFICATION, **changes: Any) -> DeploymentResponse:
    shown = {**DEPLOYMENT, "deploymentSpecifications": [specification], **changes}
    return reading(DeploymentResponse)(json.dumps({"deployment": shown}).encode())


@pytest.mark.parametrize(
    "odd",
    [{"tags": "x"}, {"tags": [None]}, {"description": {}}, {"name": 5}, {"ownedByDifferentAccount": "perhaps"}],
    ids=str,
)
def test_an_odd_field_that_nobody_needs_costs_its_entry_nothing(odd: dict[str, Any]) -> None:
    answer = functions(function(), function("w", **odd))
    assert [item.version_id for item in answer.functions] == ["v", "w"]
    assert answer.skipped_versions == frozenset()
    assert len(answer.passed_over) == 1


@pytest.mark.parametrize("odd", [{"status": None}, {"status": 7}, {"ncaId": []}, {"id": None}], ids=str)
def test_an_entry_that_lacks_what_it_needs_is_left_out_and_named(odd: dict[str, Any]) -> None:
    answer = functions(function("w", **odd), function())
    assert [item.version_id for item in answer.functions] == ["v"]
    assert answer.skipped_versions == {"w"}


@pytest.mark.parametrize("entry", [None, "echo", {}, [], function(None), function({})], ids=repr)
def test_an_entry_without_a_version_id_is_left_out_as_one_that_may_be_any(entry: Any) -> None:
    answer = functions(function(), entry)
    assert [item.version_id for item in answer.functions] == ["v"]
    assert answer.skipped_versions == {""}


def test_the_same_oddity_has_one_text_which_shows_no_value() -> None:
    answer = functions(*(function(f"v{number}", tags={"secret": number}) for number in range(5)))
    assert len(answer.functions) == 5
    (text,) = answer.passed_over
    assert text.startswith("functions[].tags: ")
    assert "secret" not in text


@pytest.mark.parametrize("body", ["", "<html>", "[]", "5", "{}", '{"functions": null}', '{"functions": "none"}'])
def test_what_is_no_list_at_all_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        reading(FunctionsResponse)(body.encode())


def test_an_answer_without_oddities_has_none() -> None:
    assert functions(function()).passed_over == ()
    assert deployment().deployment.unreadable == frozenset()


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({"createdAt": 1700000000}, "createdAt"),
        ({"healthInfo": "all good"}, "healthInfo"),
        ({"healthInfo": [{"error": {}}]}, "healthInfo"),
        ({"functionName": 5}, "functionName"),
        ({"requestQueueUrl": 7}, "requestQueueUrl"),
        ({"lastUpdatedAt": []}, "lastUpdatedAt"),
        ({"deploymentSpecifications": "two"}, "deploymentSpecifications"),
        ({"deploymentSpecifications": [None, SPECIFICATION]}, "deploymentSpecifications"),
    ],
    ids=str,
)
def test_an_odd_field_of_a_deployment_is_missing_and_named(odd: dict[str, Any], named: str) -> None:
    found = deployment(**odd).deployment
    assert found.unreadable == {named}
    assert (found.deployment_id, found.function_status) == ("d", "ACTIVE")


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({"preferredOrder": "first"}, "preferredOrder"),
        ({"clusters": ["one", None]}, "clusters"),
        ({"autoscalingConfiguration": {"scaleUpDetails": {"factor": "twice", "threshold": 75}}}, None),
        ({"cpuArch": 64}, "cpuArch"),
    ],
    ids=str,
)
def test_an_odd_field_of_a_specification_is_missing_and_named(odd: dict[str, Any], named: str | None) -> None:
    found = deployment({**SPECIFICATION, **odd}).deployment
    assert found.unreadable == {f"deploymentSpecifications.{named or 'autoscalingConfiguration'}"}
    assert len(found.deployment_specifications) == 1


def test_a_value_that_breaks_several_rules_costs_no_more_than_itself() -> None:
    up = {"factor": 2, "threshold": {}, "stickiness": {"size": {}, "threshold": []}}
    found = deployment({**SPECIFICATION, "autoscalingConfiguration": {"scaleUpDetails": up}, "regions": {}}).deployment
    assert len(found.deployment_specifications) == 1
    assert found.unreadable == {
        "deploymentSpecifications.autoscalingConfiguration",
        "deploymentSpecifications.regions",
    }


@pytest.mark.parametrize("odd", [{"gpu": None}, {"minInstances": "many"}, {"gpuSpecificationId": 7}], ids=str)
def test_a_specification_that_lacks_what_it_needs_is_missing_whole(odd: dict[str, Any]) -> None:
    found = deployment({**SPECIFICATION, **odd}).deployment
    assert "deploymentSpecifications" in found.unreadable
    assert found.deployment_specifications == ()


@pytest.mark.parametrize(
    "odd",
    [{"functionStatus": None}, {"functionStatus": 7}, {"deploymentId": 5}, {"ncaId": None}, {"functionVersionId": {}}],
    ids=str,
)
def test_a_deployment_whose_ids_or_status_cannot_be_read_is_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        deployment(**odd)


def test_what_is_odd_is_named_at_its_own_deployment_of_a_list() -> None:
    shown = [{**DEPLOYMENT, "functionStatus": 5}, DEPLOYMENT, {**DEPLOYMENT, "healthInfo": "odd"}]
    answer = reading(DeploymentsResponse)(json.dumps({"deployments": shown}).encode())
    assert [item.unreadable for item in answer.deployments] == [frozenset(), frozenset({"healthInfo"})]


def test_a_copy_of_a_deployment_says_the_same_of_what_is_missing() -> None:
    found = deployment(healthInfo="odd").deployment
    assert found.model_copy(update={"function_status": "ERROR"}).unreadable == {"healthInfo"}
    assert "unreadable" not in found.to_json()


@pytest.mark.parametrize("call", [endpoints.get_deployment, endpoints.create_deployment, endpoints.update_deployment])
def test_an_answer_about_another_version_is_none(call: Callable[..., Request[Any]]) -> None:
    wanted = {"gpu": "L40", "instance_type": "t", "min_instances": 0, "max_instances": 2}
    given = {} if call is endpoints.get_deployment else {"deployment_specifications": [wanted]}
    answer = Answer(200, {}, json.dumps({"deployment": {**DEPLOYMENT, "functionVersionId": "7c1e"}}).encode())
    request = call(function_id="F", function_version_id="7C1E", **given)
    assert request.parse(answer).deployment.function_version_id == "7c1e"
    with pytest.raises(errors.OutcomeUnknown if request.mutating else errors.InvalidAnswer, match="another function"):
        call(function_id="F", function_version_id="another", **given).parse(answer)
