"""Connections for concurrent calls, each used by one call at a time.

An HTTP library's own pool looks at all of its connections several times for every call; with 16 of them that was
measured to cost more than the call. Here a call takes the lane that was used last, so that connections stay warm,
and lanes that nobody has needed for a while are closed by the next call.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What a lane is made of."""

    def aclose(self) -> Awaitable[None]:
        """Close the connection, if there is one."""


L = TypeVar("L", bound=Closable)


class Lanes(Generic[L]):
    """At most so many lanes: the first at once, so that what is wrong with it shows early, the others when needed.

    Args:
        make: makes a lane.
        most: how many there may be at a time.
        keep: seconds after which an unused lane may be closed.

    """

    def __init__(self, make: Callable[[], L], *, most: int, keep: float) -> None:
        self._make = make
        self._keep = keep
        self._room = asyncio.Semaphore(most)
        self._idle: deque[tuple[L, float]] = deque([(make(), time.monotonic())])
        self._busy: set[L] = set()
        self._old: set[L] = set()
        self._closed = False

    @asynccontextmanager
    async def one(self, patience: float) -> AsyncIterator[L]:
        """A lane for the length of the block.

        Raises:
            TimeoutError: none became free within `patience` seconds.
            RuntimeError: the lanes are closed.

        """
        async with asyncio.timeout(patience):
            await self._room.acquire()
        try:
            if self._closed:
                raise RuntimeError("the client is closed")
            lane = self._idle.pop()[0] if self._idle else self._make()
            self._busy.add(lane)
            try:
                yield lane
            finally:
                self._busy.discard(lane)
                if lane in self._old:
                    self._old.discard(lane)
                    with suppress(Exception):
                        await lane.aclose()
                else:
                    self._idle.append((lane, time.monotonic()))
        finally:
            self._room.release()
        while self._idle and time.monotonic() - self._idle[0][1] > self._keep:
            lane, _ = self._idle.popleft()
            with suppress(Exception):  # the call whose end this is has its result already
                await lane.aclose()

    async def renew(self) -> None:
        """Use no lane of before any more: each is closed once its call has ended."""
        self._old |= self._busy
        idle = [lane for lane, _ in self._idle]
        self._idle.clear()
        for lane in idle:
            with suppress(Exception):  # whoever asked for new ones is not to fail over an old one
                await lane.aclose()

    async def aclose(self) -> None:
        """Close all lanes, those in use included."""
        self._closed = True
        lanes = [*self._busy, *(lane for lane, _ in self._idle)]
        self._idle.clear()
        for lane in lanes:
            with suppress(OSError):
                await lane.aclose()
