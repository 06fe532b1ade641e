"""How long a POST may run in the server, and who knows of it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvcf_operator.core.model.observed import Absent
from nvcf_operator.core.model.situation import LocalView, Situation, Timing
from nvcf_operator.core.model.versions import (
    create_settle_left,
    deployed_before,
    next_post_allowed_in,
    posts_specifications,
    redeploy_settle_left,
)
from tests.support.examples import examples
from tests.unit.core.situations import DEPLOYMENT, GPU, OTHER_VERSION, VERSION, absent, held, intent, resource


def specifications(*minima: int) -> dict[str, Any]:
    """A manifest with specifications of these minima."""
    return {"deploymentSpecifications": [{**GPU, "minInstances": least} for least in minima]}


@pytest.mark.parametrize(
    ("minima", "seconds", "reason"),
    [
        ((1,), 125.0, "one call to the allocator"),
        ((0,), 125.0, "none, and the rest of the work"),
        ((1, 0, 0), 125.0, "a specification without instances is no call"),
        ((1, 2), 220.0, "one after the other"),
        ((1, 2, 3), 315.0, "one after the other"),
        ((1,) * 16, 1550.0, "the most that a manifest has"),
    ],
)
def test_a_post_may_run_longer_the_more_specifications_ask_for_instances(
    minima: tuple[int, ...], seconds: float, reason: str
) -> None:
    situation = absent(resource(spec=specifications(*minima)))
    assert situation.timing.create_settle_of(posts_specifications(situation)) == seconds, reason


TWO = intent(specifications=2)
OF_OTHER = intent(OTHER_VERSION)


def knows(**local: Any) -> LocalView:
    return LocalView(**local)


LEFT: list[tuple[str, Situation, float]] = [
    ("no POST is known", absent(resource()), 0.0),
    ("the intent is answered", absent(held(), for_seconds=0.0), 0.0),
    ("an open intent, just seen", absent(resource(intent=intent()), for_seconds=0.0), 125.0),
    (
        "404 counts no longer than the intent is known",
        absent(resource(intent=intent()), local=knows(intent_settled_for=25.0)),
        100.0,
    ),
    (
        "the intent is known for longer than 404 lasts",
        absent(resource(intent=intent()), for_seconds=5.0, local=knows(intent_settled_for=1000.0)),
        120.0,
    ),
    ("both are long", absent(resource(intent=intent()), local=knows(intent_settled_for=1000.0)), 0.0),
    (
        "the intent says how many specifications its POST had, whatever the manifest says now",
        absent(resource(intent=TWO), for_seconds=0.0),
        220.0,
    ),
    ("an open intent of another version", absent(resource(intent=OF_OTHER), for_seconds=0.0), 0.0),
    ("an intent of another object", absent(resource(intent=intent(uid="x")), for_seconds=0.0), 0.0),
    (
        "the finalizer was found without a record",
        absent(resource(finalizer=True), local=knows(finalizer_found_for=25.0)),
        100.0,
    ),
    (
        "so it was, and the manifest has three specifications",
        absent(resource(spec=specifications(1, 1, 1), finalizer=True), local=knows(finalizer_found_for=15.0)),
        300.0,
    ),
    (
        "this process has sent a POST, and the record was taken away since",
        absent(resource(), local=knows(posts_may_run_for={VERSION: 80.0})),
        80.0,
    ),
    (
        "it has, and an older intent would end before",
        absent(resource(intent=intent()), local=knows(intent_settled_for=120.0, posts_may_run_for={VERSION: 80.0})),
        80.0,
    ),
    (
        "it has, and the intent on record ends later",
        absent(resource(intent=intent()), local=knows(intent_settled_for=5.0, posts_may_run_for={VERSION: 80.0})),
        120.0,
    ),
    (
        "it has sent a POST of another version",
        absent(resource(), local=knows(posts_may_run_for={OTHER_VERSION: 80.0})),
        0.0,
    ),
]


@pytest.mark.parametrize(("situation", "left"), [pytest.param(*case[1:], id=case[0]) for case in LEFT])
def test_how_long_a_post_may_still_run(situation: Situation, left: float) -> None:
    assert create_settle_left(situation, VERSION) == left


def test_the_next_post_waits_for_the_intents_version_too() -> None:
    moved = absent(held(spec={"functionVersionId": OTHER_VERSION}, intent=intent()), for_seconds=0.0)
    gone = {VERSION: Absent(0.0), OTHER_VERSION: Absent(1000.0)}
    situation = Situation(resource=moved.resource, now=moved.now, observations=gone, account=moved.account)
    assert create_settle_left(situation, OTHER_VERSION) == 0.0
    assert next_post_allowed_in(situation) == 125.0


BEFORE: list[tuple[str, Situation, bool]] = [
    ("nothing is known of it", absent(resource()), False),
    ("the record holds it", absent(held()), True),
    ("an open intent may have made it", absent(resource(intent=intent())), True),
    ("an answered intent made it", absent(resource(intent=intent(answered=True, deployment_id=DEPLOYMENT))), True),
    ("an answered intent made nothing", absent(resource(intent=intent(answered=True))), False),
    (
        "the finalizer was found without a record",
        absent(resource(finalizer=True), local=knows(finalizer_found_for=1.0)),
        True,
    ),
    ("this process saw it, for whomever", absent(resource(), local=knows(version_seen_lately=True)), True),
    (
        "it failed in a rollout",
        absent(resource(status={"observedGeneration": 1, "failed": {"functionVersionId": VERSION, "generation": 1}})),
        True,
    ),
]


@pytest.mark.parametrize(("situation", "before"), [pytest.param(*case[1:], id=case[0]) for case in BEFORE])
def test_a_version_that_may_have_been_deployed_is_settled_for(situation: Situation, before: bool) -> None:
    assert deployed_before(situation) == before
    assert redeploy_settle_left(situation, Absent(15.0)) == (60.0 if before else 0.0)


@settings(max_examples=examples(100), deadline=None)
@given(busy_poll=st.floats(0.01, 1e4), redeploy=st.floats(0.01, 1e4))
def test_reconciles_come_so_often_that_none_of_them_breaks_a_settle(busy_poll: float, redeploy: float) -> None:
    timing = Timing(busy_poll=busy_poll, redeploy_settle=redeploy)
    assert 0 < timing.settle_poll <= busy_poll
    assert timing.settle_poll < redeploy / 2, "a pause of half the settle in which nothing is read begins it again"
