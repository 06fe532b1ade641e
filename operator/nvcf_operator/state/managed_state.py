"""What this process remembers of a resource of whichever kind, so that it never reconciles in circles.

It stands beside the cluster's record, of which the process keeps its own copy while there is something to limit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import Field, dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

from nvcf_operator import jsons
from nvcf_operator.api import status as kinds
from nvcf_operator.api.names import Key
from nvcf_operator.backoff import Backoff
from nvcf_operator.clock import Clock
from nvcf_operator.core.model.managed import AnyIntent, AnyResource, AnyStatus
from nvcf_operator.core.model.situation import Remembered
from nvcf_operator.core.model.versions import force_delete_is_stale
from nvcf_operator.core.rules.credentials import Credential

AT_ONCE = 0.05
"""Seconds below which a reconcile counts as coming at once. A settle is waited for in longer steps."""

PAUSES = Backoff(0.1, 60.0)
"""The pauses that are made."""


@dataclass(slots=True)
class Guard:
    """Lets no reconcile of a resource follow another at once unless something has changed in between.

    Each way to end a reconcile has its own idea of when to come again. What they have in common is here, so that no
    mistake in one of them, and no answer of the API server or of NVCF that nobody thought of, makes a worker turn in
    circles.
    """

    left: Any = None
    """What the last reconcile has left: unequal to this, something has changed."""
    in_vain: int = 0
    """Reconciles that were to be followed at once by another, though nothing had changed since the one before."""

    def pause(self, wanted: float, left: Any) -> float:
        """Seconds until the next reconcile.

        Args:
            wanted: how soon the reconcile that ends now wants another.
            left: what it has left: the object's version as it is known, and the count of our writes to NVCF.

        """
        if left != self.left:
            self.left, self.in_vain = left, 0
            return wanted
        if wanted >= AT_ONCE:  # what is left of a long wait may well be short, and be no circle
            self.in_vain //= 2
            return wanted
        self.in_vain += 1
        return PAUSES.after(self.in_vain - 1)


class AnyRecord(Protocol):
    """The part of a status that limits what is repeated and measures how long things last, as this process knows it.

    A dataclass with the member `intent`.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def observed_generation(self) -> int:
        """The generation that it was decided on."""

    @property
    def at_rest(self) -> bool:
        """Whether nothing is limited or measured, so that the cluster's copy is enough."""

    def over(self, status: Any) -> Any:
        """The status with this record in place of its own."""

    def moved(self, seconds: float) -> Self:
        """The record after the time of day was set by so many seconds, with all spans as they were."""


ResourceT = TypeVar("ResourceT", bound=AnyResource)
StatusT = TypeVar("StatusT", bound=AnyStatus)
RecordT = TypeVar("RecordT", bound=AnyRecord)

ENDED = 10_000
"""Ends of objects that are remembered, so that one that is heard of twice is reported once."""


