"""How far a server's wait is honoured, and how a gate finds out that it is over. Time is virtual throughout."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvcf_operator.flowcontrol.limiters import TRIAL_PATIENCE, HoldReason, Limiter, LimiterClosed, Limiters
from nvcf_operator.flowcontrol.pacing import MOST_FOR_OTHERS, MOST_FOR_URGENT, honoured
from nvcf_operator.flowcontrol.priority import Priority
from tests.support import virtual_time
from tests.support.examples import examples
from tests.support.virtual_time import Clock
from tests.unit.flowcontrol.limiter_calls import admits, timed

HOUR, DAY = 3600.0, 86_400.0


def limiter_of(clock: Clock) -> Limiter:
    return Limiter(1000.0, 16, clock=clock, random=lambda: 0.0)


def closed(limiter: Limiter, *, priority: Priority) -> LimiterClosed:
    found = limiter.closed_for(priority)
    assert found is not None, f"open for {priority.name}"
    assert not admits(limiter, priority)
    return found


async def answered(limiter: Limiter, *, priority: Priority, with_429: bool = False, wait: float | None = None) -> None:
    """One call that passes and is answered at once."""
    async with limiter.admitted(priority) as call:
        if with_429:
            limiter.throttled(wait, call)
        else:
            limiter.succeeded(call)


WAITS = [
    (3.0, 3.0, 3.0, "a short wait holds all alike"),
    (120.0, 120.0, 120.0, "so does one of two minutes"),
    (600.0, 120.0, 600.0, "a longer one holds high-priority calls for two minutes"),
    (900.0, 120.0, 900.0, "and the others as long as it asks"),
    (HOUR, 120.0, 900.0, "up to a quarter of an hour"),
    (DAY, 120.0, 900.0, "whatever it asks"),
]


@pytest.mark.parametrize(("asked", "urgent", "others", "reason"), WAITS)
def test_a_servers_wait_holds_high_priority_for_minutes_and_others_for_a_quarter_of_an_hour(
    asked: float, urgent: float, others: float, reason: str
) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock)
        limiter.throttled(asked)
        for priority, held in ((Priority.HIGH, urgent), (Priority.LOW, others)):
            said = closed(limiter, priority=priority)
            assert (said.reason, said.retry_after, said.asked) == (HoldReason.THROTTLED, held, asked), reason
            assert honoured(asked, urgent=priority is Priority.HIGH) == held
        await asyncio.sleep(urgent - 0.01)
        closed(limiter, priority=Priority.HIGH)
        await asyncio.sleep(0.01)
        assert limiter.closed_for(priority=Priority.HIGH) is None
        await asyncio.sleep(others - urgent)
        assert limiter.open

    virtual_time.run(main)


@timed
async def test_after_their_hold_one_high_priority_call_at_a_time_tries_while_the_server_still_asks_for_a_pause(
    clock: Clock,
) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(HOUR)
    await asyncio.sleep(MOST_FOR_URGENT)
    async with limiter.admitted(Priority.HIGH) as trial:
        for _ in range(3):
            said = closed(limiter, priority=Priority.HIGH)
            assert (said.reason, said.asked) == (HoldReason.THROTTLED, HOUR), (
                "reported as what it is: the server's pause"
            )
            assert 0 < said.retry_after <= 5, "behind a trial it is tried again soon"
        limiter.throttled(HOUR, trial)
    assert closed(limiter, priority=Priority.HIGH).retry_after == MOST_FOR_URGENT, "their pause has begun again"
    assert closed(limiter, priority=Priority.LOW).retry_after == MOST_FOR_OTHERS


@timed
async def test_of_hundreds_of_high_priority_calls_few_ask_a_server_that_still_throttles(clock: Clock) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(DAY)
    sent = 0

    async def insist() -> None:
        nonlocal sent
        while clock() < 1000.0 + HOUR:
            try:
                async with limiter.admitted(Priority.HIGH) as call:
                    sent += 1
                    await asyncio.sleep(0.2)
                    limiter.throttled(DAY, call)
            except LimiterClosed as shut:
                await asyncio.sleep(shut.retry_after)

    await asyncio.gather(*(insist() for _ in range(200)))
    assert 25 <= sent <= HOUR / MOST_FOR_URGENT, "one for each of their pauses"


@timed
async def test_an_answered_high_priority_trial_frees_that_priority_and_leaves_others_their_pause(clock: Clock) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(HOUR)
    await asyncio.sleep(MOST_FOR_URGENT)
    await answered(limiter, priority=Priority.HIGH)
    async with AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(limiter.admitted(Priority.HIGH))
    assert closed(limiter, priority=Priority.LOW).retry_after == MOST_FOR_OTHERS - MOST_FOR_URGENT
    await answered(limiter, priority=Priority.HIGH, with_429=True, wait=5.0)
    assert closed(limiter, priority=Priority.HIGH).retry_after == MOST_FOR_URGENT, (
        "the pause that the server asked for lasts after all"
    )


@timed
async def test_after_the_longest_hold_one_ordinary_call_tries_for_all(clock: Clock) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(DAY)
    await asyncio.sleep(MOST_FOR_OTHERS)
    async with limiter.admitted(Priority.LOW) as trial:
        assert closed(limiter, priority=Priority.LOW).reason is HoldReason.THROTTLED
        closed(limiter, priority=Priority.HIGH)
        limiter.succeeded(trial)
        assert limiter.open, "it need not end before the others go on"
        assert limiter.closed_for(priority=Priority.HIGH) is None
    async with limiter.admitted(Priority.LOW), limiter.admitted(Priority.LOW), limiter.admitted(Priority.HIGH):
        assert limiter.in_flight == 3


@timed
async def test_an_answer_to_a_high_priority_call_does_not_let_a_second_ordinary_call_try(clock: Clock) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(DAY)
    await asyncio.sleep(MOST_FOR_OTHERS)
    await answered(limiter, priority=Priority.HIGH)
    async with limiter.admitted(Priority.LOW):
        await answered(limiter, priority=Priority.HIGH)
        closed(limiter, priority=Priority.LOW)


@pytest.mark.parametrize("wait", [None, 0.0, 1.0], ids=["none named", "0 named", "a short one named"])
def test_a_trial_that_is_throttled_restarts_the_high_priority_pause_whatever_it_names(wait: float | None) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock)
        limiter.throttled(HOUR)
        for _ in range(5):
            await asyncio.sleep(MOST_FOR_URGENT)
            await answered(limiter, priority=Priority.HIGH, with_429=True, wait=wait)
            assert closed(limiter, priority=Priority.HIGH).retry_after == MOST_FOR_URGENT
            assert closed(limiter, priority=Priority.HIGH).asked == HOUR

    virtual_time.run(main)


@timed
async def test_when_the_wait_that_the_server_named_is_over_all_pass_at_once(clock: Clock) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(300.0)
    await asyncio.sleep(300.0)
    async with (
        limiter.admitted(Priority.HIGH),
        limiter.admitted(Priority.HIGH),
        limiter.admitted(Priority.LOW),
        limiter.admitted(Priority.LOW),
    ):
        assert limiter.in_flight == 4


@pytest.mark.parametrize("end", ["fails", "is cancelled", "ends without an outcome"])
def test_an_inconclusive_trial_leaves_its_office_to_the_next(end: str) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock)
        limiter.throttled(HOUR)
        await asyncio.sleep(MOST_FOR_URGENT)
        try:
            async with limiter.admitted(Priority.HIGH) as trial:
                if end == "fails":
                    limiter.failed(trial)
                elif end == "is cancelled":
                    raise asyncio.CancelledError
        except asyncio.CancelledError:
            pass
        async with limiter.admitted(Priority.HIGH):
            closed(limiter, priority=Priority.HIGH)

    virtual_time.run(main)


@pytest.mark.parametrize("shut_by", ["throttled", "failing"])
def test_a_probe_that_takes_minutes_does_not_hold_the_others_for_minutes(shut_by: str) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock)
        if shut_by == "throttled":
            limiter.throttled(HOUR)
        else:
            for _ in range(5):
                limiter.failed()
        await asyncio.sleep(MOST_FOR_URGENT)
        async with limiter.admitted(Priority.HIGH) as slow:
            await asyncio.sleep(TRIAL_PATIENCE)
            closed(limiter, priority=Priority.HIGH)
            await asyncio.sleep(0.01)
            async with limiter.admitted(Priority.HIGH):
                closed(limiter, priority=Priority.HIGH)
            limiter.succeeded(slow)
        assert limiter.closed_for(priority=Priority.HIGH) is None

    virtual_time.run(main)


@pytest.mark.parametrize(
    ("later", "asked", "reason"),
    [
        ([(1.0, HOUR - 1.0), (60.0, HOUR - 60.5)], HOUR, "the same end, reported by calls that were under way"),
        ([(1.0, HOUR), (0.5, HOUR)], HOUR, "the same wish"),
        ([(10.0, 5.0)], HOUR, "a shorter one"),
        ([(10.0, None)], HOUR, "none"),
        ([(10.0, 2 * HOUR)], 2 * HOUR, "a longer one is news"),
    ],
)
def test_what_the_server_asked_for_is_reported_without_a_running_clock(
    later: list[tuple[float, float | None]], asked: float, reason: str
) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock)
        limiter.throttled(HOUR)
        for pause, wait in later:
            await asyncio.sleep(pause)
            limiter.throttled(wait)
            assert (closed(limiter, priority=Priority.HIGH).asked, closed(limiter, priority=Priority.LOW).asked) == (
                asked,
                asked,
            ), reason

    virtual_time.run(main)


@timed
async def test_a_pause_that_the_server_did_not_name_says_so_and_a_new_one_forgets_the_old(clock: Clock) -> None:
    limiter = limiter_of(clock)
    limiter.throttled(5.0)
    assert closed(limiter, priority=Priority.LOW).asked == 5.0
    await asyncio.sleep(5.0)
    limiter.throttled(None)
    assert closed(limiter, priority=Priority.LOW).asked is None


@timed
async def test_a_key_brings_its_pause_with_what_is_left_of_both_holds(clock: Clock) -> None:
    limiters = Limiters(rate=50, concurrency=16, clock=clock)
    own = limiters.of("https://a.example", "key")
    own.throttled(HOUR)
    await asyncio.sleep(100.0)
    shared = limiters.join("https://a.example", "key", "account")
    for priority, left in ((Priority.HIGH, 20.0), (Priority.LOW, 800.0)):
        assert (closed(shared, priority=priority).retry_after, closed(shared, priority=priority).asked) == (left, HOUR)
    await asyncio.sleep(20.0)
    async with shared.admitted(Priority.HIGH):
        closed(shared, priority=Priority.HIGH)


@timed
async def test_a_key_whose_pause_is_over_turns_nobody_away_from_the_gate_of_its_account(clock: Clock) -> None:
    limiters = Limiters(rate=1, concurrency=1, clock=clock)
    limiters.of("https://a.example", "key").throttled(5.0)
    await asyncio.sleep(5.0)
    shared = limiters.of("https://a.example", "account")
    async with shared.admitted(Priority.LOW):
        waiting = asyncio.ensure_future(answered(shared, priority=Priority.LOW))
        await virtual_time.settle()
        assert limiters.join("https://a.example", "key", "account") is shared
    await waiting


CALLS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 1.0, 40.0, 121.0, 901.0]),
        st.sampled_from([Priority.LOW, Priority.HIGH]),
        st.sampled_from([0.0, 0.5, 45.0]),
        st.sampled_from(["succeeded", "throttled", "throttled", "failed", "silent"]),
        st.sampled_from([None, 0.0, 1.0, 300.0, HOUR, DAY]),
    ),
    max_size=40,
)


@given(calls=CALLS)
@settings(max_examples=examples(300), deadline=None)
def test_no_sequence_of_outcomes_holds_anybody_for_longer_than_minutes(
    calls: list[tuple[float, Priority, float, str, float | None]],
) -> None:
    async def main(clock: Clock) -> None:
        limiter = limiter_of(clock)
        waits: list[tuple[Priority, float]] = []

        async def make(priority: Priority, lasts: float, outcome: str, wait: float | None) -> None:
            try:
                async with limiter.admitted(priority) as call:
                    await asyncio.sleep(lasts)
                    if outcome == "throttled":
                        limiter.throttled(wait, call)
                    elif outcome == "succeeded":
                        limiter.succeeded(call)
                    elif outcome == "failed":
                        limiter.failed(call)
            except LimiterClosed as shut:
                waits.append((priority, shut.retry_after))

        tasks = []
        for pause, of, lasts, outcome, wait in calls:
            await asyncio.sleep(pause)
            tasks.append(asyncio.ensure_future(make(of, lasts, outcome, wait)))
            for priority, most in ((Priority.HIGH, MOST_FOR_URGENT), (Priority.LOW, MOST_FOR_OTHERS)):
                shut = limiter.closed_for(priority)
                assert shut is None or 0 < shut.retry_after <= most
        await asyncio.gather(*tasks)
        assert all(
            0 <= wait <= (MOST_FOR_URGENT if priority is Priority.HIGH else MOST_FOR_OTHERS) for priority, wait in waits
        )
        await asyncio.sleep(MOST_FOR_URGENT)
        assert limiter.closed_for(priority=Priority.HIGH) is None
        await asyncio.sleep(MOST_FOR_OTHERS)
        assert limiter.open
        assert (limiter.in_flight, limiter.waiting) == (0, 0)

    virtual_time.run(main)
