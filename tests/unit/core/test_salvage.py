"""The deletion of a resource whose manifest cannot be read whole."""

from typing import Any

import pytest

from nvcf_operator.core.branches.undeploying import forces
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import DropFinalizer, Undeploy
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.versions import posts_specifications
from nvcf_operator.core.rules.credentials import secret_of
from tests.unit.core.situations import DEPLOYMENT, FUNCTION, GPU, VERSION, absent, held, present, resource

CANARY = {"rollout": {"versionChange": "Canary"}}
NAMED = {"credentials": {"secretRef": {"name": "ours", "key": "KEY"}}}


@pytest.mark.parametrize(
    "spec",
    [CANARY, {"functionId": 7}, {"functionVersionId": None}, {"deploymentSpecifications": "all"}, {"suspend": "maybe"}],
    ids=str,
)
def test_a_manifest_that_cannot_be_read_is_no_hindrance_to_its_deletion(spec: dict[str, Any]) -> None:
    of = held(deleting=True, spec=spec)
    assert of.spec_error
    assert of.function_id == FUNCTION
    assert decide(present(of)).action == Undeploy(VERSION, graceful=True, deployment_id=DEPLOYMENT)


def test_before_its_deletion_it_is_invalid_and_nothing_is_touched() -> None:
    of = held(spec=CANARY)
    assert of.spec is None
    decision = decide(present(of))
    assert decision.action is None
    assert decision.condition_set is not None
    assert decision.condition_set.reason == Reason.INVALID_SPEC


@pytest.mark.parametrize("policy", [{"deletionPolicy": "Retain"}, {"managementPolicy": "Observe"}], ids=str)
def test_what_was_to_stay_stays_though_the_rest_cannot_be_read(policy: dict[str, Any]) -> None:
    assert decide(present(held(deleting=True, spec={**CANARY, **policy}))).action == DropFinalizer()


@pytest.mark.parametrize(
    "spec",
    [{"deletionPolicy": "Archive"}, {"managementPolicy": "Advise"}, {"credentials": {"vaultRef": {"path": "x"}}}],
    ids=str,
)
def test_whether_and_by_which_key_to_undeploy_is_never_guessed(spec: dict[str, Any]) -> None:
    decision = decide(present(held(deleting=True, spec=spec)))
    assert decision.action is None
    assert decision.condition_set is not None
    assert (decision.condition_set.blocked, decision.condition_set.reason) == (True, Reason.INVALID_SPEC)
    assert f"spec.{next(iter(spec))}" in decision.condition_set.message


def test_with_nothing_on_record_and_no_version_in_the_manifest_the_object_stays() -> None:
    decision = decide(absent(resource(finalizer=True, deleting=True, spec={"functionVersionId": 5})))
    assert decision.action is None
    assert decision.condition_set is not None
    assert decision.condition_set.blocked


def test_the_secret_that_the_manifest_names_is_used() -> None:
    of = held(deleting=True, spec={**CANARY, **NAMED})
    assert of.spec is not None
    secret = secret_of("team", of.spec)
    assert (secret.name, secret.key, secret.named) == ("ours", "KEY", True)


def test_a_drain_whose_limit_cannot_be_read_is_not_cut_short() -> None:
    of = held(deleting=True, spec={"undeploy": {"graceful": False, "onDrainTimeout": "Ask"}})
    action = decide(present(of)).action
    assert isinstance(action, Undeploy)
    assert action.graceful
    assert not forces(present(of))
    assert forces(present(held(deleting=True, spec=CANARY)))


def test_specifications_that_cannot_be_read_count_as_ones_that_ask_for_instances() -> None:
    three = {"deploymentSpecifications": [{**GPU, "minInstances": 0}, GPU, {"gpu": 5}]}
    assert posts_specifications(absent(held(deleting=True, spec=three))) == 3
    zero = {**CANARY, "deploymentSpecifications": [{**GPU, "minInstances": 0}]}
    assert posts_specifications(absent(held(deleting=True, spec=zero))) == 0
