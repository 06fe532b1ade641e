"""How long to wait after failures: doubling, bounded. Jitter is the caller's, so that decisions stay repeatable."""

SHORT_FIRST, SHORT_LAST = 1.0, 60.0
LONG_FIRST, LONG_LAST = 60.0, 1800.0
CLUSTER_LAST = 300.0


def short(attempts: int) -> float:
    """Seconds to wait after that many failures in a row of a server or a network: 1 s doubling to a minute."""
    return min(SHORT_LAST, SHORT_FIRST * 2.0 ** min(max(attempts, 0), 10))


def refused_by_cluster(attempts: int) -> float:
    """Seconds to wait after that many refusals of our writes by the API server: 1 s doubling to 5 minutes."""
    return min(CLUSTER_LAST, SHORT_FIRST * 2.0 ** min(max(attempts, 0), 10))


def long(attempts: int) -> float:
    """Seconds to wait after that many refusals of this very resource: a minute doubling to half an hour."""
    return min(LONG_LAST, LONG_FIRST * 2.0 ** min(max(attempts - 1, 0), 10))
