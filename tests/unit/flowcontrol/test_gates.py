"""The gate that every call of an account passes. Time is virtual throughout."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest

from nvcf_operator.flowcontrol.breaker import Backoff
from nvcf_operator.flowcontrol.gates import Admission, Closed, Gate, Gates, Reason
from tests.support import virtual_time
from tests.support.virtual_time import Clock

FAST = 1000.0


def middle() -> float:
    """No luck at all: pauses are three quarters of their longest."""
    return 0.5


def gate_of(clock: Clock, rate: float = FAST, concurrency: int = 16, **more: Any) -> Gate:
    return Gate(rate, concurrency, clock=clock, **{"random": lambda: 0.0, **more})


def timed(test: Callable[[Clock], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on a loop with virtual time."""

    def wrapped() -> None:
        virtual_time.run(test)

    wrapped.__name__ = test.__name__
    return wrapped


async def call(gate: Gate, *, person: bool = False, lasts: float = 0.0) -> None:
    async with gate.admitted(person):
        await asyncio.sleep(lasts)


async def started(gate: Gate, *, person: bool = False, lasts: float = 1e6) -> asyncio.Task[None]:
    """A call that is on its way, or waits."""
    task = asyncio.ensure_future(call(gate, person=person, lasts=lasts))
    await virtual_time.settle()
    return task


