"""Loops that run beside the work. One that ends by itself is a failure of the whole operator, never a silent one."""

import asyncio
import logging
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

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
