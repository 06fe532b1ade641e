"""The work queue against a model that keeps every reason to reconcile a key, and searches them all each time."""

import asyncio
import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.queue.delay_queue import DelayQueue, QueueClosed
from tests.support import virtual_time
from tests.support.examples import examples
from tests.support.virtual_time import Clock

KEYS = st.sampled_from([f"{group}/{number}" for group in "abc" for number in range(3)])
PRIORITIES = st.sampled_from(Priority)
DELAYS = st.sampled_from([0.0, 0.0, 1.0, 2.0, 5.0, 30.0])


def namespace(key: str) -> str:
    return key.partition("/")[0]


@dataclass
class Reasons:
    """Why a key is to be reconciled: priority and due time of each; not in line before `since`."""

    since: float
    all: list[tuple[Priority, float]] = field(default_factory=list)

    def priority(self, now: float) -> Priority | None:
        return min((priority for priority, due in self.all if due <= now), default=None)

    def lined_up(self, priority: Priority) -> float:
        """When the key came in line at that priority."""
        return max(min(due for asked, due in self.all if asked == priority), self.since)


class QueueAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.queue: DelayQueue[str] = DelayQueue(group=namespace, clock=lambda: self.now)
        self.waiting: dict[str, Reasons] = {}
        self.in_work: dict[str, Reasons] = {}
        self.void: set[str] = set()
        self.last: Priority | None = None
        # For each priority and group that has something due: the groups served since it had, or since its own turn.
        self.passed_by: dict[tuple[Priority, str], list[str]] = {}

    def due(self) -> dict[str, Priority]:
        priorities = {key: reasons.priority(self.now) for key, reasons in self.waiting.items()}
        return {key: priority for key, priority in priorities.items() if priority is not None}

    @rule(key=KEYS, priority=PRIORITIES, delay=DELAYS)
    def add(self, key: str, priority: Priority, delay: float) -> None:
        self.queue.add(key, priority, delay)
        held = self.in_work.get(key)
        reasons = held if held is not None else self.waiting.setdefault(key, Reasons(self.now))
        reasons.all.append((priority, self.now + delay))

    @rule(only=st.sampled_from([None, Priority.HIGH, Priority.NORMAL]))
    def take(self, only: Priority | None) -> None:
        taken = self.queue.take(only=only)
        due = self.due()
        offered = sorted({priority for priority in due.values() if only in (None, priority)})
        if not offered:
            assert taken is None
            return
        assert taken is not None, f"{due} are due"
        key, priority = taken
        assert key not in self.in_work, "a key has one holder"
        assert key in self.waiting, "nobody asked for this key"
        turn = offered[0] == self.last == Priority.NORMAL and Priority.IN_PROGRESS in offered
        wanted = Priority.IN_PROGRESS if turn else offered[0]
        assert priority == wanted == due[key], (
            "higher priorities first, but what is new and what is under way take turns"
        )
        self.last = priority if priority in (Priority.NORMAL, Priority.IN_PROGRESS) else self.last
        group = namespace(key)
        rivals = [other for other in due if due[other] == priority and namespace(other) == group]
        first = min(self.waiting[other].lined_up(priority) for other in rivals)
        assert self.waiting[key].lined_up(priority) == first, "first in, first out within a group"
        for (other_priority, other), served in self.passed_by.items():
            if other_priority == priority and other != group:
                served.append(group)
                assert served.count(group) <= 1, f"{group} twice while {other} waits for its turn"
        self.passed_by.pop((priority, group), None)
        del self.waiting[key]
        self.in_work[key] = Reasons(self.now)

    @rule(data=st.data(), requeue=st.none() | st.tuples(PRIORITIES, DELAYS))
    def done(self, data: st.DataObject, requeue: tuple[Priority, float] | None) -> None:
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
    def agrees_with_the_model(self) -> None:
        due = self.due()
        depth = {priority: sum(standing == priority for standing in due.values()) for priority in Priority}
        assert self.queue.depth() == depth
        assert len(self.queue) == len(self.waiting)
        assert self.queue.in_work == len(self.in_work)
        for priority, overdue in self.queue.overdue().items():
            since = [min(time for _, time in self.waiting[key].all) for key in due if due[key] == priority]
            assert overdue == max((self.now - time for time in since), default=0.0)

    @invariant()
    def groups_with_something_due_stand_in_the_rotation(self) -> None:
        standing = {(priority, namespace(key)) for key, priority in self.due().items()}
        self.passed_by = {place: self.passed_by.get(place, []) for place in standing}


TestQueueAgainstModel = QueueAgainstModel.TestCase
TestQueueAgainstModel.settings = settings(max_examples=examples(200), stateful_step_count=40, deadline=None)


@given(
    adds=st.lists(st.tuples(st.sampled_from([0.0, 0.3, 1.0]), KEYS, PRIORITIES, DELAYS), max_size=30),
    patience=st.lists(st.sampled_from([0.0, 0.3, 1.0, 1.3, 2.0]), max_size=30),
    reserved=st.integers(0, 2),
)
@settings(max_examples=examples(200), deadline=None)
def test_every_key_comes_on_time_whoever_else_gives_up_waiting(
    adds: list[tuple[float, str, Priority, float]], patience: list[float], reserved: int
) -> None:
    async def main(clock: Clock) -> None:
        queue: DelayQueue[str] = DelayQueue(group=namespace, clock=clock)
        due: dict[str, float] = {}

        def handle(key: str) -> None:
            assert clock() == pytest.approx(due.pop(key), abs=1e-3)
            queue.done(key)

        async def work(only: Priority | None = None) -> None:
            key, priority = await queue.get(only=only)
            assert only in (None, priority)
            handle(key)

        async def worker(only: Priority | None) -> None:
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
            for pause, key, priority, delay in adds:
                await asyncio.sleep(pause)
                due[key] = min(clock() + delay, due.get(key, math.inf))
                queue.add(key, priority, delay)

        workers = [asyncio.ensure_future(worker(only)) for only in [Priority.HIGH] * reserved + [None]]
        await asyncio.gather(impatient(), adding())
        await asyncio.sleep(31)
        assert not due, "all that was asked for was handed out"
        queue.close()
        for outcome in await asyncio.gather(*workers, return_exceptions=True):
            assert isinstance(outcome, QueueClosed), outcome

    virtual_time.run(main)
