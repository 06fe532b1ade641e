"""The request log: when each request started and ended, what it asked for, whether it changed anything."""

import json
import time
from collections import deque
from dataclasses import dataclass, fields
from itertools import takewhile
from typing import Any

from nvcf_simulator.model.clock import instant

_LONGEST = 200_000


@dataclass(slots=True)
class Entry:
    """One request. Times `started`, `committed` and `ended` are seconds of the machine's monotonic clock."""

    id: int
    started: float
    time: str
    """Wall-clock time of the start."""
    method: str
    path: str
    query: str
    operation: str | None
    function_id: str | None
    version_id: str | None
    deployment_id: str | None
    key: str | None
    """Name of the key, or a fingerprint of an unknown token. Never the token."""
    user_agent: str | None
    host: str | None
    traceparent: str | None = None
    """The W3C header with the trace that the request belongs to."""
    body: Any = None
    status: int | None = None
    """None: still running, or no response was sent."""
    committed: float | None = None
    """When it changed the state; None: it has changed nothing."""
    ended: float | None = None
    fault: str | None = None
    """Name of the fault that applied to it."""

    @property
    def mutating(self) -> bool:
        """Whether its method may change the state."""
        return self.method not in ("GET", "HEAD", "OPTIONS")

    def commit(self) -> None:
        """Record that the request has changed the state."""
        self.committed = time.monotonic()

    def view(self) -> dict[str, Any]:
        """Return the entry as the control API shows it."""
        shown = {name: getattr(self, name) for name in _FIELDS}
        shown["functionId"] = shown.pop("function_id")
        shown["functionVersionId"] = shown.pop("version_id")
        shown["deploymentId"] = shown.pop("deployment_id")
        shown["userAgent"] = shown.pop("user_agent")
        return shown | {"mutating": self.mutating, "inFlight": self.ended is None}


_FIELDS = tuple(field.name for field in fields(Entry))


class RequestLog:
    """The latest requests, including running ones."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_LONGEST)
        self._last = 0

    def begin(self, **known: Any) -> Entry:
        """Log the start of a request."""
        self._last += 1
        entry = Entry(id=self._last, started=time.monotonic(), time=instant(time.time_ns()), **known)
        self._entries.append(entry)
        return entry

    @staticmethod
    def end(entry: Entry, status: int | None) -> None:
        """Log the end of a request; without a status it got no response."""
        entry.status = status
        entry.ended = time.monotonic()

    @property
    def cursor(self) -> int:
        """Id of the latest request."""
        return self._last

    def since(self, cursor: int = 0) -> list[Entry]:
        """Return the requests after a cursor, the oldest first."""
        newer = takewhile(lambda entry: entry.id > cursor, reversed(self._entries))
        return list(newer)[::-1]

    @property
    def in_flight(self) -> int:
        """Number of running requests."""
        return sum(entry.ended is None for entry in self._entries)

    def clear(self) -> None:
        """Drop the ended requests; ids continue."""
        self._entries = deque((entry for entry in self._entries if entry.ended is None), maxlen=_LONGEST)


def readable_body(body: bytes) -> Any:
    """Return a body as JSON if possible, else as truncated text."""
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        if b"secrets" in body:
            return "unreadable, and not shown because it may contain secrets"
        return body[:2000].decode(errors="replace")
