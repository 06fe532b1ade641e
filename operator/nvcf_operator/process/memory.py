"""When the garbage collector runs: seldom, for nearly all of our memory is freed without it."""

import gc

THRESHOLD = 20_000
"""Objects that are made and not freed between two collections of the youngest. With Python's own threshold of 700 they
take a twentieth of the operator's CPU, and each full one stops everything for 60 ms."""


def collect_seldom() -> None:
    """Leave out what is loaded by now, since it stays, and collect the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD, 10, 10)
