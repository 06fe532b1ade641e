"""Writes Kubernetes Events: queued, counted when they repeat, and apart from reconciles, which they never delay."""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from nvcf_operator.api.model import render
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import Conflict, Denied, Missing, Unavailable
from nvcf_operator.kube.event_queue import (
    EventContent,
    EventIdentity,
    EventQueues,
    EventRecord,
    NamespaceQueue,
    ObjectRef,
)

log = logging.getLogger(__name__)

MOST_KNOWN: Final = 4096
SAME_FOR: Final = 600.0
"""Seconds within which an identical Event is counted instead of written again."""
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
    """Records Events at any time and writes them, namespace by namespace in turns.

    Two writers share the work, so that a namespace whose Events are refused, or accepted slowly, delays only others
    like it.

    Args:
        kube: where they are written.
        instance: which operator reports, such as the pod's name.
        on_drop: called for each Event that is dropped.
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
        self._queues = EventQueues()
        self._known: OrderedDict[EventIdentity, _Written] = OrderedDict()
        self._news = {False: asyncio.Event(), True: asyncio.Event()}
        """Set when there may be something to do for the writer of slow queues, and for the other."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._hurry = asyncio.Event()

    def note(self, ref: ObjectRef, content: EventContent) -> None:
        """Record an Event. When too many are waiting, the oldest one of the namespace with the most is dropped."""
        crowded = self._queues.add(EventRecord.of(ref, content, self._now()))
        if crowded is not None:
            self._drop(crowded, "too many are waiting")
        self._idle.clear()
        self._wake()

    def ends(self, namespace: str) -> bool:
        """Whether an Event was refused because that namespace is being deleted, and none was accepted since."""
        return self._queues.ends(namespace)

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
            log.debug("%d Events were not written in time", len(self._queues))

    async def _serve(self, *, slow: bool) -> None:
        news = self._news[slow]
        while True:
            news.clear()
            now = self._clock()
            taken = self._queues.take(slow=slow, now=float("inf") if self._hurry.is_set() else now)
            if taken is None:
                if not self._queues and not self._queues.in_work:
                    self._idle.set()
                wait = self._queues.due_in(slow=slow, now=now)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await news.wait()
                continue
            await self._try(*taken)
            self._wake()
            # At most half of the time of one connection: where the API server is busy, the work comes first.
            await self._rest(self._clock() - now)

    async def _try(self, queue: NamespaceQueue, record: EventRecord) -> None:
        """Write one Event, or schedule the next try, or drop it."""
        began = self._clock()
        queue.tries += 1
        try:
            await self._write(record)
            queue.refuses = queue.ends = queue.slow = queue.logged = False
            queue.begin_next()
        except (Unavailable, Denied) as error:
            pause = error.retry_after or PAUSES[min(queue.tries, len(PAUSES)) - 1]
            if self._is_over(queue, error):
                self._drop(queue, str(error))
                queue.refuses = True
            else:
                self._queues.put_back(queue, record)
                queue.due = self._clock() + pause
            queue.slow = True
        except Exception as error:  # what cannot be written now cannot be written later
            self._drop(queue, str(error))
            queue.refuses = True
        finally:
            queue.slow = queue.slow or self._clock() - began > SLOW
            self._queues.done(queue)

    def _is_over(self, queue: NamespaceQueue, error: Unavailable | Denied) -> bool:
        """Whether an Event that was not accepted is dropped."""
        if isinstance(error, Denied):
            queue.ends = error.namespace_is_ending
            if queue.ends or queue.refuses or queue.tries >= REFUSALS:
                return True
        return self._hurry.is_set() or queue.tries >= len(PAUSES)

    def _drop(self, queue: NamespaceQueue, why: str) -> None:
        level = logging.DEBUG if queue.logged else logging.WARNING
        log.log(level, "an Event for namespace %s was dropped: %s", queue.namespace, why)
        queue.logged = True
        queue.begin_next()
        self._on_drop()

    def _wake(self) -> None:
        for news in self._news.values():
            news.set()

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _write(self, record: EventRecord) -> None:
        known, now = self._known.get(record.identity), self._clock()
        if known is not None and now - known.at < SAME_FOR:
            count = known.count + record.count
            changes = {"count": count, "lastTimestamp": render(record.last)}
            with contextlib.suppress(Missing):  # somebody has deleted it: written again, below
                await self._kube.patch_event(record.key.namespace, known.name, changes)
                known.count, known.at = count, now
                return
        with contextlib.suppress(Conflict):  # an earlier try has written it and its answer was lost
            await self._kube.create_event(record.key.namespace, record.body(instance=self._instance))
        self._known[record.identity] = _Written(record.name, record.count, now)
        self._known.move_to_end(record.identity)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
