"""What holds of the gate whatever the calls, their length and their outcomes. Time is virtual throughout."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from nvcf_operator.flowcontrol.admission_queue import BURST_SECONDS
from nvcf_operator.flowcontrol.limiters import Admission, HoldReason, Limiter, LimiterClosed
from nvcf_operator.flowcontrol.priority import Priority
from tests.support import virtual_time
from tests.support.examples import examples
from tests.support.virtual_time import Clock


@dataclass
class Call:
    """One call: how long after the one before it comes, how long it lasts, when its caller gives up."""

    pause: float
    priority: Priority
    lasts: float
    patience: float = 1e6
    came: float = 0.0
    began: float | None = None
    ended: float = 0.0
    order: int = field(default=0)


CALLS = st.lists(
    st.builds(
        Call,
        pause=st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.3, 2.0]),
        priority=st.sampled_from([Priority.LOW, Priority.HIGH]),
        lasts=st.sampled_from([0.0, 0.05, 1.0, 7.0]),
        patience=st.sampled_from([1e6, 1e6, 0.0, 0.2, 1.0]),
    ),
    max_size=60,
)


async def play(limiter: Limiter, clock: Clock, calls: list[Call]) -> list[Call]:
    """Have them all made; those that passed, in the order they did."""
    passed: list[Call] = []

    async def make(call: Call) -> None:
        call.came = clock()
        async with asyncio.timeout(call.patience) as patience, limiter.admitted(call.priority):
            patience.reschedule(None)
            call.began = clock()
            passed.append(call)
            try:
                await asyncio.sleep(call.lasts)
            finally:
                call.ended = clock()

    tasks = []
    for number, call in enumerate(calls):
        await asyncio.sleep(call.pause)
        call.order = number
        tasks.append(asyncio.ensure_future(make(call)))
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert outcome is None or isinstance(outcome, TimeoutError), outcome
    return passed


@given(calls=CALLS, rate=st.sampled_from([0.7, 5.0, 50.0]), concurrency=st.sampled_from([1, 2, 3, 16, 30]))
@settings(max_examples=examples(300), deadline=None)
def test_rate_places_and_order_hold_for_any_traffic(calls: list[Call], rate: float, concurrency: int) -> None:
    async def main(clock: Clock) -> None:
        limiter = Limiter(rate, concurrency, clock=clock)
        passed = await play(limiter, clock, calls)
        assert all(call.began is not None or call.patience < 1e6 for call in calls), "who is patient passes"
        assert (limiter.in_flight, limiter.waiting) == (0, 0)

        ordinary_places = max(1, concurrency - max(1, concurrency // 10))
        for kind, some, share, places in [
            ("all", passed, rate, concurrency),
            ("ordinary", [call for call in passed if call.priority is Priority.LOW], 0.9 * rate, ordinary_places),
        ]:
            begins = [call.began or 0.0 for call in some]
            for first, begin in enumerate(begins):
                for last in range(first, len(begins)):
                    allowed = max(1.0, BURST_SECONDS * share) + share * (begins[last] - begin)
                    assert last - first + 1 <= allowed + 1e-3, f"{kind}: rate exceeded"
                inside = sum((other.began or 0.0) <= begin < other.ended for other in some)
                assert inside <= places, f"{kind}: places exceeded"

        for number, call in enumerate(passed):
            for later in passed[number + 1 :]:
                if later.priority == call.priority:
                    assert later.order > call.order, "first come, first served"
                elif later.priority is Priority.HIGH:
                    assert later.came >= (call.began or 0.0), "an ordinary call passed before an urgent one that waited"

    virtual_time.run(main)


KINDS = ["failed", "failed", "failed", "succeeded", "throttled", "throttled 2 s", "crashed", "cancelled"]
PAUSES = st.sampled_from([0.0, 0.0, 0.3, 1.0, 5.0])
LENGTHS = st.sampled_from([0.0, 0.1, 1.0, 8.0])
OUTCOMES = st.lists(st.tuples(PAUSES, LENGTHS, st.sampled_from(KINDS)), max_size=60)


class Watcher:
    """The breaker's rule, derived from outside by the calls that are out."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.out: set[Admission] = set()
        self.late: set[Admission] = set()  # sent before the gate shut
        self.failures = 0
        self.opened = False

    async def make(self, lasts: float, outcome: str) -> None:
        async with self.limiter.admitted(Priority.LOW) as call:
            self.out.add(call)
            if self.opened:
                assert self.out - self.late == {call}, "one probe at a time"
            try:
                await asyncio.sleep(lasts)
            finally:
                self.out.discard(call)
            if outcome == "crashed":
                raise ZeroDivisionError
            if outcome == "cancelled":
                raise asyncio.CancelledError
            self.report(call, outcome)

    def report(self, call: Admission, outcome: str) -> None:
        news = call not in self.late
        if outcome == "failed":
            self.limiter.failed(call)
            self.failures += news
            if news and (self.failures >= 5 or self.opened):
                self.opened = True
                assert not self.limiter.open
        else:
            if outcome == "succeeded":
                self.limiter.succeeded(call)
            else:
                self.limiter.throttled(2.0 if outcome.endswith(" s") else None, call)
            if news:
                self.failures, self.opened = 0, False
                assert self.limiter.open == (outcome == "succeeded")
        closed = self.limiter.closed_for()
        if closed is not None and closed.reason != HoldReason.PROBING:  # a probe that is out is not late
            self.late |= self.out


@given(calls=OUTCOMES)
@settings(max_examples=examples(500), deadline=None)
def test_after_an_opening_one_call_at_a_time_is_out_until_one_is_answered(
    calls: list[tuple[float, float, str]],
) -> None:
    async def main(clock: Clock) -> None:
        limiter = Limiter(1000, 50, clock=clock)
        watcher = Watcher(limiter)
        tasks = []
        for pause, lasts, outcome in calls:
            await asyncio.sleep(pause)
            tasks.append(asyncio.ensure_future(watcher.make(lasts, outcome)))
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, LimiterClosed | ZeroDivisionError | asyncio.CancelledError), (
                result
            )
        await asyncio.sleep(120)
        assert limiter.open, "no gate stays shut when nobody is rejected any more"
        assert limiter.in_flight == 0

    virtual_time.run(main)


@given(failures=st.integers(5, 40), drawn=st.floats(0, 1))
@settings(max_examples=examples(50), deadline=None)
def test_however_long_the_outage_the_breaker_lets_a_probe_out_within_a_minute(failures: int, drawn: float) -> None:
    async def main(clock: Clock) -> None:
        limiter = Limiter(1000, 50, clock=clock, random=lambda: drawn)
        probes = []
        for _ in range(failures):
            if closed := limiter.closed_for():
                assert 0 < closed.retry_after <= 60
                await asyncio.sleep(closed.retry_after)
            async with limiter.admitted(Priority.LOW) as call:
                probes.append(clock())
                limiter.failed(call)
        gaps = [later - earlier for earlier, later in pairwise(probes[4:])]
        assert all(0.5 - 1e-6 <= gap <= 60 + 1e-6 for gap in gaps)

    virtual_time.run(main)
