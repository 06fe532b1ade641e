"""The time of day follows the wall clock, and the spans between its times are those that really passed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvcf_operator.clock import JUMP, SteadyClock
from tests.support.examples import examples

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Clocks:
    """The two clocks of a machine; both are moved by hand."""

    def __init__(self) -> None:
        self.monotonic, self.wall = 5.0, START.timestamp()
        self.steady = SteadyClock(lambda: self.monotonic, lambda: self.wall)

    def passes(self, seconds: float, *, drift: float = 0.0) -> None:
        """Let time pass, and the wall clock run fast or slow meanwhile, or be set."""
        self.monotonic += seconds
        self.wall += seconds + drift

    def now(self) -> float:
        """Seconds since the start, by the time of day."""
        return (self.steady.now() - START).total_seconds()


@pytest.mark.parametrize(
    ("set_by", "reason"),
    [
        (3600.0, "set forward"),
        (-3600.0, "set back"),
        (2.5, "set by little more than a correction"),
        (-86_400.0 * 365, "set to before the operator's build"),
    ],
)
def test_a_jump_of_the_wall_clock_moves_the_time_of_day_and_is_counted(set_by: float, reason: str) -> None:
    clocks = Clocks()
    clocks.passes(10.0, drift=set_by)
    assert clocks.now() == pytest.approx(10.0 + set_by), reason
    assert clocks.steady.jumped == pytest.approx(set_by), reason
    clocks.passes(10.0)
    assert clocks.now() - clocks.steady.jumped == pytest.approx(20.0), "what has passed is known all the same"


def test_jumps_add_up_and_one_back_undoes_one_forward() -> None:
    clocks = Clocks()
    for set_by, jumped in ((3600.0, 3600.0), (3600.0, 7200.0), (-7200.0, 0.0)):
        clocks.passes(1.0, drift=set_by)
        clocks.now()
        assert clocks.steady.jumped == pytest.approx(jumped)


def test_the_ordinary_correction_of_the_wall_clock_is_no_jump() -> None:
    clocks = Clocks()
    for _ in range(19):
        clocks.passes(60.0, drift=0.1)
        clocks.now()
    assert clocks.now() == pytest.approx(19 * 60.0), "time goes on by the monotonic clock"
    assert clocks.steady.jumped == 0.0


def test_a_drift_that_has_become_large_is_taken_over_once() -> None:
    clocks = Clocks()
    for _ in range(25):
        clocks.passes(60.0, drift=0.1)
        clocks.now()
    assert JUMP < clocks.steady.jumped < 2.5
    assert clocks.now() - clocks.steady.jumped == pytest.approx(25 * 60.0)


@settings(max_examples=examples(100), deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.0, 1e5), st.one_of(st.floats(-1.0, 1.0), st.floats(-1e7, 1e7))), min_size=1, max_size=30
    )
)
def test_whatever_becomes_of_the_wall_clock_what_has_passed_is_what_passed(steps: list[tuple[float, float]]) -> None:
    clocks = Clocks()
    for passed, drift in steps:
        clocks.passes(passed, drift=drift)
        clocks.now()
    assert clocks.now() - clocks.steady.jumped == pytest.approx(sum(passed for passed, _ in steps), abs=0.01)
    assert abs(clocks.steady.now().timestamp() - clocks.wall) <= JUMP + 0.01, "users read the wall clock's time"
