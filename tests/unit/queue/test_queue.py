"""The work queue: order, merging, waiting. Time is virtual throughout."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.queue.delay_queue import DelayQueue, QueueClosed
from tests.support import virtual_time
from tests.support.virtual_time import Clock


class Hand:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def namespace(key: str) -> str:
    return key.partition("/")[0]


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def queue(clock: Hand) -> DelayQueue[str]:
    return DelayQueue(group=namespace, clock=clock)


def drain(queue: DelayQueue[str]) -> list[tuple[str, Priority]]:
    """Take and finish all that is due."""
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item)
        queue.done(item[0])
    return taken


MERGES = [
    pytest.param([(Priority.NORMAL, 0)], {0: Priority.NORMAL}, id="one reason: due at once, at its priority"),
    pytest.param([(Priority.LOW, 5), (Priority.LOW, 3)], {2: None, 3: Priority.LOW}, id="the earliest deadline wins"),
    pytest.param([(Priority.LOW, 3), (Priority.LOW, 5)], {2: None, 3: Priority.LOW}, id="a later one adds nothing"),
    pytest.param(
        [(Priority.LOW, 60), (Priority.HIGH, 0)],
        {0: Priority.HIGH},
        id="a user does not wait for the background's date",
    ),
    pytest.param(
        [(Priority.HIGH, 0), (Priority.LOW, 0)], {0: Priority.HIGH}, id="a poll does not demote a user's edit"
    ),
    pytest.param([(Priority.LOW, 0), (Priority.HIGH, 0)], {0: Priority.HIGH}, id="an edit promotes what is queued"),
    pytest.param(
        [(Priority.HIGH, 30), (Priority.LOW, 0)],
        {0: Priority.LOW},
        id="a user's retry in half a minute does not promote a poll result now",
    ),
    pytest.param(
        [(Priority.HIGH, 30), (Priority.LOW, 0)],
        {30: Priority.HIGH},
        id="a key still in line moves up when its priority is due",
    ),
    pytest.param(
        [(Priority.HIGH, 5), (Priority.LOW, 5)],
        {4: None, 5: Priority.HIGH},
        id="of two at one time the higher priority wins",
    ),
    pytest.param([(Priority.NORMAL, -7)], {0: Priority.NORMAL}, id="a delay that is over is no delay"),
]


@pytest.mark.parametrize(("asked", "seen"), MERGES)
def test_reasons_to_reconcile_one_key_merge(
    queue: DelayQueue[str], clock: Hand, asked: list[tuple[Priority, float]], seen: dict[float, Priority | None]
) -> None:
    start = clock.now
    for priority, delay in asked:
        queue.add("a/x", priority, delay)
    assert len(queue) == 1
    for later, expected in seen.items():
        clock.now = start + later
        assert drain(queue) == ([] if expected is None else [("a/x", expected)])
    clock.now = start + 1e6
    assert drain(queue) == [], "handing a key out answers all that was asked"


def test_priorities_are_strict_and_first_come_first_served(queue: DelayQueue[str]) -> None:
    for key, priority in [("a/1", 3), ("a/2", 1), ("a/3", 0), ("a/4", 3), ("a/5", 1), ("a/6", 0)]:
        queue.add(key, Priority(priority))
    assert [key for key, _ in drain(queue)] == ["a/3", "a/6", "a/2", "a/5", "a/1", "a/4"]


def test_what_is_new_and_what_is_under_way_take_turns(queue: DelayQueue[str]) -> None:
    for number in range(3):
        queue.add(f"a/new-{number}", Priority.NORMAL)
        queue.add(f"a/going-{number}", Priority.IN_PROGRESS)
    queue.add("a/resync", Priority.LOW)
    queue.add("a/edited", Priority.HIGH)
    order = ["edited", "new-0", "going-0", "new-1", "going-1", "new-2", "going-2", "resync"]
    assert [key for key, _ in drain(queue)] == [f"a/{name}" for name in order]


def test_the_first_of_a_crowd_is_ready_soon_after_its_deploy_time(queue: DelayQueue[str], clock: Hand) -> None:
    begun, crowd, read, deploys = clock.now, 500, 0.02, 1.0
    for number in range(crowd):
        queue.add(f"a/{number}", Priority.NORMAL)
    asked: list[str] = []
    ready: list[tuple[str, int, float]] = []
    while len(ready) < crowd:
        taken = queue.take()
        clock.now += read
        if taken is None:
            continue
        key, priority = taken
        if priority == Priority.NORMAL:
            asked.append(key)
            queue.done(key, requeue=(Priority.IN_PROGRESS, deploys))
        else:
            ready.append((key, len(asked), clock.now - begun))
            queue.done(key)
    key, before, seconds = ready[0]
    assert key == asked[0]
    assert seconds < 2 * deploys
    assert before < crowd / 4, "the others are asked for meanwhile"
    assert [item for item, _, _ in ready] == asked, "in the order in which they were asked for"


def test_keys_line_up_in_the_order_of_their_deadlines(queue: DelayQueue[str], clock: Hand) -> None:
    queue.add("a/late", Priority.NORMAL, 2)
    queue.add("a/early", Priority.NORMAL, 1)
    clock.now += 3
    queue.add("a/now", Priority.NORMAL)
    assert [key for key, _ in drain(queue)] == ["a/early", "a/late", "a/now"]


def test_groups_take_turns(queue: DelayQueue[str]) -> None:
    for number in range(1000):
        queue.add(f"big/{number}", Priority.HIGH)
    queue.add("small/1", Priority.HIGH)
    queue.add("small/2", Priority.HIGH)
    queue.add("tiny/1", Priority.HIGH)
    first = [key for key, _ in drain(queue)][:6]
    assert first == ["big/0", "small/1", "tiny/1", "big/1", "small/2", "big/2"]


def test_a_key_in_work_is_held_back_until_done(queue: DelayQueue[str]) -> None:
    queue.add("a/x", Priority.LOW)
    assert queue.take() == ("a/x", Priority.LOW)
    queue.add("a/x", Priority.HIGH)
    assert queue.take() is None
    queue.done("a/x")
    assert queue.take() == ("a/x", Priority.HIGH)
    queue.done("a/x")
    assert queue.take() is None


REQUEUES = [
    pytest.param([], None, {1e6: None}, id="nothing asked, nothing comes"),
    pytest.param([], (Priority.LOW, 5), {4: None, 5: Priority.LOW}, id="the decision's own delay"),
    pytest.param(
        [(Priority.HIGH, 0)], (Priority.LOW, 5), {0: Priority.HIGH}, id="an edit during the work comes at once"
    ),
    pytest.param(
        [(Priority.NORMAL, 9)], (Priority.LOW, 5), {5: Priority.LOW}, id="the decision's delay is the earlier"
    ),
    pytest.param([(Priority.LOW, 3)], (Priority.LOW, 5), {2: None, 3: Priority.LOW}, id="an add is the earlier"),
]


@pytest.mark.parametrize(("meanwhile", "requeue", "seen"), REQUEUES)
def test_after_the_work_the_earliest_of_requeue_and_adds_counts(
    queue: DelayQueue[str],
    clock: Hand,
    meanwhile: list[tuple[Priority, float]],
    requeue: tuple[Priority, float] | None,
    seen: dict[float, Priority | None],
) -> None:
    queue.add("a/x", Priority.NORMAL)
    queue.take()
    for priority, delay in meanwhile:
        queue.add("a/x", priority, delay)
    queue.done("a/x", requeue=requeue)
    start = clock.now
    for later, expected in seen.items():
        clock.now = start + later
        assert drain(queue) == ([] if expected is None else [("a/x", expected)])


def test_delays_asked_for_during_the_work_count_from_the_asking(queue: DelayQueue[str], clock: Hand) -> None:
    queue.add("a/x", Priority.NORMAL)
    queue.take()
    queue.add("a/x", Priority.LOW, 10)
    clock.now += 8
    queue.done("a/x")
    clock.now += 2
    assert queue.take() == ("a/x", Priority.LOW)


@pytest.mark.parametrize("delay", [0, 5], ids=["in line", "waiting for its time"])
def test_a_discarded_key_is_gone_until_it_is_added_again(queue: DelayQueue[str], clock: Hand, delay: float) -> None:
    queue.add("a/x", Priority.NORMAL, delay)
    queue.discard("a/x")
    queue.discard("a/unknown")
    clock.now += 10
    assert (queue.take(), len(queue)) == (None, 0)
    queue.add("a/x", Priority.LOW)
    assert queue.take() == ("a/x", Priority.LOW)


def test_discarding_during_the_work_voids_its_requeue_but_no_later_add(queue: DelayQueue[str]) -> None:
    queue.add("a/x", Priority.NORMAL)
    queue.take()
    queue.add("a/x", Priority.HIGH)
    queue.discard("a/x")
    queue.done("a/x", requeue=(Priority.LOW, 0))
    assert queue.take() is None, "the decision was about something that is gone"

    queue.add("a/x", Priority.NORMAL)
    queue.take()
    queue.discard("a/x")
    queue.add("a/x", Priority.NORMAL)
    queue.done("a/x", requeue=(Priority.HIGH, 0))
    assert queue.take() == ("a/x", Priority.NORMAL), "what was recreated under the same name counts"


def test_done_without_get_is_a_mistake(queue: DelayQueue[str]) -> None:
    queue.add("a/x", Priority.NORMAL)
    with pytest.raises(ValueError, match="'a/x' is not being worked on"):
        queue.done("a/x")


@pytest.mark.parametrize("delay", [float("nan"), float("inf")])
def test_a_delay_that_never_comes_is_a_mistake(queue: DelayQueue[str], delay: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        queue.add("a/x", Priority.NORMAL, delay)


def test_metrics_show_depth_overdue_and_work(queue: DelayQueue[str], clock: Hand) -> None:
    queue.add("a/1", Priority.LOW, 1)
    queue.add("a/2", Priority.LOW, 3)
    queue.add("a/3", Priority.HIGH)
    queue.add("a/4", Priority.NORMAL, 100)
    clock.now += 5
    assert queue.depth() == {Priority.HIGH: 1, Priority.NORMAL: 0, Priority.IN_PROGRESS: 0, Priority.LOW: 2}
    assert queue.overdue() == {Priority.HIGH: 5, Priority.NORMAL: 0, Priority.IN_PROGRESS: 0, Priority.LOW: 4}
    assert (queue.in_work, len(queue)) == (0, 4)
    queue.take()
    assert (queue.depth()[Priority.HIGH], queue.in_work, len(queue)) == (0, 1, 3)


def test_keys_that_are_asked_for_early_each_time_leave_no_memory_behind(queue: DelayQueue[str], clock: Hand) -> None:
    queue.add("a/quiet", Priority.LOW, 3000)  # stands before the stale deadlines, so that they do not surface
    for _ in range(200):
        for number in range(50):
            queue.add(f"a/{number}", Priority.LOW)
            queue.take()
            queue.done(f"a/{number}", requeue=(Priority.LOW, 3600))
        clock.now += 5
    assert len(queue._schedule._deadlines) < 2000
    clock.now += 3600
    assert len(drain(queue)) == 51


# Waiting


def timed(test: Callable[[DelayQueue[str], Clock], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on a loop with virtual time."""

    async def main(clock: Clock) -> None:
        await test(DelayQueue(group=namespace, clock=clock), clock)

    def wrapped() -> None:
        virtual_time.run(main)

    wrapped.__name__ = test.__name__
    return wrapped


