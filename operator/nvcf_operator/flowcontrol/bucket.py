"""A token bucket, told the time by its user."""

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
