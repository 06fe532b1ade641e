"""The smallest JSON merge patch (RFC 7386) from one status to the next."""

from collections.abc import Mapping
from typing import Any


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    """What to send so that `old` becomes `new`: changed members, null for removed ones, lists whole; None if equal.

    A member that is None counts as absent: a merge patch cannot set null.
    """
    patch: dict[str, Any] = {}
    for name in {**old, **new}:
        before, value = old.get(name), new.get(name)
        if isinstance(value, Mapping):
            inner = merge_patch(before if isinstance(before, Mapping) else {}, value)
            if inner is not None or not isinstance(before, Mapping):
                patch[name] = inner or {}
        elif value != before:
            patch[name] = value
    return patch or None