def getting(queue: DelayQueue[str], **only: Any) -> asyncio.Task[tuple[str, Priority]]:
    return asyncio.ensure_future(queue.get(**only))


@timed
async def test_get_returns_at_the_deadline(queue: DelayQueue[str], clock: Clock) -> None:
    start = clock()
    queue.add("a/x", Priority.LOW, 3600)
    assert await queue.get() == ("a/x", Priority.LOW)
    assert clock() - start == pytest.approx(3600)


@timed
async def test_an_earlier_deadline_wakes_who_waits_for_a_later_one(queue: DelayQueue[str], clock: Clock) -> None:
    start = clock()
    queue.add("a/late", Priority.LOW, 60)
    getter = getting(queue)
    await asyncio.sleep(1)
    queue.add("a/early", Priority.NORMAL, 4)
    assert await getter == ("a/early", Priority.NORMAL)
    assert clock() - start == pytest.approx(5)
    assert await queue.get() == ("a/late", Priority.LOW)
    assert clock() - start == pytest.approx(60)


@timed
async def test_several_waiters_get_one_key_each(queue: DelayQueue[str], clock: Clock) -> None:
    getters = [getting(queue) for _ in range(3)]
    await virtual_time.settle()
    for number in range(3):
        queue.add(f"a/{number}", Priority.NORMAL, 7)
    keys = {key for key, _ in await asyncio.gather(*getters)}
    assert keys == {"a/0", "a/1", "a/2"}


