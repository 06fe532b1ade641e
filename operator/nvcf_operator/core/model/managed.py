"""What decisions know of a resource of whichever kind: its metadata, its conditions, and whose record it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from pydantic import BaseModel, ValidationError

from nvcf_operator import jsons
from nvcf_operator.api import names
from nvcf_operator.api.names import Key, Kind
from nvcf_operator.api.spec import DeletionPolicy, ManagementPolicy
from nvcf_operator.api.status import CONDITION_TYPES, Condition
from nvcf_operator.core.model.manifests import is_true


class AnySpec(Protocol):
    """What manifests of all kinds hold."""

    @property
    def deletion_policy(self) -> DeletionPolicy:
        """What deleting the resource does in NVCF."""

    @property
    def management_policy(self) -> ManagementPolicy:
        """Whether the operator may write to NVCF."""

    @property
    def suspend(self) -> bool:
        """Whether NVCF is left as it is for now."""


class AnyIntent(Protocol):
    """What intents of all kinds hold."""

    @property
    def uid(self) -> str:
        """The object that it was written for."""

    @property
    def token(self) -> str:
        """Which of its POSTs it stands for."""

    @property
    def answered(self) -> bool:
        """Whether the answer to its POST is known."""


class AnyStatus(Protocol):
    """What records of all kinds hold."""

    @property
    def uid(self) -> str | None:
        """The object that it was written for."""

    @property
    def observed_generation(self) -> int:
        """The generation that it was decided on."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The operator's conditions."""

    @property
    def phase(self) -> str | None:
        """One word for people."""

    @property
    def account_id(self) -> str | None:
        """The NVCF account on record."""

    @property
    def credential(self) -> str | None:
        """Fingerprint of the key that proved the account."""

    @property
    def last_handled_reconcile_at(self) -> str | None:
        """The token of the reconcile-now that was answered last."""

    @property
    def intent(self) -> AnyIntent | None:
        """The last intent, answered or not."""

    def to_dict(self) -> dict[str, Any]:
        """The status as it is stored."""


SpecT = TypeVar("SpecT", bound=AnySpec)
StatusT = TypeVar("StatusT", bound=AnyStatus)
IntentT = TypeVar("IntentT", bound=AnyIntent)


