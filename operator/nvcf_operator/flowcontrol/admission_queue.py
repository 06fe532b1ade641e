"""Who goes next, and when: a rate and a number of places, with urgent before ordinary calls, and groups by turns."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress

from nvcf_operator.flowcontrol.pacing import TokenBucket
from nvcf_operator.flowcontrol.priority import RoundRobin

BURST_SECONDS = 0.2
"""So many seconds' worth of the rate may go at once after a quiet time: little, since servers count by the second."""


class AdmissionQueue:
    """Lets calls in one by one; `Limiter` states the rules of rate, places and reserve.

    Args:
        rate: calls a second.
        places: calls at a time.
        reserve: the share of both that is kept for urgent calls.
        clock: seconds.

    """

    def __init__(self, rate: float, places: int, reserve: float, clock: Callable[[], float]) -> None:
        if not (0 < rate < math.inf and places >= 1 and 0 <= reserve < 1):
            raise ValueError(
                "pacing needs a finite rate above 0, a concurrency of at least 1 and a reserve from 0 to below 1, "
                f"not rate={rate}, concurrency={places}, reserve={reserve}"
            )
        now = clock()
        self._clock = clock
        self._tokens = TokenBucket(rate, rate * BURST_SECONDS, now)
        self._ordinary_tokens = TokenBucket(rate * (1 - reserve), rate * (1 - reserve) * BURST_SECONDS, now)
        self._places = places
        self._ordinary_places = max(places - max(int(places * reserve), 1), 1)
        self._inside = {True: 0, False: 0}
        self._lines: dict[bool, RoundRobin[asyncio.Future[bool]]] = {True: RoundRobin(), False: RoundRobin()}
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, urgent: bool, group: str = "") -> bool:
        """Wait for one's turn and take a place, to be given back by `leave`. False, without a place, if turned away.

        Among those of a kind who wait, the groups take turns; within a group it is first come, first served.
        """
        if self._is_first(urgent) and self._pass(urgent):
            return True
        line = self._lines[urgent]
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        line.append(group, turn)
        self._arm()
        try:
            return await turn
        except asyncio.CancelledError:
            with suppress(KeyError):
                line.remove(group, turn)
            if not turn.cancelled() and turn.result():
                self.leave(urgent)  # the place was given in the very moment of the cancellation
            raise

    def leave(self, urgent: bool) -> None:
        """Give a place back."""
        self._inside[urgent] -= 1
        self._admit()

    def turn_away(self) -> None:
        """Send all who wait away."""
        for line in self._lines.values():
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(False)

    @property
    def tokens(self) -> float:
        """Calls that the rate would let pass at once."""
        return max(self._tokens.level(self._clock()), 0.0)

    @property
    def inside(self) -> int:
        """Calls that hold a place."""
        return self._inside[True] + self._inside[False]

    @property
    def waiting(self) -> int:
        """Calls that wait for their turn."""
        return sum(not turn.done() for line in self._lines.values() for turn in line)

    def waiting_of(self, group: str) -> int:
        """Ordinary calls of a group that wait for their turn."""
        return self._lines[False].waiting(group)

    def _admit(self) -> None:
        """Let in who waits, urgent calls first: what holds those back holds the ordinary ones back, too."""
        for urgent, line in self._lines.items():
            while line:
                if next(iter(line)).done():  # cancelled
                    line.popleft()
                elif self._pass(urgent):
                    line.popleft().set_result(True)
                else:
                    self._arm()
                    return

    def _is_first(self, urgent: bool) -> bool:
        """Whether nobody who waits goes before a call that comes now."""
        return not self._lines[True] and (urgent or not self._lines[False])

    def _has_room(self, urgent: bool) -> bool:
        return self.inside < self._places and (urgent or self._inside[False] < self._ordinary_places)

    def _wait(self, urgent: bool) -> float:
        """Seconds until the rate lets a call pass."""
        now = self._clock()
        wait = self._tokens.wait(now)
        return wait if urgent else max(wait, self._ordinary_tokens.wait(now))

    def _pass(self, urgent: bool) -> bool:
        """Take a token and a place if both are there."""
        if not self._has_room(urgent) or self._wait(urgent):
            return False
        now = self._clock()
        self._tokens.take(now)
        if not urgent:
            self._ordinary_tokens.take(now)
        self._inside[urgent] += 1
        return True

    def _arm(self) -> None:
        """Have the loop call when the rate lets the next one pass; a place that becomes free calls at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        urgent = bool(self._lines[True])
        first = next(iter(self._lines[urgent]))
        if self._has_room(urgent):
            self._timer = first.get_loop().call_later(self._wait(urgent), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._admit()
