"""Which version a FunctionDeployment takes from the CloudFunction that it refers to, and why there is none yet.

Without a pin it follows the CloudFunction's latest version; while the newest generation is not registered there is
none. With `functionRef.revision` it takes the version of that revision, whatever the CloudFunction is at by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nvcf_operator.api import conditions as kinds
from nvcf_operator.api import names
from nvcf_operator.api.spec import FunctionRef, ManagementPolicy
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.model.manifests import is_true
from nvcf_operator.core.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version of a CloudFunction, by its status."""

    version_id: str
    hash: str
    revision: str | None
    generation: int | None
    """The CloudFunction's generation that it stands for; known of the latest one only."""

    @classmethod
    def read(cls, stored: object) -> "RegisteredVersion | None":
        """Read it; None if it holds no version, or one that is being deleted."""
        if not isinstance(stored, Mapping) or not isinstance(stored.get("versionId"), str) or not stored["versionId"]:
            return None
        if stored.get("leaving"):
            return None
        generation = stored.get("generation")
        return cls(
            version_id=stored["versionId"].lower(),
            hash=str(stored.get("hash") or ""),
            revision=stored.get("revision") or None,
            generation=generation if isinstance(generation, int) else None,
        )


@dataclass(frozen=True, slots=True)
class FollowedFunction:
    """A CloudFunction as those that refer to it see it."""

    uid: str
    generation: int
    function_id: str | None
    account_id: str | None
    revision: str | None
    """The revision that its manifest names."""
    latest: RegisteredVersion | None
    versions: tuple[RegisteredVersion, ...]
    stalled: bool
    """It does not go on without a user."""
    deleting: bool = False
    """It is being deleted, so that nothing more is registered for it."""
    updates: bool = False
    """It keeps tags, a rate limit or secrets of its versions up to date."""

    @classmethod
    def read(cls, obj: Mapping[str, Any]) -> "FollowedFunction":
        """Read an object as the API server gives it. Never fails on what a manifest or a status may hold."""
        meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
        if status.get("uid") not in (None, meta.get("uid")):
            status = {}  # of the object that this one was copied from
        generation, deleting = int(meta.get("generation") or 0), bool(meta.get("deletionTimestamp"))
        entries = [item for item in status.get("versions") or () if isinstance(item, Mapping)]
        leaving = {str(item.get("versionId")).lower() for item in entries if item.get("leaving")}
        latest = RegisteredVersion.read(status.get("latest"))
        latest = latest if latest is not None and latest.version_id not in leaving else None
        if deleting and latest is not None and latest.generation is not None:
            generation = latest.generation  # a deletion makes a generation, and no other version
        stalled = [item for item in status.get("conditions") or () if _stands_still(item)]
        found = (RegisteredVersion.read(item) for item in entries)
        return cls(
            uid=meta.get("uid", ""),
            generation=generation,
            function_id=str(status["functionId"]).lower() if status.get("functionId") else None,
            account_id=status.get("accountId"),
            revision=spec.get("revision"),
            latest=latest,
            versions=tuple(item for item in found if item is not None),
            stalled=any(item.get("observedGeneration", generation) == generation for item in stalled),
            deleting=deleting,
            updates=not deleting and _updates(meta, spec),
        )

    @property
    def is_registered(self) -> bool:
        """Whether the latest version stands for the manifest as it is."""
        return self.latest is not None and self.latest.generation == self.generation

    def version(self, pin: str | None) -> RegisteredVersion | None:
        """The version of a pinned revision, or the latest one; None while there is none to take."""
        if pin is None:
            return self.latest if self.is_registered else None
        known = (self.latest, *self.versions)
        return next((item for item in known if item is not None and item.revision == pin), None)


