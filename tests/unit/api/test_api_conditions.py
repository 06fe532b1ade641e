"""Conditions: transition times, order, length of messages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pytest
from pydantic import ValidationError

from nvcf_operator.api.status import (
    AVAILABLE,
    CONDITION_TYPES,
    CREDENTIALS_VALID,
    DELETION_BLOCKED,
    MESSAGE_LIMIT,
    READY,
    RECONCILING,
    STALLED,
    Condition,
    merge,
)

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
Status = Literal["True", "False", "Unknown"]


def condition(
    status: Status, *, reason: str = "Because", message: str = "", since: datetime | None = None
) -> Condition:
    return Condition(type=READY, status=status, reason=reason, message=message, last_transition_time=since)


@dataclass(frozen=True)
class Case:
    reason: str
    old: list[Condition]
    new: Condition
    since: datetime


CASES = [
    Case("a first condition begins now", [], condition("True"), NOW),
    Case("the same status keeps its time", [condition("True", since=THEN)], condition("True"), THEN),
    Case(
        "another reason or message is no transition",
        [condition("False", reason="Pending", since=THEN)],
        condition("False", reason="Deploying", message="at it"),
        THEN,
    ),
    Case("another status begins now", [condition("False", since=THEN)], condition("True"), NOW),
    Case("Unknown is a status like any other", [condition("False", since=THEN)], condition("Unknown"), NOW),
    Case("a time that got lost is now", [condition("True", since=None)], condition("True"), NOW),
    Case("a time that the caller set counts for nothing", [], condition("True", since=THEN), NOW),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_last_transition_time(case: Case) -> None:
    (merged,) = merge(case.old, [case.new], NOW, CONDITION_TYPES)
    assert merged == case.new.model_copy(update={"last_transition_time": case.since})


def test_merging_the_same_again_changes_nothing() -> None:
    stated = [Condition(type=kind, status="False", reason="Fine") for kind in CONDITION_TYPES]
    first = merge([], stated, THEN, CONDITION_TYPES)
    assert merge(first, stated, NOW, CONDITION_TYPES) == first


def test_a_condition_that_is_no_longer_stated_is_gone() -> None:
    blocked = Condition(type=DELETION_BLOCKED, status="True", reason="NoSecret", last_transition_time=THEN)
    assert [found.type for found in merge([blocked], [condition("True")], NOW, CONDITION_TYPES)] == [READY]


def test_conditions_stand_in_one_order_and_unknown_types_come_last() -> None:
    kinds = ["Zebra", STALLED, DELETION_BLOCKED, READY, "Aardvark", CREDENTIALS_VALID, AVAILABLE, RECONCILING]
    merged = merge([], [Condition(type=kind, status="True", reason="X") for kind in kinds], NOW, CONDITION_TYPES)
    assert [found.type for found in merged] == [*CONDITION_TYPES, "Aardvark", "Zebra"]


@pytest.mark.parametrize("length", [MESSAGE_LIMIT, MESSAGE_LIMIT + 1, 100_000])
def test_a_long_message_is_cut_and_shows_it(length: int) -> None:
    (merged,) = merge([], [condition("True", message="ä" * length)], NOW, CONDITION_TYPES)
    assert len(merged.message) == MESSAGE_LIMIT
    assert merged.message.endswith("…") == (length > MESSAGE_LIMIT)


def test_a_status_of_a_condition_is_one_of_three_words() -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate({"type": READY, "status": "Maybe", "reason": "X"})
