"""A FunctionDeployment as the decisions see it: the manifest, its record in status, and the marks in its metadata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import ValidationError

from nvcf_client.models import Deployment
from nvcf_operator.api import names
from nvcf_operator.api.names import Key
from nvcf_operator.api.spec import DeletionPolicy, FunctionDeploymentSpec, ManagementPolicy
from nvcf_operator.api.status import CONDITION_TYPES, Condition, FunctionDeploymentStatus, Intent
from nvcf_operator.core.model.manifests import is_true, salvaged

OF_A_COPY = "copy-"
"""How the token begins of an intent that stands for POSTs which this object itself may well not have made.

They are those of the object which this one was copied from, for an intent of its own would stand in the status under
its own uid. It is waited for like any other, and is no sign that a deployment which NVCF shows is this object's.
"""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


class Role(StrEnum):
    """What a version is to a resource, by its record."""

    CURRENT = "current"
    """It serves, or is to serve."""
    INCOMING = "incoming"
    """It comes up in a rollout."""
    REQUESTED = "requested"
    """Its POST may be under way."""
    RETIRING = "retiring"
    """It is being undeployed, or is to be."""


class RecordedVersion(NamedTuple):
    """A version on record."""

    version: str
    role: Role
    deployment_id: str | None


def is_version_id(text: str) -> bool:
    """Whether it has the form of NVCF's id of a function version."""
    return _UUID.fullmatch(text) is not None


def is_sign(intent: Intent | None, version: str) -> bool:
    """Whether an intent says that a deployment of that version may be this object's."""
    return intent is not None and intent.function_version_id == version and not intent.token.startswith(OF_A_COPY)


