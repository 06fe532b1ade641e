"""How urgent work is. The queue, the reconcile loop and the limiters use the same four priorities."""

from enum import IntEnum
from typing import NamedTuple


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
