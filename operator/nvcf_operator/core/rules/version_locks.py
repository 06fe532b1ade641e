"""When a function version is not to be written, because something else writes it: for both kinds."""

from typing import NamedTuple

WAIT = 1.0
"""Seconds between two tries while another call is under way. No longer wait goes without a word in the conditions."""


class Lock(NamedTuple):
    """A version that is not to be written for now."""

    seconds: float
    """After which it may be tried again."""
    message: str
    """What it waits for."""
