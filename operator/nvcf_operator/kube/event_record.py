"""One Kubernetes Event: the object it refers to, its content, and how it is written.

It is of `v1`, whose times and counts every kubectl shows; `events.k8s.io` serves the same objects.
"""

import secrets
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
        """Its namespace and name."""

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
                "kind": names.KIND,
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