@dataclass(frozen=True, slots=True)
class ManagedResource(Generic[SpecT, StatusT]):
    """One object of the cluster, read once.

    ``spec_error`` says why the manifest cannot be read, and ``spec`` is None then; but while the object is deleted it
    holds as much of the manifest as that takes, if so much can be read.
    """

    SPEC: ClassVar[type[BaseModel]]
    STATUS: ClassVar[type[BaseModel]]
    KIND: ClassVar[Kind]
    CONDITION_TYPES: ClassVar[Mapping[str, str]] = CONDITION_TYPES

    key: Key
    uid: str
    resource_version: str
    generation: int
    created: str
    deleting: bool
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    spec: SpecT | None
    spec_error: str
    status: StatusT
    recorded: Mapping[str, Any]
    """The status as it is stored, against which the next one is compared."""
    lost: bool
    """Whether nothing is on record: never written, removed, or written for another object, as in a copy."""
    force_delete: bool
    """Whether a user asked to release the object without NVCF."""
    force_delete_set_at: datetime | None = None
    """When that annotation was set last, by the API server's clock; None if that is not known."""
    deleted_at: datetime | None = None
    """When the deletion was asked for, by the API server's clock."""

    @classmethod
    def read(cls, obj: Mapping[str, Any]) -> Self:
        """Read an object as the API server gives it. Never fails on what a manifest or a status may hold."""
        meta, stored = obj["metadata"], obj.get("spec") or {}
        spec, error = None, ""
        try:
            spec = _read(cls.SPEC, stored)
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            error = f"{'.'.join(('spec', *(str(part) for part in first['loc'])))}: {first['msg']}"
        status = cls._status(obj.get("status") or {})
        if status.uid not in (None, meta.get("uid", "")):
            status = cls._status({})  # of the object that this one was copied from
        lost = status.observed_generation < 0
        if spec is None and meta.get("deletionTimestamp"):
            spec = cls._salvaged(stored, status, lost=lost)
        annotations = dict(meta.get("annotations") or {})
        return cls(
            key=Key(meta.get("namespace", ""), meta["name"], cls.KIND),
            uid=meta.get("uid", ""),
            resource_version=meta.get("resourceVersion", ""),
            generation=int(meta.get("generation", 0)),
            created=meta.get("creationTimestamp") or "",
            deleting=bool(meta.get("deletionTimestamp")),
            finalizers=tuple(meta.get("finalizers") or ()),
            annotations=annotations,
            spec=spec,  # type: ignore[arg-type]  # of the class that SPEC names
            spec_error=error,
            status=status,
            recorded=obj.get("status") or {},
            lost=lost,
            force_delete=is_true(annotations.get(names.FORCE_DELETE_ANNOTATION)),
            force_delete_set_at=_set_at(meta, names.FORCE_DELETE_ANNOTATION),
            deleted_at=_moment(meta.get("deletionTimestamp")),
        )

    @classmethod
    def _salvaged(cls, stored: Mapping[str, Any], status: StatusT, *, lost: bool) -> Any:
        """As much of an unreadable manifest as its deletion needs; None where even that cannot be read."""

    @classmethod
    def _status(cls, stored: Mapping[str, Any]) -> StatusT:
        """Read a status member by member: one that cannot be read must not take the others with it.

        Of the conditions only ours are read; those of other controllers stay where they are (`kube.status`).
        """
        members = dict(stored)
        if isinstance(conditions := members.get("conditions"), list):
            members["conditions"] = [item for item in conditions if cls._is_ours(item)]
        while True:
            try:
                return _read(cls.STATUS, members)  # type: ignore[return-value]  # that class is StatusT
            except ValidationError as exc:
                unreadable = {error["loc"][0] for error in exc.errors(include_url=False, include_input=False)}
                if not unreadable & members.keys():
                    return cls.STATUS()  # type: ignore[return-value]
                members = {name: value for name, value in members.items() if name not in unreadable}

    @classmethod
    def _is_ours(cls, condition: object) -> bool:
        return not isinstance(condition, Mapping) or condition.get("type") in cls.CONDITION_TYPES

    @property
    def has_finalizer(self) -> bool:
        """Whether our finalizer holds the object."""
        return self.KIND.finalizer in self.finalizers

    @property
    def is_copy(self) -> bool:
        """Whether the stored status was written for another object, and nothing was written for this one since."""
        return self.recorded.get("uid") not in (None, self.uid)

    def own(self, intent: IntentT | None) -> IntentT | None:
        """An intent on record, if it was written for this very object: in a copy it means nothing."""
        return intent if intent is not None and intent.uid == self.uid else None

    @property
    def intent(self) -> AnyIntent | None:
        """The last intent of this very object, answered or not."""
        return self.own(self.status.intent)

    @property
    def answered_on_record(self) -> str | None:
        """The token of the intent whose answer the stored status holds."""
        stored = self.recorded.get("intent") or {}
        return stored.get("token") if stored.get("answered") else None

    @property
    def paused(self) -> bool:
        """Whether spec or annotation forbid NVCF writes for now (deletion still works)."""
        annotated = is_true(self.annotations.get(names.PAUSED_ANNOTATION))
        return annotated or (self.spec is not None and self.spec.suspend)

    @property
    def observes(self) -> bool:
        """Whether the manifest forbids all writes to NVCF for good (managementPolicy Observe)."""
        return self.spec is not None and self.spec.management_policy == ManagementPolicy.OBSERVE

    @property
    def keeps(self) -> bool:
        """Whether NVCF is left alone when the object goes: such an object carries no finalizer."""
        return self.observes or (self.spec is not None and self.spec.deletion_policy == DeletionPolicy.RETAIN)

    def requested(self, annotation: str, handled: str | None) -> str | None:
        """The token of a user's request that is not answered yet.

        Args:
            annotation: where the token stands.
            handled: the token that was answered last.

        """
        token = self.annotations.get(annotation)
        return token if token and token != handled else None

    @property
    def reconcile_requested(self) -> str | None:
        """The token of a reconcile-now that is not answered yet."""
        return self.requested(names.RECONCILE_REQUESTED_ANNOTATION, self.status.last_handled_reconcile_at)

    @property
    def is_requested(self) -> bool:
        """Whether an annotation asks for something that is not answered yet."""
        return self.reconcile_requested is not None

    @property
    def is_reported(self) -> bool:
        """Whether the record is about the manifest as it stands."""
        return self.status.observed_generation == self.generation

    def condition(self, kind: str) -> Condition | None:
        """The recorded condition of that type."""
        return condition_of(self.status, kind)

    def is_true(self, kind: str) -> bool:
        """Whether the recorded condition of that type is True."""
        found = self.condition(kind)
        return found is not None and found.status == "True"

    @property
    def in_order(self) -> bool:
        """Whether the record says Ready for the manifest as it stands."""
        ready = self.condition("Ready")
        return (
            ready is not None
            and ready.status == "True"
            and ready.observed_generation == self.generation
            and self.is_reported
        )


MOST_READ = 512
"""Specs and statuses that are kept as they were read last."""

MOST_BYTES = 16_384
"""The longest JSON of one that is kept: a manifest may have a megabyte."""

_READ: dict[tuple[type[BaseModel], bytes], BaseModel] = {}


def _read(model: type[BaseModel], members: Mapping[str, Any]) -> BaseModel:
    """Validate a spec or a status, which are frozen, once for all times that it comes again.

    A reconcile reads its resource again after each write, with the same spec, and new statuses are all alike.

    Raises:
        ValidationError: it cannot be read.

    """
    known = (model, jsons.dumps(members))
    if len(known[1]) > MOST_BYTES:
        return model.model_validate(members)
    found = _READ.get(known)
    if found is None:
        found = _READ[known] = model.model_validate(members)
        if len(_READ) > MOST_READ:
            del _READ[next(iter(_READ))]
    return found


AnyResource = ManagedResource[Any, Any]
"""A resource of whichever kind."""


def condition_of(status: AnyStatus, kind: str) -> Condition | None:
    """The condition of that type in a status."""
    for condition in status.conditions:  # asked dozens of times in a reconcile; `next` costs twice as much
        if condition.type == kind:
            return condition
    return None


def _set_at(meta: Mapping[str, Any], annotation: str) -> datetime | None:
    """When an annotation was set last, as `metadata.managedFields` shows it."""
    found = [
        _moment(entry.get("time"))
        for entry in meta.get("managedFields") or ()
        if f"f:{annotation}" in (((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:annotations") or {})
    ]
    return max((moment for moment in found if moment is not None), default=None)


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
