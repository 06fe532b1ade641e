"""The work queue's order, without clock, loop or waiting: every call says what time it is."""

import heapq
import math
from collections.abc import Callable, Hashable
from enum import IntEnum
from itertools import count
from typing import Generic, TypeVar

from nvcf_operator.flowcontrol.round_robin import RoundRobin

K = TypeVar("K", bound=Hashable)

GRAIN = 1e-6
"""Seconds by which a timer of the event loop may come early; what is due within it is due."""

_COMPACT = 1024
_NEVER = math.inf


class Lane(IntEnum):
    """Whose work goes first. A lane is served only while every lower one has nothing due.

    But NEW and UNDER_WAY take turns: what is nearly done goes on while a crowd of new resources comes.
    """

    PERSON = 0
    """A person waits: deletion, spec change, reconcile-now of known resources."""
    NEW = 1
    """A resource that was not known."""
    UNDER_WAY = 2
    """What was asked of NVCF and is being made or undeployed: its next step, and what a poll shows of it."""
    BACKGROUND = 3
    """Initial list, resync, poll results of what is at rest."""


class _Standing(Generic[K]):
    """A key that waits: when it is due in each lane, and the lane it is in line in (None: not due yet)."""

    __slots__ = ("dues", "group", "key", "lane")

    def __init__(self, key: K, group: Hashable) -> None:
        self.key = key
        self.group = group
        self.lane: Lane | None = None
        self.dues = [_NEVER] * len(Lane)

    def ask(self, lane: Lane, due: float) -> bool:
        """Note one more reason to look at the key. False if one that stands is as early and no less urgent."""
        if min(self.dues[: lane + 1]) <= due:
            return False
        self.dues[lane] = due
        for lower in range(lane + 1, len(Lane)):
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
    """Which key is due, in which lane, and whose turn it is; the rules are told in `DelayQueue`.

    Times are seconds on one clock that never steps back. `group` tells of a key whom it belongs to.
    """

    def __init__(self, group: Callable[[K], Hashable]) -> None:
        self._group = group
        self._standing: dict[K, _Standing[K]] = {}
        self._in_work: dict[K, _Work[K]] = {}
        self._due: dict[Lane, RoundRobin[K]] = {lane: RoundRobin() for lane in Lane}
        self._last: Lane | None = None
        # Entries are never searched for: one that no longer tells a key's deadline is dropped when it surfaces.
        self._deadlines: list[tuple[float, int, Lane, _Standing[K]]] = []
        self._compact_at = _COMPACT
        self._sequence = count()

    def add(self, key: K, lane: Lane, due: float, now: float) -> None:
        """Have the key looked at when `due`, or earlier if that was asked for already; after `done` if in work."""
        if work := self._in_work.get(key):
            work.meanwhile.ask(lane, due)
            return
        self.advance(now)
        standing = self._standing.get(key)
        if standing is None:
            standing = self._standing[key] = _Standing(key, self._group(key))
        if standing.ask(lane, due):
            self._place(standing, lane, due, now)

    def take(self, lanes: tuple[Lane, ...], now: float) -> tuple[K, Lane] | None:
        """Take the key whose turn it is in the first of `lanes` that has one; it is in work until `done`."""
        self.advance(now)
        lane = next((lane for lane in lanes if self._due[lane]), None)
        if lane is None:
            return None
        if lane == self._last == Lane.NEW and Lane.UNDER_WAY in lanes and self._due[Lane.UNDER_WAY]:
            lane = Lane.UNDER_WAY
        if lane in (Lane.NEW, Lane.UNDER_WAY):
            self._last = lane
        key = self._due[lane].popleft()
        standing = self._standing.pop(key)
        self._in_work[key] = _Work(_Standing(key, standing.group))
        return key, lane

    def done(self, key: K, requeue: tuple[Lane, float] | None, now: float) -> None:
        """End the work on a key; `requeue` is lane and due time. ValueError if it is not in work."""
        work = self._in_work.pop(key, None)
        if work is None:
            raise ValueError(f"{key!r} is not being worked on; done() follows get(), once")
        standing = work.meanwhile
        if requeue is not None and not work.discarded:
            standing.ask(*requeue)
        asked = [(lane, due) for lane, due in zip(Lane, standing.dues, strict=True) if due < _NEVER]
        if not asked:
            return
        self.advance(now)
        self._standing[key] = standing
        for lane, due in asked:
            self._place(standing, lane, due, now)

    def discard(self, key: K) -> None:
        """Forget what was asked for this key up to now."""
        if work := self._in_work.get(key):
            work.discarded = True
            work.meanwhile = _Standing(key, work.meanwhile.group)
            return
        standing = self._standing.pop(key, None)
        if standing is not None and standing.lane is not None:
            self._due[standing.lane].remove(standing.group, key)

    def advance(self, now: float) -> None:
        """Put in line what has become due, in the order of the deadlines."""
        while (deadline := self.next_deadline()) is not None and deadline <= now + GRAIN:
            _, _, lane, standing = heapq.heappop(self._deadlines)
            self._line_up(standing, lane)

    def next_deadline(self) -> float | None:
        """When the next key becomes due, or moves to a more urgent lane; None if none waits for its time."""
        while self._deadlines:
            if self._holds(self._deadlines[0]):
                return self._deadlines[0][0]
            heapq.heappop(self._deadlines)
        return None

    def depth(self, lane: Lane) -> int:
        """How many keys are in line in a lane."""
        return len(self._due[lane])

    def oldest(self, lane: Lane) -> float | None:
        """Since when the longest waiting key of a lane has been due; None if none is in line."""
        return min((min(self._standing[key].dues) for key in self._due[lane]), default=None)

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

    def _place(self, standing: _Standing[K], lane: Lane, due: float, now: float) -> None:
        """Put a key in line, or among the deadlines if its time has not come."""
        if due <= now + GRAIN:
            self._line_up(standing, lane)
            return
        heapq.heappush(self._deadlines, (due, next(self._sequence), lane, standing))
        if len(self._deadlines) >= self._compact_at:
            self._compact()

    def _line_up(self, standing: _Standing[K], lane: Lane) -> None:
        """Put a due key at the end of a lane, unless it is in line in one that is no less urgent."""
        if standing.lane is not None:
            if standing.lane <= lane:
                return
            self._due[standing.lane].remove(standing.group, standing.key)
        standing.lane = lane
        self._due[lane].append(standing.group, standing.key)

    def _holds(self, entry: tuple[float, int, Lane, _Standing[K]]) -> bool:
        due, _, lane, standing = entry
        return self._standing.get(standing.key) is standing and standing.dues[lane] == due

    def _compact(self) -> None:
        """Drop all stale entries at once: a key that is asked for early leaves its far deadline behind each time."""
        self._deadlines = [entry for entry in self._deadlines if self._holds(entry)]
        heapq.heapify(self._deadlines)
        self._compact_at = max(_COMPACT, 2 * len(self._deadlines))
