"""How fast NVCF is called: per account a rate, a number of calls at a time, a breaker, and the server's Retry-After.

Own code rather than aiolimiter, which knows neither two kinds of callers nor a limiter that closes while they wait.
"""

import math
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from nvcf_client.errors import NvcfError
from nvcf_operator.flowcontrol.admission_queue import AdmissionQueue
from nvcf_operator.flowcontrol.pacing import Breaker, Outage, Throttle
from nvcf_operator.flowcontrol.priority import Priority

TRIAL_PATIENCE = 30.0
"""Seconds after which a probe that has not ended no longer keeps the next call from being one: a POST takes minutes."""

TRIAL_AGAIN = 1.0
"""Seconds after which to try again while another call is out to see whether the server still throttles."""


class HoldReason(StrEnum):
    """Why a limiter lets no call pass."""

    THROTTLED = "throttled"
    """The server said 429, and the pause that it asked for, as far as we honour it, is not over; or one call is out to
    see whether it still throttles."""
    FAILING = "failing"
    """Too many calls in a row failed: the breaker is open."""
    PROBING = "probing"
    """One call is out to see whether the server works again."""


_TEXTS = {
    HoldReason.THROTTLED: "the server asked for a pause (429)",
    HoldReason.FAILING: "the server failed or could not be reached several times in a row",
    HoldReason.PROBING: "the server failed several times in a row, "
    "and one call is in flight to see whether it works again",
}


class LimiterClosed(Exception):  # noqa: N818  the name says what happened
    """The limiter lets no call of this account pass now; nothing was sent.

    Attributes:
        reason: why.
        retry_after: seconds after which to try again.
        asked: where the server throttles, the seconds that it asked for, which do not run down; None if it named none.
        cause: where calls failed, the failure that stands for all; None if none was reported.

    """

    def __init__(
        self, reason: HoldReason, retry_after: float, asked: float | None = None, cause: NvcfError | None = None
    ) -> None:
        super().__init__(reason, retry_after, asked)
        self.reason = reason
        self.retry_after = retry_after
        self.asked = asked
        self.cause = cause

    def __str__(self) -> str:
        return f"no call is sent for {math.ceil(self.retry_after)} s: {_TEXTS[self.reason]}"


@dataclass(frozen=True, slots=True, eq=False)
class Admission:
    """One call that was let in. Reported with its outcome, it keeps a late answer from speaking for the present.

    Attributes:
        priority: how urgent the call is.
        era: how often the limiter had closed when the call came.
        limiter: what it passed. To another one, such as that of the account which a key turns out to be of, it is news.

    """

    priority: Priority
    era: int
    limiter: "Limiter" = field(repr=False)


