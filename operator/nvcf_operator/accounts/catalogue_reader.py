"""Reads NVCF's catalogue as one credential sees it: in the background, seldom, and apart from all that matters.

Its calls pass no limiter and report to no breaker, so whatever the catalogue answers, no other call waits for it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextvars import Context
from typing import TypeVar

from nvcf_client import endpoints, errors
from nvcf_client.client import AsyncClient
from nvcf_client.requests import Request
from nvcf_operator.core.catalogue.model import Catalogue, catalogue_of
from nvcf_operator.metrics import Metrics

EVERY = 900.0
"""Seconds between the beginnings of two reads."""

MOST_WAITING = 10_000
"""So many may wait for one read; more are not served."""

Use = Callable[[Catalogue], None]
T = TypeVar("T")
log = logging.getLogger(__name__)


class CatalogueReader:
    """The catalogue of one credential.

    Args:
        client: makes a client of the URL that has the catalogue; it is closed after each read.
        metrics: counts the reads.
        paused: whether NVCF has asked for a pause, or fails, so that it is not asked now.
        clock: seconds; only differences matter.

    """

    def __init__(
        self,
        client: Callable[[], AsyncClient],
        metrics: Metrics,
        *,
        paused: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._metrics = metrics
        self._paused = paused
        self._clock = clock
        self._known: Catalogue | None = None
        self._began = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[Use] = []

    def consult(self, use: Use) -> None:
        """Call `use` with the catalogue: now if it is known and young, else when a read has ended.

        Never waits. Where a read fails, the catalogue known before is used; where there is none, nothing is called.
        """
        if self._reads():
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append(use)
        elif self._known is not None:
            use(self._known)

    async def within(self, seconds: float) -> Catalogue | None:
        """The catalogue; where it is being read, as it is after so many seconds at most. Begins no read."""
        task = self._task
        if task is not None and not task.done():
            await asyncio.wait({task}, timeout=seconds)
        return self._known

    async def close(self) -> None:
        """End a read under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _reads(self) -> bool:
        """Begin a read if one is due; say whether one is under way."""
        if self._task is not None and not self._task.done():
            return True
        now = self._clock()
        if now - self._began < EVERY or self._paused():
            return False
        self._began = now
        # In a context of its own: it speaks for no single resource, in its log lines.
        self._task = asyncio.create_task(self._read_and_serve(), name="catalogue", context=Context())
        return True

    async def _read_and_serve(self) -> None:
        try:
            found = await self._read()
        except Exception:  # advice that cannot be given must not become anybody's failure
            log.exception("reading NVCF's catalogue failed; it is read again in %g minutes", EVERY / 60)
            self._metrics.catalogue_read("failure")
            found = None
        self._known = known = found or self._known
        waiting, self._waiting = self._waiting, []
        if known is None:
            return
        for use in waiting:
            try:
                use(known)
            except Exception:  # the others wait for the same catalogue
                log.exception("comparing a manifest with NVCF's catalogue failed")

    async def _read(self) -> Catalogue | None:
        """Two calls, one after the other; None where the first, which has all the names, is not answered."""
        async with self._client() as client:
            types = await self._asked(client, endpoints.list_available_instance_types())
            if types is None:
                return None
            return catalogue_of(types, await self._asked(client, endpoints.list_instance_types()))

    async def _asked(self, client: AsyncClient, request: Request[T]) -> T | None:
        try:
            answer = await client.send(request)
        except errors.NvcfError as error:
            self._metrics.catalogue_read("refused" if _is_refusal(error) else "failure")
            log.info("NVCF's catalogue is not read: %s", error)
            return None
        self._metrics.catalogue_read("success")
        return answer


def _is_refusal(error: errors.NvcfError) -> bool:
    """Whether the key may not read it, or there is none."""
    return isinstance(error, errors.Unauthorized | errors.Forbidden | errors.NotFound)
