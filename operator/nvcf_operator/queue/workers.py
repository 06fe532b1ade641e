"""The bounded pool of workers: each takes one key at a time; one of them is kept for what a user waits for."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from nvcf_operator.api.names import Key
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.metrics import Metrics
from nvcf_operator.process.watchdog import Watchdogs
from nvcf_operator.queue.delay_queue import DelayQueue, QueueClosed

log = logging.getLogger(__name__)

Reconcile = Callable[[Key, Priority], Awaitable[tuple[str, tuple[Priority, float] | None]]]
"""Gives how the reconcile has ended, and when to come back."""

STUCK = 750.0
"""Seconds after which a worker on one key counts as standing still; each reconcile ends before, also one whose POST has
the most specifications, which NVCF serves one after the other."""

AFTER_A_BUG = 30.0
"""Seconds before a key is tried again whose reconcile failed in a way that it should not."""


class Workers:
    """Runs reconciles from the queue.

    `settle` is asked at the end of each whether somebody else has written to the resource meanwhile. Nothing is taken
    before `begin` is set.
    """

    def __init__(
        self,
        queue: DelayQueue[Key],
        reconcile: Reconcile,
        metrics: Metrics,
        beats: Watchdogs,
        *,
        settle: Callable[[Key], bool],
        begin: asyncio.Event,
        count: int,
    ) -> None:
        self._queue = queue
        self._reconcile = reconcile
        self._metrics = metrics
        self._beats = beats
        self._settle = settle
        self._begin = begin
        self._count = count
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start them. Before kopf: it cancels tasks that are younger than itself when it ends."""
        priorities = [Priority.HIGH] + [None] * max(1, self._count - 1)
        self._tasks = [
            asyncio.create_task(self._work(i, only), name=f"worker {i}") for i, only in enumerate(priorities)
        ]

    async def stop(self, grace: float) -> None:
        """Take no more keys, give those in work `grace` seconds to end, then cancel them: the record is enough."""
        self._queue.close()
        if not self._tasks:
            return
        if not self._begin.is_set():
            grace = 0.0
        _, late = await asyncio.wait(self._tasks, timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, number: int, only: Priority | None) -> None:
        await self._begin.wait()
        while True:
            try:
                key, priority = await self._queue.get(only=only)
            except QueueClosed:
                return
            started = time.monotonic()
            requeue: tuple[Priority, float] | None = (Priority.LOW, AFTER_A_BUG * random.uniform(0.8, 1.2))
            result = "error"
            try:
                with self._beats.watch(f"worker {number} on {key}", deadline=STUCK):
                    result, requeue = await self._reconcile(key, priority)
            except Exception:  # a fault of ours with one resource must not end the worker; the key comes back
                log.exception("reconciling %s failed unexpectedly; it is retried", key)
            finally:
                self._metrics.reconciled(result, time.monotonic() - started)
                if self._settle(key):
                    self._queue.add(key, Priority.LOW)
                self._queue.done(key, requeue=requeue)
