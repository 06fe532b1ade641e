"""Whether our own loops move. A failing NVCF or API server is progress, as long as attempts end."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from itertools import count

TICK = 1.0
STILL = 30.0
"""Seconds after which the event loop counts as standing still."""


class Heartbeats:
    """Knows what is under way and by when it must have ended."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._numbers = count()
        self._under_way: dict[int, tuple[str, float]] = {}
        self._ticked = clock()

    @contextlib.contextmanager
    def watch(self, name: str, *, deadline: float) -> Iterator[None]:
        """Expect the body to end within that many seconds."""
        number = next(self._numbers)
        self._under_way[number] = (name, self._clock() + deadline)
        try:
            yield
        finally:
            del self._under_way[number]

    async def tick(self) -> None:
        """Show that the event loop moves, for ever."""
        while True:
            self._ticked = self._clock()
            await asyncio.sleep(TICK)

    def overdue(self) -> list[str]:
        """What stands still; empty when all moves."""
        now = self._clock()
        late = [f"{name} stands still" for name, due in self._under_way.values() if now > due]
        return late + (["the event loop stands still"] if now - self._ticked > STILL else [])
