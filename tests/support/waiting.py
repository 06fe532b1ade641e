"""Waiting for a condition, with a deadline, and with what was seen instead."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.05


def eventually(
    read: Callable[[], T],
    wanted: Callable[[T], object] = bool,
    *,
    within: float,
    what: str,
    rest: Callable[[], object] = lambda: time.sleep(PAUSE),
) -> T:
    """Read again and again until what is read is wanted, and give it.

    Args:
        read: reads what is there now.
        wanted: says whether that is it; anything that is true, unless given.
        within: seconds before it is given up.
        what: what is waited for, for the error.
        rest: passes the time between two reads.

    Raises:
        AssertionError: it did not come; the text shows each different thing that was seen meanwhile.

    """
    end = time.monotonic() + within
    seen: list[str] = []
    while True:
        value = read()
        if wanted(value):
            return value
        shown = str(value)[:2000]
        if not seen or seen[-1] != shown:
            seen.append(shown)
        if time.monotonic() > end:
            story = "\n  then: ".join(seen[-6:])
            raise AssertionError(f"{what}: not within {within:g} s.\n  seen: {story}")
        rest()
