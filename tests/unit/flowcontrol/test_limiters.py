"""The gate that every call of an account passes. Time is virtual throughout."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from nvcf_operator.flowcontrol.limiters import Admission, HoldReason, Limiter, LimiterClosed, Limiters
from nvcf_operator.flowcontrol.pacing import Pauses
from nvcf_operator.flowcontrol.priority import Priority
from tests.support import virtual_time
from tests.support.virtual_time import Clock
from tests.unit.flowcontrol.limiter_calls import admits, timed

FAST = 1000.0


def middle() -> float:
    """The lowest draw: pauses are three quarters of their longest."""
    return 0.5


def limiter_of(clock: Clock, rate: float = FAST, concurrency: int = 16, **more: Any) -> Limiter:
    return Limiter(rate, concurrency, clock=clock, **{"random": lambda: 0.0, **more})


async def call(limiter: Limiter, *, priority: Priority = Priority.LOW, lasts: float = 0.0) -> None:
    async with limiter.admitted(priority):
        await asyncio.sleep(lasts)


async def started(limiter: Limiter, *, priority: Priority = Priority.LOW, lasts: float = 1e6) -> asyncio.Task[None]:
    """A call that is on its way, or waits."""
    task = asyncio.ensure_future(call(limiter, priority=priority, lasts=lasts))
    await virtual_time.settle()
    return task


async def ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def refused(limiter: Limiter, *, priority: Priority = Priority.LOW) -> LimiterClosed:
    """What the gate says while it is shut; it says so at once."""
    with pytest.raises(LimiterClosed) as caught:
        async with asyncio.timeout(0), limiter.admitted(priority):
            pytest.fail("the gate let a call in")
    peeked = limiter.closed_for()
    assert peeked is not None
    assert (peeked.reason, peeked.retry_after) == (caught.value.reason, caught.value.retry_after)
    assert not limiter.open
    assert not admits(limiter, priority)
    return caught.value


def fail(limiter: Limiter, times: int = 5) -> None:
    for _ in range(times):
        limiter.failed()


# Rate


@timed
async def test_ordinary_calls_get_nine_tenths_of_the_rate_and_high_priority_all(clock: Clock) -> None:
    for priority, expected in [(Priority.LOW, 45), (Priority.HIGH, 50)]:
        limiter = limiter_of(clock, rate=50)
        start = clock()
        for _ in range(1000):
            await call(limiter, priority=priority)
        assert 1000 / (clock() - start) == pytest.approx(expected, rel=0.02)


@timed
async def test_the_burst_after_a_quiet_time_is_a_fifth_of_a_second_s_worth(clock: Clock) -> None:
    limiter = limiter_of(clock, rate=50)
    await asyncio.sleep(3600)
    start = clock()
    passed = 0
    while clock() == start:
        await call(limiter, priority=Priority.HIGH)
        passed += 1
    assert passed - 1 == 10


@timed
async def test_a_rate_below_one_a_second_still_passes_calls(clock: Clock) -> None:
    limiter = limiter_of(clock, rate=0.1)
    start = clock()
    for _ in range(3):
        await call(limiter, priority=Priority.HIGH)
    assert clock() - start == pytest.approx(20)


@timed
async def test_high_priority_calls_pass_at_once_while_ordinary_calls_use_up_their_rate(clock: Clock) -> None:
    limiter = limiter_of(clock, rate=50)
    flood = [asyncio.ensure_future(call(limiter)) for _ in range(500)]
    for _ in range(10):
        await asyncio.sleep(0.5)
        before = clock()
        await call(limiter, priority=Priority.HIGH)
        await call(limiter, priority=Priority.HIGH)
        assert clock() == before
    await asyncio.gather(*flood)


@pytest.mark.parametrize("priority", [Priority.HIGH, Priority.LOW])
def test_after_a_stall_of_the_loop_nobody_passes_before_those_who_wait(priority: Priority) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock, rate=5)
        order: list[str] = []

        async def named(name: str, priority: Priority) -> None:
            async with limiter.admitted(priority):
                order.append(name)

        await call(limiter)
        early = asyncio.ensure_future(named("early", priority))
        await virtual_time.settle()
        virtual_time.stall(1.0)
        await named("late", priority=Priority.LOW)
        await early
        assert order == ["early", "late"]

    virtual_time.run(main)


# Places


@pytest.mark.parametrize(
    ("concurrency", "ordinary"),
    [
        pytest.param(1, 1, id="a single place is shared"),
        pytest.param(2, 1, id="one place at least is kept"),
        pytest.param(16, 15, id="a tenth of 16 is one"),
        pytest.param(40, 36, id="a tenth"),
    ],
)
def test_places_are_kept_for_high_priority(concurrency: int, ordinary: int) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock, concurrency=concurrency)
        tasks = [await started(limiter) for _ in range(concurrency + 5)]
        assert (limiter.in_flight, limiter.waiting) == (ordinary, concurrency + 5 - ordinary)
        assert not admits(limiter, Priority.LOW)
        assert admits(limiter, Priority.HIGH) == (ordinary < concurrency)
        tasks += [await started(limiter, priority=Priority.HIGH) for _ in range(concurrency + 5)]
        assert limiter.in_flight == concurrency
        await ended(*tasks)
        assert (limiter.in_flight, limiter.waiting) == (0, 0)

    virtual_time.run(main)


@timed
async def test_high_priority_calls_may_take_every_place(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=4)
    urgent = [await started(limiter, priority=Priority.HIGH) for _ in range(4)]
    assert limiter.in_flight == 4
    ordinary = await started(limiter)
    assert limiter.waiting == 1
    await ended(*urgent, ordinary)


@timed
async def test_a_later_high_priority_call_gets_the_next_place(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    holder = await started(limiter, lasts=10)
    ordinary = await started(limiter, lasts=10)
    urgent = await started(limiter, priority=Priority.HIGH, lasts=10)
    await holder
    await urgent
    assert not ordinary.done()
    await ordinary


@timed
async def test_a_wait_that_is_cancelled_takes_no_place_and_a_failing_body_gives_it_back(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    holder = await started(limiter, lasts=5)
    waiting = await started(limiter)
    await ended(waiting)
    await holder
    with pytest.raises(ZeroDivisionError):
        async with limiter.admitted(Priority.LOW):
            _ = 1 / 0
    assert (limiter.in_flight, limiter.waiting, limiter.open) == (0, 0, True)
    assert admits(limiter, Priority.LOW)


@timed
async def test_a_wait_cancelled_in_the_moment_of_its_turn_passes_the_place_on(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    async with limiter.admitted(Priority.LOW):
        first, second = await started(limiter), await started(limiter, lasts=1)
    first.cancel()  # the place has just been given to it, and it has not run yet
    await second
    assert first.cancelled()
    assert limiter.in_flight == 0


# Breaker


@timed
async def test_five_failures_in_a_row_open_the_breaker(clock: Clock) -> None:
    limiter = limiter_of(clock)
    fail(limiter, 4)
    limiter.succeeded()
    fail(limiter, 4)
    assert limiter.open
    limiter.failed()
    closed = await refused(limiter)
    assert (closed.reason, closed.retry_after) == (HoldReason.FAILING, 1.0)
    assert (await refused(limiter, priority=Priority.HIGH)).reason is HoldReason.FAILING
    assert str(closed) == "no call is sent for 1 s: the server failed or could not be reached several times in a row"


@timed
async def test_openings_double_from_a_second_to_a_minute_until_a_success(clock: Clock) -> None:
    limiter = limiter_of(clock)
    fail(limiter)
    pauses = []
    for _ in range(8):
        closed = await refused(limiter)
        pauses.append(closed.retry_after)
        await asyncio.sleep(closed.retry_after)
        async with limiter.admitted(Priority.LOW) as probe:
            limiter.failed(probe)
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])
    await asyncio.sleep(60)
    async with limiter.admitted(Priority.LOW) as probe:
        limiter.succeeded(probe)
    fail(limiter)
    assert (await refused(limiter)).retry_after == 1.0


def test_jitter_shortens_pauses_by_up_to_half() -> None:
    for drawn, expected in [(0.0, [1, 2, 4]), (middle(), [0.75, 1.5, 3]), (1.0, [0.5, 1, 2])]:
        pauses = Pauses(lambda drawn=drawn: drawn)  # type: ignore[misc]
        assert [pauses.take() for _ in range(3)] == expected


@timed
async def test_half_open_exactly_one_call_probes(clock: Clock) -> None:
    limiter = limiter_of(clock)
    fail(limiter)
    await asyncio.sleep(1)
    assert limiter.open, "a call may pass: the probe"
    probe = await started(limiter)
    for priority in (Priority.HIGH, Priority.LOW):
        closed = await refused(limiter, priority=priority)
        assert (closed.reason, closed.retry_after) == (HoldReason.PROBING, 1.0)
    limiter.succeeded()
    assert limiter.open
    await call(limiter)
    await ended(probe)


@pytest.mark.parametrize("end", ["cancelled", "crashed", "silent"])
def test_a_probe_that_ends_without_an_outcome_leaves_its_office_to_the_next(end: str) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock)
        fail(limiter)
        await asyncio.sleep(1)
        if end == "cancelled":
            await ended(await started(limiter))
        elif end == "crashed":
            with pytest.raises(ZeroDivisionError):
                async with limiter.admitted(Priority.LOW):
                    _ = 1 / 0
        else:
            await call(limiter)
        probe = await started(limiter)
        assert (await refused(limiter)).reason is HoldReason.PROBING
        await ended(probe)

    virtual_time.run(main)


@timed
async def test_a_probe_cancelled_while_it_waits_for_a_place_leaves_its_office(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    hanging = await started(limiter)
    fail(limiter)
    await asyncio.sleep(1)
    probe = await started(limiter)
    assert (limiter.waiting, (await refused(limiter)).reason) == (1, HoldReason.PROBING)
    await ended(probe)
    assert limiter.open
    await ended(hanging)


@timed
async def test_opening_turns_away_all_who_wait(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    hanging = await started(limiter)
    waiting = [await started(limiter, priority=priority) for priority in (Priority.HIGH, Priority.LOW)]
    fail(limiter)
    for task in waiting:
        with pytest.raises(LimiterClosed):
            await task
    assert (limiter.in_flight, limiter.waiting) == (1, 0)
    await ended(hanging)


@timed
async def test_opening_in_the_moment_of_a_turn_turns_away_too(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    fail(limiter, 4)
    async with limiter.admitted(Priority.LOW):
        waiting = await started(limiter)
    limiter.failed()  # the place has just been given to the one who waits, and it has not run yet
    with pytest.raises(LimiterClosed):
        await waiting
    assert limiter.in_flight == 0


@timed
async def test_calls_sent_before_the_opening_say_nothing_new(clock: Clock) -> None:
    limiter = limiter_of(clock)
    async with AsyncExitStack() as stack:
        hanging: list[Admission] = [await stack.enter_async_context(limiter.admitted(Priority.LOW)) for _ in range(12)]
        for sent in hanging[:6]:
            limiter.failed(sent)
        await asyncio.sleep(1)
        probe = await stack.enter_async_context(limiter.admitted(Priority.LOW))
        for sent in hanging[6:9]:
            limiter.failed(sent)
        limiter.succeeded(hanging[9])
        assert (await refused(limiter)).reason is HoldReason.PROBING, "neither opened again nor closed"
        limiter.succeeded(probe)
        for sent in hanging[6:]:
            limiter.failed(sent)
        assert limiter.open


@timed
async def test_outcomes_reported_while_it_is_open_neither_prolong_nor_end_the_opening(clock: Clock) -> None:
    limiter = limiter_of(clock)
    fail(limiter, 20)
    limiter.succeeded()
    assert (await refused(limiter)).retry_after == 1.0
    await asyncio.sleep(1)
    assert limiter.open


# 429


@timed
async def test_retry_after_shuts_the_gate_for_so_long(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    async with limiter.admitted(Priority.LOW):
        waiting = await started(limiter)
        limiter.throttled(90.0)
    with pytest.raises(LimiterClosed) as caught:
        await waiting
    assert (caught.value.reason, caught.value.retry_after) == (HoldReason.THROTTLED, 90)
    await asyncio.sleep(89)
    assert (await refused(limiter, priority=Priority.HIGH)).retry_after == pytest.approx(1)
    await asyncio.sleep(1)
    await call(limiter)


@timed
async def test_the_longer_of_two_pauses_counts(clock: Clock) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(10.0)
    limiter.throttled(3.0)
    assert (await refused(limiter)).retry_after == 10
    limiter.throttled(20.0)
    assert (await refused(limiter)).retry_after == 20


@pytest.mark.parametrize("named", [None, 0.0], ids=["none named", "0 named"])
def test_a_429_without_a_pause_backs_off_doubling_until_a_success(named: float | None) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock)
        pauses = []
        for _ in range(8):
            limiter.throttled(named)
            limiter.throttled(named)  # another that was under way: one pause for both
            closed = await refused(limiter)
            pauses.append(closed.retry_after)
            await asyncio.sleep(closed.retry_after)
        assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])
        limiter.succeeded()
        limiter.throttled(named)
        assert (await refused(limiter)).retry_after == 1

    virtual_time.run(main)


@timed
async def test_calls_sent_before_the_pause_do_not_double_it_when_they_come_late(clock: Clock) -> None:
    limiter = limiter_of(clock)
    async with limiter.admitted(Priority.LOW) as early, limiter.admitted(Priority.LOW) as late:
        limiter.throttled(None, early)
        await asyncio.sleep(1)
        limiter.throttled(None, late)
        assert limiter.open


@timed
async def test_a_server_that_throttles_works(clock: Clock) -> None:
    limiter = limiter_of(clock)
    fail(limiter, 4)
    limiter.throttled(1.0)
    await asyncio.sleep(1)
    fail(limiter, 4)
    assert limiter.open
    limiter.failed()
    await asyncio.sleep(1)
    async with limiter.admitted(Priority.LOW) as probe:
        limiter.throttled(5.0, probe)
    assert (await refused(limiter)).reason is HoldReason.THROTTLED
    await asyncio.sleep(5)
    first, second = await started(limiter), await started(limiter)
    assert limiter.in_flight == 2, "the breaker is closed again"
    await ended(first, second)


@timed
async def test_the_longer_of_opening_and_throttling_is_reported(clock: Clock) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(0.5)
    fail(limiter)
    assert (await refused(limiter)).reason is HoldReason.FAILING
    limiter.throttled(30.0)
    assert (await refused(limiter)).reason is HoldReason.THROTTLED


# Groups


@timed
async def test_groups_of_a_kind_take_turns(clock: Clock) -> None:
    limiter = limiter_of(clock, rate=1)
    order: list[str] = []

    async def named(group: str) -> None:
        async with limiter.admitted(Priority.LOW, group):
            order.append(group)

    await call(limiter)
    tasks = []
    for group in ["big", "big", "big", "big", "small", "other"]:
        tasks.append(asyncio.ensure_future(named(group)))
        await virtual_time.settle()
    assert (limiter.waiting_of("big"), limiter.waiting_of("small"), limiter.waiting_of("nobody")) == (4, 1, 0)
    await asyncio.gather(*tasks)
    assert order == ["big", "small", "other", "big", "big", "big"]


@timed
async def test_a_high_priority_call_of_a_busy_group_goes_before_all_ordinary_calls(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    order: list[str] = []

    async def named(group: str, priority: Priority) -> None:
        async with limiter.admitted(priority, group):
            order.append(group)

    holder = await started(limiter, lasts=5.0)
    tasks = [asyncio.ensure_future(named(group, Priority.LOW)) for group in ("big", "small")]
    await virtual_time.settle()
    tasks.append(asyncio.ensure_future(named("a user's", Priority.HIGH)))
    await asyncio.gather(holder, *tasks)
    assert order == ["a user's", "big", "small"]


@timed
async def test_who_gives_up_waiting_leaves_the_turn_of_its_group_to_the_next(clock: Clock) -> None:
    limiter = limiter_of(clock, concurrency=1)
    holder = await started(limiter, lasts=5.0)
    gone = await started(limiter)
    waits = asyncio.ensure_future(call(limiter))
    await virtual_time.settle()
    await ended(gone)
    assert limiter.waiting == 1
    await asyncio.gather(holder, waits)
    assert (limiter.in_flight, limiter.waiting) == (0, 0)


# Gates and limits


def test_an_account_at_a_base_url_has_one_gate() -> None:
    limiters = Limiters(rate=50, concurrency=16)
    one = limiters.of("https://a.example", "account")
    assert limiters.of("https://a.example", "account") is one
    assert limiters.of("https://b.example", "account") is not one
    assert limiters.of("https://a.example", "other") is not one
    assert [(url, account) for url, account, _ in limiters] == [
        ("https://a.example", "account"),
        ("https://b.example", "account"),
        ("https://a.example", "other"),
    ]


@timed
async def test_a_key_joins_the_gate_of_its_account_and_brings_the_pause_that_it_was_given(clock: Clock) -> None:
    limiters = Limiters(rate=50, concurrency=16, clock=clock)
    own, other = limiters.of("https://a.example", "one key"), limiters.of("https://a.example", "another key")
    own.throttled(30.0)
    shared = limiters.join("https://a.example", "another key", "account")
    assert shared.open
    assert limiters.join("https://a.example", "one key", "account") is shared
    assert (await refused(shared)).reason is HoldReason.THROTTLED
    assert [account for _, account, _ in limiters] == ["account"]
    assert other is not shared


@timed
async def test_the_outcome_of_a_call_that_passed_another_gate_is_news(clock: Clock) -> None:
    own, shared = limiter_of(clock), limiter_of(clock)
    async with own.admitted(Priority.LOW) as call_of_the_key:
        shared.throttled(1.0)
        await asyncio.sleep(2.0)
        shared.throttled(30.0, call_of_the_key)
    assert not shared.open
    assert own.open


@pytest.mark.parametrize(
    ("rate", "concurrency", "reserve"),
    [
        pytest.param(0, 1, 0.1, id="nothing would ever pass"),
        pytest.param(float("inf"), 1, 0.1, id="no rate"),
        pytest.param(float("nan"), 1, 0.1, id="not a number"),
        pytest.param(1, 0, 0.1, id="no place"),
        pytest.param(1, 1, 1.0, id="nothing left for ordinary calls"),
    ],
)
def test_limits_that_make_no_sense_are_refused(rate: float, concurrency: int, reserve: float) -> None:
    with pytest.raises(ValueError, match="pacing needs"):
        Limiter(rate, concurrency, reserve=reserve)
    if reserve < 1:
        with pytest.raises(ValueError, match="pacing needs"):
            Limiters(rate, concurrency)


def test_metrics_show_tokens_left() -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock, rate=50)
        assert limiter.tokens == 10
        await call(limiter)
        assert limiter.tokens == 9
        await asyncio.sleep(1)
        assert limiter.tokens == 10

    virtual_time.run(main)
