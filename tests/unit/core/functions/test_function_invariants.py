"""What holds whatever happens: in a small world with lost answers, crashes and edits, and in any situation at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nvcf_operator.core.functions.decide import decide, unfinished
from nvcf_operator.core.functions.model.decision import (
    DeleteVersion,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.observed import LastChange, RefusedChange
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import in_use
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.observed import Absent, AccountView, Failure, Proof, Scope, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Remembered
from tests.support.examples import examples
from tests.unit.core.functions.situations import (
    FIRST,
    FUNCTION,
    NOW,
    OTHER_FUNCTION,
    OTHER_TEMPLATE,
    SECOND,
    THIRD,
    cloud_function,
    follower,
    hash_of,
    intent,
    outage,
    recorded,
    refusal,
    version,
)
from tests.unit.core.functions.templates import SMALL, UID
from tests.unit.core.functions.world import TEMPLATES, Answer, World

patient = settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _edit(world: World, number: int) -> None:
    world.template, world.generation = number % len(TEMPLATES), world.generation + 1


def _revision(world: World, number: int) -> None:
    world.revision, world.generation = (None, "1", "2")[number % 3], world.generation + 1


def _limit(world: World, number: int) -> None:
    world.limit, world.generation = number % 3, world.generation + 1


def _remove(world: World, number: int) -> None:
    if world.versions:
        world.remove(sorted(world.versions)[number % len(world.versions)])


def _hide(world: World, number: int) -> None:
    if world.versions:
        world.hidden[sorted(world.versions)[number % len(world.versions)]] = world.clock


def _lose_status(world: World, number: int) -> None:
    # Not with an open intent, for which the finalizer stands, nor while something is hidden that only it knows of.
    if world.posted_at is None and not world.coming and not world.hidden:
        world.status = {}


def _request(world: World, number: int) -> None:
    world.annotations["reconcile-requested-at"] = str(world.clock)


def _another(world: World, number: int) -> None:
    world.annotations["new-version-requested-at"] = str(number)


EVENTS: dict[str, Callable[[World, int], None]] = {
    "edit": _edit,
    "revision": _revision,
    "limit": _limit,
    "remove": _remove,
    "hide": _hide,
    "lose status": _lose_status,
    "request": _request,
    "request another": _another,
    "follow": lambda world, number: world.follow(),
    "undeploy": lambda world, number: world.undeploy(),
    "restart": lambda world, number: world.restart(),
    "time": lambda world, number: world.passes((1.0, 20.0, 100.0, 200.0, 400.0)[number % 5]),
}

happenings = st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 30)), max_size=25)
answers = st.lists(st.sampled_from(list(Answer)), max_size=8)


def live(world: World, events: list[tuple[str, int]]) -> None:
    """Let these things happen, with a reconcile or two after each."""
    for name, number in events:
        EVENTS[name](world, number)
        for _ in range(1 + number % 2):
            world.reconcile()
            world.passes(1.0)


def _functions(world: World) -> int:
    return len({seen.function_id for seen in world.versions.values()})


def settle(world: World, until: Callable[[], bool], hours: int = 6) -> None:
    """Let time pass without anything new until it holds."""
    world.answers = []
    for _ in range(hours * 60):
        if until():
            return
        world.passes(60.0)
        world.follow()
        world.reconcile()


@patient
@given(happenings, answers)
def test_one_version_for_one_template_whatever_happens(events: list[tuple[str, int]], said: list[Answer]) -> None:
    """The world itself checks each write."""
    world = World(answers=list(said))
    live(world, events)
    world.annotations["reconcile-requested-at"] = "at last"

    def is_over() -> bool:
        ready = world.resource.condition("Ready")
        done = ready is not None and ready.status == "True" and ready.observed_generation == world.generation
        waits = {"RevisionReused", "FunctionGone", "NotConverging"}
        return done or (ready is not None and ready.reason in waits and world.resource.is_reported)

    settle(world, is_over)
    assert is_over(), world.status
    if world.resource.in_order:
        settle(world, lambda: not world.coming and len(world.versions) <= 1 + world.limit and _functions(world) == 1)
        latest = world.resource.status.latest
        assert latest is not None
        assert latest.hash == world.resource.wanted.hash
        assert latest.version_id in world.versions
        assert len(world.versions) <= 1 + world.limit, "duplicates or former versions are left"
        assert _functions(world) == 1


@patient
@given(happenings, answers)
def test_a_deletion_leaves_nothing(events: list[tuple[str, int]], said: list[Answer]) -> None:
    world = World(answers=[answer for answer in said if answer != Answer.VERY_LATE])
    live(world, events)
    world.deleting, world.follows, world.released = True, False, not world.finalizer
    world.undeploy()
    settle(world, lambda: world.released)
    assert world.released, world.status
    assert not world.versions
    assert not world.coming


def test_a_converged_function_is_not_written_again() -> None:
    world = World()
    for _ in range(3):
        world.reconcile()
    world.follow()
    world.reconcile()
    stored, posts = world.status, world.posts
    for _ in range(100):
        world.passes(60.0)
        world.reconcile()
    assert (world.status, world.posts) == (stored, posts)
    assert posts == 1


MARKS: list[Any] = [
    version(),
    version(SECOND, OTHER_TEMPLATE),
    version(THIRD, hash_=hash_of(OTHER_TEMPLATE), revision="1"),
    replace(version(THIRD, uid="99999999-0f9c-4c8a-9a51-6f0d3c4b2a10"), created_at=None),
    replace(version(), function_id=OTHER_FUNCTION, status="ACTIVE", mark=None),
    replace(version(SECOND), status="DREAMING", meaning=""),
    version(tags=frozenset({"theirs", "ü<&>"}), mark=None, status="ACTIVE", rate_limit='{"rateLimit":"1-S"}'),
    version(SECOND, OTHER_TEMPLATE, tags=frozenset(map(str, range(64))), unreadable=frozenset({"rateLimit"})),
]
STATUSES: list[dict[str, Any]] = [
    {},
    recorded(version()).recorded,  # type: ignore[list-item]
    recorded(version(), version(SECOND, OTHER_TEMPLATE)).recorded,  # type: ignore[list-item]
    {"uid": UID, "observedGeneration": 1, "intent": intent().to_dict()},
    {"uid": UID, "observedGeneration": 2, "failed": {"hash": hash_of(SMALL), "generation": 2, "reason": "Rejected"}},
    {"uid": UID, "observedGeneration": 1, "phase": "Dreaming", "retry": {"attempts": 3, "reason": "Forbidden"}},
    {"uid": "other", "observedGeneration": 1, "functionId": FUNCTION},
    {"uid": UID, "observedGeneration": 1, "functionId": FUNCTION},
    {"versions": [{"versionId": 7}], "latest": "what", "conditions": [{"type": "Ready"}]},
]
SPECS: list[dict[str, Any]] = [
    {},
    {"revision": "1"},
    {"suspend": True},
    {"managementPolicy": "Observe"},
    {"deletionPolicy": "Retain", "history": {"limit": 10}},
    {"tags": ["a", "b"], "rateLimit": {"rateLimit": "1-S, 1-M"}},
    {"tags": [], "rateLimitPolicy": "Unlimited"},
    {"template": 7},
    {"history": 7, "credentials": 7},
]
FAILURES = [
    None,
    outage(),
    refusal(),
    Failure(Reason.UNAUTHORIZED, "no", Scope.CREDENTIAL),
    Failure(Reason.THROTTLED, "slow", Scope.SERVER, retry_after=30.0, general=True),
]
TRIED: list[Any] = [
    None,
    Register(FUNCTION, hash_of(SMALL)),
    UpdateVersion(FUNCTION, FIRST, frozenset({"a"}), corrects=("tags",)),
    RemoveRateLimit(FUNCTION, SECOND),
    SendSecrets(FUNCTION, FIRST, "sources", frozenset({"TOKEN"})),
]
spans = st.sampled_from([0.0, 1.0, 79.0, 200.0, 5000.0])

resources = st.builds(
    cloud_function,
    st.sampled_from([SMALL, OTHER_TEMPLATE]),
    spec=st.sampled_from(SPECS),
    status=st.sampled_from(STATUSES),
    finalizer=st.booleans(),
    deleting=st.booleans(),
    generation=st.integers(1, 3),
    annotations=st.dictionaries(
        st.sampled_from(
            [
                "paused",
                "force-delete",
                "reconcile-requested-at",
                "new-version-requested-at",
                "new-function-requested-at",
            ]
        ),
        st.sampled_from(["true", "", "now"]),
    ),
)
situations = st.builds(
    FunctionSituation,
    resource=resources,
    now=st.sampled_from([NOW, NOW + timedelta(days=1)]),
    access=st.sampled_from(FAILURES),
    unlisted=st.sampled_from(FAILURES),
    account=st.sampled_from([None, *(AccountView(proof, "acme", "fingerprint") for proof in Proof)]),
    versions=st.lists(st.sampled_from(MARKS), unique_by=lambda seen: seen.version_id).map(tuple),
    named_alike=st.sampled_from([(), (OTHER_FUNCTION,)]),
    followers=st.lists(
        st.builds(
            follower,
            refers=st.booleans(),
            pinned=st.sampled_from([None, "1"]),
            named=st.sampled_from([frozenset(), frozenset({FIRST})]),
            intended=st.sampled_from([frozenset(), frozenset({SECOND})]),
            deleting=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    deployments=st.dictionaries(
        st.sampled_from([FIRST, SECOND, THIRD]), st.one_of(spans.map(Absent), st.just(Unknown(outage())))
    ),
    searched_for=spans,
    absent_for=st.dictionaries(st.sampled_from([FIRST, SECOND, THIRD]), spans),
    listed_for=st.dictionaries(st.sampled_from([FIRST, SECOND, THIRD]), spans),
    claims_current=st.booleans(),
    mass_absence=st.booleans(),
    delete_sent_for=st.dictionaries(st.sampled_from([FIRST, SECOND, THIRD]), spans),
    finalizer_found_for=st.sampled_from([None, 1.0, 500.0]),
    answer=st.sampled_from([None, version()]),
    answered_intent=st.sampled_from([None, intent(answered=True)]),
    failure=st.sampled_from(FAILURES),
    tried=st.sampled_from(TRIED),
    wrote=st.sampled_from([None, None, *TRIED]),
    locked_for=st.dictionaries(st.sampled_from([FIRST, SECOND]), spans),
    refused_changes=st.dictionaries(
        st.sampled_from([(FIRST, "UpdateVersion"), (SECOND, "RemoveRateLimit")]),
        st.builds(RefusedChange, st.just(""), st.just(refusal()), spans),
    ),
    last_changes=st.dictionaries(
        st.sampled_from([FIRST, SECOND]), st.builds(LastChange, st.just("change"), spans, st.booleans())
    ),
    unanswered=st.sampled_from(FAILURES[:2]),
    refused=st.sampled_from([None, "no"]),
    local=st.builds(Remembered, attempts=st.integers(0, 50), stale_force_delete=st.booleans()),
)


@settings(patient, max_examples=examples(300))
@given(situations)
def test_every_situation_has_an_answer(of: FunctionSituation) -> None:
    decision = decide(of)
    action = decision.action
    if isinstance(action, DeleteVersion):
        seen = next(item for item in of.shown if item.version_id == action.version_id)
        assert seen.mark is not None
        assert seen.mark.uid == of.resource.mark_uid
        assert not of.is_held(action.version_id)
        assert of.resource.deleting or action.version_id != of.resource.latest_version
        assert isinstance(of.deployments.get(action.version_id), Absent)
        assert of.claims_current
    if isinstance(action, Register):
        assert not of.resource.paused
        assert not of.resource.observes
        assert not of.resource.deleting
        assert of.failure is None
        assert of.resource.keeps or of.resource.has_finalizer
    if isinstance(action, UpdateVersion | RemoveRateLimit):
        assert of.wrote is None
        assert of.failure is None
        assert not of.resource.paused
        assert not of.resource.observes
        assert not of.resource.deleting
        assert action.version_id in {seen.version_id for seen in in_use(of)}
        assert of.locked_for.get(action.version_id, 0.0) <= 1.0
    for reported in (decision, unfinished(of)):
        status = report(of, reported)
        assert report(of, reported) == status
        held = {item.type for item in status.conditions if item.status == "True"}
        assert not {"Reconciling", "Stalled"} <= held
        assert not {"Ready", "Stalled"} <= held
        if reported.condition_set is not None:
            assert status.observed_generation == of.resource.generation
        assert (reported.requeue or 0.0) >= 0.0


@pytest.mark.parametrize("answer", list(Answer))
def test_whatever_becomes_of_the_first_post_there_is_one_function_in_the_end(answer: Answer) -> None:
    world = World(answers=[answer])
    for _ in range(100):
        world.passes(20.0)
        world.reconcile()
    assert world.resource.in_order
    assert len(world.versions) == 1
    assert not world.coming
