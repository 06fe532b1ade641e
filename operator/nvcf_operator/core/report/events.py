"""Kubernetes Events: one for each transition, none while nothing changes, so they are derived from two statuses."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from nvcf_operator.api import names
from nvcf_operator.api import status as kinds
from nvcf_operator.api.status import Condition, FunctionDeploymentStatus
from nvcf_operator.core.model.decision import Action, Change, Create, DropFinalizer, Purpose, Undeploy
from nvcf_operator.core.model.managed import AnyResource, AnyStatus, condition_of
from nvcf_operator.core.model.manifests import ignored
from nvcf_operator.core.model.observed import Failure, Present
from nvcf_operator.core.model.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.model.resource import Resource, is_sign
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.model.versions import deployments_on_record, former_version, on_record, versions_held
from nvcf_operator.core.report.instances import is_none_running, least
from nvcf_operator.core.report.messages import no_instances

WARNED = reasons_with(Trait.WARNS)

BECAUSE = {
    Purpose.GONE: "",
    Purpose.GIVEN_UP: ", because it did not come up",
    Purpose.REDEPLOY: ", to deploy it again with changes that cannot be made in place",
    Purpose.REQUESTED: ", to deploy it again as requested by redeploy-requested-at",
    Purpose.FAILED: ", to deploy it again, because it failed (status ERROR)",
    Purpose.STALE: ", because NVCF shows the record of an earlier deployment",
}


@dataclass(frozen=True, slots=True)
class EventNote:
    """One Event to write."""

    warning: bool
    reason: Reason
    message: str


def transitions(old: AnyStatus, new: AnyStatus) -> tuple[EventNote, ...]:
    """Say what changed between two statuses, each reason once."""
    notes: dict[Reason, EventNote] = {}
    for kind in (kinds.DELETION_BLOCKED, kinds.CREDENTIALS_VALID, kinds.STALLED, kinds.READY):
        before, after = condition_of(old, kind), condition_of(new, kind)
        note = _note(kind, before, after)
        if note is not None and Reason(after.reason if after else note.reason) not in notes:
            notes[Reason(after.reason if after else note.reason)] = note
    return tuple(notes.values())


def seconds_to_ready(resource: AnyResource, new: AnyStatus, now: datetime) -> float | None:
    """How long a resource that becomes Ready now was not: since its creation, or since it was Ready last.

    The first record gives all conditions one time, so a condition that is older than Ready shows a Ready before.
    None when it does not become Ready, or when its creation is not known.
    """
    before, after = condition_of(resource.status, kinds.READY), condition_of(new, kinds.READY)
    if after is None or after.status != "True" or (before is not None and before.status == "True"):
        return None
    times = [item.last_transition_time for item in resource.status.conditions if item.last_transition_time is not None]
    since = before.last_transition_time if before is not None else None
    if since is None or since == min(times):
        if not resource.created:
            return None
        since = datetime.fromisoformat(resource.created)
    return max(0.0, (now - since).total_seconds())


def of_write(resource: Resource, action: Action, deployment_id: str | None = None) -> EventNote | None:
    """The Event of a write that was made."""
    named = _id(deployment_id)
    match action:
        case Create() if (kept := former_version(resource)) is not None:
            return EventNote(
                False,
                Reason.ROLLING_OUT,
                f"Asked NVCF to deploy version {action.function_version_id}{named} alongside {kept}. Until the latter "
                "is undeployed, NVCF spreads requests over both, and both use GPUs.",
            )
        case Create():
            return EventNote(
                False, Reason.CREATED, f"Asked NVCF to deploy version {action.function_version_id}{named}."
            )
        case Change():
            return EventNote(False, Reason.UPDATED, f"Changed the deployment in place: {action.change.describe()}.")
        case Undeploy():
            how = "gracefully" if action.graceful else "immediately; queued requests are lost"
            why = BECAUSE[action.purpose]
            text = f"Asked NVCF to undeploy version {action.function_version_id} {how}{why}."
            return EventNote(False, Reason.DRAINING, text)
        case DropFinalizer() if resource.deleting and resource.keeps:
            return EventNote(False, Reason.RETAINED, "Resource deleted; the deployment was retained in NVCF.")
        case DropFinalizer() if (
            resource.deleting and resource.force_delete and resource.is_true(kinds.DELETION_BLOCKED)
        ):
            return EventNote(
                True,
                Reason.LEFT_BEHIND,
                f"force-delete: left in NVCF, still running and incurring cost: {left(resource)}.",
            )
        case DropFinalizer() if resource.deleting and resource.holds:
            return EventNote(False, Reason.UNDEPLOYED, "The deployment is gone from NVCF.")
        case _:
            return None


def discovered(situation: Situation, new: FunctionDeploymentStatus) -> EventNote | None:
    """The Event of a deployment that is on record from now on though NVCF has not just answered that it made it.

    It was there before, or it is what became of a POST whose answer was lost.
    """
    resource, local, version = situation.resource, situation.local, situation.resource.wanted_version
    opened, known = resource.open_intent, new.intent
    if opened is not None and not is_sign(opened, opened.function_version_id):
        opened = None
    if opened is not None and situation.answered_intent is None and known is not None and known.token == opened.token:
        if known.answered:
            return _made_after_all(known.function_version_id, known.deployment_id)
        return None
    seen = situation.observation(version)
    coming = new.incoming.function_version_id if new.incoming is not None else None
    newly = version in (new.function_version_id, coming) and version not in on_record(resource)
    if resource.deleting or not newly or not isinstance(seen, Present):
        return None
    shown, answered = seen.deployment.deployment_id, situation.answered_intent
    if isinstance(situation.wrote, Create) or (shown is not None and shown in local.made_ids):
        return None
    if answered is None and version in local.posts_may_run_for:
        return _made_after_all(version, shown)
    return EventNote(False, Reason.ADOPTED, f"Adopted the existing deployment of version {version}{_id(shown)}.")


def _made_after_all(version: str, deployment_id: str | None) -> EventNote:
    text = f"NVCF deployed version {version}{_id(deployment_id)}; its response to the request was lost."
    return EventNote(False, Reason.CREATED, text)


def _id(deployment_id: str | None) -> str:
    return f" (deployment {deployment_id})" if deployment_id else ""  # old servers have none


def ignored_words(resource: AnyResource, new: AnyStatus) -> tuple[EventNote, ...]:
    """The Events of annotations whose values say nothing, when Ready begins to name them."""
    before, after = condition_of(resource.status, kinds.READY), condition_of(new, kinds.READY)
    return tuple(
        EventNote(True, Reason.ANNOTATION_IGNORED, sentence)
        for sentence in ignored(resource.annotations)
        if after is not None and sentence in after.message and (before is None or sentence not in before.message)
    )


def without_instances(resource: Resource, new: FunctionDeploymentStatus) -> tuple[EventNote, ...]:
    """The Event of a version that begins to be ACTIVE without any instance; none when that ends."""
    if not is_none_running(new) or is_none_running(resource.status):
        return ()
    version = new.function_version_id or resource.wanted_version
    return (EventNote(True, Reason.NO_INSTANCES, no_instances(version, least(new))),)


def lost_from_sight(deployment_id: str | None, shown: str | None) -> EventNote:
    """A deployment of ours runs on, and NVCF shows the row of an earlier one in its place."""
    text = (
        f"NVCF shows the earlier deployment {shown} instead of {deployment_id}, which it created later: NVCF's own "
        f"loop restored the old record. Instances of {deployment_id} may still be running and incurring cost, and no "
        "API call shows or ends them: contact whoever runs NVCF. The version is undeployed and deployed again."
    )
    return EventNote(True, Reason.LEFT_BEHIND, text)


def of_failure(resource: AnyResource, failure: Failure | None) -> EventNote | None:
    """The Event of a write of which NVCF leaves open what became of it, unless it was reported before."""
    if failure is None or not failure.words:
        return None
    status, reason = resource.status, failure.reason
    retried = status.retry.message if status.retry is not None else None
    if any(failure.words in text for text in (retried or "", *(item.message for item in status.conditions))):
        return None
    if resource.deleting:
        blocked = resource.condition(kinds.DELETION_BLOCKED)
        if blocked is None or (blocked.status, blocked.reason) != ("True", reason):
            return None  # reported as the transition to DeletionBlocked
        reason = Reason.DELETION_BLOCKED
    return EventNote(True, reason, failure.message)


def vanished(resource: Resource, versions: Iterable[str]) -> EventNote:
    """The object is gone, and nobody undeployed what it held, or may have held if no answer to a POST is on record."""
    versions = tuple(versions)
    gone, what = f"The resource is gone without its finalizer {names.FINALIZER}", left(resource, versions)
    if any(deployments_on_record(resource, version) or version in on_record(resource) for version in versions):
        text = (
            f"{gone}: left in NVCF, still running and incurring cost: {what}. Undeploy it there, or apply the manifest "
            "again."
        )
    else:
        text = (
            f"{gone} while a deployment may have been requested for it: {what}. Check in NVCF whether it is running "
            "and incurring cost, and undeploy it there, or apply the manifest again."
        )
    return EventNote(True, Reason.LEFT_BEHIND, text)


def not_followed(resource: Resource, version: str) -> EventNote:
    """The operator stops while it follows what a POST of a vanished object may still make."""
    text = (
        f"The operator is stopping while a POST of version {version} of function {resource.function_id} may still be "
        "in progress for a resource that is gone. Check in NVCF whether it was deployed, and undeploy it there."
    )
    return EventNote(True, Reason.LEFT_BEHIND, text)


def not_undeployed(resource: Resource, version: str, words: str) -> EventNote:
    """The key is not allowed to undeploy what a POST of a vanished object has made, or to read it."""
    text = (
        f"The resource is gone, and NVCF refuses its key what is needed to undeploy version {version} of function "
        f"{resource.function_id}, which a POST may still deploy for it: {words.rstrip('.')}. The operator tries again "
        "for an hour. Give the key the scope deploy_function, or check in NVCF whether the version was deployed, and "
        "undeploy it there."
    )
    return EventNote(True, Reason.LEFT_BEHIND, text)


def undeployed_for_nobody(version: str, deployment_id: str | None) -> EventNote:
    """What a POST has made for an object that was gone by then is undeployed."""
    text = (
        f"The resource was already gone when NVCF created deployment {deployment_id} of version {version} for it: "
        "asked NVCF to undeploy it."
    )
    return EventNote(True, Reason.DRAINING, text)


def released(situation: Situation) -> EventNote | None:
    """The resource goes, and something of it stays in NVCF since it is not this resource's to remove."""
    resource, parts = situation.resource, []
    if not resource.deleting or resource.keeps:
        return None
    for version, holder in sorted(situation.holders.items()):
        parts.append(f"version {version} is held by FunctionDeployment {holder}")
    for version, seen in sorted(situation.observations.items()):
        if isinstance(seen, Present) and version not in situation.holders:
            parts.append(
                f"deployment {seen.deployment.deployment_id} of version {version} was created by somebody else"
            )
    return EventNote(False, Reason.RELEASED, f"Nothing was undeployed: {'; '.join(parts)}.") if parts else None


