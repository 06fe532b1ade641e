"""Each reason of the closed list is asserted by a test: those that no story shows are shown here."""

from pathlib import Path

import pytest

from nvcf_operator.core.decide import unfinished
from nvcf_operator.core.model.decision import Action, Change, DropFinalizer, Patch
from nvcf_operator.core.model.observed import AccountView, FunctionSeen, Proof, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.report.events import of_write
from nvcf_operator.core.rules.credentials import SecretName, unreadable
from tests.unit.core.situations import (
    SPECIFICATION,
    VERSION,
    absent,
    conditions_of,
    deployment,
    held,
    present,
    resource,
)
from tests.unit.core.specification_samples import autoscaling

TESTS = Path(__file__).parents[2]

REASONS: list[tuple[Situation, str, tuple[str, Reason]]] = [
    (present(held()), "Available", ("True", Reason.SERVING)),
    (present(held("DEPLOYING"), deployment("DEPLOYING")), "Available", ("False", Reason.NOT_SERVING)),
    (present(held(), deployment("DREAMING")), "Ready", ("False", Reason.UNKNOWN_STATUS)),
    (absent(resource(), function=FunctionSeen.PUBLIC), "Stalled", ("True", Reason.PUBLIC_FUNCTION)),
    (absent(resource(spec={"functionId": 7})), "Stalled", ("True", Reason.INVALID_SPEC)),
    (absent(held(), account=AccountView(Proof.UNPROVEN)), "Stalled", ("True", Reason.ACCOUNT_UNPROVEN)),
    (
        present(
            held(gpu={"autoscalingConfiguration": autoscaling()}),
            local=LocalView(patch_supported=False),
        ),
        "Stalled",
        ("True", Reason.NOT_SUPPORTED),
    ),
]


@pytest.mark.parametrize(("situation", "condition", "said"), [pytest.param(*case, id=case[2][1]) for case in REASONS])
def test_a_reason_is_reported(situation: Situation, condition: str, said: tuple[str, Reason]) -> None:
    assert conditions_of(situation)[condition] == said


def test_a_secret_that_the_cluster_does_not_give_is_the_clusters_failure() -> None:
    failure = unreadable(SecretName("team", "nvcf-credentials", "NGC_API_KEY", named=False), "timed out")
    assert (failure.reason, failure.scope) == (Reason.SECRET_UNREADABLE, Scope.SERVER)


def test_a_change_of_several_calls_says_that_it_goes_on() -> None:
    condition_set = unfinished(present(held())).condition_set
    assert condition_set is not None
    assert (condition_set.reason, condition_set.reconciling) == (Reason.UPDATING, True)


EVENTS = [
    (held(), Change(VERSION, "d", Patch(SPECIFICATION, "L40S", 1, 9)), Reason.UPDATED),
    (held(deleting=True), DropFinalizer(), Reason.UNDEPLOYED),
    (held(deleting=True, spec={"deletionPolicy": "Retain"}), DropFinalizer(), Reason.RETAINED),
]


@pytest.mark.parametrize(("of", "action", "reason"), [pytest.param(*case, id=case[2]) for case in EVENTS])
def test_a_write_is_reported_by_an_event(of: Resource, action: Action, reason: Reason) -> None:
    note = of_write(of, action)
    assert note is not None
    assert note.reason == reason


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_asserted_by_a_test(reason: Reason) -> None:
    texts = [page.read_text() for page in TESTS.rglob("test_*.py")]
    assert any(f"Reason.{reason.name}" in text or f'"{reason.value}"' in text for text in texts)


def test_every_reason_has_a_meaning() -> None:
    assert [str(reason) for reason in Reason if not reason.meaning] == []
