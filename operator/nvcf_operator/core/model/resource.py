"""A FunctionDeployment as the decisions see it: the manifest, its record in status, and the marks in its metadata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from nvcf_client.models import Deployment
from nvcf_operator.api import names
from nvcf_operator.api.conditions import READY
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.api.status import FunctionDeploymentStatus, Intent
from nvcf_operator.core.model.managed import ManagedResource
from nvcf_operator.core.model.manifests import salvaged
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.references import Reference, names_version

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
class Resource(ManagedResource[FunctionDeploymentSpec, FunctionDeploymentStatus]):
    """A FunctionDeployment, read once."""

    SPEC = FunctionDeploymentSpec
    STATUS = FunctionDeploymentStatus
    KIND = names.FUNCTION_DEPLOYMENT

    reference: Reference | None = None
    """What `spec.functionRef` leads to; None where the manifest holds ids, or where nobody has resolved it."""

    @classmethod
    def _salvaged(
        cls, stored: Mapping[str, Any], status: FunctionDeploymentStatus, *, lost: bool
    ) -> FunctionDeploymentSpec | None:
        return salvaged(stored, status, lost=lost)

    @property
    def intent(self) -> Intent | None:
        """The last intent of this very object, answered or not."""
        intent = self.own(self.status.intent)
        return intent if intent is not None and is_version_id(intent.function_version_id) else None

    @property
    def open_intent(self) -> Intent | None:
        """The intent whose answer is not on record: its POST may or may not have been made."""
        intent = self.intent
        return intent if intent is not None and not intent.answered else None

    @property
    def drain_timeout(self) -> int:
        """Seconds that a drain may take, by the manifest as far as it can be read."""
        return self.spec.undeploy.drain_timeout_seconds if self.spec is not None else 3600

    @property
    def redeploy_requested(self) -> str | None:
        """The token of a redeploy-now that is not answered yet."""
        return self.requested(names.REDEPLOY_REQUESTED_ANNOTATION, self.status.last_handled_redeploy_at)

    @property
    def is_requested(self) -> bool:
        """Whether an annotation asks for a reconcile or another deployment, and is not answered yet."""
        return bool(self.reconcile_requested or self.redeploy_requested)

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
    def follows(self) -> bool:
        """Whether the manifest refers to a CloudFunction in place of ids."""
        return self.spec is not None and self.spec.function_ref is not None

    @property
    def holds_immutable_changes(self) -> bool:
        """Whether what the manifest refers to lets nothing but in-place changes be made for now."""
        held = self.reference is None or self.reference.holds_immutable_changes
        return self.changes_function or (self.follows and held)

    @property
    def has_news(self) -> bool:
        """Whether the CloudFunction that it follows has a generation that is not on record.

        Like a change of the manifest, it may ask for another version, of which no failure is on record.
        """
        recorded, found = self.status.function_ref, self.reference
        if not self.follows or found is None or found.pin is not None:
            return False
        return recorded is None or recorded.generation != found.generation

    @property
    def is_undecided(self) -> bool:
        """Whether the manifest or the CloudFunction says something that no immutable change was decided on yet."""
        ready = self.condition(READY)
        waits = ready is not None and ready.reason == Reason.FUNCTION_NOT_READY
        return waits or self.status.observed_generation != self.generation or self.has_news

    @property
    def function_id(self) -> str:
        """The function: while a record by reference names versions, that of the record, which never changes.

        Else it is that of the manifest, or of the CloudFunction that it refers to.
        """
        if self.changes_function:
            return self.status.function_id or ""
        if self.spec is not None and self.spec.function_ref is None:
            return self.spec.function_id or ""
        found = self.reference.function_id if self.reference is not None else ""
        known = self.status.function_id or ""
        return known or found if names_version(self.status) else found or known

    @property
    def changes_function(self) -> bool:
        """Whether the manifest has ids of another function, in place of a reference by which versions were deployed."""
        recorded = self.status.function_id if self.status.function_ref is not None else None
        if recorded is None or self.spec is None or self.follows or not names_version(self.status):
            return False
        return self.spec.function_id != recorded

    @property
    def wanted_version(self) -> str:
        """The version that the manifest asks for; empty while a reference leads to none.

        While a reference holds immutable changes, it is the version that was taken last.
        """
        if self.spec is None:
            return ""
        if self.changes_function:
            return self._taken_version
        if self.spec.function_ref is None:
            return self.spec.function_version_id or ""
        found = self.reference
        if found is not None and not found.holds_immutable_changes:
            return found.version or ""
        lost = found is not None and self.deleting and self.lost
        return (found.newest or "" if lost and found is not None else "") or self._taken_version

    @property
    def _taken_version(self) -> str:
        """The version that was taken last, by the record."""
        status, intent = self.status, self.open_intent
        if status.incoming is not None:
            return status.incoming.function_version_id
        if intent is not None:
            return intent.function_version_id
        if status.failed is not None and status.failed.generation == self.generation:
            return status.failed.function_version_id
        return status.function_version_id or ""