async def ended(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def refused(gate: Gate, *, person: bool = False) -> Closed:
    """What the gate says while it is shut; it says so at once."""
    with pytest.raises(Closed) as caught:
        async with asyncio.timeout(0), gate.admitted(person):
            pytest.fail("the gate let a call in")
    peeked = gate.closed_for()
    assert peeked is not None
    assert (peeked.reason, peeked.retry_after) == (caught.value.reason, caught.value.retry_after)
    assert not gate.open
    assert not gate.admits(person)
    return caught.value


def fail(gate: Gate, times: int = 5) -> None:
    for _ in range(times):
        gate.failed()


# Rate


@timed
async def test_ordinary_calls_get_nine_tenths_of_the_rate_and_people_all(clock: Clock) -> None:
    for person, expected in [(False, 45), (True, 50)]:
        gate = gate_of(clock, rate=50)
        start = clock()
        for _ in range(1000):
            await call(gate, person=person)
        assert 1000 / (clock() - start) == pytest.approx(expected, rel=0.02)


@timed
async def test_the_burst_after_a_quiet_time_is_a_fifth_of_a_second_s_worth(clock: Clock) -> None:
    gate = gate_of(clock, rate=50)
    await asyncio.sleep(3600)
    start = clock()
    passed = 0
    while clock() == start:
        await call(gate, person=True)
        passed += 1
    assert passed - 1 == 10


@timed
async def test_a_rate_below_one_a_second_still_passes_calls(clock: Clock) -> None:
    gate = gate_of(clock, rate=0.1)
    start = clock()
    for _ in range(3):
        await call(gate, person=True)
    assert clock() - start == pytest.approx(20)


@timed
async def test_people_pass_at_once_while_ordinary_calls_use_up_their_rate(clock: Clock) -> None:
    gate = gate_of(clock, rate=50)
    flood = [asyncio.ensure_future(call(gate)) for _ in range(500)]
    for _ in range(10):
        await asyncio.sleep(0.5)
        before = clock()
        await call(gate, person=True)
        await call(gate, person=True)
        assert clock() == before
    await asyncio.gather(*flood)


@pytest.mark.parametrize("person", [True, False])
def test_after_a_stall_of_the_loop_nobody_passes_before_those_who_wait(person: bool) -> None:
    async def main(clock: Clock) -> None:
        gate = gate_of(clock, rate=5)
        order: list[str] = []

        async def named(name: str, person: bool) -> None:
            async with gate.admitted(person):
                order.append(name)

        await call(gate)
        early = asyncio.ensure_future(named("early", person))
        await virtual_time.settle()
        virtual_time.stall(1.0)
        await named("late", person=False)
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
def test_places_are_kept_for_people(concurrency: int, ordinary: int) -> None:
    async def main(clock: Clock) -> None:
        gate = gate_of(clock, concurrency=concurrency)
        tasks = [await started(gate) for _ in range(concurrency + 5)]
        assert (gate.in_flight, gate.waiting) == (ordinary, concurrency + 5 - ordinary)
        assert not gate.admits(person=False)
        assert gate.admits(person=True) == (ordinary < concurrency)
        tasks += [await started(gate, person=True) for _ in range(concurrency + 5)]
        assert gate.in_flight == concurrency
        await ended(*tasks)
        assert (gate.in_flight, gate.waiting) == (0, 0)

    virtual_time.run(main)


@timed
async def test_people_may_take_every_place(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=4)
    people = [await started(gate, person=True) for _ in range(4)]
    assert gate.in_flight == 4
    ordinary = await started(gate)
    assert gate.waiting == 1
    await ended(*people, ordinary)


@timed
async def test_a_person_who_comes_later_gets_the_next_place(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    holder = await started(gate, lasts=10)
    ordinary = await started(gate, lasts=10)
    person = await started(gate, person=True, lasts=10)
    await holder
    await person
    assert not ordinary.done()
    await ordinary


@timed
async def test_a_wait_that_is_cancelled_takes_no_place_and_a_failing_body_gives_it_back(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    holder = await started(gate, lasts=5)
    waiting = await started(gate)
    await ended(waiting)
    await holder
    with pytest.raises(ZeroDivisionError):
        async with gate.admitted(False):
            _ = 1 / 0
    assert (gate.in_flight, gate.waiting, gate.open) == (0, 0, True)
    assert gate.admits(person=False)


@timed
async def test_a_wait_cancelled_in_the_moment_of_its_turn_passes_the_place_on(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    async with gate.admitted(False):
        first, second = await started(gate), await started(gate, lasts=1)
    first.cancel()  # the place has just been given to it, and it has not run yet
    await second
    assert first.cancelled()
    assert gate.in_flight == 0


# Breaker


@timed
async def test_five_failures_in_a_row_open_the_breaker(clock: Clock) -> None:
    gate = gate_of(clock)
    fail(gate, 4)
    gate.succeeded()
    fail(gate, 4)
    assert gate.open
    gate.failed()
    closed = await refused(gate)
    assert (closed.reason, closed.retry_after) == (Reason.FAILING, 1.0)
    assert (await refused(gate, person=True)).reason is Reason.FAILING
    assert str(closed) == "no call is sent for 1 s: the server failed or could not be reached several times in a row"


@timed
async def test_openings_double_from_a_second_to_a_minute_until_a_success(clock: Clock) -> None:
    gate = gate_of(clock)
    fail(gate)
    pauses = []
    for _ in range(8):
        closed = await refused(gate)
        pauses.append(closed.retry_after)
        await asyncio.sleep(closed.retry_after)
        async with gate.admitted(False) as probe:
            gate.failed(probe)
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])
    await asyncio.sleep(60)
    async with gate.admitted(False) as probe:
        gate.succeeded(probe)
    fail(gate)
    assert (await refused(gate)).retry_after == 1.0


def test_jitter_shortens_pauses_by_up_to_half() -> None:
    for luck, expected in [(0.0, [1, 2, 4]), (middle(), [0.75, 1.5, 3]), (1.0, [0.5, 1, 2])]:
        backoff = Backoff(lambda luck=luck: luck)  # type: ignore[misc]
        assert [backoff.pause() for _ in range(3)] == expected


@timed
async def test_half_open_exactly_one_call_probes(clock: Clock) -> None:
    gate = gate_of(clock)
    fail(gate)
    await asyncio.sleep(1)
    assert gate.open, "a call may pass: the probe"
    probe = await started(gate)
    for person in (True, False):
        closed = await refused(gate, person=person)
        assert (closed.reason, closed.retry_after) == (Reason.PROBING, 1.0)
    gate.succeeded()
    assert gate.open
    await call(gate)
    await ended(probe)


@pytest.mark.parametrize("end", ["cancelled", "crashed", "silent"])
def test_a_probe_that_ends_without_an_outcome_leaves_its_office_to_the_next(end: str) -> None:
    async def main(clock: Clock) -> None:
        gate = gate_of(clock)
        fail(gate)
        await asyncio.sleep(1)
        if end == "cancelled":
            await ended(await started(gate))
        elif end == "crashed":
            with pytest.raises(ZeroDivisionError):
                async with gate.admitted(False):
                    _ = 1 / 0
        else:
            await call(gate)
        probe = await started(gate)
        assert (await refused(gate)).reason is Reason.PROBING
        await ended(probe)

    virtual_time.run(main)


@timed
async def test_a_probe_cancelled_while_it_waits_for_a_place_leaves_its_office(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    hanging = await started(gate)
    fail(gate)
    await asyncio.sleep(1)
    probe = await started(gate)
    assert (gate.waiting, (await refused(gate)).reason) == (1, Reason.PROBING)
    await ended(probe)
    assert gate.open
    await ended(hanging)


@timed
async def test_opening_turns_away_all_who_wait(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    hanging = await started(gate)
    waiting = [await started(gate, person=person) for person in (True, False)]
    fail(gate)
    for task in waiting:
        with pytest.raises(Closed):
            await task
    assert (gate.in_flight, gate.waiting) == (1, 0)
    await ended(hanging)


@timed
async def test_opening_in_the_moment_of_a_turn_turns_away_too(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    fail(gate, 4)
    async with gate.admitted(False):
        waiting = await started(gate)
    gate.failed()  # the place has just been given to the one who waits, and it has not run yet
    with pytest.raises(Closed):
        await waiting
    assert gate.in_flight == 0


@timed
async def test_calls_sent_before_the_opening_say_nothing_new(clock: Clock) -> None:
    gate = gate_of(clock)
    async with AsyncExitStack() as stack:
        hanging: list[Admission] = [await stack.enter_async_context(gate.admitted(False)) for _ in range(12)]
        for sent in hanging[:6]:
            gate.failed(sent)
        await asyncio.sleep(1)
        probe = await stack.enter_async_context(gate.admitted(False))
        for sent in hanging[6:9]:
            gate.failed(sent)
        gate.succeeded(hanging[9])
        assert (await refused(gate)).reason is Reason.PROBING, "neither opened again nor closed"
        gate.succeeded(probe)
        for sent in hanging[6:]:
            gate.failed(sent)
        assert gate.open


@timed
async def test_outcomes_told_while_it_is_open_neither_prolong_nor_end_the_opening(clock: Clock) -> None:
    gate = gate_of(clock)
    fail(gate, 20)
    gate.succeeded()
    assert (await refused(gate)).retry_after == 1.0
    await asyncio.sleep(1)
    assert gate.open


# 429


@timed
async def test_retry_after_shuts_the_gate_for_so_long(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    async with gate.admitted(False):
        waiting = await started(gate)
        gate.throttled(90.0)
    with pytest.raises(Closed) as caught:
        await waiting
    assert (caught.value.reason, caught.value.retry_after) == (Reason.THROTTLED, 90)
    await asyncio.sleep(89)
    assert (await refused(gate, person=True)).retry_after == pytest.approx(1)
    await asyncio.sleep(1)
    await call(gate)


@timed
async def test_the_longer_of_two_pauses_counts(clock: Clock) -> None:
    gate = gate_of(clock)
    gate.throttled(10.0)
    gate.throttled(3.0)
    assert (await refused(gate)).retry_after == 10
    gate.throttled(20.0)
    assert (await refused(gate)).retry_after == 20


@pytest.mark.parametrize("named", [None, 0.0], ids=["none named", "0 named"])
def test_a_429_without_a_pause_backs_off_doubling_until_a_success(named: float | None) -> None:
    async def main(clock: Clock) -> None:
        gate = gate_of(clock)
        pauses = []
        for _ in range(8):
            gate.throttled(named)
            gate.throttled(named)  # another that was under way: one pause for both
            closed = await refused(gate)
            pauses.append(closed.retry_after)
            await asyncio.sleep(closed.retry_after)
        assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])
        gate.succeeded()
        gate.throttled(named)
        assert (await refused(gate)).retry_after == 1

    virtual_time.run(main)


@timed
async def test_calls_sent_before_the_pause_do_not_double_it_when_they_come_late(clock: Clock) -> None:
    gate = gate_of(clock)
    async with gate.admitted(False) as early, gate.admitted(False) as late:
        gate.throttled(None, early)
        await asyncio.sleep(1)
        gate.throttled(None, late)
        assert gate.open


@timed
async def test_a_server_that_throttles_works(clock: Clock) -> None:
    gate = gate_of(clock)
    fail(gate, 4)
    gate.throttled(1.0)
    await asyncio.sleep(1)
    fail(gate, 4)
    assert gate.open
    gate.failed()
    await asyncio.sleep(1)
    async with gate.admitted(False) as probe:
        gate.throttled(5.0, probe)
    assert (await refused(gate)).reason is Reason.THROTTLED
    await asyncio.sleep(5)
    first, second = await started(gate), await started(gate)
    assert gate.in_flight == 2, "the breaker is closed again"
    await ended(first, second)


@timed
async def test_the_longer_of_opening_and_throttling_is_told(clock: Clock) -> None:
    gate = gate_of(clock)
    gate.throttled(0.5)
    fail(gate)
    assert (await refused(gate)).reason is Reason.FAILING
    gate.throttled(30.0)
    assert (await refused(gate)).reason is Reason.THROTTLED


# Groups


@timed
async def test_groups_of_a_kind_take_turns(clock: Clock) -> None:
    gate = gate_of(clock, rate=1)
    order: list[str] = []

    async def named(group: str) -> None:
        async with gate.admitted(False, group):
            order.append(group)

    await call(gate)
    tasks = []
    for group in ["big", "big", "big", "big", "small", "other"]:
        tasks.append(asyncio.ensure_future(named(group)))
        await virtual_time.settle()
    assert (gate.waiting_of("big"), gate.waiting_of("small"), gate.waiting_of("nobody")) == (4, 1, 0)
    await asyncio.gather(*tasks)
    assert order == ["big", "small", "other", "big", "big", "big"]


@timed
async def test_a_person_of_a_busy_group_goes_before_all_ordinary_calls(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    order: list[str] = []

    async def named(group: str, person: bool) -> None:
        async with gate.admitted(person, group):
            order.append(group)

    holder = await started(gate, lasts=5.0)
    tasks = [asyncio.ensure_future(named(group, False)) for group in ("big", "small")]
    await virtual_time.settle()
    tasks.append(asyncio.ensure_future(named("a person's", True)))
    await asyncio.gather(holder, *tasks)
    assert order == ["a person's", "big", "small"]


@timed
async def test_who_gives_up_waiting_leaves_the_turn_of_its_group_to_the_next(clock: Clock) -> None:
    gate = gate_of(clock, concurrency=1)
    holder = await started(gate, lasts=5.0)
    gone = await started(gate)
    waits = asyncio.ensure_future(call(gate))
    await virtual_time.settle()
    await ended(gone)
    assert gate.waiting == 1
    await asyncio.gather(holder, waits)
    assert (gate.in_flight, gate.waiting) == (0, 0)


# Gates and limits


def test_an_account_at_a_base_url_has_one_gate() -> None:
    gates = Gates(rate=50, concurrency=16)
    one = gates.of("https://a.example", "account")
    assert gates.of("https://a.example", "account") is one
    assert gates.of("https://b.example", "account") is not one
    assert gates.of("https://a.example", "other") is not one
    assert [(url, account) for url, account, _ in gates] == [
        ("https://a.example", "account"),
        ("https://b.example", "account"),
        ("https://a.example", "other"),
    ]


@timed
async def test_a_key_joins_the_gate_of_its_account_and_brings_the_pause_that_it_was_told(clock: Clock) -> None:
    gates = Gates(rate=50, concurrency=16, clock=clock)
    own, other = gates.of("https://a.example", "one key"), gates.of("https://a.example", "another key")
    own.throttled(30.0)
    shared = gates.join("https://a.example", "another key", "account")
    assert shared.open
    assert gates.join("https://a.example", "one key", "account") is shared
    assert (await refused(shared)).reason is Reason.THROTTLED
    assert [account for _, account, _ in gates] == ["account"]
    assert other is not shared


@timed
async def test_the_outcome_of_a_call_that_passed_another_gate_is_news(clock: Clock) -> None:
    own, shared = gate_of(clock), gate_of(clock)
    async with own.admitted(False) as call_of_the_key:
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
        Gate(rate, concurrency, reserve=reserve)
    if reserve < 1:
        with pytest.raises(ValueError, match="pacing needs"):
            Gates(rate, concurrency)


def test_metrics_tell_tokens_left() -> None:
    async def main(clock: Clock) -> None:
        gate = gate_of(clock, rate=50)
        assert gate.tokens == 10
        await call(gate)
        assert gate.tokens == 9
        await asyncio.sleep(1)
        assert gate.tokens == 10

    virtual_time.run(main)
