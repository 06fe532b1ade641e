"""One Kubernetes Event: what it is about, what it says, and how it is written.

It is of `v1`, whose times and counts every kubectl shows; `events.k8s.io` serves the same objects.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from nvcf_operator.api import names
from nvcf_operator.api.key import Key
from nvcf_operator.api.times import render

CONTROLLER: Final = f"{names.GROUP}/operator"
MOST_MESSAGE: Final = 1024
"""Characters of a message: the API's bound for the note of an Event."""


class About(Protocol):
    """The object that an Event is about."""

    @property
    def key(self) -> Key:
        """Its place."""

    @property
    def uid(self) -> str:
        """Its identity."""


class Told(Protocol):
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


Same = tuple[str, str, str]
"""What makes two Events identical: the object's uid, reason, message."""


@dataclass(slots=True)
class Note:
    """An Event that waits to be written, as often as it was told meanwhile."""

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
    def of(cls, about: About, told: Told, now: datetime) -> "Note":
        """What was told of an object just now."""
        message = told.message if len(told.message) <= MOST_MESSAGE else told.message[: MOST_MESSAGE - 1] + "…"
        return cls(about.key, about.uid, told.warning, str(told.reason), message, now, now)

    @property
    def same(self) -> Same:
        """What another Event must share with it to be the same."""
        return (self.uid, self.reason, self.message)

    @property
    def name(self) -> str:
        """The Event's name, which stays the same when the write is repeated."""
        return f"{self.key.name[:230].rstrip('.-')}.{self.token}"

    def body(self, *, instance: str) -> dict[str, Any]:
        """The Event, as told by that instance of the operator."""
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