@dataclass(slots=True)
class ManagedLocalState(ABC, Generic[ResourceT, StatusT, RecordT]):
    """One resource's. Times are this process's monotonic seconds."""

    uid: str
    attempts: int = 0
    """Failed tries in a row."""
    retry_at: float = float("-inf")
    """When the wait after the last of them is over."""
    outdated: int = 0
    """Reconciles in a row that began with something else than what is there."""
    last_write_at: float = float("-inf")
    """When our last write to NVCF ended; a list asked for before says nothing about it."""
    intent_seen: tuple[str, float] | None = None
    """Token of the open intent, and since when 404 counts for it."""
    finalizer_found_at: float | None = None
    """When the object was first seen, if it had our finalizer and no record: a POST may be out. None once that is on
    record as an intent."""
    credential: Credential | None = None
    """The last one that worked, for deletions only."""
    record: RecordT | None = None
    """Our own copy of the record, which counts in place of the cluster's; None while that is enough."""
    basis: int = 0
    """Hash of the stored status that our copy was first made from, while it is not proven."""
    proven: bool = False
    """Whether the record was read from, or written to, the API server itself, and not only shown by a list or a watch,
    which may lag behind."""
    clock_jumped: float = 0.0
    """How far the time of day had been set when the record's times were last moved."""
    seen_without_force_delete: bool = False
    """The deletion was seen blocked and the annotation force-delete not there."""
    stale_force_delete: bool = False
    """The annotation force-delete is there and does not count."""
    reported: tuple[str, int] | None = None
    """The reason of Ready that was reported last, and the generation that it was about."""
    reported_at: float = 0.0
    """When it was reported first, without another one in between."""
    reported_refusal: str = ""
    """What an Event said last of a status that the API server refuses."""
    reported_failure: str = ""
    """NVCF's words about a failed write that an Event reported last."""
    guard: Guard = field(default_factory=Guard)
    writes: int = 0
    """Our writes that NVCF took."""
    released: bool = False
    """We have taken our finalizer off, or are about to."""
    bare: bool = False
    """We have put our finalizer on, and neither recorded nor sent anything since: nothing in NVCF is the object's."""

    @staticmethod
    @abstractmethod
    def record_of(status: StatusT) -> RecordT:
        """The record in a status."""

    @staticmethod
    @abstractmethod
    def first_record(resource: ResourceT, now: datetime) -> RecordT:
        """The record of a resource that this process meets for the first time; another clock has written its times."""

    @classmethod
    def begun(cls, resource: ResourceT, clock: Clock, now: float) -> Self:
        """Meet an object for the first time."""
        unknown = resource.lost and resource.has_finalizer and resource.intent is None
        return cls(uid=resource.uid, clock_jumped=clock.jumped, finalizer_found_at=now if unknown else None)

    def view(self, resource: ResourceT, clock: Clock) -> ResourceT:
        """The resource as this process knows it: with our own copy of its record, and times that no clock has bent."""
        now, by = clock.now(), clock.jumped - self.clock_jumped
        if self.record is not None and by:
            self.record = self.record.moved(by)
        self.clock_jumped = clock.jumped
        if self.record is not None and not self.proven and self.basis != _hash(resource):
            self.record = None  # made from what a list showed that lagged behind
        if self.record is None:
            self.basis = 0 if self.proven else _hash(resource)
            record = self.first_record(resource, now)
            self.record = None if record.at_rest else record
        else:
            record = self.record
        blocked = resource.deleting and resource.is_true(kinds.DELETION_BLOCKED)
        self.seen_without_force_delete |= blocked and not resource.force_delete
        self.stale_force_delete = force_delete_is_stale(resource, seen_without=self.seen_without_force_delete)
        status, lost = record.over(resource.status), record.observed_generation < 0
        force_delete = resource.force_delete and not self.stale_force_delete
        if status is resource.status and (lost, force_delete) == (resource.lost, resource.force_delete):
            return resource
        return replace(resource, status=status, lost=lost, force_delete=force_delete)

    def decided(self, resource: ResourceT, status: StatusT) -> None:
        """Keep what a decision on this resource wants recorded, before it is written: the write may fail."""
        self.record, self.bare = self.record_of(status), False
        blocked = any(item.type == kinds.DELETION_BLOCKED and item.status == "True" for item in status.conditions)
        self.seen_without_force_delete |= blocked and not resource.force_delete and not self.stale_force_delete

    def reports(self, resource: ResourceT, status: StatusT, now: float) -> None:
        """Note since when the reason of Ready is what it is."""
        ready = next((item for item in status.conditions if item.type == kinds.READY), None)
        reported = (ready.reason, resource.generation) if ready is not None else None
        if reported != self.reported:
            self.reported, self.reported_at = reported, now

    def written(self, *, proven: bool) -> None:
        """What was decided last stands in the cluster; proven if it was written there just now."""
        self.proven |= proven
        if self.record is not None and self.record.at_rest:
            self.record = None

    def intends(self, resource: ResourceT, intent: AnyIntent | None) -> None:
        """Keep an intent that is about to be written, or the one before it where nothing was sent."""
        self.record = replace(self.record or self.record_of(resource.status), intent=intent)

    def found_current(self) -> None:
        """The API server itself has shown the object. What was decided on what a list showed before is void."""
        if not self.proven:
            self.proven, self.record = True, None

    def requested(self, now: float) -> None:
        """A user asks for something: where a failure is waited out, it is tried like something new."""
        if now < self.retry_at:
            self.attempts = 0

    def ended(self, now: float, *, wait: float | None) -> None:
        """Count a try that failed and is made again after `wait` seconds; None for one that did not fail.

        One that came before its time, since there was news, does not make the waits longer: many pieces of news in one
        short outage would add up to a long wait after it.
        """
        self.outdated = 0
        if wait is None:
            self.attempts, self.retry_at, self.reported_failure = 0, float("-inf"), ""
            return
        self.attempts += now >= self.retry_at
        self.retry_at = now + wait

    def sees_intent(self, intent: AnyIntent | None, now: float) -> None:
        """Note since when the open intent is known, from which on a 404 counts for it."""
        if intent is None:
            self.intent_seen = None
        elif self.intent_seen is None or self.intent_seen[0] != intent.token:
            since = now if self.finalizer_found_at is None else self.finalizer_found_at
            self.intent_seen, self.finalizer_found_at = (intent.token, since), None

    def remembered(self, now: float) -> Remembered:
        """Put what is remembered of any kind in the form that decisions take."""
        return Remembered(**self._remembered(now))

    def _remembered(self, now: float) -> dict[str, Any]:
        """The members of `Remembered`, which the forms of the kinds have as well."""
        return {
            "reported": self.reported,
            "reported_for": now - self.reported_at,
            "stale_force_delete": self.stale_force_delete,
            "attempts": self.attempts,
        }


AnyLocalState = ManagedLocalState[Any, Any, Any]
"""What is remembered of a resource of whichever kind."""

LocalT = TypeVar("LocalT", bound=AnyLocalState)


def _hash(resource: AnyResource) -> int:
    """Distinguish one stored status from another."""
    return hash(jsons.dumps(resource.recorded, sort_keys=True))


class LocalStates:
    """The local states of all resources."""

    def __init__(self) -> None:
        self._local_states: dict[Key, AnyLocalState] = {}
        self._ended: dict[str, None] = {}
        """The uids of the objects that ended last, the oldest first."""

    def of(self, key: Key, uid: str, make: Callable[[], LocalT]) -> LocalT:
        """The local state of this very object; a namesake made later starts with none."""
        known = self._local_states.get(key)
        if known is None or known.uid != uid:
            known = self._local_states[key] = make()
        return cast("LocalT", known)  # of its kind, which is part of the key

    def known(self, key: Key, uid: str) -> AnyLocalState | None:
        """The local state of this very object, if there is one."""
        local = self._local_states.get(key)
        return local if local is not None and local.uid == uid else None

    def ends(self, uid: str) -> bool:
        """Note the end of an object; whether it was not known before."""
        first = uid not in self._ended
        self._ended[uid] = None
        if len(self._ended) > ENDED:
            del self._ended[next(iter(self._ended))]
        return first

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._local_states.pop(key, None)
