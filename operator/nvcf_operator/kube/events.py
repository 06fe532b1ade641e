"""Writes Kubernetes Events: queued, counted when they repeat, and beside the work, which they never disturb."""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nvcf_operator.api.times import render
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import Conflict, Denied, Missing, Unavailable
from nvcf_operator.kube.notes import About, Note, Same, Told

log = logging.getLogger(__name__)

MOST_WAITING: Final = 10_000
MOST_KNOWN: Final = 4096
SAME_FOR: Final = 600.0
"""Seconds within which an identical Event is counted instead of written anew."""
PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds between the tries to write one Event while the API server gives no usable answer."""
REFUSALS: Final = 3
"""Tries that may be refused: an API server forbids everything for a moment while it starts."""


@dataclass(slots=True)
class _Written:
    """An Event that is in the cluster."""

    name: str
    count: int
    at: float


class Recorder:
    """Takes Events at any time and writes them one after another.

    Args:
        kube: where they are written.
        instance: which operator speaks, such as the pod's name.
        clock: seconds, monotonic.
        now: the time of day.

    Attributes:
        dropped: how many Events were given up because too many waited.

    """

    def __init__(
        self,
        kube: KubeClient,
        *,
        instance: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._kube = kube
        self._instance = instance[:128]  # the API's bound
        self._clock = clock
        self._now = now
        self._waiting: OrderedDict[Same, Note] = OrderedDict()
        self._known: OrderedDict[Same, _Written] = OrderedDict()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._hurry = asyncio.Event()
        self.dropped = 0

    def note(self, about: About, told: Told) -> None:
        """Have an Event written. When too many wait, the oldest one is given up."""
        note = Note.of(about, told, self._now())
        waiting = self._waiting.get(note.same)
        if waiting is not None:
            waiting.count += 1
            waiting.last = note.last
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popitem(last=False)
            self.dropped += 1
        self._waiting[note.same] = note
        self._idle.clear()
        self._news.set()

    async def run(self) -> None:
        """Write for ever. No failure ends it."""
        while True:
            await self._news.wait()
            while self._waiting:
                _, note = self._waiting.popitem(last=False)
                started = self._clock()
                await self._deliver(note)
                # At most half of the time of one connection: where the API server is busy, the work comes first.
                await self._rest(self._clock() - started)
            self._news.clear()
            self._idle.set()

    async def flush(self, deadline: float) -> None:
        """At the end: give what waits that many seconds to be written, without pauses. `run` must be running."""
        self._hurry.set()
        try:
            async with asyncio.timeout(deadline):
                await self._idle.wait()
        except TimeoutError:
            log.debug("%d Events were not written in time", len(self._waiting))

    async def _deliver(self, note: Note) -> None:
        for tries, pause in enumerate(PAUSES, start=1):
            try:
                await self._write(note)
                return
            except (Unavailable, Denied) as error:
                problem: Exception = error
                refused = isinstance(error, Denied) and (tries == REFUSALS or error.namespace_is_ending)
                if refused or self._hurry.is_set():
                    break
                await self._rest(error.retry_after or pause)
            except Exception as error:  # what cannot be written now cannot be written later
                problem = error
                break
        log.debug("an Event was not written: %s", problem)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _write(self, note: Note) -> None:
        known, now = self._known.get(note.same), self._clock()
        if known is not None and now - known.at < SAME_FOR:
            count = known.count + note.count
            changes = {"count": count, "lastTimestamp": render(note.last)}
            with contextlib.suppress(Missing):  # somebody has deleted it: told anew, below
                await self._kube.patch_event(note.key.namespace, known.name, changes)
                known.count, known.at = count, now
                return
        with contextlib.suppress(Conflict):  # an earlier try has written it and its answer was lost
            await self._kube.create_event(note.key.namespace, note.body(instance=self._instance))
        self._known[note.same] = _Written(note.name, note.count, now)
        self._known.move_to_end(note.same)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
