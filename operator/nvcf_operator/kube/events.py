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
from nvcf_operator.kube.lines import Line, Lines
from nvcf_operator.kube.notes import About, Note, Same, Told

log = logging.getLogger(__name__)

MOST_KNOWN: Final = 4096
SAME_FOR: Final = 600.0
"""Seconds within which an identical Event is counted instead of written anew."""
PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds between the tries to write one Event while the API server gives no usable answer."""
SLOW: Final = 2.0
"""Seconds of one write from which on a namespace counts as slow."""
REFUSALS: Final = 3
"""Tries that may be refused: an API server forbids everything for a moment while it starts."""


@dataclass(slots=True)
class _Written:
    """An Event that is in the cluster."""

    name: str
    count: int
    at: float


class Recorder:
    """Takes Events at any time and writes them, namespace by namespace in turns.

    Two writers share the work, so that a namespace whose Events are refused, or taken slowly, holds up only its like.

    Args:
        kube: where they are written.
        instance: which operator speaks, such as the pod's name.
        on_drop: told of each Event that is given up.
        clock: seconds, monotonic.
        now: the time of day.

    """

    def __init__(
        self,
        kube: KubeClient,
        *,
        instance: str,
        on_drop: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._kube = kube
        self._instance = instance[:128]  # the API's bound
        self._on_drop = on_drop
        self._clock = clock
        self._now = now
        self._lines = Lines()
        self._known: OrderedDict[Same, _Written] = OrderedDict()
        self._news = {False: asyncio.Event(), True: asyncio.Event()}
        """Set when there may be something to do for the writer of slow lines, and for the other."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._hurry = asyncio.Event()

    def note(self, about: About, told: Told) -> None:
        """Have an Event written. When too many are waiting, the oldest one of the namespace with the most is given
        up."""
        crowded = self._lines.add(Note.of(about, told, self._now()))
        if crowded is not None:
            self._gave_up(crowded, "too many are waiting")
        self._idle.clear()
        self._wake()

    def ends(self, namespace: str) -> bool:
        """Whether an Event was refused because that namespace is being deleted, and none was taken since."""
        return self._lines.ends(namespace)

    async def run(self) -> None:
        """Write for ever. No failure ends it."""
        async with asyncio.TaskGroup() as writers:
            writers.create_task(self._serve(slow=False), name="Events")
            writers.create_task(self._serve(slow=True), name="Events of slow namespaces")

    async def flush(self, deadline: float) -> None:
        """At the end: give what waits that many seconds to be written, without pauses. `run` must be running."""
        self._hurry.set()
        self._wake()
        try:
            async with asyncio.timeout(deadline):
                await self._idle.wait()
        except TimeoutError:
            log.debug("%d Events were not written in time", len(self._lines))

    async def _serve(self, *, slow: bool) -> None:
        news = self._news[slow]
        while True:
            news.clear()
            now = self._clock()
            taken = self._lines.take(slow=slow, now=float("inf") if self._hurry.is_set() else now)
            if taken is None:
                if not self._lines and not self._lines.in_work:
                    self._idle.set()
                wait = self._lines.due_in(slow=slow, now=now)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await news.wait()
                continue
            await self._try(*taken)
            self._wake()
            # At most half of the time of one connection: where the API server is busy, the work comes first.
            await self._rest(self._clock() - now)

    async def _try(self, line: Line, note: Note) -> None:
        """Write one Event, or say when it is tried again, or give it up."""
        began = self._clock()
        line.tries += 1
        try:
            await self._write(note)
            line.refuses = line.ends = line.slow = line.told = False
            line.begin_anew()
        except (Unavailable, Denied) as error:
            pause = error.retry_after or PAUSES[min(line.tries, len(PAUSES)) - 1]
            if self._is_over(line, error):
                self._gave_up(line, str(error))
                line.refuses = True
            else:
                self._lines.put_back(line, note)
                line.due = self._clock() + pause
            line.slow = True
        except Exception as error:  # what cannot be written now cannot be written later
            self._gave_up(line, str(error))
            line.refuses = True
        finally:
            line.slow = line.slow or self._clock() - began > SLOW
            self._lines.done(line)

    def _is_over(self, line: Line, error: Unavailable | Denied) -> bool:
        """Whether an Event that was not taken is given up."""
        if isinstance(error, Denied):
            line.ends = error.namespace_is_ending
            if line.ends or line.refuses or line.tries >= REFUSALS:
                return True
        return self._hurry.is_set() or line.tries >= len(PAUSES)

    def _gave_up(self, line: Line, why: str) -> None:
        level = logging.DEBUG if line.told else logging.WARNING
        log.log(level, "an Event for namespace %s was dropped: %s", line.namespace, why)
        line.told = True
        line.begin_anew()
        self._on_drop()

    def _wake(self) -> None:
        for news in self._news.values():
            news.set()

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
