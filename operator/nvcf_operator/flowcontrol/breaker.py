"""When to stop calling a server that fails, and for how long. Told the time by its user."""

from collections.abc import Callable

from nvcf_operator.flowcontrol.bucket import GRAIN

FAILURES = 5
"""Failures in a row that open the breaker."""

FIRST, LAST = 1.0, 60.0


class Backoff:
    """Pauses of 1 s doubling to 60 s, each shortened by up to half at random, so that many clients do not fall in step.

    `random` gives numbers from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._next = FIRST

    def pause(self) -> float:
        """Seconds of the next pause."""
        pause, self._next = self._next, min(LAST, self._next * 2)
        return pause * (1 - self._random() / 2)

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._next = FIRST


class Breaker:
    """Opens after `FAILURES` failures in a row, for a pause that doubles from opening to opening; then half-open.

    Half-open, the next outcome decides: a success closes it, a failure opens it again. Outcomes that are told while it
    is open belong to calls sent before, and change nothing.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._backoff = Backoff(random)
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
        self._pause = self._backoff.pause()
        self._until = now + self._pause
        return True

    def succeeded(self, now: float) -> None:
        """A call was answered."""
        if self.left(now):
            return
        self._failures = 0
        self._until = None
        self._backoff.reset()
