"""When a CloudFunction is Ready beside those who follow it."""

from dataclasses import replace

import pytest

from nvcf_operator.core.functions.decide import decide
from nvcf_operator.core.functions.model.claims import Follower
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.situation import Remembered
from tests.unit.core.functions.situations import FIRST, follower, outcome, recorded, situation, version


def edited(*followers: Follower, **changes: object) -> FunctionSituation:
    """A function whose second generation has the template that is registered."""
    return replace(situation(recorded(version(), generation=2), version()), followers=followers, **changes)  # type: ignore[arg-type]


def waited(seconds: float) -> Remembered:
    """This process has reported that it waits."""
    return Remembered(reported=("AwaitingFollowers", 2), reported_for=seconds)


READY: dict[str, tuple[FunctionSituation, bool]] = {
    "nobody follows": (edited(), True),
    "who follows has noticed": (edited(follower(shows_generation=2)), True),
    "who follows has not noticed": (edited(follower()), False),
    "who follows shows nothing": (edited(follower(shows_generation=None)), False),
    "one of two has not noticed": (edited(follower(shows_generation=2), follower("other")), False),
    "who pins a revision need not notice": (edited(follower(pinned="1")), True),
    "who only holds a version need not notice": (edited(follower(refers=False)), True),
    "who goes need not notice": (edited(follower(deleting=True)), True),
    "it has been waited for 9 seconds": (edited(follower(), local=waited(9.0)), False),
    "it has been waited for 10 seconds": (edited(follower(), local=waited(10.0)), True),
    "what was reported is about another generation": (
        edited(follower(), local=Remembered(reported=("AwaitingFollowers", 1), reported_for=99.0)),
        False,
    ),
    "Ready is on record for this generation": (
        replace(situation(recorded(version()), version()), followers=(follower(shows_generation=None),)),
        True,
    ),
}


@pytest.mark.parametrize(("of", "ready"), [pytest.param(*case, id=name) for name, case in READY.items()])
def test_a_function_is_ready_when_its_followers_have_noticed(of: FunctionSituation, ready: bool) -> None:
    decision = decide(of)
    assert outcome(decision) == (("Registered", "ready") if ready else ("AwaitingFollowers", "reconciling"))
    assert decision.taken == FIRST


def test_followers_are_waited_for_in_short_steps() -> None:
    assert decide(edited(follower())).requeue == 1.0
    assert decide(edited(follower(), local=waited(9.5))).requeue == 0.5