@timed
async def test_done_wakes_a_waiter_for_what_was_held_back(queue: DelayQueue[str], clock: Clock) -> None:
    queue.add("a/x", Priority.NORMAL)
    await queue.get()
    getter = getting(queue)
    queue.add("a/x", Priority.HIGH)
    await asyncio.sleep(100)
    assert not getter.done()
    queue.done("a/x")
    assert await getter == ("a/x", Priority.HIGH)


@timed
async def test_the_reserved_worker_takes_high_priority_work_only(queue: DelayQueue[str], clock: Clock) -> None:
    reserved = getting(queue, only=Priority.HIGH)
    queue.add("a/bulk", Priority.LOW)
    queue.add("a/new", Priority.NORMAL)
    await asyncio.sleep(100)
    assert not reserved.done()
    queue.add("a/edit", Priority.HIGH)
    assert await reserved == ("a/edit", Priority.HIGH)
    assert queue.depth() == {Priority.HIGH: 0, Priority.NORMAL: 1, Priority.IN_PROGRESS: 0, Priority.LOW: 1}


@timed
async def test_the_reserved_worker_is_woken_when_a_key_in_line_becomes_high_priority(
    queue: DelayQueue[str], clock: Clock
) -> None:
    start = clock()
    queue.add("a/x", Priority.LOW)
    queue.add("a/x", Priority.HIGH, 5)
    assert await queue.get(only=Priority.HIGH) == ("a/x", Priority.HIGH)
    assert clock() - start == pytest.approx(5)


