"""The pause after a 429: how long it holds whom. Told the time by its user."""

import math
from collections.abc import Callable

from nvcf_operator.flowcontrol.breaker import Backoff
from nvcf_operator.flowcontrol.bucket import GRAIN

MOST_FOR_PEOPLE = 120.0
"""Seconds that a server's wait holds what a user waits for, a deletion among it, before one such call may try."""

MOST_FOR_OTHERS = 900.0
"""Seconds that it holds all other calls."""

_SAME = 2.0
"""Seconds by which the end that a server names may move and still be the same: dates have no fractions."""


def honoured(wait: float, *, urgent: bool) -> float:
    """Seconds of a server's wait that we do wait: it is a hint, and a wrong one must not stop an account."""
    return min(wait, MOST_FOR_PEOPLE if urgent else MOST_FOR_OTHERS)


class Throttle:
    """What the server asked for by 429, and how far it is honoured.

    The wait that the server names holds urgent calls and all others for `honoured` seconds of it at most. From then
    to its end one call of that kind at a time may try: an answered one ends the wait for its kind, and an ordinary one
    for urgent calls, too; another 429 begins the hold again.

    `random` gives numbers from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._backoff = Backoff(random)
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

    def told(self, now: float, wait: float | None, *, news: bool, urgent: bool) -> bool:
        """The server said 429; whether calls are held from now on.

        Args:
            now: the time.
            wait: seconds that the server named; without any it is 1 s doubling to 60 s until a call is answered.
            news: the call was sent after the last pause began. Others do not double a pause that lasts.
            urgent: whether a user waits for the call.

        """
        if not wait and (not news or self.left(now, urgent=urgent)):
            return False
        end = now + (wait or self._backoff.pause())
        wished = max(self._wished.values())
        if wished - now <= GRAIN or (wait and end > wished + _SAME):
            self._asked = wait or None
        self._hold(now, max(end, wished))
        return True

    def answered(self, *, urgent: bool) -> None:
        """A call that was sent since the last pause began was answered otherwise."""
        self._backoff.reset()
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
