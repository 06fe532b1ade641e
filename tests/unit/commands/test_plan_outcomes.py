"""Each reason that Ready can have stands for one word of a plan."""

import pytest

from nvcf_operator.commands.plan import outcomes
from nvcf_operator.commands.plan.model import CHANGES, FAILED, UNCHANGED, Action, Amount, Orders, Plan, Planned, Source
from nvcf_operator.commands.plan.ways_out import WAYS_OUT
from nvcf_operator.core.model.reasons import Reason

WAITS = {
    Reason.NOT_SERVING,
    Reason.PENDING,
    Reason.SETTLING,
    Reason.AWAITING_ANSWER,
    Reason.DRAINING,
    Reason.FUNCTION_NOT_READY,
    Reason.NOT_REGISTERED,
    Reason.REGISTERING,
    Reason.AWAITING_REGISTRATION,
    Reason.VERSION_GONE,
    Reason.VERSION_BUSY,
    Reason.IN_USE,
    Reason.VERSION_DEPLOYED,
    Reason.DELETING,
}
"""Something else comes first, or time has to pass."""


def test_no_reason_has_two_words() -> None:
    groups = [outcomes.AT_REST, outcomes.NOT_FOUND, {Reason.CONFLICT}, outcomes.REFUSALS, outcomes.FAILURES, WAITS]
    found = [reason for group in groups for reason in group]
    assert len(found) == len(set(found))


def test_each_reason_of_ready_has_a_word() -> None:
    """Those left over are of Events and of other conditions."""
    known = outcomes.AT_REST | outcomes.NOT_FOUND | outcomes.REFUSALS | outcomes.FAILURES | WAITS | {Reason.CONFLICT}
    conditions = {Reason.CREDENTIALS_VALID, Reason.SECRETS_SYNCED}
    left = {reason for reason in Reason if reason not in known | conditions}
    assert all("Event: " in reason.meaning for reason in left), left


@pytest.mark.parametrize("reason", sorted(WAITS))
def test_what_is_awaited_is_no_failure(reason: Reason) -> None:
    assert outcomes.of_reason(reason) == Action.WAIT


def test_what_waits_out_time_is_no_failure_of_the_key() -> None:
    assert not outcomes.SETTLES & outcomes.FAILURES


def test_ways_out_are_of_refusals() -> None:
    assert all(outcomes.of_reason(reason).fails for reason in WAYS_OUT)


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        ([], UNCHANGED),
        ([Action.UNCHANGED], UNCHANGED),
        ([Action.UNCHANGED, Action.ADOPT], CHANGES),
        ([Action.WAIT], CHANGES),
        ([Action.DEPLOY, Action.REFUSE], FAILED),
        ([Action.NOT_FOUND], FAILED),
        ([Action.CONFLICT], FAILED),
        ([Action.ERROR, Action.DEPLOY], FAILED),
    ],
)
def test_the_exit_code(actions: list[Action], code: int) -> None:
    plan = Plan(tuple(Planned("FunctionDeployment", "tëam", "a", Source("-"), action) for action in actions))
    assert plan.exit_code == code
    assert sum(plan.counts.values()) == len(actions)


def test_orders_add_up_and_unknown_gpus_stay_unknown() -> None:
    known, unknown = Amount(1, 2, 8, 16), Amount(1, 1, None, None)
    assert Orders(known, known, known) + Orders(unknown, known, known) == Orders(
        Amount(2, 3, None, None), Amount(2, 4, 16, 32), Amount(2, 4, 16, 32)
    )
