"""What keeps tags and rate limit of a version from being changed, a case a rule."""

from collections.abc import Mapping
from typing import Any

import pytest

from nvcf_operator.core.functions.branches.waiting import locked
from nvcf_operator.core.rules.version_locks import WAIT
from tests.unit.core.functions.situations import FIRST, SECOND, follower, recorded, situation, version

CASES: list[tuple[str, Mapping[str, Any], str | None]] = [
    ("nothing", {}, None),
    ("another call, for a moment", {"locked_for": {FIRST: WAIT}}, None),
    ("another call", {"locked_for": {FIRST: 42.5}}, "is under way, or got no answer"),
    ("another call for another version", {"locked_for": {SECOND: 42.5}}, None),
    ("a POST", {"followers": (follower("ü", intended=frozenset({FIRST})),)}, "team/ü is requesting"),
    ("a POST of another version", {"followers": (follower(intended=frozenset({SECOND})),)}, None),
    ("an undeployment", {"followers": (follower("ü", undeploying=frozenset({FIRST})),)}, "team/ü is undeploying"),
    ("an undeployment of another version", {"followers": (follower(undeploying=frozenset({SECOND})),)}, None),
]


@pytest.mark.parametrize(("changes", "said"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_what_a_change_in_place_waits_for(changes: Mapping[str, Any], said: str | None) -> None:
    seen = version(FIRST)
    lock = locked(situation(recorded(seen), seen, **changes), seen)
    message = lock.message if lock is not None else None
    assert (message is None) if said is None else said in (message or "")


@pytest.mark.parametrize("status", ["DEPLOYING", "deploying"])
def test_a_version_that_comes_up_is_not_changed(status: str) -> None:
    seen = version(FIRST, status=status)
    lock = locked(situation(recorded(seen), seen), seen)
    assert lock is not None
    assert "NVCF is deploying" in lock.message


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE", "DEGRADED", "ERROR", "ODD"])
def test_a_version_that_is_deployed_or_is_not_is_changed(status: str) -> None:
    seen = version(FIRST, status=status)
    assert locked(situation(recorded(seen), seen), seen) is None


@pytest.mark.parametrize(("left", "wait"), [(42.5, 5.0), (3.5, 3.5)])
def test_another_call_is_waited_for_in_short_steps_since_it_may_be_over_sooner(left: float, wait: float) -> None:
    seen = version(FIRST)
    lock = locked(situation(recorded(seen), seen, locked_for={FIRST: left}), seen)
    assert lock is not None
    assert lock.seconds == wait
