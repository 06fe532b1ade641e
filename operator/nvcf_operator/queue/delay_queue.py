"""The work queue: which resource is to be reconciled, when, and before whom.

It carries keys, never events: whoever takes a key reads the newest state and acts on that. So a key stands at most
once, a second reason to reconcile it merges with the first, and a key that is being worked on is held back until
`done`.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.queue.schedule import Schedule

K = TypeVar("K", bound=Hashable)


class QueueClosed(Exception):  # noqa: N818  the name says what happened
    """The queue was closed: there is nothing more to get."""


class DelayQueue(Generic[K]):
    """Deduplicating delay queue for one asyncio loop; no task and no timer per key.

    Reasons to reconcile one key merge: the earliest deadline wins, at the priority that it was asked for; when the
    deadline of a higher priority has come too, the key moves there. Handing a key out answers every reason that stands,
    also those of a later deadline, as what follows decides again. Within a priority the groups take turns, and
    a group's keys come first in, first out.

    Nothing here is thread-safe: call it from the loop's thread.

    Args:
        group: of a key, whom it belongs to for fairness; the namespace.
        clock: seconds; only differences matter.

    """

    def __init__(self, *, group: Callable[[K], Hashable], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._schedule = Schedule(group)
        self._getters: dict[Priority | None, deque[asyncio.Future[None]]] = {
            only: deque() for only in (None, *Priority)
        }
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf
        self._closed = False

    def add(self, key: K, priority: Priority, delay: float = 0.0) -> None:
        """Have the key reconciled in `delay` seconds, or earlier if that was asked for already.

        While the key is being worked on this is kept for later: the work may have begun with an older state.
        A closed queue takes nothing. ValueError for a delay that is no finite number.
        """
        now = self._clock()
        due = _due(now, delay)
        if not self._closed:
            self._schedule.add(key, priority, due, now)
            self._stir()

    def take(self, *, only: Priority | None = None) -> tuple[K, Priority] | None:
        """Take the key whose turn it is and its priority; None if none is due. It is the caller's until `done`.

        Args:
            only: take from this priority alone.

        Raises:
            QueueClosed: after `close`.

        """
        if self._closed:
            raise QueueClosed("the queue is closed")
        return self._schedule.take(tuple(Priority) if only is None else (only,), self._clock())

    async def get(self, *, only: Priority | None = None) -> tuple[K, Priority]:
        """Wait until `take` gives something. A cancelled wait loses no key.

        A worker that is kept for users' changes waits with `only=Priority.HIGH`; it is woken for them only when no
        other worker waits, so that it is free for the next one.
        """
        try:
            while (taken := self.take(only=only)) is None:
                await self._woken(only)
            return taken
        finally:
            # One key wakes one getter. Whoever has taken a key, or gives up, passes on what is left.
            self._stir()

    def done(self, key: K, *, requeue: tuple[Priority, float] | None = None) -> None:
        """Give a key back after the work.

        Args:
            key: the key, as `get` gave it.
            requeue: priority and delay in seconds after which to reconcile again. What was added during the work
                counts, too: the earliest wins. Void if the key was discarded during the work.

        Raises:
            ValueError: nobody works on the key, or the delay is no finite number.

        """
        now = self._clock()
        self._schedule.done(key, None if requeue is None else (requeue[0], _due(now, requeue[1])), now)
        self._stir()

    def discard(self, key: K) -> None:
        """Forget what was asked for this key: it is gone. Later adds count again; no error if it does not stand."""
        self._schedule.discard(key)

    def close(self) -> None:
        """End it: all getters raise QueueClosed, now and later. Keys in work may still be given back."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for only in self._getters:
            while self._wake(only):
                pass

    def depth(self) -> dict[Priority, int]:
        """How many keys are due and wait for a worker, by priority."""
        self._schedule.advance(self._clock())
        return {priority: self._schedule.depth(priority) for priority in Priority}

    def overdue(self) -> dict[Priority, float]:
        """For how many seconds the longest waiting due key has been due, by priority; 0 where none waits."""
        now = self._clock()
        self._schedule.advance(now)
        since = {priority: self._schedule.oldest(priority) for priority in Priority}
        return {priority: 0.0 if oldest is None else max(now - oldest, 0.0) for priority, oldest in since.items()}

    def works_on(self, key: K) -> bool:
        """Whether the key is being worked on."""
        return self._schedule.works_on(key)

    @property
    def in_work(self) -> int:
        """How many keys are being worked on."""
        return self._schedule.in_work

    def __len__(self) -> int:
        """How many keys stand, due or not; those being worked on do not."""
        return len(self._schedule)

    async def _woken(self, only: Priority | None) -> None:
        """Wait until there may be something to take."""
        getter = asyncio.get_running_loop().create_future()
        self._getters[only].append(getter)
        self._arm()
        try:
            await getter
        finally:
            if getter in self._getters[only]:
                self._getters[only].remove(getter)

    def _stir(self) -> None:
        """Wake one getter that can take what is due, and set the timer for what is not."""
        if self._closed:
            return
        for priority in Priority:
            if self._schedule.depth(priority) and (self._wake(None) or self._wake(priority)):
                break
        self._arm()

    def _wake(self, only: Priority | None) -> bool:
        getters = self._getters[only]
        while getters:
            getter = getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return True
        return False

    def _arm(self) -> None:
        """Have the loop call when the next key becomes due, if anyone waits. A call too early is harmless."""
        waiting = next((getter for getters in self._getters.values() for getter in getters), None)
        deadline = self._schedule.next_deadline()
        if waiting is None or deadline is None:
            return
        if self._timer is not None:
            if self._rings_at <= deadline:
                return
            self._timer.cancel()
        self._rings_at = deadline
        self._timer = waiting.get_loop().call_later(deadline - self._clock(), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._schedule.advance(self._clock())
        self._stir()


def _due(now: float, delay: float) -> float:
    if not math.isfinite(delay):
        raise ValueError(f"a delay must be a finite number of seconds, not {delay!r}")
    return now + max(delay, 0.0)
