"""Settings of Python for a process that runs for months: when garbage is collected, and how deep JSON may be.

Nearly all of our memory is freed without the garbage collector.
"""

import gc
import sys

THRESHOLD = 20_000
"""Objects that are made and not freed between two collections of the youngest. With Python's own threshold of 700 they
take a twentieth of the operator's CPU, and each full one stops everything for 60 ms."""


def collect_seldom() -> None:
    """Leave out what is loaded by now, since it stays, and collect the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD, 10, 10)


DEEPEST = 25_000
"""Python's limit of recursion, twice the 10,000 levels of JSON that the API server takes."""


def allow_deep_json() -> None:
    """Let JSON be read that the API server has taken.

    With Python's own limit of 1,000, a single manifest whose `configuration` is nested deeper ends every list and watch
    of its kind, and with them the operator. From Python 3.12 on the limit for JSON is higher, and not ours to set.
    """
    sys.setrecursionlimit(max(DEEPEST, sys.getrecursionlimit()))
