"""The patch between two statuses, by examples and against what the API server makes of it."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvcf_operator.kube.client import merge_patch


@dataclass(frozen=True)
class Case:
    reason: str
    old: dict[str, Any]
    new: dict[str, Any]
    patch: dict[str, Any] | None


SYNCED = {"type": "Synced", "status": "True", "reason": "x", "lastTransitionTime": "2026-01-01T00:00:00.123456Z"}


def ready(status: str) -> dict[str, str]:
    return {"type": "Ready", "status": status, "reason": "y"}


def stalled(status: str) -> dict[str, str]:
    return {"type": "Stalled", "status": status, "reason": "z"}


CASES = [
    Case("nothing differs", {"a": 1, "b": {"c": [1]}}, {"a": 1, "b": {"c": [1]}}, None),
    Case("the order of members is none", {"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
    Case("nothing at all", {}, {}, None),
    Case("a new member", {}, {"a": 1}, {"a": 1}),
    Case("a changed member, alone", {"a": 1, "b": 2}, {"a": 3, "b": 2}, {"a": 3}),
    Case("a removed member", {"a": 1, "b": 2}, {"b": 2}, {"a": None}),
    Case("an object goes whole", {"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "d": 3}}, {"a": {"b": 1, "d": 3}}),
    Case("a list goes whole", {"a": [1, 2, 3]}, {"a": [1, 3]}, {"a": [1, 3]}),
    Case("an empty object is something", {}, {"a": {}}, {"a": {}}),
    Case("None is nothing, and no reason to write", {}, {"a": None}, None),
    Case("None that was there is nothing either", {"a": None}, {}, None),
    Case("None removes", {"a": 1}, {"a": None}, {"a": None}),
    Case(
        "odd text that stays is no reason to write",
        {"a": "pull failed: /?a=1&b=<2>, naïve"},
        {"a": "pull failed: /?a=1&b=<2>, naïve"},
        None,
    ),
    Case("odd text goes as it is", {"a": "<&>"}, {"a": "größe < 1"}, {"a": "größe < 1"}),
    Case("one letter in two spellings is two texts", {"a": "\u00e9"}, {"a": "e\u0301"}, {"a": "e\u0301"}),
    Case(
        "another object's status is written over",
        {"uid": "x", "intent": {"uid": "x"}},
        {"uid": "y"},
        {"uid": "y", "intent": None},
    ),
    Case("the empty values are values", {"a": 1, "b": "x"}, {"a": 0, "b": ""}, {"a": 0, "b": ""}),
    Case("another writer's condition beside none of ours", {"conditions": [SYNCED]}, {}, None),
    Case(
        "another writer's condition stays, letter by letter",
        {"conditions": [SYNCED, ready("False")]},
        {"conditions": [ready("True")]},
        {"conditions": [ready("True"), SYNCED]},
    ),
    Case(
        "another writer's condition between ours, and nothing differs",
        {"conditions": [ready("True"), SYNCED, stalled("False")]},
        {"conditions": [ready("True"), stalled("False")]},
        None,
    ),
    Case(
        "of ours one goes",
        {"conditions": [SYNCED, ready("True"), stalled("False")]},
        {"conditions": [ready("True")]},
        {"conditions": [ready("True"), SYNCED]},
    ),
    Case("a new resource's default", {"observedGeneration": -1}, {"observedGeneration": 1}, {"observedGeneration": 1}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_the_patch_is_the_smallest_one(case: Case) -> None:
    assert merge_patch(case.old, case.new) == case.patch


def apply(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """As the API server does."""
    return {name: value for name, value in (old | patch).items() if value is not None}


NAMES = st.sampled_from("abcd")
VALUES = st.recursive(
    st.integers(2, 5) | st.text("x<&>é\u0301", max_size=2) | st.booleans(),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)
STATUSES = st.dictionaries(NAMES, VALUES, max_size=4)


@given(old=STATUSES, new=STATUSES)
def test_a_status_with_its_patch_is_the_new_one_and_then_nothing_is_left_to_write(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    patch = merge_patch(old, new)
    assert apply(old, patch if patch is not None else {}) == new
    assert (patch is None) == (old == new)
    assert merge_patch(new, new) is None


@given(old=STATUSES, new=STATUSES)
def test_a_patch_repeats_nothing_that_is_there(old: dict[str, Any], new: dict[str, Any]) -> None:
    for name, value in (merge_patch(old, new) or {}).items():
        assert old.get(name) != value
