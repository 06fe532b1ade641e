"""What a resource costs the cluster and NVCF while it cannot go on, and that its owner learns why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nvcf_operator.core.model.reasons import Reason

MINUTE = 60.0
WRITES = (16, 10)
"""Writes to the cluster for one resource within a minute at most: while nobody does anything, and after that minute."""
CALLS = (60, 48)
"""The same of its calls to NVCF: with three versions, each is read twice in 5 s."""
AGAIN = 0.7
"""Seconds between a refused write to the cluster and the next one, at least."""
HASTY = 2
"""Times that it may be sooner, as when another resource moves meanwhile."""
UNREPORTED = 120.0
"""Seconds within which it is reported what keeps a resource, in so many reconciles."""
RECONCILES = 3


@dataclass(slots=True)
class Of:
    """What one resource has caused."""

    writes: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    reconciles: int = 0
    refused: tuple[float, Any, str] | None = None
    """When its last write was refused, what stood in the object then, and the words."""
    hasty: int = 0
    """Times in a row that the same was written again at once."""
    unreported_since: tuple[float, int] | None = None
    """Since when, and which reconcile, nothing has been reported for it."""


class Traffic:
    """What all have caused, by uid."""

    def __init__(self) -> None:
        self._of: dict[str, Of] = {}
        self.since = 0.0
        """When something has happened last that an operator may react to at once."""
        self.process = 0

    def of(self, uid: str) -> Of:
        """What one has caused."""
        return self._of.setdefault(uid, Of())

    def called(self, uid: str, now: float) -> None:
        """Count a call to NVCF."""
        self.of(uid).calls.append(now)

    def wrote(self, uid: str, now: float, obj: Mapping[str, Any], refusal: str) -> None:
        """Count a write to the cluster, and see whether it repeats one that was just refused."""
        one, stands = self.of(uid), (self.process, obj["metadata"]["resourceVersion"])
        one.writes.append(now)
        known = one.refused
        if refusal:
            same = known is not None and known[1:] == (stands, refusal) and now - known[0] < AGAIN
            one.hasty = one.hasty + 1 if same else 0
        if refusal:
            one.refused = (now, stands, refusal)

    def reconciled(self, uid: str) -> None:
        """Count a reconcile."""
        self.of(uid).reconciles += 1

    def forced(self) -> None:
        """A reconcile is due to nothing but the story: what was refused may be tried again in it."""
        for one in self._of.values():
            one.refused = None
            one.writes.clear()
            one.calls.clear()

    def begins(self, now: float, process: int) -> None:
        """Something has happened, and was reacted to: from here on all goes at the operator's own pace."""
        self.since, self.process = now, process
        for one in self._of.values():
            one.writes.clear()
            one.calls.clear()

    def violations(self, uid: str, now: float) -> list[str]:
        """What is wrong with the pace at which one is dealt with."""
        one = self.of(uid)
        wrong = [f"what was refused is repeated at once: {one.refused}"] if one.hasty > HASTY else []
        later = now - self.since > 2 * MINUTE
        for what, times, bounds in (("writes", one.writes, WRITES), ("calls", one.calls, CALLS)):
            while times and times[0] <= now - MINUTE:
                del times[0]
            if len(times) > bounds[later]:
                wrong.append(f"{len(times)} {what} for {uid} in a minute")
        return wrong

    def is_reported(self, obj: Mapping[str, Any], now: float, *, by_events: bool) -> bool:
        """Whether its owner learns how a resource is, or it has not been long enough without a word."""
        one = self.of(obj["metadata"]["uid"])
        ready = next((c for c in obj["status"].get("conditions", []) if c["type"] == "Ready"), None)
        current = ready is not None and ready.get("observedGeneration") == obj["metadata"]["generation"]
        reported = current and ready is not None and ready["reason"] != Reason.PENDING and bool(ready["message"])
        if reported or by_events:
            one.unreported_since = None
            return True
        if one.unreported_since is None:
            one.unreported_since = (now, one.reconciles)
        since, reconciles = one.unreported_since
        return now - since <= UNREPORTED or one.reconciles - reconciles < RECONCILES
