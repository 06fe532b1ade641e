"""A pool of connections for concurrent calls, each used by one call at a time.

An HTTP library's own pool checks all of its connections several times for every call; with 16 of them that was
measured to cost more than the call. Here a call takes the connection that was used last, so that connections stay warm,
and those that nobody has needed for a while are closed by the next call.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """A connection, or a client that holds one."""

    def aclose(self) -> Awaitable[None]:
        """Close the connection, if there is one."""

    def abandon(self) -> None:
        """Give up the connection, if there is one: nobody will use or close it any more, perhaps not even its loop."""


C = TypeVar("C", bound=Closable)


class ConnectionPool(Generic[C]):
    """At most so many connections: the first at once, so that what is wrong with it shows early, others when needed.

    Args:
        make: makes a connection.
        most: how many there may be at a time.
        keep: seconds after which an unused connection may be closed.

    """

    def __init__(self, make: Callable[[], C], *, most: int, keep: float) -> None:
        self._make = make
        self._keep = keep
        self._room = asyncio.Semaphore(most)
        self._idle: deque[tuple[C, float]] = deque([(make(), time.monotonic())])
        self._busy: set[C] = set()
        self._old: set[C] = set()
        self._closed = False

    def one(self, patience: float | None) -> "_Loan[C]":
        """A connection for the length of an `async with` block.

        Entering raises:
            TimeoutError: none became free within `patience` seconds, if these are limited.
            RuntimeError: the pool is closed.

        """
        return _Loan(self, patience)

    async def _take(self, patience: float | None) -> C:
        if self._room.locked():
            async with asyncio.timeout(patience):
                await self._room.acquire()
        else:
            await self._room.acquire()  # at once
        try:
            if self._closed:
                raise RuntimeError("the client is closed")
            connection = self._idle.pop()[0] if self._idle else self._make()
        except BaseException:  # nothing is lent, so its room is free again; the error is the caller's
            self._room.release()
            raise
        self._busy.add(connection)
        return connection

    async def _give_back(self, connection: C, *, ended: bool) -> None:
        """Take a connection back; where its call has ended without an error, close those that nobody has needed."""
        try:
            self._busy.discard(connection)
            if connection in self._old:
                self._old.discard(connection)
                with suppress(Exception):
                    await connection.aclose()
            else:
                self._idle.append((connection, time.monotonic()))
        finally:
            self._room.release()
        while ended and self._idle and time.monotonic() - self._idle[0][1] > self._keep:
            connection, _ = self._idle.popleft()
            with suppress(Exception):  # the call whose end this is has its result already
                await connection.aclose()

    @property
    def closed(self) -> bool:
        """Whether it gives no connection any more."""
        return self._closed

    def abandon(self) -> None:
        """Give up all connections, also where their event loop has ended, or in another thread than theirs."""
        self._closed = True
        for connection in (*self._busy, *(connection for connection, _ in self._idle)):
            connection.abandon()
        self._idle.clear()

    async def renew(self) -> None:
        """Replace all connections: each is closed once its call has ended."""
        self._old |= self._busy
        idle = [connection for connection, _ in self._idle]
        self._idle.clear()
        for connection in idle:
            with suppress(Exception):  # whoever asked for new ones is not to fail over an old one
                await connection.aclose()

    async def aclose(self) -> None:
        """Close all connections, those in use included."""
        self._closed = True
        connections = [*self._busy, *(connection for connection, _ in self._idle)]
        self._idle.clear()
        for connection in connections:
            with suppress(OSError):
                await connection.aclose()


class _Loan(Generic[C]):
    """The block in which a connection is used; a generator in its place would add several calls to each."""

    __slots__ = ("_connection", "_patience", "_pool")

    def __init__(self, pool: ConnectionPool[C], patience: float | None) -> None:
        self._pool = pool
        self._patience = patience

    async def __aenter__(self) -> C:
        self._connection = await self._pool._take(self._patience)
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._pool._give_back(self._connection, ended=kind is None)
