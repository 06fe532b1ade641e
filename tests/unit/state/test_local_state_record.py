"""What a process keeps of a resource's record beside the cluster's copy, and which of the two counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from nvcf_operator.api import names
from nvcf_operator.api.model import render
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.record import Record
from nvcf_operator.state.local_state import LocalState
from tests.unit.core.situations import DEPLOYMENT, NOW, VERSION, held, intent, resource

DRAIN = {"functionVersionId": VERSION, "deploymentId": DEPLOYMENT, "since": "2026-01-31T11:50:00Z"}
DRAINS = held(status={"retiring": [DRAIN]})
RETRY = {"attempts": 2, "nextAttemptTime": "2026-01-31T12:02:00Z", "reason": "Rejected"}


class Process:
    """One operator's memory of one resource, and the two clocks of its machine."""

    def __init__(self, of: Resource) -> None:
        self.monotonic, self.wall = 5.0, NOW.timestamp()
        self.clock = SteadyClock(lambda: self.monotonic, lambda: self.wall)
        self.local = LocalState.begun(of, self.clock, self.monotonic)
        self.local.proven = True

    def passes(self, seconds: float, *, set_by: float = 0.0) -> None:
        """Time goes by, and the wall clock is set."""
        self.monotonic += seconds
        self.wall += seconds + set_by

    def view(self, of: Resource) -> Resource:
        return self.local.view(of, self.clock)

    def since(self, of: Resource) -> float:
        """For how long the drain has lasted, as decisions see it."""
        (item,) = self.view(of).status.retiring
        assert item.since is not None
        return (self.clock.now() - item.since).total_seconds()


def test_of_what_is_at_rest_the_clusters_copy_counts() -> None:
    process = Process(held())
    assert process.view(held()).status == held().status
    edited = held(
        status={"functionName": "another", "lastWrite": {"digest": "x", "count": 1, "since": NOW.isoformat()}}
    )
    assert process.view(edited).status == edited.status


def test_a_resource_of_which_nothing_is_known_besides_is_viewed_as_it_is() -> None:
    """Copies of it would be made several times in a reconcile."""
    at_rest = held()
    assert Process(at_rest).view(at_rest) is at_rest
    assert Process(DRAINS).view(DRAINS) is not DRAINS, "a drain is measured by our own copy"


def test_what_is_limited_or_measured_goes_on_by_our_own_copy() -> None:
    process = Process(DRAINS)
    assert process.since(DRAINS) == 600.0
    process.passes(30.0)
    restored = held(status={"retiring": [{**DRAIN, "since": "2026-01-30T00:00:00Z"}]})
    assert process.since(restored) == 630.0, "a backup tool has put an old time back"
    assert process.since(held()) == 630.0, "or taken it away"


def test_the_account_that_was_proven_counts_though_it_cannot_be_recorded() -> None:
    """Else a key of another account, which shows nothing, would let the finalizer go while the deployment runs."""
    unrecorded = resource()
    process = Process(unrecorded)
    process.view(unrecorded)
    process.local.decided(unrecorded, held(status={"accountId": "nca-1"}).status)
    assert process.view(unrecorded).status.account_id == "nca-1"


@pytest.mark.parametrize("set_by", [3600.0, -3600.0, 86_400.0 * 400])
def test_a_jump_of_the_wall_clock_leaves_spans_as_they_were(set_by: float) -> None:
    process = Process(DRAINS)
    process.view(DRAINS)
    process.passes(30.0, set_by=set_by)
    assert process.since(DRAINS) == pytest.approx(630.0)
    process.passes(30.0, set_by=-set_by)
    assert process.since(DRAINS) == pytest.approx(660.0)


def test_a_jump_before_an_object_was_met_moves_nothing_of_it() -> None:
    process = Process(DRAINS)
    process.passes(0.0, set_by=-600.0)
    process.clock.now()
    late = Process(DRAINS)
    late.clock, late.local = process.clock, LocalState.begun(DRAINS, process.clock, process.monotonic)
    assert late.local.view(DRAINS, process.clock).status.retiring[0].since == datetime(2026, 1, 31, 11, 50, tzinfo=UTC)


def test_at_first_sight_no_time_of_another_clock_is_believed_beyond_its_limit() -> None:
    old = held(status={"retiring": [{**DRAIN, "since": "2026-01-01T00:00:00Z"}]})
    process = Process(old)
    assert process.since(old) == 3540.0
    process.passes(61.0)
    assert process.since(old) == 3601.0, "and then it is overdue by what this process has seen"


def test_our_own_copy_of_what_a_list_showed_yields_to_what_the_watch_brings() -> None:
    process = Process(DRAINS)
    process.local.proven = False
    process.local.decided(process.view(DRAINS), DRAINS.status)
    process.local.written(proven=False)
    newer = held(status={"lastHandledReconcileAt": "later"})
    assert process.view(newer).status.retiring == ()


def decided(of: Resource, **members: Any) -> FunctionDeploymentStatus:
    """What a decision wants recorded."""
    return FunctionDeploymentStatus.model_validate({**of.status.to_dict(), **members})


def test_a_status_that_could_not_be_written_counts_all_the_same() -> None:
    process = Process(held())
    process.view(held())
    process.local.decided(held(), decided(held(), retry=RETRY))
    seen = process.view(held())
    assert seen.status.retry is not None
    assert seen.status.retry.attempts == 2, "the cluster still says that it was never tried"
    assert seen.recorded == held().recorded, "and is written again"


