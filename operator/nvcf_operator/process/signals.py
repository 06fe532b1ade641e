"""SIGTERM and SIGINT end the operator from its first line on; a second one changes nothing.

The kernel gives a container's first process no signal that it has no handler for, so that one which has none yet would
be killed when the grace period is over.
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):  # noqa: N818  the name says what happened
    """The operator is to end, so what was asked for was given up."""


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Have a signal end the process with exit code 0 while there is nothing to be ended in order."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return
    before = {number: signal.signal(number, _end) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


class Stop:
    """Whether the operator is to end. Belongs to the running event loop.

    Attributes:
        event: set from then on.

    """

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def listen(self) -> None:
        """Hear signals from now on, also those that something else has heard until now."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                asyncio.get_running_loop().add_signal_handler(number, self._hear, number)

    async def before(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something that may take long.

        Raises:
            Stopped: the operator is to end before it is done; it was cancelled.

        """
        task, stopped = asyncio.create_task(work), asyncio.create_task(self.event.wait())
        try:
            await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Stopped
            return task.result()
        finally:
            for each in (task, stopped):
                each.cancel()
            await asyncio.gather(task, stopped, return_exceptions=True)

    def _hear(self, number: signal.Signals) -> None:
        log.info("%s: the operator %s", number.name, "is already stopping" if self.event.is_set() else "is stopping")
        self.event.set()
