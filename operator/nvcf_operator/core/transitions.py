"""Kubernetes Events: one for each transition, none while nothing changes, so they are derived from two statuses."""

from dataclasses import dataclass
from datetime import datetime

from nvcf_operator.api import conditions as kinds
from nvcf_operator.api.conditions import Condition
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.actions import Action, Change, Create, DropFinalizer, Purpose, TakeFinalizer, Undeploy
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.versions import former_version, versions_held

WARNED = frozenset(
    {Reason.DEGRADED, Reason.DEGRADING, Reason.UNKNOWN_STATUS, Reason.SETTLING, Reason.DEPLOYMENT_FAILED}
)


BECAUSE = {
    Purpose.GONE: "",
    Purpose.GIVEN_UP: ", since it did not come up",
    Purpose.REDEPLOY: ", to deploy it again with what cannot be changed in place",
    Purpose.REQUESTED: ", to deploy it again as redeploy-requested-at asks",
    Purpose.FAILED: ", to deploy it again, since NVCF has given it up (ERROR)",
}


@dataclass(frozen=True, slots=True)
class Note:
    """One Event to write."""

    warning: bool
    reason: Reason
    message: str


def transitions(old: FunctionDeploymentStatus, new: FunctionDeploymentStatus) -> tuple[Note, ...]:
    """Tell what changed between two statuses, each reason once."""
    notes: dict[Reason, Note] = {}
    for kind in (kinds.DELETION_BLOCKED, kinds.CREDENTIALS_VALID, kinds.STALLED, kinds.READY):
        before, after = _find(old, kind), _find(new, kind)
        note = _note(kind, before, after)
        if note is not None and Reason(after.reason if after else note.reason) not in notes:
            notes[Reason(after.reason if after else note.reason)] = note
    return tuple(notes.values())


def seconds_to_ready(resource: Resource, new: FunctionDeploymentStatus, now: datetime) -> float | None:
    """How long a resource that becomes Ready now was not: since its creation, or since it was Ready last.

    The first record gives all conditions one time, so a condition that is older than Ready tells of a Ready before.
    None when it does not become Ready, or when its creation is not known.
    """
    before, after = _find(resource.status, kinds.READY), _find(new, kinds.READY)
    if after is None or after.status != "True" or (before is not None and before.status == "True"):
        return None
    times = [item.last_transition_time for item in resource.status.conditions if item.last_transition_time is not None]
    since = before.last_transition_time if before is not None else None
    if since is None or since == min(times):
        if not resource.created:
            return None
        since = datetime.fromisoformat(resource.created)
    return max(0.0, (now - since).total_seconds())


def of_write(resource: Resource, action: Action, deployment_id: str | None = None) -> Note | None:
    """Tell of a write that was made."""
    named = f" (deployment {deployment_id})" if deployment_id else ""
    match action:
        case Create() if (kept := former_version(resource)) is not None:
            return Note(
                False,
                Reason.ROLLING_OUT,
                f"Asked NVCF to deploy version {action.function_version_id}{named} beside {kept}. Until the latter is "
                "undeployed, NVCF spreads requests over both, and both hold their GPUs.",
            )
        case Create():
            return Note(False, Reason.CREATED, f"Asked NVCF to deploy version {action.function_version_id}{named}.")
        case TakeFinalizer() if not resource.holds and resource.open_intent is None:
            return Note(False, Reason.ADOPTED, "Manages the deployment that was already there from now on.")
        case Change():
            return Note(False, Reason.UPDATED, f"Changed the deployment in place: {action.change.describe()}.")
        case Undeploy():
            how = "gracefully" if action.graceful else "at once; queued requests are lost"
            why = BECAUSE[action.purpose]
            text = f"Asked NVCF to undeploy version {action.function_version_id} {how}{why}."
            return Note(False, Reason.DRAINING, text)
        case DropFinalizer() if resource.deleting and resource.keeps_deployment:
            return Note(False, Reason.RETAINED, "The resource goes and its deployment stays in NVCF.")
        case DropFinalizer() if (
            resource.deleting and resource.force_delete and resource.is_true(kinds.DELETION_BLOCKED)
        ):
            return Note(True, Reason.LEFT_BEHIND, f"force-delete: left in NVCF, running and costing: {left(resource)}.")
        case DropFinalizer() if resource.deleting and resource.holds:
            return Note(False, Reason.UNDEPLOYED, "The deployment is gone from NVCF.")
        case _:
            return None


def left(resource: Resource) -> str:
    """The ids that a forced release leaves behind."""
    versions = ", ".join(versions_held(resource) or (resource.wanted_version,))
    deployments = [resource.status.deployment_id, getattr(resource.status.incoming, "deployment_id", None)]
    known = ", ".join(item for item in deployments if item) or "unknown"
    return f"function {resource.function_id}, version {versions}, deployment {known}"


def _note(kind: str, before: Condition | None, after: Condition | None) -> Note | None:
    if after is None or (before is not None and (before.status, before.reason) == (after.status, after.reason)):
        return None
    if after.reason == Reason.MASS_ABSENCE:
        return None  # told once for a namespace, by whoever counts
    holds = after.status == "True"
    if kind == kinds.DELETION_BLOCKED and holds:
        return Note(True, Reason.DELETION_BLOCKED, after.message)
    if (kind == kinds.STALLED and holds) or (kind == kinds.CREDENTIALS_VALID and not holds):
        return Note(True, Reason(after.reason), after.message)
    if kind == kinds.READY and holds:
        return Note(False, Reason(after.reason), after.message)
    if kind == kinds.READY and after.reason in WARNED and (before is None or before.reason != after.reason):
        return Note(True, Reason(after.reason), after.message)
    return None


def _find(status: FunctionDeploymentStatus, kind: str) -> Condition | None:
    return next((condition for condition in status.conditions if condition.type == kind), None)
