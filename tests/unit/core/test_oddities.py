"""A deployment of which something cannot be read: what needs it waits, and nothing else does."""

import json
from typing import Any

import pytest

from nvcf_client.models import Deployment
from nvcf_client.responses import DeploymentResponse, reading
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import Change, Patch, Put, Undeploy
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules.poll_rules import differ, fingerprint_of
from tests.unit.core.situations import VERSION, condition_set_of, deployment, held, present

REDEPLOY = {"rollout": {"immutableChange": "Redeploy"}}


def odd(gpu: dict[str, Any] | None = None, status: str = "ACTIVE", **changes: Any) -> Deployment:
    """The deployment of the tests as the client reads it, with these odd fields."""
    shown = json.loads(deployment(status).model_dump_json(by_alias=True, exclude_none=True)) | changes
    if gpu is not None:
        shown["deploymentSpecifications"][0] |= gpu
    return reading(DeploymentResponse)(json.dumps({"deployment": shown}).encode()).deployment


@pytest.mark.parametrize(
    "shown",
    [odd(createdAt=17), odd(healthInfo="all good"), odd(functionName=5), odd({"preferredOrder": "first"})],
    ids=["createdAt", "healthInfo", "functionName", "preferredOrder"],
)
def test_an_odd_field_that_the_manifest_does_not_set_holds_up_no_edit(shown: Deployment) -> None:
    action = decide(present(held(generation=2, gpu={"maxInstances": 8}), shown)).action
    assert isinstance(action, Change)
    assert isinstance(action.change, Patch)


@pytest.mark.parametrize(
    "shown",
    [odd({"clusters": {}, "preferredOrder": []}), odd(deploymentSpecifications="none"), odd(createdAt=[])],
    ids=["fields", "all specifications", "a time"],
)
def test_no_odd_field_holds_up_a_deletion(shown: Deployment) -> None:
    assert isinstance(decide(present(held(deleting=True), shown)).action, Undeploy)


TWICE = [item.model_dump(mode="json", by_alias=True) for item in deployment().deployment_specifications] * 2


@pytest.mark.parametrize(
    "shown",
    [
        odd({"clusters": {}}),
        odd({"gpu": None}),
        odd(deploymentSpecifications=[]),
        odd(deploymentSpecifications=None),
        odd(deploymentSpecifications=TWICE),
    ],
    ids=["a field", "a specification", "none", "null", "one twice"],
)
def test_what_cannot_be_read_is_no_difference_that_a_redeployment_could_mend(shown: Deployment) -> None:
    decision = decide(present(held(generation=2, spec=REDEPLOY, gpu={"clusters": ["one"]}), shown))
    assert decision.action is None
    assert condition_set_of(decision)[0] == Reason.INVALID_ANSWER
    assert decision.condition_set is not None
    assert "deploymentSpecifications" in decision.condition_set.message


def test_what_was_as_specified_stays_so_while_a_field_of_it_cannot_be_read() -> None:
    resource = held(gpu={"clusters": ["one"]})
    decision = decide(present(resource, odd({"clusters": {}})))
    assert (decision.action, condition_set_of(decision)[0]) == (None, Reason.ACTIVE)


def test_what_was_as_specified_still_shows_how_it_is_while_a_field_of_it_cannot_be_read() -> None:
    decision = decide(present(held(gpu={"clusters": ["one"]}), odd({"clusters": {}}, status="DEGRADED")))
    assert (decision.action, condition_set_of(decision)[0]) == (None, Reason.DEGRADED)


@pytest.mark.parametrize("name", [None, ""], ids=["missing", "empty"])
def test_a_deployment_without_an_id_of_its_own_is_changed_by_put(name: str | None) -> None:
    action = decide(present(held(generation=2, gpu={"maxInstances": 8}), odd(deploymentId=name))).action
    assert isinstance(action, Change)
    assert isinstance(action.change, Put)


def test_a_put_waits_while_what_it_must_repeat_cannot_be_read() -> None:
    edited = held(generation=2, gpu={"maxRequestConcurrency": 8})
    decision = decide(present(edited, odd({"clusters": {}})))
    assert (decision.action, condition_set_of(decision)[0]) == (None, Reason.INVALID_ANSWER)
    action = decide(present(edited, odd({"preferredOrder": {}}))).action
    assert isinstance(action, Change)
    assert isinstance(action.change, Put)


def test_a_specification_that_cannot_be_read_takes_no_numbers_from_the_status() -> None:
    resource = held()
    situation = present(resource, odd({"gpu": None}))
    status = report(situation, decide(situation))
    assert status.instances == resource.status.instances
    assert status.gpu_specifications == resource.status.gpu_specifications
    assert status.function_version_id == VERSION


def test_a_list_whose_specifications_cannot_be_read_contradicts_no_record() -> None:
    assert not differ(fingerprint_of(deployment()), fingerprint_of(odd({"maxInstances": "many"})))