def _updates(meta: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Whether a manifest has something that is changed in place, and lets it be changed."""
    if spec.get("managementPolicy") == ManagementPolicy.OBSERVE or spec.get("suspend"):
        return False
    if is_true((meta.get("annotations") or {}).get(names.PAUSED_ANNOTATION)):
        return False
    given = any(spec.get(name) is not None for name in ("tags", "rateLimit", "secrets"))
    return given or spec.get("rateLimitPolicy") not in (None, "Limited")


def _stands_still(condition: Mapping[str, Any]) -> bool:
    """Whether a condition of a CloudFunction says that what its manifest asks for does not come without a user."""
    match condition.get("type"), condition.get("status"):
        case kinds.STALLED, "True":
            return True
        case kinds.READY, "False":
            return condition.get("reason") in (Reason.SUSPENDED, Reason.OBSERVING)
    return False


@dataclass(frozen=True, slots=True)
class Reference:
    """What `spec.functionRef` leads to."""

    name: str
    """Name of the CloudFunction."""
    pin: str | None
    """The revision that the manifest asks for."""
    uid: str = ""
    """The CloudFunction's `metadata.uid`."""
    generation: int = 0
    """The CloudFunction's `metadata.generation`."""
    function_id: str = ""
    version: str | None = None
    """The version to deploy; None while there is none to take."""
    hash: str = ""
    revision: str | None = None
    account_id: str | None = None
    """The account that the CloudFunction's key has proven."""
    missing: Reason | None = None
    """Why there is no version to take."""
    under_way: bool = False
    """The operator registers what is missing, so that it comes without a user's help."""
    deleting: bool = False
    """The CloudFunction is being deleted."""
    updates: bool = False
    """It keeps tags, a rate limit or secrets of its versions up to date."""
    newest: str | None = None
    """The version that was registered last, of whatever generation."""
    settle: float = 0.0
    """Seconds after the last change of either object before an immutable change is made."""
    settle_left: float = 0.0
    """How many of them are left, by this process's clock."""

    @property
    def holds_immutable_changes(self) -> bool:
        """Whether nothing but in-place changes is made for now."""
        return self.missing is not None or self.settle_left > 0


def resolve(
    ref: FunctionRef, function: FollowedFunction | None, status: FunctionDeploymentStatus, *, settle: float = 0.0
) -> Reference:
    """What a reference leads to.

    Args:
        ref: `spec.functionRef`.
        function: the CloudFunction of that name; None if there is none.
        status: the record of the resource that refers to it.
        settle: seconds after the last change of either object before an immutable change is made.

    """
    if function is None:
        return Reference(ref.name, ref.revision, missing=Reason.FUNCTION_MISSING)
    found, missing = _version(ref, function, status)
    registers = not function.is_registered and not function.stalled and not function.deleting
    return Reference(
        name=ref.name,
        pin=ref.revision,
        uid=function.uid,
        generation=function.generation,
        function_id=function.function_id or "",
        version=found.version_id if found is not None else None,
        hash=found.hash if found is not None else "",
        revision=found.revision if found is not None else None,
        account_id=function.account_id,
        missing=missing,
        under_way=registers and ref.revision in (None, function.revision),
        deleting=function.deleting,
        updates=function.updates,
        newest=function.latest.version_id if function.latest is not None else None,
        settle=settle if ref.revision is None else 0.0,
    )


def _version(
    ref: FunctionRef, function: FollowedFunction, status: FunctionDeploymentStatus
) -> tuple[RegisteredVersion | None, Reason | None]:
    """The version to take, or why there is none."""
    if function.function_id is not None and not _is_of(function, status):
        return None, Reason.INVALID_SPEC
    found = function.version(ref.revision) if function.function_id is not None else None
    if found is None:
        return None, Reason.FUNCTION_NOT_READY if ref.revision is None else Reason.REVISION_MISSING
    return found, None


def names_version(status: FunctionDeploymentStatus) -> bool:
    """Whether a record names a version that may be deployed, so that its function must not change."""
    intent = status.intent is not None and not status.intent.answered
    deployed = bool(status.function_version_id and status.function_status)
    return deployed or intent or status.incoming is not None or bool(status.retiring)


def _is_of(function: FollowedFunction, status: FunctionDeploymentStatus) -> bool:
    """Whether what a record names is of that function, or nothing is."""
    if not names_version(status):
        return True
    if status.function_id is not None:
        return status.function_id == function.function_id
    # Requested by ids, and no answer has shown of which function: it is of this one only if it has the version.
    known = {item.version_id for item in (function.latest, *function.versions) if item is not None}
    return status.intent is None or status.intent.function_version_id in known
