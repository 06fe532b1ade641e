"""Whether our own loops move. A failing NVCF or API server is progress, as long as attempts end."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

TICK = 1.0
"""Seconds between two proofs that the event loop moves."""
STILL = 30.0
"""Seconds without such a proof after which the event loop counts as standing still."""


@dataclass(slots=True, eq=False)
class _Watched:
    name: str
    deadline: float
    beat_at: float


class Watchdogs:
    """Knows what is under way and by when it must have given a sign of life.

    Args:
        clock: seconds, monotonic.

    Attributes:
        lag: by how many seconds the event loop was late when it was last measured.

    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._under_way: dict[int, _Watched] = {}
        self._ticked = clock()
        self.lag = 0.0

    @contextlib.contextmanager
    def watch(self, name: str, *, deadline: float) -> Iterator[Callable[[], None]]:
        """Expect the body to end within `deadline` seconds, however it ends.

        A body that is a loop calls what `with` gives it in each round: the seconds begin again.
        """
        watched = _Watched(name, deadline, self._clock())

        def beat() -> None:
            watched.beat_at = self._clock()

        self._under_way[id(watched)] = watched
        try:
            yield beat
        finally:
            del self._under_way[id(watched)]

    async def tick(self) -> None:
        """Show that the event loop moves, and measure its lag, for ever."""
        while True:
            self._ticked = self._clock()
            await asyncio.sleep(TICK)
            self.lag = max(0.0, self._clock() - self._ticked - TICK)

    def overdue(self) -> list[str]:
        """What stands still, and for how long; empty when all moves."""
        now = self._clock()
        late = [
            f"{item.name} is stuck: no heartbeat for {now - item.beat_at:.0f} s, {item.deadline:.0f} s allowed"
            for item in self._under_way.values()
            if now - item.beat_at > item.deadline
        ]
        if now - self._ticked > STILL:
            late.append(f"the event loop is stuck: no turn for {now - self._ticked:.0f} s")
        return late


log = logging.getLogger(__name__)


class Ending(Exception):  # noqa: N818  the name says what happened
    """A loop ends the operator on purpose, so that it is started again; the text says why."""


class Background:
    """Runs loops inside `async with`; sets `stop`, and `failed` is true, when one of them ends before its time."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.failed = False
        self._stop = stop
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, loop: Coroutine[Any, Any, None]) -> None:
        """Start a loop."""
        task = asyncio.create_task(loop, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            if isinstance(error := task.exception(), Ending):
                log.critical("%s", error)
            else:
                log.critical("the loop %r has ended; the operator stops", task.get_name(), exc_info=error)
            self.failed = True
            self._stop.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
