"""The work queue's order, without clock, loop or waiting: every call says what time it is."""

import heapq
import math
from collections.abc import Callable, Hashable
from itertools import count
from typing import Generic, TypeVar

from nvcf_operator.flowcontrol.priority import Priority, RoundRobin

K = TypeVar("K", bound=Hashable)

GRAIN = 1e-6
"""Seconds by which a timer of the event loop may come early; what is due within it is due."""

_COMPACT = 1024
_NEVER = math.inf


class _Standing(Generic[K]):
    """A key that waits: when it is due at each priority, and the one it is in line at (None: not due yet)."""

    __slots__ = ("dues", "group", "key", "priority")

    def __init__(self, key: K, group: Hashable) -> None:
        self.key = key
        self.group = group
        self.priority: Priority | None = None
        self.dues = [_NEVER] * len(Priority)

    def ask(self, priority: Priority, due: float) -> bool:
        """Note one more reason to reconcile the key. False if one that stands is as early and no less urgent."""
        if min(self.dues[: priority + 1]) <= due:
            return False
        self.dues[priority] = due
        for lower in range(priority + 1, len(Priority)):
            if self.dues[lower] >= due:
                self.dues[lower] = _NEVER
        return True


class _Work(Generic[K]):
    """A key that is being worked on: what was asked for meanwhile, and whether it was discarded meanwhile."""

    __slots__ = ("discarded", "meanwhile")

    def __init__(self, meanwhile: _Standing[K]) -> None:
        self.meanwhile = meanwhile
        self.discarded = False


class Schedule(Generic[K]):
    """Which key is due, at which priority, and whose turn it is; `DelayQueue` states the rules.

    Times are seconds on one clock that never steps back. `group` says of a key whom it belongs to.
    """

    def __init__(self, group: Callable[[K], Hashable]) -> None:
        self._group = group
        self._standing: dict[K, _Standing[K]] = {}
        self._in_work: dict[K, _Work[K]] = {}
        self._due: dict[Priority, RoundRobin[K]] = {priority: RoundRobin() for priority in Priority}
        self._last: Priority | None = None
        # Entries are never searched for: one that does not hold a key's deadline any more is dropped when it surfaces.
        self._deadlines: list[tuple[float, int, Priority, _Standing[K]]] = []
        self._compact_at = _COMPACT
        self._sequence = count()

    def add(self, key: K, priority: Priority, due: float, now: float) -> None:
        """Have the key reconciled when `due`, or earlier if that was asked for already; after `done` if in work."""
        if work := self._in_work.get(key):
            work.meanwhile.ask(priority, due)
            return
        self.advance(now)
        standing = self._standing.get(key)
        if standing is None:
            standing = self._standing[key] = _Standing(key, self._group(key))
        if standing.ask(priority, due):
            self._place(standing, priority, due, now)

    def take(self, priorities: tuple[Priority, ...], now: float) -> tuple[K, Priority] | None:
        """Take the key whose turn it is in the first of `priorities` that has one; it is in work until `done`."""
        self.advance(now)
        priority = next((priority for priority in priorities if self._due[priority]), None)
        if priority is None:
            return None
        if (
            priority == self._last == Priority.NORMAL
            and Priority.IN_PROGRESS in priorities
            and self._due[Priority.IN_PROGRESS]
        ):
            priority = Priority.IN_PROGRESS
        if priority in (Priority.NORMAL, Priority.IN_PROGRESS):
            self._last = priority
        key = self._due[priority].popleft()
        standing = self._standing.pop(key)
        self._in_work[key] = _Work(_Standing(key, standing.group))
        return key, priority

    def done(self, key: K, requeue: tuple[Priority, float] | None, now: float) -> None:
        """End the work on a key; `requeue` is priority and due time. ValueError if it is not in work."""
        work = self._in_work.pop(key, None)
        if work is None:
            raise ValueError(f"{key!r} is not being worked on; done() follows get(), once")
        standing = work.meanwhile
        if requeue is not None and not work.discarded:
            standing.ask(*requeue)
        asked = [(priority, due) for priority, due in zip(Priority, standing.dues, strict=True) if due < _NEVER]
        if not asked:
            return
        self.advance(now)
        self._standing[key] = standing
        for priority, due in asked:
            self._place(standing, priority, due, now)

    def discard(self, key: K) -> None:
        """Forget what was asked for this key up to now."""
        if work := self._in_work.get(key):
            work.discarded = True
            work.meanwhile = _Standing(key, work.meanwhile.group)
            return
        standing = self._standing.pop(key, None)
        if standing is not None and standing.priority is not None:
            self._due[standing.priority].remove(standing.group, key)

    def advance(self, now: float) -> None:
        """Put in line what has become due, in the order of the deadlines."""
        while (deadline := self.next_deadline()) is not None and deadline <= now + GRAIN:
            _, _, priority, standing = heapq.heappop(self._deadlines)
            self._line_up(standing, priority)

    def next_deadline(self) -> float | None:
        """When the next key becomes due, or moves to a higher priority; None if none waits for its time."""
        while self._deadlines:
            if self._holds(self._deadlines[0]):
                return self._deadlines[0][0]
            heapq.heappop(self._deadlines)
        return None

    def depth(self, priority: Priority) -> int:
        """How many keys are in line at a priority."""
        return len(self._due[priority])

    def oldest(self, priority: Priority) -> float | None:
        """Since when the longest waiting key of a priority has been due; None if none is in line."""
        return min((min(self._standing[key].dues) for key in self._due[priority]), default=None)

    def works_on(self, key: K) -> bool:
        """Whether the key is being worked on."""
        return key in self._in_work

    @property
    def in_work(self) -> int:
        """How many keys are being worked on."""
        return len(self._in_work)

    def __len__(self) -> int:
        """How many keys stand, due or not; those being worked on do not."""
        return len(self._standing)

    def _place(self, standing: _Standing[K], priority: Priority, due: float, now: float) -> None:
        """Put a key in line, or among the deadlines if its time has not come."""
        if due <= now + GRAIN:
            self._line_up(standing, priority)
            return
        heapq.heappush(self._deadlines, (due, next(self._sequence), priority, standing))
        if len(self._deadlines) >= self._compact_at:
            self._compact()

    def _line_up(self, standing: _Standing[K], priority: Priority) -> None:
        """Put a due key at the end of the line of a priority, unless it is in line at one that is no lower."""
        if standing.priority is not None:
            if standing.priority <= priority:
                return
            self._due[standing.priority].remove(standing.group, standing.key)
        standing.priority = priority
        self._due[priority].append(standing.group, standing.key)

    def _holds(self, entry: tuple[float, int, Priority, _Standing[K]]) -> bool:
        due, _, priority, standing = entry
        return self._standing.get(standing.key) is standing and standing.dues[priority] == due

    def _compact(self) -> None:
        """Drop all stale entries at once: a key that is asked for early leaves its far deadline behind each time."""
        self._deadlines = [entry for entry in self._deadlines if self._holds(entry)]
        heapq.heapify(self._deadlines)
        self._compact_at = max(_COMPACT, 2 * len(self._deadlines))
