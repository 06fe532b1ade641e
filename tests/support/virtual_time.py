"""An event loop whose clock stands still while anything can run, and jumps to the next timer when nothing can.

Code that waits for hours is tested in milliseconds and always in the same order. Give the loop's `time` to the code
under test as its clock.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

Clock = Callable[[], float]


class _Leaping(selectors.DefaultSelector):
    """A selector that does not sleep; it moves the loop's time instead."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError(f"all tasks wait, and no timer will ever wake them: {asyncio.all_tasks(self.loop)}")
        self.loop.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """See the module. No threads, no network: only timers."""

    def __init__(self) -> None:
        self.now = 1000.0
        selector = _Leaping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now


def run(main: Callable[[Clock], Coroutine[Any, Any, T]]) -> T:
    """Run `main(clock)` to its end on such a loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main(runner.get_loop().time))


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


def stall(seconds: float) -> None:
    """Let time pass while nothing runs, as when something blocks the loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.now += seconds
