"""Waits that double, up to a bound."""

from dataclasses import dataclass

MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from the first up to the last, in seconds."""

    first: float
    last: float

    def after(self, doublings: int) -> float:
        """The wait after that many doublings."""
        return min(self.last, self.first * 2.0 ** min(max(doublings, 0), MOST_DOUBLINGS))


SHORT = Backoff(1.0, 60.0)
CLUSTER = Backoff(1.0, 300.0)
LONG = Backoff(60.0, 1800.0)


def short(attempts: int) -> float:
    """Seconds to wait after that many failures in a row of a server or a network: 1 s doubling to a minute."""
    return SHORT.after(attempts)


def refused_by_cluster(attempts: int) -> float:
    """Seconds to wait after that many refusals of our writes by the API server: 1 s doubling to 5 minutes."""
    return CLUSTER.after(attempts)


def long(attempts: int) -> float:
    """Seconds to wait after that many refusals of this very resource: a minute doubling to half an hour."""
    return LONG.after(attempts - 1)
