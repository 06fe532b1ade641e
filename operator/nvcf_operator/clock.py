"""The time of day, for what users read, and time spans that no clock change affects."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

JUMP = 2.0
"""Seconds by which the wall clock must differ from the steady one to count as set; less is ordinary correction."""


def wall_time() -> float:
    """The wall clock, in seconds since the epoch."""
    return time.time()


class Clock(Protocol):
    """The clock of the reconcile loop."""

    jumped: float
    """Seconds by which the time of day was set, in all."""

    def monotonic(self) -> float:
        """Seconds that always grow; only differences matter."""

    def now(self) -> datetime:
        """The time of day, in UTC."""


class SteadyClock:
    """The time of day, advanced by the monotonic clock, so that spans between two of its times have really passed.

    When the wall clock was set, the time of day follows it, and `jumped` says by how much in all: whoever keeps a time
    of this clock moves it by the same amount (`core.rules.record`), and the span since then stays what it was.

    Args:
        monotonic: seconds that always grow; only differences matter.
        wall: the wall clock, in seconds since the epoch.

    """

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] | None = None
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall or (lambda: wall_time())
        self._offset = self._wall() - monotonic()
        self.jumped = 0.0

    def monotonic(self) -> float:
        """Seconds that always grow; only differences matter."""
        return self._monotonic()

    def now(self) -> datetime:
        """The time of day, in UTC."""
        steady, wall = self._monotonic() + self._offset, self._wall()
        if abs(wall - steady) > JUMP:
            self.jumped += wall - steady
            self._offset += wall - steady
            steady = wall
        return datetime.fromtimestamp(steady, UTC)
