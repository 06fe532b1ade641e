"""The simulated clock: wall-clock time that can run faster and jump forward."""

import time

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


class Clock:
    """Nanoseconds since 1970, `speed` times as fast as the machine's clock since it was made."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._wall = time.time_ns()
        self._start = time.monotonic_ns()
        self._jumped = 0

    def now(self) -> int:
        """Return the simulated time."""
        return self._wall + int((time.monotonic_ns() - self._start) * self.speed) + self._jumped

    def jump(self, seconds: float) -> None:
        """Move forward at once."""
        self._jumped += int(seconds * SECOND)

    def offset(self) -> int:
        """Return how far this clock is ahead of the machine's."""
        return self.now() - time.time_ns()

    def real(self, seconds: float) -> float:
        """Return how long so many simulated seconds take on the machine's clock."""
        return seconds / self.speed
