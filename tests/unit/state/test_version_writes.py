"""The locks of function versions: one mutating call at a time, and none that a lost answer may still undo."""

import pytest

from nvcf_operator.core.rules.version_locks import WAIT
from nvcf_operator.state.deployments import Target
from nvcf_operator.state.version_writes import LOCKED_BY, LONGEST_WAIT, Call, VersionBusy, VersionWrites

ONE, OTHER = Target("https://nvcf", "f", "v-é"), Target("https://nvcf", "f", "w")
ELSEWHERE = Target("https://another", "f", "v-é")


class Now:
    """A clock."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def writes(now: Now) -> VersionWrites:
    return VersionWrites(now)


@pytest.mark.parametrize("first", Call)
@pytest.mark.parametrize("second", Call)
def test_one_call_at_a_time_whatever_the_two_are(writes: VersionWrites, first: Call, second: Call) -> None:
    with writes.writing(ONE, first):
        with pytest.raises(VersionBusy) as busy, writes.writing(ONE, second):
            pytest.fail("two calls at once")
        assert busy.value.seconds == WAIT
        with writes.writing(OTHER, second), writes.writing(ELSEWHERE, second):
            pass  # other versions, and the same ids at another NVCF
    with writes.writing(ONE, second):
        pass


def test_a_call_that_fails_holds_no_lock(writes: VersionWrites) -> None:
    with pytest.raises(ZeroDivisionError), writes.writing(ONE):
        raise ZeroDivisionError
    assert writes.locked_for(ONE) == 0


def test_a_call_that_goes_on_is_waited_for_in_longer_steps(writes: VersionWrites, now: Now) -> None:
    with writes.writing(ONE, Call.DEPLOYMENT):
        now.seconds += 3
        assert writes.locked_for(ONE) == 3
        now.seconds += 300
        assert writes.locked_for(ONE) == LONGEST_WAIT


@pytest.mark.parametrize("lost", Call)
@pytest.mark.parametrize("call", Call)
def test_a_lost_answer_locks_the_calls_that_it_may_undo(
    writes: VersionWrites, now: Now, lost: Call, call: Call
) -> None:
    writes.doubt(ONE, 60, lost)
    locked = lost in LOCKED_BY[call]
    assert writes.locked_for(ONE, call) == (60 if locked else 0)
    assert writes.locked_for(OTHER, call) == 0
    now.seconds += 60
    assert writes.locked_for(ONE, call) == 0


def test_only_changes_are_not_repeated_after_a_lost_answer() -> None:
    assert [call for call in Call if call in LOCKED_BY[call]] == [Call.CHANGE]


def test_a_second_doubt_never_shortens_the_first(writes: VersionWrites) -> None:
    writes.doubt(ONE, 60)
    writes.doubt(ONE, 5)
    assert writes.locked_for(ONE) == 60


def test_what_is_seen_ends_the_doubt_about_changes_only(writes: VersionWrites) -> None:
    writes.doubt(ONE, 60, Call.CHANGE)
    writes.doubt(ONE, 30, Call.DEPLOYMENT)
    writes.seen(ONE)
    assert writes.locked_for(ONE, Call.CHANGE) == 30
    assert writes.locked_for(ONE, Call.DEPLOYMENT) == 0


def test_pruning_drops_only_what_is_over(writes: VersionWrites, now: Now) -> None:
    writes.doubt(ONE, 10)
    writes.doubt(OTHER, 60)
    now.seconds += 20
    writes.prune()
    assert (writes.locked_for(ONE), writes.locked_for(OTHER)) == (0, 40)
