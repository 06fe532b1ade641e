"""The record as this process knows it: other clocks' times bend nothing, and a refused write forgets nothing."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.record import LEAST_SEEN, Record, first_seen
from tests.support.examples import examples
from tests.unit.core.situations import DEPLOYMENT, NOW, VERSION, held, intent, resource


def at(seconds: float) -> str:
    """A time so many seconds from now, as another process or a backup has written it."""
    return (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def meet(of: Resource) -> Record:
    return first_seen(of.status, of.spec, NOW)


DAYS = -3 * 86_400.0
SHORT = {"rollout": {"progressDeadlineSeconds": 60}, "undeploy": {"drainTimeoutSeconds": 20}}
EXCEEDED = {"conditions": [{"type": "Ready", "status": "False", "reason": "ProgressDeadlineExceeded"}]}

DEADLINES: list[tuple[str, dict[str, Any], dict[str, Any], float]] = [
    ("a time within the deadline counts as it is", {"progressingSince": at(-1000)}, {}, -1000),
    ("a time in the future counts as now", {"progressingSince": at(7200)}, {}, 0),
    ("an old one leaves the time that this process has to see itself", {"progressingSince": at(DAYS)}, {}, -3540),
    ("of a short deadline that is half of it", {"progressingSince": at(DAYS)}, SHORT, -30),
    ("what was reported as exceeded stays so", {"progressingSince": at(DAYS), **EXCEEDED}, {}, -3600),
    ("and is no longer ago than the deadline", {"progressingSince": at(-3700), **EXCEEDED}, {}, -3600),
    (
        "a manifest that cannot be read has the default's deadline",
        {"progressingSince": at(DAYS)},
        {"functionId": 7},
        -3540,
    ),
]


@pytest.mark.parametrize(("status", "spec", "since"), [pytest.param(*case[1:], id=case[0]) for case in DEADLINES])
def test_a_deadline_counts_what_is_on_record_up_to_its_limit(
    status: dict[str, Any], spec: dict[str, Any], since: float
) -> None:
    found = meet(resource(spec=spec, status={"observedGeneration": 1, **status})).progressing_since
    assert found is not None
    assert (found - NOW).total_seconds() == since


def drain(since: float | None, *, forced: bool = False, limit: float = 3600.0) -> dict[str, Any]:
    """A drain on record; None for one that NVCF was not asked for yet."""
    times = {} if since is None else {"since": at(since), "deadline": at(since + limit)}
    return {"functionVersionId": VERSION, "deploymentId": DEPLOYMENT, "forced": forced, **times}


DRAINS: list[tuple[str, dict[str, Any], dict[str, Any], tuple[float | None, float | None]]] = [
    ("a drain within its time keeps its times", drain(-1000), {}, (-1000, 2600)),
    ("one from the future began now", drain(7200), {}, (0, 3600)),
    ("an overdue one is watched by this process first", drain(DAYS), {}, (-3540, 60)),
    ("of a short limit for half of it", drain(DAYS), SHORT, (-10, 10)),
    ("what was forced already stays overdue", drain(DAYS, forced=True), {}, (-3600, 0)),
    ("one that was not asked for has no times", drain(None), {}, (None, None)),
    ("its own deadline stays where nothing was moved", drain(-100, limit=50), {}, (-100, -50)),
]


@pytest.mark.parametrize(("item", "spec", "expected"), [pytest.param(*case[1:], id=case[0]) for case in DRAINS])
def test_a_drain_on_record_is_overdue_only_after_this_process_has_watched_it(
    item: dict[str, Any], spec: dict[str, Any], expected: tuple[float | None, float | None]
) -> None:
    (found,) = meet(resource(spec=spec, status={"observedGeneration": 1, "retiring": [item]})).retiring
    times = tuple(
        None if moment is None else (moment - NOW).total_seconds() for moment in (found.since, found.deadline)
    )
    assert times == expected
    assert (found.function_version_id, found.deployment_id) == (VERSION, DEPLOYMENT)


RETRIES: list[tuple[str, int, float, float]] = [
    ("a time that is due stays", 1, -5, -5),
    ("a planned one stays", 3, 200, 200),
    ("one by a clock that was ahead waits no longer than the backoff", 1, 3600, 60),
    ("nor does a later attempt", 4, 86_400, 480),
]


@pytest.mark.parametrize(("attempts", "due", "expected"), [pytest.param(*case[1:], id=case[0]) for case in RETRIES])
def test_a_planned_attempt_is_never_further_away_than_its_backoff(attempts: int, due: float, expected: float) -> None:
    retry = {"attempts": attempts, "nextAttemptTime": at(due), "reason": "Rejected"}
    found = meet(resource(status={"observedGeneration": 1, "retry": retry})).retry
    assert found is not None
    assert found.next_attempt_time is not None
    assert ((found.next_attempt_time - NOW).total_seconds(), found.attempts) == (expected, attempts)


@pytest.mark.parametrize(("since", "expected"), [(-1800.0, -1800.0), (3600.0, 0.0)], ids=["past", "future"])
def test_the_count_of_writes_begins_now_where_its_time_is_in_the_future(since: float, expected: float) -> None:
    last = {"digest": "abc", "count": 2, "since": at(since)}
    found = meet(resource(status={"observedGeneration": 1, "lastWrite": last})).last_write
    assert found is not None
    assert ((found.since - NOW).total_seconds(), found.count) == (expected, 2)


STAMPS = st.integers(-10_000_000, 10_000_000)
LIMITS = st.integers(1, 1_000_000)


@settings(max_examples=examples(100), deadline=None)
@given(stamp=STAMPS, limit=LIMITS)
def test_no_stamp_of_another_clock_forces_or_gives_up_anything_at_first_sight(stamp: int, limit: int) -> None:
    of = resource(
        spec={"undeploy": {"drainTimeoutSeconds": limit}, "rollout": {"progressDeadlineSeconds": limit}},
        status={"observedGeneration": 1, "progressingSince": at(stamp), "retiring": [drain(stamp, limit=limit)]},
    )
    found = meet(of)
    for since in (found.progressing_since, found.retiring[0].since):
        assert since is not None
        passed = (NOW - since).total_seconds()
        assert passed >= 0.0
        assert limit - passed >= min(LEAST_SEEN, limit / 2)
        assert passed == stamp * -1 or passed in (0.0, limit - min(LEAST_SEEN, limit / 2)), "no other time is made up"
    assert first_seen(found.over(of.status), of.spec, NOW) == found, "met again, it is the same"


WHOLE = FunctionDeploymentStatus.model_validate(
    {
        "observedGeneration": 3,
        "phase": "Deploying",
        "functionVersionId": VERSION,
        "functionStatus": "DEPLOYING",
        "functionName": "naïve & <co>",
        "deploymentId": DEPLOYMENT,
        "intent": intent().to_dict(),
        "incoming": {"functionVersionId": "v2", "since": at(-50)},
        "retiring": [drain(-1000), {**drain(None), "functionVersionId": "v0"}],
        "failed": {"functionVersionId": "v3", "generation": 2, "reason": "ERROR: https://x.example/?a=1&b=<2>"},
        "progressingSince": at(-20),
        "lastWrite": {"digest": "abc", "count": 2, "since": at(-30)},
        "retry": {"attempts": 2, "nextAttemptTime": at(40), "reason": "Rejected"},
    }
)


def times(record: Record) -> list[Any]:
    assert record.incoming is not None
    assert record.last_write is not None
    assert record.retry is not None
    drains = [moment for item in record.retiring for moment in (item.since, item.deadline)]
    return [
        record.incoming.since,
        *drains,
        record.progressing_since,
        record.last_write.since,
        record.retry.next_attempt_time,
    ]


@settings(max_examples=examples(100), deadline=None)
@given(seconds=st.integers(-1_000_000, 1_000_000))
def test_when_the_clock_was_set_every_time_moves_and_every_span_stays(seconds: int) -> None:
    record = Record.of(WHOLE)
    moved = record.moved(seconds)
    by = timedelta(seconds=seconds)
    assert times(moved) == [None if moment is None else moment + by for moment in times(record)]
    assert moved.moved(-seconds) == record, "and nothing else changes"


def test_our_own_copy_takes_the_place_of_the_clusters_and_of_nothing_else() -> None:
    stale = held().status
    shown = Record.of(WHOLE).over(stale)
    assert Record.of(shown) == Record.of(WHOLE)
    kept = {
        name for name in FunctionDeploymentStatus.model_fields if name not in {item.name for item in fields(Record)}
    }
    assert {name: getattr(shown, name) for name in kept} == {name: getattr(stale, name) for name in kept}


NOTHING = Record.of(FunctionDeploymentStatus())
ANSWERED = intent(answered=True, deployment_id=DEPLOYMENT)
FULL = Record.of(WHOLE)

AT_REST: list[tuple[str, Record, bool]] = [
    ("nothing is on record", NOTHING, True),
    ("it runs, and its POST is answered", replace(NOTHING, function_version_id=VERSION, intent=ANSWERED), True),
    ("the count of writes is as good in the cluster's copy", replace(NOTHING, last_write=FULL.last_write), True),
    ("a POST is under way", replace(NOTHING, intent=intent()), False),
    ("a version comes up", replace(NOTHING, incoming=FULL.incoming), False),
    ("a version drains", replace(NOTHING, retiring=FULL.retiring), False),
    ("a version was given up", replace(NOTHING, failed=FULL.failed), False),
    ("a deadline runs", replace(NOTHING, progressing_since=NOW), False),
    ("an attempt is planned", replace(NOTHING, retry=FULL.retry), False),
]


@pytest.mark.parametrize(("record", "expected"), [pytest.param(*case[1:], id=case[0]) for case in AT_REST])
def test_a_copy_is_kept_while_it_limits_or_measures_something(record: Record, expected: bool) -> None:
    assert record.at_rest == expected