@timed
async def test_the_reserved_worker_stays_free_while_another_waits(queue: DelayQueue[str], clock: Clock) -> None:
    reserved, general = getting(queue, only=Priority.HIGH), getting(queue)
    await virtual_time.settle()
    queue.add("a/1", Priority.HIGH)
    assert await general == ("a/1", Priority.HIGH)
    assert not reserved.done()
    queue.add("a/2", Priority.HIGH)
    assert await reserved == ("a/2", Priority.HIGH)


@timed
async def test_a_getter_cancelled_in_the_moment_of_its_waking_loses_no_key(
    queue: DelayQueue[str], clock: Clock
) -> None:
    first, second = getting(queue), getting(queue)
    await virtual_time.settle()
    queue.add("a/x", Priority.NORMAL)  # wakes the first, which has not run yet
    first.cancel()
    assert await second == ("a/x", Priority.NORMAL)
    with pytest.raises(asyncio.CancelledError):
        await first


@timed
async def test_a_getter_that_times_out_leaves_the_queue_whole(queue: DelayQueue[str], clock: Clock) -> None:
    queue.add("a/x", Priority.NORMAL, 10)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(9):
            await queue.get()
    assert await queue.get() == ("a/x", Priority.NORMAL)


@timed
async def test_closing_ends_all_getters_now_and_later(queue: DelayQueue[str], clock: Clock) -> None:
    queue.add("a/held", Priority.NORMAL)
    await queue.get()
    getters = [getting(queue), getting(queue, only=Priority.HIGH)]
    await virtual_time.settle()
    queue.add("a/x", Priority.NORMAL, 5)
    queue.close()
    queue.close()
    for getter in getters:
        with pytest.raises(QueueClosed):
            await getter
    queue.add("a/y", Priority.HIGH)
    queue.done("a/held", requeue=(Priority.HIGH, 0))
    with pytest.raises(QueueClosed):
        await queue.get()


@timed
async def test_ten_thousand_keys_pass_twenty_workers_each_exactly_once_a_round(
    queue: DelayQueue[str], clock: Clock
) -> None:
    keys = [f"{number % 7}/{number}" for number in range(10_000)]
    rounds = dict.fromkeys(keys, 0)
    holders: set[str] = set()
    unfinished = set(keys)
    finished = asyncio.Event()

    async def worker(only: Priority | None) -> None:
        while True:
            key, _ = await queue.get(only=only)
            assert key not in holders
            holders.add(key)
            await asyncio.sleep(0.001)
            holders.remove(key)
            rounds[key] += 1
            if rounds[key] == 2:
                unfinished.remove(key)
            if not unfinished:
                finished.set()
            queue.done(key, requeue=(Priority.LOW, 60) if rounds[key] < 2 else None)

    workers = [asyncio.ensure_future(worker(None)) for _ in range(19)]
    workers.append(asyncio.ensure_future(worker(Priority.HIGH)))
    for key in keys:
        queue.add(key, Priority.LOW)
    async with asyncio.timeout(600):
        await finished.wait()
    assert set(rounds.values()) == {2}
    queue.close()
    for outcome in await asyncio.gather(*workers, return_exceptions=True):
        assert isinstance(outcome, QueueClosed)
