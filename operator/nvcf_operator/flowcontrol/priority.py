"""Whose work goes first: four priorities, which the queue, the reconcile loop and the limiters share, and turns."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar


class Priority(IntEnum):
    """Whose work goes first. A priority is served only while nothing of a higher one is due.

    But NORMAL and IN_PROGRESS take turns: what is nearly done goes on while a crowd of new resources comes.
    """

    HIGH = 0
    """A user waits: deletion, spec change, reconcile-now of known resources."""
    NORMAL = 1
    """A resource that was not known."""
    IN_PROGRESS = 2
    """What was asked of NVCF and is being made or undeployed: its next step, and what a poll shows of it."""
    LOW = 3
    """Initial list, resync, poll results of what is at rest."""


class Caller(NamedTuple):
    """On whose behalf NVCF is called."""

    priority: Priority = Priority.LOW
    namespace: str = ""
    """The namespaces of one account take turns; empty for a poll, which is for all of them."""

    @property
    def is_urgent(self) -> bool:
        """Whether a user waits for the call."""
        return self.priority is Priority.HIGH


K = TypeVar("K", bound=Hashable)


class RoundRobin(Generic[K]):
    """Keys in line, group by group.

    A group that stands in the rotation is served once before any other is served twice, so a namespace with thousands
    of keys delays another's by one key at a time. Everything but the iteration takes constant time.
    """

    def __init__(self) -> None:
        self._rotation: OrderedDict[Hashable, OrderedDict[K, None]] = OrderedDict()
        self._length = 0

    def append(self, group: Hashable, key: K) -> None:
        """Put a key that is not in line at the end of its group; a new group comes last in the rotation."""
        self._rotation.setdefault(group, OrderedDict())[key] = None
        self._length += 1

    def popleft(self) -> K:
        """Take the first key of the group whose turn it is. KeyError if nothing is in line."""
        group, line = self._rotation.popitem(last=False)
        key, _ = line.popitem(last=False)
        if line:
            self._rotation[group] = line
        self._length -= 1
        return key

    def waiting(self, group: Hashable) -> int:
        """How many keys of a group are in line."""
        return len(self._rotation.get(group, ()))

    def remove(self, group: Hashable, key: K) -> None:
        """Take a key out of the line. KeyError if it is not there."""
        line = self._rotation[group]
        del line[key]
        if not line:
            del self._rotation[group]
        self._length -= 1

    def __iter__(self) -> Iterator[K]:
        for line in self._rotation.values():
            yield from line

    def __len__(self) -> int:
        return self._length