def left(resource: Resource, held: Iterable[str] = ()) -> str:
    """The ids that are left behind; of all versions that the resource holds unless some are named."""
    versions = tuple(held) or versions_held(resource) or (resource.wanted_version,)
    known = {version: sorted(deployments_on_record(resource, version)) or ["unknown"] for version in versions}
    parts = [f"version {version}, deployment {', '.join(ids)}" for version, ids in known.items()]
    return f"function {resource.function_id}, {'; '.join(parts)}"


def _note(kind: str, before: Condition | None, after: Condition | None) -> EventNote | None:
    if after is None:
        return None
    same = before is not None and (before.status, before.reason) == (after.status, after.reason)
    if same and not (after.reason == Reason.WRITE_REFUSED and before is not None and before.message != after.message):
        return None
    if after.reason == Reason.MASS_ABSENCE:
        return None  # reported once for a namespace, by whoever counts
    holds = after.status == "True"
    if kind == kinds.DELETION_BLOCKED and holds:
        return EventNote(True, Reason.DELETION_BLOCKED, after.message)
    if (kind == kinds.STALLED and holds) or (kind == kinds.CREDENTIALS_VALID and not holds):
        return EventNote(True, Reason(after.reason), after.message)
    if kind == kinds.READY and holds:
        return EventNote(False, Reason(after.reason), after.message)
    if kind == kinds.READY and after.reason in WARNED and (before is None or before.reason != after.reason or same):
        return EventNote(True, Reason(after.reason), after.message)
    return None