def answered(intent: Intent, deployment: Deployment | None = None) -> Intent:
    """The intent once the answer to its POST is known; with the deployment that it made, if it made one."""
    known: dict[str, Any] = {"answered": True, "deployment_id": None, "last_updated_at": None}
    if deployment is not None:
        known |= {"deployment_id": deployment.deployment_id, "last_updated_at": deployment.last_updated_at}
    return intent.model_copy(update=known)


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of the cluster, read once.

    ``spec_error`` says why the manifest cannot be read, and ``spec`` is None then; but while the object is deleted it
    holds as much of the manifest as that takes, if so much can be read.
    """

    key: Key
    uid: str
    resource_version: str
    generation: int
    created: str
    deleting: bool
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    spec: FunctionDeploymentSpec | None
    spec_error: str
    status: FunctionDeploymentStatus
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
    def read(cls, obj: Mapping[str, Any]) -> "Resource":
        """Read an object as the API server gives it. Never fails on what a manifest or a status may hold."""
        meta = obj["metadata"]
        spec, error = None, ""
        try:
            spec = FunctionDeploymentSpec.model_validate(obj.get("spec") or {})
        except ValidationError as exc:
            first = exc.errors(include_url=False, include_input=False)[0]
            error = f"spec.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        status = _status(obj.get("status") or {})
        if status.uid not in (None, meta.get("uid", "")):
            status = FunctionDeploymentStatus()  # of the object that this one was copied from
        lost = status.observed_generation < 0
        if spec is None and meta.get("deletionTimestamp"):
            spec = salvaged(obj.get("spec") or {}, status, lost=lost)
        annotations = dict(meta.get("annotations") or {})
        return cls(
            key=Key(meta.get("namespace", ""), meta["name"]),
            uid=meta.get("uid", ""),
            resource_version=meta.get("resourceVersion", ""),
            generation=int(meta.get("generation", 0)),
            created=meta.get("creationTimestamp") or "",
            deleting=bool(meta.get("deletionTimestamp")),
            finalizers=tuple(meta.get("finalizers") or ()),
            annotations=annotations,
            spec=spec,
            spec_error=error,
            status=status,
            recorded=obj.get("status") or {},
            lost=lost,
            force_delete=is_true(annotations.get(names.FORCE_DELETE_ANNOTATION)),
            force_delete_set_at=_set_at(meta, names.FORCE_DELETE_ANNOTATION),
            deleted_at=_moment(meta.get("deletionTimestamp")),
        )

    @property
    def has_finalizer(self) -> bool:
        """Whether our finalizer holds the object."""
        return names.FINALIZER in self.finalizers

    @property
    def is_copy(self) -> bool:
        """Whether the stored status was written for another object, and nothing was written for this one since."""
        return self.recorded.get("uid") not in (None, self.uid)

    @property
    def intent(self) -> Intent | None:
        """The last intent of this very object, answered or not."""
        intent = self.status.intent
        if intent is None or intent.uid != self.uid or not is_version_id(intent.function_version_id):
            return None
        return intent

    @property
    def open_intent(self) -> Intent | None:
        """The intent whose answer is not on record: its POST may or may not have been made."""
        intent = self.intent
        return intent if intent is not None and not intent.answered else None

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
    def drain_timeout(self) -> int:
        """Seconds that a drain may take, by the manifest as far as it can be read."""
        return self.spec.undeploy.drain_timeout_seconds if self.spec is not None else 3600

    @property
    def reconcile_requested(self) -> str | None:
        """The token of a reconcile-now that is not answered yet."""
        token = self.annotations.get(names.RECONCILE_REQUESTED_ANNOTATION)
        return token if token and token != self.status.last_handled_reconcile_at else None

    @property
    def redeploy_requested(self) -> str | None:
        """The token of a redeploy-now that is not answered yet."""
        token = self.annotations.get(names.REDEPLOY_REQUESTED_ANNOTATION)
        return token if token and token != self.status.last_handled_redeploy_at else None

    @property
    def keeps_deployment(self) -> bool:
        """Whether NVCF is left alone when the object goes: such an object carries no finalizer."""
        return self.observes or (self.spec is not None and self.spec.deletion_policy == DeletionPolicy.RETAIN)

    @property
    def holds(self) -> bool:
        """Whether the record says that a deployment was ours (it may be gone meanwhile)."""
        return bool(self.status.function_version_id and self.status.function_status)

    @property
    def versions(self) -> tuple[RecordedVersion, ...]:
        """The versions on record, and that of an open intent, with their roles. One may have several."""
        status, intent = self.status, self.open_intent
        current = (status.function_version_id or "", Role.CURRENT, status.deployment_id)
        found = [current] if self.holds else []
        found += [(item.function_version_id, Role.RETIRING, item.deployment_id) for item in status.retiring]
        if (coming := status.incoming) is not None:
            found.append((coming.function_version_id, Role.INCOMING, coming.deployment_id))
        if intent is not None:
            found.append((intent.function_version_id, Role.REQUESTED, intent.deployment_id))
        return tuple(RecordedVersion(*item) for item in found)

    @property
    def function_id(self) -> str:
        """The function, which never changes: from the manifest, else from the record."""
        return self.spec.function_id if self.spec is not None else self.status.function_id or ""

    @property
    def wanted_version(self) -> str:
        """The version that the manifest asks for."""
        return self.spec.function_version_id if self.spec is not None else ""

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
            and self.status.observed_generation == self.generation
        )


def condition_of(status: FunctionDeploymentStatus, kind: str) -> Condition | None:
    """The condition of that type in a status."""
    return next((condition for condition in status.conditions if condition.type == kind), None)


def _status(stored: Mapping[str, Any]) -> FunctionDeploymentStatus:
    """Read a status member by member: one that cannot be read must not take the others with it.

    Of the conditions only ours are read; those of other controllers stay where they are (`kube.status`).
    """
    members = dict(stored)
    if isinstance(conditions := members.get("conditions"), list):
        members["conditions"] = [item for item in conditions if _is_ours(item)]
    while True:
        try:
            return FunctionDeploymentStatus.model_validate(members)
        except ValidationError as exc:
            unreadable = {error["loc"][0] for error in exc.errors(include_url=False, include_input=False)}
            if not unreadable & members.keys():
                return FunctionDeploymentStatus()
            members = {name: value for name, value in members.items() if name not in unreadable}


def _is_ours(condition: object) -> bool:
    return not isinstance(condition, Mapping) or condition.get("type") in CONDITION_TYPES


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
