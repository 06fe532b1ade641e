"""Which versions are deleted while the CloudFunction lives, and which never are."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_operator.core.functions.branches.collecting import unneeded
from nvcf_operator.core.functions.decide import decide
from nvcf_operator.core.functions.model.decision import DeleteVersion, DeletionPurpose
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.observed import Absent, AccountView, Present, Proof, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Timing
from tests.unit.core.functions.situations import (
    FIRST,
    NOW,
    OTHER_FUNCTION,
    OTHER_TEMPLATE,
    SECOND,
    THIRD,
    THIRD_TEMPLATE,
    after,
    follower,
    hash_of,
    intent,
    outage,
    recorded,
    refusal,
    reported,
    situation,
    version,
)
from tests.unit.core.situations import deployment

OLD = version(created_at=NOW - timedelta(hours=3))
MIDDLE = version(SECOND, OTHER_TEMPLATE, created_at=NOW - timedelta(hours=2))
LATEST = version(THIRD, THIRD_TEMPLATE)
ALL = (OLD, MIDDLE, LATEST)
PRESENT = Present(deployment())


def collecting(
    *versions: VersionSeen, limit: int = 1, metadata: dict[str, Any] | None = None, **changes: Any
) -> FunctionSituation:
    """Three versions of which one is the latest; the history keeps one more by default."""
    spec = {"history": {"limit": limit}}
    held = recorded(*ALL, **{"template": THIRD_TEMPLATE, "spec": spec, **(metadata or {})})
    return situation(held, *(versions or ALL), **changes)


def delete(of: VersionSeen, purpose: DeletionPurpose = DeletionPurpose.UNUSED) -> DeleteVersion:
    """The deletion of a version."""
    return DeleteVersion(of.function_id, of.version_id, purpose)


TWIN = version("7c1e0000-0000-4000-8000-000000000009", THIRD_TEMPLATE, token="9" * 16)
TWIN_FUNCTION = replace(TWIN, function_id=OTHER_FUNCTION)
REFUSED = {**THIRD_TEMPLATE, "containerArgs": "--no"}

BACK = {
    "status": {
        "versions": [
            {"versionId": THIRD, "hash": LATEST.mark.hash if LATEST.mark else "", "served": True},
            {"versionId": SECOND, "hash": MIDDLE.mark.hash if MIDDLE.mark else "", "served": True},
            {"versionId": FIRST, "hash": OLD.mark.hash if OLD.mark else "", "served": True, "leaving": True},
        ]
    }
}
"""A record by which a DELETE of the oldest version was sent."""

DELETED: dict[str, tuple[FunctionSituation, DeleteVersion]] = {
    "what the history does not keep": (collecting(), delete(OLD)),
    "the oldest first": (collecting(limit=0), delete(OLD)),
    "a version that never served, though it is newer": (
        collecting(
            metadata={
                "status": {
                    "versions": [
                        {"versionId": THIRD, "hash": LATEST.mark.hash if LATEST.mark else "", "served": True},
                        {"versionId": SECOND, "hash": MIDDLE.mark.hash if MIDDLE.mark else ""},
                        {"versionId": FIRST, "hash": OLD.mark.hash if OLD.mark else "", "served": True},
                    ]
                }
            }
        ),
        delete(MIDDLE),
    ),
    "a duplicate of the latest": (collecting(MIDDLE, LATEST, TWIN), delete(TWIN, DeletionPurpose.DUPLICATE)),
    "a duplicate that made a second function": (
        collecting(MIDDLE, LATEST, TWIN_FUNCTION),
        delete(TWIN_FUNCTION, DeletionPurpose.DUPLICATE),
    ),
    "a version that came back": (
        collecting(OLD, MIDDLE, LATEST, metadata={"status": {"versions": []}}, limit=1),
        delete(OLD),
    ),
    "a version that came back with the status of before": (
        collecting(replace(OLD, status="ACTIVE"), MIDDLE, LATEST, metadata=BACK),
        delete(OLD),
    ),
    "what a FunctionDeployment has let go of long ago": (collecting(free_for={FIRST: 75.0}), delete(OLD)),
    "also where the function is to stay": (
        collecting(metadata={"spec": {"deletionPolicy": "Retain"}, "finalizer": False}),
        delete(OLD),
    ),
    "a version that only a FunctionDeployment of another function names by revision": (
        collecting(followers=(follower(refers=False, pinned=None),)),
        delete(OLD),
    ),
}


@pytest.mark.parametrize(("of", "action"), [pytest.param(*case, id=name) for name, case in DELETED.items()])
def test_what_is_deleted(of: FunctionSituation, action: DeleteVersion) -> None:
    assert decide(of).action == action


def _with(seen: VersionSeen, **changes: Any) -> tuple[VersionSeen, ...]:
    return (replace(seen, **changes), MIDDLE, LATEST)


KEPT: dict[str, FunctionSituation] = {
    "what the history keeps": collecting(MIDDLE, LATEST),
    "what bears no mark": collecting(*_with(OLD, mark=None)),
    "what bears another object's mark": collecting(version(uid="99999999-0f9c-4c8a-9a51-6f0d3c4b2a10"), MIDDLE, LATEST),
    "what a FunctionDeployment names": collecting(followers=(follower(named=frozenset({FIRST})),)),
    "what a FunctionDeployment's open intent names": collecting(
        followers=(follower(refers=False, intended=frozenset({FIRST})),)
    ),
    "what is not inactive": collecting(*_with(OLD, status="ACTIVE")),
    "what has a status that nobody knows": collecting(*_with(OLD, status="DREAMING")),
    "what is deployed": collecting(deployments={FIRST: PRESENT}),
    "what was deployed a moment ago": collecting(deployments={FIRST: Absent(70.0)}),
    "what cannot be read": collecting(deployments={FIRST: Unknown(outage())}),
    "what was not read": collecting(deployments={}),
    "while the FunctionDeployments may be others": collecting(claims_current=False),
    "while the account is not proven": collecting(account=AccountView(Proof.UNPROVEN)),
    "while the list says nothing": collecting(unlisted=outage()),
    "while the latest one is not there": collecting(OLD, MIDDLE, absent_for={THIRD: 10.0}),
    "what came back and is deployed": collecting(
        replace(OLD, status="ACTIVE"), MIDDLE, LATEST, metadata=BACK, deployments={FIRST: PRESENT}
    ),
    "what came back with an old status and was deployed a moment ago": collecting(
        replace(OLD, status="ACTIVE"), MIDDLE, LATEST, metadata=BACK, deployments={FIRST: Absent(70.0)}
    ),
    "what a FunctionDeployment held a moment ago": collecting(free_for={FIRST: 70.0}),
    "what another call may still write": collecting(locked_for={FIRST: 1.0}),
    "a moment after the DELETE": collecting(delete_sent_for={FIRST: 3.0}),
    "after another write": collecting(wrote=delete(TWIN)),
    "while a POST may be running": collecting(
        metadata={"status": {"intent": intent(THIRD_TEMPLATE, token="a" * 16).to_dict()}}
    ),
    "while suspended": collecting(metadata={"spec": {"suspend": True}}),
    "while observed": collecting(metadata={"spec": {"managementPolicy": "Observe"}, "finalizer": False}),
    "a duplicate that is younger than the settle": collecting(
        MIDDLE, LATEST, replace(TWIN, created_at=NOW - timedelta(seconds=170))
    ),
    "a duplicate without a date that was first seen a moment ago": collecting(
        MIDDLE, LATEST, replace(TWIN, created_at=None), listed_for={TWIN.version_id: 170.0}
    ),
    "while a refused template waits for a user": collecting(
        metadata={
            "template": REFUSED,
            "status": {
                "failed": {"hash": hash_of(REFUSED), "generation": 1, "reason": "Rejected"},
                "retry": {"attempts": 7, "reason": "Rejected"},
            },
        }
    ),
    "after a DELETE that was refused": collecting(failure=refusal(Reason.FORBIDDEN)),
    "what a manifest has just gone back to": collecting(
        metadata={"template": OTHER_TEMPLATE, "generation": 2}, limit=2
    ),
}


def test_a_duplicate_of_the_future_is_deleted_once_it_was_seen_through_the_settle() -> None:
    of = collecting(
        MIDDLE, LATEST, replace(TWIN, created_at=NOW + timedelta(days=1)), listed_for={TWIN.version_id: 190.0}
    )
    assert decide(of).action == delete(TWIN, DeletionPurpose.DUPLICATE)


@pytest.mark.parametrize("of", [pytest.param(case, id=name) for name, case in KEPT.items()])
def test_what_is_not_deleted(of: FunctionSituation) -> None:
    assert decide(of).action is None


def test_the_history_keeps_the_version_that_was_the_latest_last() -> None:
    held = recorded(MIDDLE, OLD, template=THIRD_TEMPLATE, generation=4)  # the first, the second, and back to the first
    taken = situation(held, OLD, MIDDLE, LATEST)
    assert decide(taken).taken == THIRD
    metadata = {"template": THIRD_TEMPLATE, "generation": 4, "spec": {"history": {"limit": 1}}}
    assert decide(situation(after(taken, **metadata), OLD, MIDDLE, LATEST)).action == delete(MIDDLE)


def test_a_pinned_revision_is_kept_though_nobody_has_come_to_it_yet() -> None:
    old = version(revision="1", created_at=NOW - timedelta(hours=3))
    held = recorded(old, MIDDLE, LATEST, template=THIRD_TEMPLATE)
    of = situation(held, old, MIDDLE, LATEST)
    assert decide(of).action == delete(old)
    pinned = replace(of, followers=(follower(pinned="1"),))
    assert decide(pinned).action is None


def test_a_late_duplicate_of_a_pinned_revision_is_deleted() -> None:
    """A pin takes versions on record only."""
    late = version(revision="1", created_at=NOW - timedelta(hours=3))
    used = version(SECOND, revision="1", created_at=NOW - timedelta(hours=2))
    of = situation(recorded(used, LATEST, template=THIRD_TEMPLATE), late, used, LATEST)
    pinned = replace(of, followers=(follower(pinned="1"),))
    assert decide(pinned).action == delete(late, DeletionPurpose.DUPLICATE)


def test_the_former_latest_goes_only_when_the_record_names_another() -> None:
    held = recorded(OLD, template=OTHER_TEMPLATE, generation=2, spec={"history": {"limit": 0}})
    taken = situation(held, OLD, MIDDLE)
    assert (decide(taken).action, decide(taken).taken) == (None, SECOND)
    metadata = {"template": OTHER_TEMPLATE, "generation": 2, "spec": {"history": {"limit": 0}}}
    assert decide(situation(after(taken, **metadata), OLD, MIDDLE)).action == delete(OLD)


def test_what_may_not_be_deleted_yet_is_reconciled_again() -> None:
    soon = Timing().settle_poll  # before a 404 that settles could break
    assert decide(collecting(deployments={FIRST: Absent(35.0)})).requeue == soon
    assert decide(collecting(OLD, MIDDLE, LATEST, deployments={FIRST: Absent(74.0)})).requeue == 5.0


def test_a_refused_deletion_leaves_the_function_ready_and_waits() -> None:
    of = collecting(failure=refusal(Reason.FORBIDDEN))
    assert reported(of)["Ready"] == ("True", "Registered")
    held = after(of, template=THIRD_TEMPLATE)
    later = decide(situation(held, *ALL, now=NOW + timedelta(seconds=59)))
    for decision in (decide(of), later):
        assert decision.action is None
        assert decision.condition_set is not None
        assert f"{FIRST} is not needed any more and could not be deleted" in decision.condition_set.message
    assert decide(situation(held, *ALL, now=NOW + timedelta(seconds=61))).action == delete(OLD)


def test_what_is_reported_of_a_failed_deletion_stays_while_the_next_one_is_proven() -> None:
    of = collecting(failure=refusal(Reason.FORBIDDEN), tried=delete(OLD))
    held, due = after(of, template=THIRD_TEMPLATE), NOW + timedelta(seconds=61)
    unread: dict[str, Any] = {"deployments": {item.version_id: Absent(0.0) for item in ALL}, "now": due}
    proving = situation(held, *ALL, **unread)
    assert decide(proving).action is None
    assert report(proving, decide(proving)) == held.status
    again = situation(held, *ALL, now=due, failure=refusal(Reason.FORBIDDEN), tried=delete(OLD))
    retry = report(again, decide(again)).retry
    assert retry is not None
    assert retry.attempts == 2
    deployed = situation(held, *ALL, now=due, deployments={FIRST: PRESENT})
    assert report(deployed, decide(deployed)).retry is None


def test_a_failed_deletion_is_reported_of_the_version_that_it_was_for() -> None:
    of = collecting(failure=refusal(Reason.FORBIDDEN), tried=delete(MIDDLE), limit=0)
    condition_set = decide(of).condition_set
    assert condition_set is not None
    assert f"{SECOND} is not needed any more and could not be deleted" in condition_set.message


def test_a_deleted_version_is_on_record_until_it_stays_away() -> None:
    held = after(collecting(wrote=delete(OLD)), template=THIRD_TEMPLATE)
    entry = held.recorded_version(FIRST)
    assert entry is not None
    assert entry.leaving
    early, late = (situation(held, MIDDLE, LATEST, absent_for={FIRST: seconds}) for seconds in (70.0, 80.0))
    assert [len(report(of, decide(of)).versions) for of in (early, late)] == [3, 2]


def test_a_version_on_its_way_out_is_not_taken_again() -> None:
    held = after(collecting(wrote=delete(OLD)), generation=2)
    decision = decide(situation(held, *ALL))
    assert decision.taken is None


def test_a_version_that_serves_is_remembered_as_one_that_served() -> None:
    serving = replace(LATEST, status="ACTIVE")
    held = recorded(
        LATEST,
        template=THIRD_TEMPLATE,
        status={"versions": [{"versionId": THIRD, "hash": LATEST.mark.hash if LATEST.mark else ""}]},
    )
    for of in (situation(held, serving), situation(held, LATEST, followers=(follower(serving=frozenset({THIRD})),))):
        assert [item.served for item in report(of, decide(of)).versions] == [True]
    quiet = situation(held, LATEST)
    assert [item.served for item in report(quiet, decide(quiet)).versions] == [False]


def test_the_observer_learns_whose_deployments_to_read() -> None:
    assert [seen.version_id for seen in unneeded(collecting(limit=0, deployments={}))] == [FIRST, SECOND]
