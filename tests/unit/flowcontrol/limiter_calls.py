"""What the tests of the limiters share. Time is virtual throughout."""

from collections.abc import Callable, Coroutine
from typing import Any

from nvcf_operator.flowcontrol.limiters import Limiter
from nvcf_operator.flowcontrol.priority import Priority
from tests.support import virtual_time
from tests.support.virtual_time import Clock


def timed(test: Callable[[Clock], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test on a loop with virtual time."""

    def wrapped() -> None:
        virtual_time.run(test)

    wrapped.__name__ = test.__name__
    return wrapped


def admits(limiter: Limiter, priority: Priority) -> bool:
    """Whether a call would pass now without waiting."""
    queue, urgent = limiter._queue, priority is Priority.HIGH
    free = queue._is_first(urgent) and queue._has_room(urgent) and not queue._wait(urgent)
    return free and limiter.closed_for(priority) is None