def test_a_status_that_was_written_counts_as_it_is_in_the_cluster() -> None:
    process = Process(DRAINS)
    process.view(DRAINS)
    process.local.decided(held(), held().status)
    assert process.view(DRAINS).status.retiring == (), "not written yet"
    process.local.written(proven=True)
    assert process.local.proven
    assert process.local.record is None
    edited = held(status={"lastHandledReconcileAt": "by hand"})
    assert process.view(edited).status == edited.status


def test_our_own_copy_is_kept_after_a_write_while_something_is_measured() -> None:
    process = Process(held())
    process.local.decided(DRAINS, DRAINS.status)
    process.local.written(proven=True)
    assert process.view(held()).status.retiring == DRAINS.status.retiring


def test_an_intent_that_is_about_to_be_written_counts_from_then_on() -> None:
    bare = resource(finalizer=True)
    process = Process(bare)
    process.view(bare)
    process.local.intends(bare, intent())
    assert process.view(bare).open_intent == intent()
    assert process.view(resource(finalizer=True, intent=intent(token="of a saved copy"))).open_intent == intent()
    process.local.intends(bare, None)
    assert process.view(bare).open_intent is None


def test_an_intent_leaves_the_rest_of_our_copy_alone() -> None:
    process = Process(DRAINS)
    process.view(DRAINS)
    process.passes(30.0)
    process.local.intends(held(), intent())
    assert process.since(held()) == 630.0


@pytest.mark.parametrize("proven", [False, True], ids=["only a list had shown it", "it was proven"])
def test_what_was_decided_on_what_a_list_showed_is_void_once_the_object_was_read(proven: bool) -> None:
    process = Process(DRAINS)
    process.view(DRAINS)
    process.local.proven = proven
    process.local.found_current()
    assert process.local.proven
    assert (process.view(held()).status.retiring != ()) == proven


def test_a_record_that_is_kept_here_is_not_lost_by_what_becomes_of_the_clusters() -> None:
    process = Process(DRAINS)
    process.view(DRAINS)
    bare = resource(finalizer=True)
    assert bare.lost
    seen = process.view(bare)
    assert (seen.lost, seen.holds) == (False, True)
    assert Process(bare).view(bare).lost


@pytest.mark.parametrize(
    ("of", "expected", "reason"),
    [
        (resource(finalizer=True), 40.0, "a POST may be out"),
        (resource(), None, "before the finalizer there is none"),
        (held(), None, "the record says what was sent"),
        (resource(finalizer=True, intent=intent()), None, "the intent says so already"),
        (resource(finalizer=True, intent=intent(uid="another")), 40.0, "an intent of another object says nothing"),
        (held(status={"uid": "another"}), 40.0, "the record is another object's"),
    ],
)
def test_a_finalizer_without_a_record_is_remembered_from_the_first_sight(
    of: Resource, expected: float | None, reason: str
) -> None:
    process = Process(of)
    assert process.local.local_view(45.0).finalizer_found_for == expected, reason


def test_an_intent_in_place_of_a_lost_one_goes_on_from_the_first_sight() -> None:
    process = Process(resource(finalizer=True))
    process.local.sees_intent(None, 15.0)
    process.local.sees_intent(intent(token="lost"), 25.0)
    after = process.local.local_view(45.0)
    assert (after.intent_settled_for, after.finalizer_found_for) == (40.0, None)


def test_an_intent_settles_from_its_own_first_sight() -> None:
    local = LocalState(uid="u")
    for now in (10.0, 20.0):
        local.sees_intent(intent(), now)
    assert local.local_view(30.0).intent_settled_for == 20.0
    local.sees_intent(intent(token="second"), 30.0)
    assert local.local_view(31.0).intent_settled_for == 1.0
    local.sees_intent(None, 40.0)
    assert local.local_view(50.0).intent_settled_for == 0.0


FORCE = {names.FORCE_DELETE_ANNOTATION: "true"}
BLOCKED = {"conditions": [{"type": "DeletionBlocked", "status": "True", "reason": "Unauthorized"}]}


def test_force_delete_counts_once_the_deletion_was_seen_blocked_without_it() -> None:
    without = held(deleting=True, status=BLOCKED)
    process = Process(without)
    process.view(without)
    assert process.view(held(deleting=True, status=BLOCKED, annotations=FORCE)).force_delete


def test_force_delete_counts_that_comes_right_after_the_deletion_was_reported_as_blocked() -> None:
    before = held(deleting=True)
    process = Process(before)
    of = process.view(before)
    process.local.decided(of, held(deleting=True, status=BLOCKED).status)
    assert process.view(held(deleting=True, status=BLOCKED, annotations=FORCE)).force_delete


def test_force_delete_that_was_there_before_does_not_count_and_that_is_remembered() -> None:
    before = held(deleting=True, annotations=FORCE)
    process = Process(before)
    blocked = held(deleting=True, status=BLOCKED, annotations=FORCE)
    for of in (before, blocked):
        assert not process.view(of).force_delete
        assert process.local.local_view(0.0).stale_force_delete
    (condition,) = BLOCKED["conditions"]
    long = {"conditions": [{**condition, "lastTransitionTime": render(NOW - timedelta(seconds=60))}]}
    since = replace(
        held(deleting=True, status=long, annotations=FORCE),
        force_delete_set_at=NOW,
        deleted_at=NOW - timedelta(seconds=60),
    )
    assert process.view(since).force_delete, "a user has set it again"


def test_our_copy_is_the_whole_record() -> None:
    process = Process(DRAINS)
    assert Record.of(process.view(DRAINS).status) == process.local.record
