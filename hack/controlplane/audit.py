"""The API server's audit log: who did what."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = ("create", "update", "patch", "delete", "deletecollection")

POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        # The components' own upkeep says nothing about the operator.
        {"level": "None", "users": ["system:apiserver", "system:kube-controller-manager"]},
        # A status is written in parts; what came of that is in the answer.
        {
            "level": "RequestResponse",
            "verbs": ["patch"],
            "resources": [
                {"group": "nvcf-operator.io", "resources": ["cloudfunctions/status", "functiondeployments/status"]}
            ],
        },
        # What the operator writes to our own resources is worth reading; anything else could hold a Secret.
        {"level": "Request", "verbs": ["patch"], "resources": [{"group": "nvcf-operator.io"}]},
        {"level": "Metadata", "verbs": list(WRITES)},
        # Reads matter where they are rationed: Secrets by name, no list where a watch will do.
        {
            "level": "Metadata",
            "resources": [{"group": "nvcf-operator.io"}, {"group": "", "resources": ["secrets", "events"]}],
        },
        {"level": "None"},
    ],
}
"""What is logged: all writes, and reads of our own group, Secrets and Events. Metadata only, but for patches of our own
group, whose bodies are logged as well, and of a status also the answers."""


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One answered request."""

    user: str
    """The name that the API server knew the client by, such as ``system:serviceaccount:NAMESPACE:NAME``."""
    verb: str
    resource: str
    """The plural, with the subresource: ``functiondeployments/status``."""
    group: str
    namespace: str
    name: str
    code: int
    time: str
    """When the request came in, RFC 3339 with microseconds."""
    agent: str = ""
    """User-Agent of whoever asked."""
    body: Any = None
    """What was sent, for patches of our own group."""
    answer: Any = None
    """What was answered, for patches of a status of our own group: the whole object, or the error."""


def read_audit_log(path: Path, offset: int = 0, *, holding: str = "") -> Iterator[AuditEvent]:
    """Yield the events of an audit log from a byte offset on; only those whose line holds a text, if one is given.

    The API server writes an event before it answers the request, so what a client has seen answered is in the log.
    Take ``path.stat().st_size`` as the offset of "from now on".
    """
    wanted = holding.encode()
    with path.open("rb") as log:
        if offset:
            log.seek(offset - 1)
            log.readline()  # the end of an event that was being written then: its request had no answer yet
        for line in log:
            if not line.endswith(b"\n"):  # being written
                return
            if wanted not in line:
                continue
            event = json.loads(line)
            if event["stage"] == "ResponseComplete" and "objectRef" in event:
                yield _parse(event)


def writes_by_kind(path: Path, *, user: str | None = None, offset: int = 0) -> Counter[tuple[str, str]]:
    """Count the accepted writes of a user (or of all) by verb and resource, from a byte offset of the log on."""
    return Counter(
        (event.verb, event.resource)
        for event in read_audit_log(path, offset)
        if event.verb in WRITES and event.code < 300 and (user is None or event.user == user)
    )


def _parse(event: dict[str, Any]) -> AuditEvent:
    target = event["objectRef"]
    resource = target.get("resource", "")
    if subresource := target.get("subresource"):
        resource = f"{resource}/{subresource}"
    return AuditEvent(
        user=event["user"].get("username", ""),
        verb=event["verb"],
        resource=resource,
        group=target.get("apiGroup", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        time=event["requestReceivedTimestamp"],
        agent=event.get("userAgent", ""),
        body=event.get("requestObject"),
        answer=event.get("responseObject"),
    )