class Limiter:
    """What every call of one account to one base URL passes.

    Calls of priority HIGH are urgent and go before all others. The share `reserve` of the rate, and of the places (one
    at least), is kept for them; if there is one place only, all share it. Rate and number of calls at a time are never
    exceeded. Among the calls of a kind that wait, groups (namespaces) take turns; within a group it is first come,
    first served.

    A server's wait is a hint (`flowcontrol.throttle`): beyond 2 minutes one urgent call at a time may try whether it
    still throttles, beyond 15 minutes any call, until one is answered.

    Every outcome has to be reported: `succeeded`, `failed` or `throttled`. With the call's `Admission`, an outcome
    counts only if the limiter has not closed since the call was let in: the failures of twenty calls that hung together
    are one piece of news, and do not undo what the probe finds out later. Without it, every outcome counts as news.

    Not thread-safe: use it in one event loop.

    Args:
        rate: calls a second.
        concurrency: calls at a time.
        clock: seconds; only differences matter.
        random: numbers from 0 to 1, for jitter.
        reserve: the share that is kept for urgent calls, below 1.

    Raises:
        ValueError: a limit makes no sense.

    """

    def __init__(
        self,
        rate: float,
        concurrency: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
        reserve: float = 0.1,
    ) -> None:
        self._clock = clock
        self._queue = AdmissionQueue(rate, concurrency, reserve, clock)
        self._breaker = Breaker(random)
        self._probe: Admission | None = None
        self._probed_at = -math.inf
        self._throttle = Throttle(random)
        self._outage = Outage()
        self._era = 0

    @asynccontextmanager
    async def admitted(self, priority: Priority, group: str = "") -> AsyncIterator[Admission]:
        """Wait for rate and a place, hold the place for the body. How long that may take is the caller's to bound.

        Args:
            priority: how urgent the call is.
            group: whom the call is for, for fairness.

        Raises:
            Closed: at once, while the breaker is open or a 429's pause lasts, also when that begins during the wait.

        """
        if closed := self.closed_for(priority):
            raise closed
        urgent = priority is Priority.HIGH
        call, now = Admission(priority, self._era, self), self._clock()
        if not self._breaker.closed or self._throttle.is_trying(now, urgent=urgent):
            self._probe, self._probed_at = call, now
        try:
            if not await self._queue.enter(urgent, group):
                raise self._turned_away(priority)
            try:
                if self._is_stale(call):  # the limiter closed between the turn and this line
                    raise self._turned_away(priority)
                yield call
            finally:
                self._queue.leave(urgent)
        finally:
            if self._probe is call:
                self._probe = None

    def closed_for(self, priority: Priority = Priority.LOW) -> LimiterClosed | None:
        """What `admitted` would raise now; None if it would let the call in or have it wait."""
        now, urgent = self._clock(), priority is Priority.HIGH
        throttled, failing = self._throttle.left(now, urgent=urgent), self._breaker.left(now)
        if throttled and throttled >= failing:
            return LimiterClosed(HoldReason.THROTTLED, throttled, self._throttle.asked)
        if failing:
            return LimiterClosed(HoldReason.FAILING, failing, cause=self.cause)
        if self._probe is None or now - self._probed_at > TRIAL_PATIENCE:
            return None
        if not self._breaker.closed:
            return LimiterClosed(HoldReason.PROBING, max(self._breaker.pause / 4, 1.0), cause=self.cause)
        if self._throttle.is_trying(now, urgent=urgent):
            return LimiterClosed(HoldReason.THROTTLED, TRIAL_AGAIN, self._throttle.asked)
        return None

    def succeeded(self, call: Admission | None = None) -> None:
        """Note that the server answered, be it with a 4xx: it works. A success of the probe closes the breaker."""
        if not self._is_stale(call):
            self._throttle.answered(urgent=_is_urgent(call))
            self._answered(call)

    def failed(self, call: Admission | None = None, error: NvcfError | None = None) -> None:
        """Note that the server failed (5xx), was not reached, or that the outcome is unknown; not for a 4xx."""
        if error is not None:
            self._outage.failed(error)
        if not self._is_stale(call) and self._breaker.failed(self._clock()):
            self._shut()

    def throttled(self, retry_after: float | None = None, call: Admission | None = None) -> None:
        """Note that the server said 429. For the breaker this is an answer: a server that throttles works.

        The limiter closes for `retry_after` seconds, 2 minutes at most for urgent calls and 15 for all others; if the
        server named none, for 1 s doubling to 60 s until a call succeeds. Calls that were under way and are throttled
        too do not double a pause that lasts.
        """
        news = not self._is_stale(call)
        if news:
            self._answered(call)
        if self._throttle.throttled(self._clock(), retry_after, news=news, urgent=_is_urgent(call)):
            self._shut()

    def inherit(self, other: "Limiter") -> None:
        """Take over the pause that the server asked another limiter for, as far as it lasts."""
        if self._throttle.join(other._throttle, self._clock()):
            self._shut()

    @property
    def cause(self) -> NvcfError | None:
        """The failure that stands for all since the last answer; None while the server answers."""
        return self._outage.cause

    @property
    def open(self) -> bool:
        """Whether an ordinary call may pass or wait: `closed_for` gives None."""
        return self.closed_for() is None

    @property
    def tokens(self) -> float:
        """Calls that the rate would let pass at once."""
        return self._queue.tokens

    @property
    def in_flight(self) -> int:
        """Calls that hold a place."""
        return self._queue.inside

    @property
    def waiting(self) -> int:
        """Calls that wait for rate or a place."""
        return self._queue.waiting

    def waiting_of(self, group: str) -> int:
        """Ordinary calls of a group that wait for rate or a place."""
        return self._queue.waiting_of(group)

    def _answered(self, call: Admission | None) -> None:
        was_closed = self._breaker.closed
        self._outage.over()
        self._breaker.succeeded(self._clock())
        if self._breaker.closed and (call is None or call is self._probe or not was_closed):
            self._probe = None

    def _is_stale(self, call: Admission | None) -> bool:
        return call is not None and call.limiter is self and call.era != self._era

    def _shut(self) -> None:
        """Begin a new era. A probe that is still out ends with its answer: there is one at a time."""
        self._era += 1
        self._queue.turn_away()

    def _turned_away(self, priority: Priority) -> LimiterClosed:
        return self.closed_for(priority) or LimiterClosed(HoldReason.FAILING, 0.0, cause=self.cause)


def _is_urgent(call: Admission | None) -> bool:
    return call is not None and call.priority is Priority.HIGH


class Limiters:
    """The limiters of all accounts, each made when it is first asked for, all with the same limits.

    Args:
        rate: calls a second.
        concurrency: calls at a time.
        clock: seconds; only differences matter.
        random: numbers from 0 to 1, for jitter.

    Raises:
        ValueError: a limit makes no sense.

    """

    def __init__(
        self,
        rate: float,
        concurrency: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random.random,
    ) -> None:
        def make() -> Limiter:
            return Limiter(rate, concurrency, clock=clock, random=random)

        make()  # limits that make no sense fail now
        self._make = make
        self._limiters: dict[tuple[str, str], Limiter] = {}

    def of(self, base_url: str, account: str) -> Limiter:
        """The limiter of an account at a base URL.

        `account` is its id, or the fingerprint of a key whose account is not known yet; never a key.
        """
        place = (base_url, account)
        if place not in self._limiters:
            self._limiters[place] = self._make()
        return self._limiters[place]

    def join(self, base_url: str, key: str, account: str) -> Limiter:
        """Give the account's limiter to a key of it, and give up the one that the key had by its fingerprint.

        A pause that the server asked the key for lasts: it closes the account's limiter.
        """
        limiter, own = self.of(base_url, account), self._limiters.pop((base_url, key), None)
        if own is not None:
            limiter.inherit(own)
        return limiter

    def __iter__(self) -> Iterator[tuple[str, str, Limiter]]:
        """Base URL, account and limiter of each, for metrics."""
        return iter([(*place, limiter) for place, limiter in self._limiters.items()])
