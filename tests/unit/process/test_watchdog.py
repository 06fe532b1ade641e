"""Heartbeats show what of our own stands still, and nothing else."""

import asyncio

import pytest

from nvcf_operator.process.watchdog import STILL, TICK, Watchdogs
from tests.support import virtual_time


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_work_is_overdue_only_after_its_own_deadline(clock: Clock) -> None:
    beats = Watchdogs(clock=clock)
    with beats.watch("worker 3", deadline=10), beats.watch("poller", deadline=20):
        clock.now += 10
        assert beats.overdue() == []
        clock.now += 2
        assert beats.overdue() == ["worker 3 is stuck: no heartbeat for 12 s, 10 s allowed"]
        clock.now += 9
        assert [line.partition(" is stuck")[0] for line in beats.overdue()] == ["worker 3", "poller"]
    assert beats.overdue() == []


def test_work_that_fails_has_ended(clock: Clock) -> None:
    beats = Watchdogs(clock=clock)
    with pytest.raises(ConnectionError), beats.watch("worker 3", deadline=1):
        raise ConnectionError
    clock.now += 5
    assert beats.overdue() == [], "attempts that fail are progress as long as they end"


def test_a_loop_that_beats_is_never_overdue(clock: Clock) -> None:
    beats = Watchdogs(clock=clock)
    with beats.watch("poller", deadline=10) as beat:
        for _ in range(3):
            clock.now += 9
            beat()
        assert [line for line in beats.overdue() if "poller" in line] == []
        clock.now += 11
        assert [line for line in beats.overdue() if "poller" in line] != []


def test_several_of_one_name_are_distinguished(clock: Clock) -> None:
    beats = Watchdogs(clock=clock)
    with beats.watch("worker", deadline=1):
        clock.now += 5
        with beats.watch("worker", deadline=1):
            assert len(beats.overdue()) == 1


def test_an_event_loop_that_never_ticks_stands_still(clock: Clock) -> None:
    beats = Watchdogs(clock=clock)
    clock.now += STILL
    assert beats.overdue() == []
    clock.now += 1
    assert beats.overdue() == [f"the event loop is stuck: no turn for {STILL + 1:.0f} s"]


def test_a_loop_that_turns_is_alive_and_its_lag_is_measured() -> None:
    async def main(clock: virtual_time.Clock) -> None:
        beats = Watchdogs(clock=clock)
        ticker = asyncio.create_task(beats.tick())
        await asyncio.sleep(1000)
        assert (beats.overdue(), beats.lag) == ([], 0.0)
        virtual_time.stall(40.0)
        assert len(beats.overdue()) == 1, "nothing has turned for 40 s"
        await asyncio.sleep(TICK / 2)
        assert beats.overdue() == []
        assert beats.lag == pytest.approx(40.0, abs=TICK)
        ticker.cancel()

    virtual_time.run(main)
