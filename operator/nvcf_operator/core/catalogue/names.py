"""The names of the catalogue that are nearest to one that is not in it."""

import difflib
import re
from collections.abc import Iterable

from nvcf_client.answers import one_line

MOST_SHOWN = 3
"""So many names are suggested, or listed where none is near."""

MOST_COMPARED = 1_000
"""So many names are compared."""

CUTOFF = 0.6
"""How alike two names must be, from 0 to 1."""

_SIGNS = re.compile(r"[\W_]+")


def nearest(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that may be meant, the nearest first: those that differ in letter case and signs alone come first."""
    known = list(dict.fromkeys(names))[:MOST_COMPARED]
    bare = _bare(name)
    found = [other for other in known if bare and _bare(other) == bare]
    by_case: dict[str, list[str]] = {}
    for other in known:
        by_case.setdefault(other.casefold(), []).append(other)
    close = difflib.get_close_matches(name.casefold(), by_case, n=MOST_SHOWN, cutoff=CUTOFF)
    found += [other for key in close for other in by_case[key]]
    return tuple(dict.fromkeys(found))[:MOST_SHOWN]


def suggestion(name: str, names: Iterable[str], *, what: str) -> str:
    """The end of a sentence about an unknown name: what may be meant, else what there is; empty if there is nothing.

    Args:
        name: the unknown name.
        names: what there is.
        what: of what it is the list, such as `GPUs`.

    """
    known = sorted(dict.fromkeys(names), key=str.casefold)
    near = nearest(name, known)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; {what}: {listed(known)}" if known else ""


def listed(names: Iterable[str]) -> str:
    """Some names, and how many more there are."""
    known = [quoted(name) for name in names]
    more = len(known) - MOST_SHOWN
    return ", ".join(known[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def quoted(name: str) -> str:
    """A name as texts show it: on one line, and not too long."""
    return one_line(name, limit=100)


def _bare(name: str) -> str:
    return _SIGNS.sub("", name.casefold())
