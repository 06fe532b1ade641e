"""Events that wait to be written: a queue for each namespace, so that one which accepts none holds up no other.

Events are of `v1`, whose times and counts every kubectl shows; `events.k8s.io` serves the same objects.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from nvcf_client.text import shorten
from nvcf_operator.api import names
from nvcf_operator.api.model import render
from nvcf_operator.api.names import Key

CONTROLLER: Final = f"{names.GROUP}/operator"
MOST_MESSAGE: Final = 1024
"""Characters of a message: the API's bound for the note of an Event."""


class ObjectRef(Protocol):
    """The object that an Event refers to."""

    @property
    def key(self) -> Key:
        """Its namespace, name and kind."""

    @property
    def uid(self) -> str:
        """Its identity."""


class EventContent(Protocol):
    """What an Event says."""

    @property
    def warning(self) -> bool:
        """Whether its type is Warning."""

    @property
    def reason(self) -> str:
        """Its reason, one word."""

    @property
    def message(self) -> str:
        """Its message."""


EventIdentity = tuple[str, str, str]
"""What identical Events share: the object's uid, reason, message."""


@dataclass(slots=True)
class EventRecord:
    """An Event that waits to be written, with the number of times that it was recorded since."""

    key: Key
    uid: str
    warning: bool
    reason: str
    message: str
    first: datetime
    last: datetime
    count: int = 1
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def of(cls, ref: ObjectRef, content: EventContent, now: datetime) -> "EventRecord":
        """The record of an Event that occurs now."""
        message = shorten(content.message, MOST_MESSAGE)
        return cls(ref.key, ref.uid, content.warning, str(content.reason), message, now, now)

    @property
    def identity(self) -> EventIdentity:
        """What another Event must share with it to be identical."""
        return (self.uid, self.reason, self.message)

    @property
    def name(self) -> str:
        """The Event's name, which stays the same when the write is repeated."""
        return f"{self.key.name[:230].rstrip('.-')}.{self.token}"

    def body(self, *, instance: str) -> dict[str, Any]:
        """The Event, as reported by that instance of the operator."""
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": self.key.namespace, "name": self.name},
            "involvedObject": {
                "apiVersion": names.API_VERSION,
                "kind": self.key.kind.name,
                "namespace": self.key.namespace,
                "name": self.key.name,
                "uid": self.uid,
            },
            "type": "Warning" if self.warning else "Normal",
            "reason": self.reason,
            "action": "Reconcile",
            "message": self.message,
            "source": {"component": "nvcf-operator"},
            "reportingComponent": CONTROLLER,
            "reportingInstance": instance,
            "firstTimestamp": render(self.first),
            "lastTimestamp": render(self.last),
            "count": self.count,
        }


MOST_WAITING: Final = 10_000
"""Most Events that wait, over all namespaces."""
MOST_QUEUES: Final = 4096
"""Most namespaces that are remembered, also for refusing Events while none waits for them."""


@dataclass(slots=True)
class NamespaceQueue:
    """What waits for one namespace, the oldest first.

    Attributes:
        namespace: its name.
        tries: how often the first one was tried.
        due: when it is tried next.
        slow: whether the last try failed or took long.
        refuses: whether the last Event was dropped because the namespace accepts none.
        ends: whether that was because the namespace is being deleted.
        logged: whether a dropped Event was logged since the last one that was accepted.
        in_work: whether it is being tried.

    """

    namespace: str
    records: OrderedDict[EventIdentity, EventRecord] = field(default_factory=OrderedDict)
    tries: int = 0
    due: float = float("-inf")
    slow: bool = False
    refuses: bool = False
    ends: bool = False
    logged: bool = False
    in_work: bool = False

    def begin_next(self) -> None:
        """Another Event is the first one now."""
        self.tries, self.due = 0, float("-inf")


class EventQueues:
    """The queues of all namespaces; those that can proceed take turns."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, NamespaceQueue] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    @property
    def in_work(self) -> bool:
        """Whether any is being tried."""
        return any(queue.in_work for queue in self._queues.values())

    def ends(self, namespace: str) -> bool:
        """Whether the namespace is known to be terminating."""
        queue = self._queues.get(namespace)
        return queue is not None and queue.ends

    def add(self, record: EventRecord) -> NamespaceQueue | None:
        """Queue an Event. When too many wait, the oldest of the longest queue is dropped: that queue is returned."""
        queue = self._queues.setdefault(record.key.namespace, NamespaceQueue(record.key.namespace))
        waiting = queue.records.get(record.identity)
        if waiting is not None:
            waiting.count += record.count
            waiting.last = record.last
            return None
        longest = None
        if self._waiting >= MOST_WAITING:
            longest = max(self._queues.values(), key=lambda each: len(each.records))
            longest.records.popitem(last=False)
            self._waiting -= 1
        queue.records[record.identity] = record
        self._waiting += 1
        return longest

    def take(self, *, slow: bool, now: float) -> tuple[NamespaceQueue, EventRecord] | None:
        """The first Event of the next queue that may be tried, of those that are slow or of the others."""
        for queue in self._queues.values():
            if queue.records and queue.slow == slow and not queue.in_work and queue.due <= now:
                self._queues.move_to_end(queue.namespace)
                _, record = queue.records.popitem(last=False)
                self._waiting -= 1
                queue.in_work = True
                return queue, record
        return None

    def put_back(self, queue: NamespaceQueue, record: EventRecord) -> None:
        """Put an Event that was not written first again, with the count of what was recorded meanwhile."""
        if (later := queue.records.pop(record.identity, None)) is not None:
            record.count, record.last = record.count + later.count, later.last
            self._waiting -= 1
        queue.records[record.identity] = record
        queue.records.move_to_end(record.identity, last=False)
        self._waiting += 1

    def done(self, queue: NamespaceQueue) -> None:
        """End a try. A queue that holds nothing of use is forgotten."""
        queue.in_work = False
        if not queue.records and not queue.refuses and not queue.slow:
            self._queues.pop(queue.namespace, None)
        if len(self._queues) > MOST_QUEUES:
            idle = next((each for each in self._queues.values() if not each.records and not each.in_work), None)
            if idle is not None:
                del self._queues[idle.namespace]

    def due_in(self, *, slow: bool, now: float) -> float | None:
        """Seconds until one of the slow queues, or of the others, may be tried; None when nothing waits there."""
        due = [each.due for each in self._queues.values() if each.records and each.slow == slow and not each.in_work]
        return max(0.0, min(due) - now) if due else None
