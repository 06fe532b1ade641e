"""The log of every request: when it came and went, what it asked, whether it changed anything."""

import json
import time
from collections import deque
from dataclasses import asdict, dataclass
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
    """Name of the key, or a fingerprint of a token that is none. Never the token."""
    user_agent: str | None
    host: str | None
    traceparent: str | None = None
    """The W3C header that tells which trace the request is a part of."""
    body: Any = None
    status: int | None = None
    """None: still running, or no answer was sent."""
    committed: float | None = None
    """When it changed the state; None: it changed nothing (yet)."""
    ended: float | None = None
    fault: str | None = None
    """Name of the fault that it met."""

    @property
    def mutating(self) -> bool:
        """Whether its method is one that changes things."""
        return self.method not in ("GET", "HEAD", "OPTIONS")

    def commit(self) -> None:
        """Note that the state changes now."""
        self.committed = time.monotonic()

    def view(self) -> dict[str, Any]:
        """Return the entry as the control API shows it."""
        shown = asdict(self)
        shown["functionId"] = shown.pop("function_id")
        shown["functionVersionId"] = shown.pop("version_id")
        shown["deploymentId"] = shown.pop("deployment_id")
        shown["userAgent"] = shown.pop("user_agent")
        return shown | {"mutating": self.mutating, "inFlight": self.ended is None}


class RequestLog:
    """Keeps the latest requests, the running ones included."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_LONGEST)
        self._last = 0

    def begin(self, **known: Any) -> Entry:
        """Log that a request came."""
        self._last += 1
        entry = Entry(id=self._last, started=time.monotonic(), time=instant(time.time_ns()), **known)
        self._entries.append(entry)
        return entry

    @staticmethod
    def end(entry: Entry, status: int | None) -> None:
        """Log that a request was answered; None: it got no answer."""
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
        """How many requests are being answered."""
        return sum(entry.ended is None for entry in self._entries)

    def clear(self) -> None:
        """Forget what has ended; ids go on counting."""
        self._entries = deque((entry for entry in self._entries if entry.ended is None), maxlen=_LONGEST)


def readable_body(body: bytes) -> Any:
    """Return a body as JSON if it is that, else as text, cut if it is long."""
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body[:2000].decode(errors="replace")
