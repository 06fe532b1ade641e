"""What bounds an account's calls: the rate, the circuit breaker, the pause after a 429, and the cause of an outage.

Each is given the time by its user.
"""

import copy
import math
from collections.abc import Callable

from nvcf_client.errors import NvcfError
from nvcf_operator import backoff

GRAIN = 1e-6
"""Part of a token (and seconds) that rounding and the event loop's timers may cost; so much is never waited for."""


class TokenBucket:
    """Fills with `rate` tokens a second up to `burst`; full at the start.

    In any w seconds it gives at most burst + rate * w tokens. A burst below one would never give any: it counts as one.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._level = self._burst
        self._filled_at = now

    def level(self, now: float) -> float:
        """Tokens in the bucket."""
        return min(self._burst, self._level + max(now - self._filled_at, 0.0) * self._rate)

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0 if there is one."""
        missing = 1.0 - self.level(now)
        return missing / self._rate if missing > GRAIN else 0.0

    def take(self, now: float) -> None:
        """Take one token, after `wait` said 0."""
        self._level = self.level(now) - 1.0
        self._filled_at = now


FAILURES = 5
"""Failures in a row that open the breaker."""


class Pauses:
    """Pauses of 1 s doubling to 60 s, each shortened by up to half at random, so that many clients do not fall in step.

    `random` gives numbers from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._taken = 0

    def take(self) -> float:
        """Seconds of the next pause."""
        pause = backoff.short(self._taken)
        self._taken += 1
        return pause * (1 - self._random() / 2)

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._taken = 0


class Breaker:
    """Opens after `FAILURES` failures in a row, for a pause that doubles from opening to opening; then half-open.

    Half-open, the next outcome decides: a success closes it, a failure opens it again. Outcomes reported while it is
    open belong to calls sent before, and change nothing.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._pauses = Pauses(random)
        self._failures = 0
        self._pause = 0.0
        self._until: float | None = None

    @property
    def closed(self) -> bool:
        """Whether calls may pass as usual; otherwise it is open or half-open."""
        return self._until is None

    @property
    def pause(self) -> float:
        """Seconds that the last opening was for."""
        return self._pause

    def left(self, now: float) -> float:
        """Seconds that it stays open; 0 if it is closed or half-open."""
        left = 0.0 if self._until is None else self._until - now
        return left if left > GRAIN else 0.0

    def failed(self, now: float) -> bool:
        """A call failed; whether this opens the breaker."""
        if self.left(now):
            return False
        self._failures += 1
        if self.closed and self._failures < FAILURES:
            return False
        self._pause = self._pauses.take()
        self._until = now + self._pause
        return True

    def succeeded(self, now: float) -> None:
        """A call was answered."""
        if self.left(now):
            return
        self._failures = 0
        self._until = None
        self._pauses.reset()


MOST_FOR_URGENT = 120.0
"""Seconds that a server's wait holds what a user waits for, a deletion among it, before one such call may try."""

MOST_FOR_OTHERS = 900.0
"""Seconds that it holds all other calls."""

_SAME = 2.0
"""Seconds by which the end that a server names may move and still be the same: dates have no fractions."""


def honoured(wait: float, *, urgent: bool) -> float:
    """Seconds of a server's wait that we do wait: it is a hint, and a wrong one must not stop an account."""
    return min(wait, MOST_FOR_URGENT if urgent else MOST_FOR_OTHERS)


class Throttle:
    """What the server asked for by 429, and how far it is honoured.

    The wait that the server names holds urgent calls and all others for `honoured` seconds of it at most. From then
    to its end one call of that kind at a time may try: an answered one ends the wait for its kind, and an ordinary one
    for urgent calls, too; another 429 begins the hold again.

    `random` gives numbers from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._pauses = Pauses(random)
        self._held = {True: -math.inf, False: -math.inf}
        """Until when nothing is sent, by whether the calls are urgent."""
        self._wished = {True: -math.inf, False: -math.inf}
        """Until when the server asked us to wait, as long as no call has shown that it answers."""
        self._asked: float | None = None

    def left(self, now: float, *, urgent: bool) -> float:
        """Seconds for which calls of that kind are held; 0 if they are not."""
        left = self._held[urgent] - now
        return left if left > GRAIN else 0.0

    def is_trying(self, now: float, *, urgent: bool) -> bool:
        """Whether calls of that kind may go one at a time only: the server asked for a longer wait than we honour."""
        return not self.left(now, urgent=urgent) and self._wished[urgent] - now > GRAIN

    @property
    def asked(self) -> float | None:
        """Seconds that the server asked for when this pause began, or when it made it longer; None if it named none.

        It does not run down, and it does not change while the end that the server names stays the same.
        """
        return self._asked

    def throttled(self, now: float, wait: float | None, *, news: bool, urgent: bool) -> bool:
        """The server said 429; whether calls are held from now on.

        Args:
            now: the time.
            wait: seconds that the server named; without any it is 1 s doubling to 60 s until a call is answered.
            news: the call was sent after the last pause began. Others do not double a pause that lasts.
            urgent: whether a user waits for the call.

        """
        if not wait and (not news or self.left(now, urgent=urgent)):
            return False
        end = now + (wait or self._pauses.take())
        wished = max(self._wished.values())
        if wished - now <= GRAIN or (wait and end > wished + _SAME):
            self._asked = wait or None
        self._hold(now, max(end, wished))
        return True

    def answered(self, *, urgent: bool) -> None:
        """A call that was sent since the last pause began was answered otherwise."""
        self._pauses.reset()
        self._wished[True] = -math.inf
        if not urgent:
            self._wished[False] = -math.inf

    def join(self, other: "Throttle", now: float) -> bool:
        """Take over what the server asked another one for; whether anything of that lasts."""
        ends = [*other._held.values(), *other._wished.values()]
        if max(ends) - now <= GRAIN:
            return False
        if max(other._wished.values()) > max(self._wished.values()):
            self._asked = other._asked
        for urgent in (True, False):
            self._held[urgent] = max(self._held[urgent], other._held[urgent])
            self._wished[urgent] = max(self._wished[urgent], other._wished[urgent])
        return True

    def _hold(self, now: float, end: float) -> None:
        for urgent in (True, False):
            self._wished[urgent] = end
            self._held[urgent] = max(self._held[urgent], now + honoured(end - now, urgent=urgent))


BELIEVED = 3
"""Failures in a row of another kind after which the cause is another one."""

Kind = tuple[type[NvcfError], str, int | None]


class Outage:
    """The failures since the last answer.

    The first one names the cause. Another kind of failure takes its place when it comes several times in a row: a
    server on its way down, or a proxy with two sick servers behind it, does not change the cause at each call.
    """

    def __init__(self) -> None:
        self._cause: NvcfError | None = None
        self._other: Kind | None = None
        self._times = 0

    @property
    def cause(self) -> NvcfError | None:
        """The failure that stands for all; None while the server answers."""
        return self._cause

    def failed(self, error: NvcfError) -> None:
        """A call failed."""
        kind = _kind(error)
        if self._cause is not None and kind == _kind(self._cause):
            self._other, self._times = None, 0
            return
        self._times = self._times + 1 if kind == self._other else 1
        self._other = kind
        if self._cause is None or self._times >= BELIEVED:
            self._cause = copy.copy(error)  # without the frames that it was raised in
            self._other, self._times = None, 0

    def over(self) -> None:
        """A call was answered."""
        self._cause = self._other = None
        self._times = 0


def _kind(error: NvcfError) -> Kind:
    return type(error), str(getattr(error, "obstacle", "")), error.status
