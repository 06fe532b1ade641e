"""The work queue against a model that keeps every reason to look at a key, and searches them all each time."""

import asyncio
import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nvcf_operator.runtime.queue import DelayQueue, Lane, QueueClosed
from tests.support import virtual_time
from tests.support.virtual_time import Clock

KEYS = st.sampled_from([f"{group}/{number}" for group in "abc" for number in range(3)])
LANES = st.sampled_from(Lane)
DELAYS = st.sampled_from([0.0, 0.0, 1.0, 2.0, 5.0, 30.0])


def namespace(key: str) -> str:
    return key.partition("/")[0]


@dataclass
class Reasons:
    """Why a key is to be looked at: lane and due time of each; not in line before `since`."""

    since: float
    all: list[tuple[Lane, float]] = field(default_factory=list)

    def lane(self, now: float) -> Lane | None:
        return min((lane for lane, due in self.all if due <= now), default=None)

    def lined_up(self, lane: Lane) -> float:
        """When the key came in line in that lane."""
        return max(min(due for asked, due in self.all if asked == lane), self.since)


class QueueAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.queue: DelayQueue[str] = DelayQueue(group=namespace, clock=lambda: self.now)
        self.waiting: dict[str, Reasons] = {}
        self.in_work: dict[str, Reasons] = {}
        self.void: set[str] = set()
        self.last: Lane | None = None
        # For each lane and group that has something due: the groups served since it had, or since its own turn.
        self.passed_by: dict[tuple[Lane, str], list[str]] = {}

    def due(self) -> dict[str, Lane]:
        lanes = {key: reasons.lane(self.now) for key, reasons in self.waiting.items()}
        return {key: lane for key, lane in lanes.items() if lane is not None}

    @rule(key=KEYS, lane=LANES, delay=DELAYS)
    def add(self, key: str, lane: Lane, delay: float) -> None:
        self.queue.add(key, lane, delay)
        held = self.in_work.get(key)
        reasons = held if held is not None else self.waiting.setdefault(key, Reasons(self.now))
        reasons.all.append((lane, self.now + delay))

    @rule(only=st.sampled_from([None, Lane.PERSON, Lane.NEW]))
    def take(self, only: Lane | None) -> None:
        taken = self.queue.take(only=only)
        due = self.due()
        offered = sorted({lane for lane in due.values() if only in (None, lane)})
        if not offered:
            assert taken is None
            return
        assert taken is not None, f"{due} are due"
        key, lane = taken
        assert key not in self.in_work, "a key has one holder"
        assert key in self.waiting, "nobody asked for this key"
        turn = offered[0] == self.last == Lane.NEW and Lane.UNDER_WAY in offered
        wanted = Lane.UNDER_WAY if turn else offered[0]
        assert lane == wanted == due[key], "lower lanes first, but what is new and what is under way take turns"
        self.last = lane if lane in (Lane.NEW, Lane.UNDER_WAY) else self.last
        group = namespace(key)
        rivals = [other for other in due if due[other] == lane and namespace(other) == group]
        first = min(self.waiting[other].lined_up(lane) for other in rivals)
        assert self.waiting[key].lined_up(lane) == first, "first in, first out within a group"
        for (other_lane, other), served in self.passed_by.items():
            if other_lane == lane and other != group:
                served.append(group)
                assert served.count(group) <= 1, f"{group} twice while {other} waits for its turn"
        self.passed_by.pop((lane, group), None)
        del self.waiting[key]
        self.in_work[key] = Reasons(self.now)

    @rule(data=st.data(), requeue=st.none() | st.tuples(LANES, DELAYS))
    def done(self, data: st.DataObject, requeue: tuple[Lane, float] | None) -> None:
        if not self.in_work:
            return
        key = data.draw(st.sampled_from(sorted(self.in_work)))
        self.queue.done(key, requeue=requeue)
        reasons = self.in_work.pop(key)
        if requeue is not None and key not in self.void:
            reasons.all.append((requeue[0], self.now + requeue[1]))
        self.void.discard(key)
        if reasons.all:
            reasons.since = self.now
            self.waiting[key] = reasons

    @rule(key=KEYS)
    def discard(self, key: str) -> None:
        self.queue.discard(key)
        self.waiting.pop(key, None)
        if key in self.in_work:
            self.in_work[key].all.clear()
            self.void.add(key)

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 10.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def tells_the_same_as_the_model(self) -> None:
        due = self.due()
        depth = {lane: sum(standing == lane for standing in due.values()) for lane in Lane}
        assert self.queue.depth() == depth
        assert len(self.queue) == len(self.waiting)
        assert self.queue.in_work == len(self.in_work)
        for lane, overdue in self.queue.overdue().items():
            since = [min(time for _, time in self.waiting[key].all) for key in due if due[key] == lane]
            assert overdue == max((self.now - time for time in since), default=0.0)

    @invariant()
    def groups_with_something_due_stand_in_the_rotation(self) -> None:
        standing = {(lane, namespace(key)) for key, lane in self.due().items()}
        self.passed_by = {place: self.passed_by.get(place, []) for place in standing}


TestQueueAgainstModel = QueueAgainstModel.TestCase
TestQueueAgainstModel.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


@given(
    adds=st.lists(st.tuples(st.sampled_from([0.0, 0.3, 1.0]), KEYS, LANES, DELAYS), max_size=30),
    patience=st.lists(st.sampled_from([0.0, 0.3, 1.0, 1.3, 2.0]), max_size=30),
    reserved=st.integers(0, 2),
)
@settings(max_examples=200, deadline=None)
def test_every_key_comes_on_time_whoever_else_gives_up_waiting(
    adds: list[tuple[float, str, Lane, float]], patience: list[float], reserved: int
) -> None:
    async def main(clock: Clock) -> None:
        queue: DelayQueue[str] = DelayQueue(group=namespace, clock=clock)
        due: dict[str, float] = {}

        def handle(key: str) -> None:
            assert clock() == pytest.approx(due.pop(key), abs=1e-3)
            queue.done(key)

        async def work(only: Lane | None = None) -> None:
            key, lane = await queue.get(only=only)
            assert only in (None, lane)
            handle(key)

        async def worker(only: Lane | None) -> None:
            while True:
                await work(only)

        async def impatient() -> None:
            """Give up waiting again and again, often in the very moment of a waking."""
            for seconds in patience:
                attempt = asyncio.ensure_future(work())
                await asyncio.sleep(seconds)
                if not attempt.cancel():
                    attempt.result()

        async def adding() -> None:
            for pause, key, lane, delay in adds:
                await asyncio.sleep(pause)
                due[key] = min(clock() + delay, due.get(key, math.inf))
                queue.add(key, lane, delay)

        workers = [asyncio.ensure_future(worker(only)) for only in [Lane.PERSON] * reserved + [None]]
        await asyncio.gather(impatient(), adding())
        await asyncio.sleep(31)
        assert not due, "all that was asked for was handed out"
        queue.close()
        for outcome in await asyncio.gather(*workers, return_exceptions=True):
            assert isinstance(outcome, QueueClosed), outcome

    virtual_time.run(main)
