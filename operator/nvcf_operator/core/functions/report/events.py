"""The Events of a CloudFunction that are about writes and finds; those of its conditions are `report.events`."""

from collections.abc import Iterable

from nvcf_operator.api import conditions as kinds
from nvcf_operator.api.function_status import CloudFunctionStatus
from nvcf_operator.core.functions.model.adoption import is_strange
from nvcf_operator.core.functions.model.decision import (
    DeleteVersion,
    DeletionPurpose,
    FunctionAction,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.mark import Mark, parse
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report.messages import named
from nvcf_operator.core.model.decision import DropFinalizer
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report.events import EventNote

BECAUSE = {
    DeletionPurpose.DUPLICATE: "it is a duplicate, left by a request whose response was lost",
    DeletionPurpose.UNUSED: "no FunctionDeployment uses it and history.limit does not keep it",
    DeletionPurpose.RESOURCE_GONE: "the resource is being deleted",
}

MOVED_TAGS = frozenset({"latest", "main", "master", "edge", "nightly", "dev", "develop", "stable", "current"})
"""Tags that are usually moved."""


def of_write(resource: CloudFunction, action: FunctionAction, made: VersionSeen | None = None) -> tuple[EventNote, ...]:
    """The Events of a write that was made.

    Args:
        resource: whose it is.
        action: the write.
        made: the version that a POST has registered.

    """
    match action:
        case Register() if made is not None:
            text = f"Registered version {made.version_id} of function {made.function_id}{_of(action.revision)}."
            return (EventNote(False, Reason.REGISTERED, text), *_mutable(resource))
        case DeleteVersion():
            text = f"Deleted version {action.version_id} of function {action.function_id}: {BECAUSE[action.purpose]}."
            return (EventNote(False, Reason.DELETED, text),)
        case UpdateVersion() if _adopts(resource, action):
            return (_adopted(action.function_id, action.version_id),)
        case UpdateVersion():
            what = [*(["tags"] if action.tags is not None else []), *(["rate limit"] if action.rate_limit else [])]
            text = f"Changed {' and '.join(what)} of version {action.version_id} of function {action.function_id}."
            return (EventNote(False, Reason.UPDATED, text),)
        case RemoveRateLimit():
            text = f"Removed the rate limit of version {action.version_id} of function {action.function_id}."
            return (EventNote(False, Reason.UPDATED, text),)
        case SendSecrets():
            text = (
                f"Sent secrets {named(action.names)} to version {action.version_id} of function {action.function_id}."
            )
            return (EventNote(False, Reason.UPDATED, text),)
        case DropFinalizer() if resource.deleting and resource.keeps:
            text = "Resource deleted; the function and its versions were retained in NVCF."
            return (EventNote(False, Reason.RETAINED, text),)
        case DropFinalizer() if (
            resource.deleting and resource.force_delete and resource.is_true(kinds.DELETION_BLOCKED)
        ):
            return (EventNote(True, Reason.LEFT_BEHIND, f"force-delete: left in NVCF: {left(resource)}."),)
        case _:
            return ()


def discovered(situation: FunctionSituation, new: CloudFunctionStatus) -> EventNote | None:
    """The Event of a version that is on record from now on though no answer has just shown it."""
    resource, opened, known = situation.resource, situation.resource.open_intent, new.intent
    if situation.wrote is not None or situation.answer is not None or opened is None or known is None:
        return None
    if known.token != opened.token or not known.answered:
        return None
    made = next((seen for seen in situation.own if seen.mark is not None and seen.mark.token == known.token), None)
    if made is None or resource.recorded_version(made.version_id) is not None:
        return None
    what = f"version {made.version_id} of function {made.function_id}{_of(known.revision)}"
    text = f"NVCF registered {what}; its response to the request was lost."
    return EventNote(False, Reason.REGISTERED, text)


def adopted(situation: FunctionSituation, new: CloudFunctionStatus) -> EventNote | None:
    """The Event of a version that is taken before it can be marked, as while NVCF is at work on it."""
    latest = new.latest
    if latest is None or situation.resource.latest_version is not None:
        return None
    taken = next((seen for seen in situation.shown if seen.version_id == latest.version_id), None)
    strange = taken is not None and is_strange(situation, taken)
    return _adopted(taken.function_id, taken.version_id) if taken is not None and strange else None


def drifted(resource: CloudFunction, action: FunctionAction | None = None) -> EventNote:
    """Somebody else has changed a version in use, which `action` puts right, or has deleted the latest one."""
    if isinstance(action, UpdateVersion | RemoveRateLimit):
        fields = " and ".join(action.corrects)
        text = f"Somebody else changed {fields} of version {action.version_id}. The operator restores the manifest's."
        return EventNote(True, Reason.DRIFT, text)
    text = f"Somebody else deleted version {resource.latest_version}. The operator registers its template again."
    return EventNote(True, Reason.DRIFT, text)


def released(situation: FunctionSituation) -> EventNote | None:
    """The resource goes, and versions on record stay since they bear its mark no more."""
    resource, own = situation.resource, {seen.version_id for seen in situation.own}
    if not resource.deleting or resource.keeps:
        return None
    recorded = resource.recorded_ids
    stays = [seen.version_id for seen in situation.shown if seen.version_id in recorded and seen.version_id not in own]
    if not stays:
        return None
    text = f"Not deleted, because the operator's tag was removed from them: versions {named(stays)}."
    return EventNote(True, Reason.RELEASED, text)


def vanished(resource: CloudFunction, versions: Iterable[str] = ()) -> EventNote:
    """The object is gone, and nobody deleted what it had registered."""
    text = (
        f"The resource is gone without its finalizer {resource.KIND.finalizer}: left in NVCF: "
        f"{left(resource, versions)}. Delete it there, or apply the manifest with another name for the function."
    )
    return EventNote(True, Reason.LEFT_BEHIND, text)


def not_deleted(resource: CloudFunction, words: str) -> EventNote:
    """The key is not allowed to delete what a POST of a vanished object has registered, or to find it."""
    text = (
        f"The resource is gone, and NVCF refuses its key what is needed to delete the version that a POST may still "
        f"register for it as {resource.function_name}, function {resource.function_id or 'unknown'}: "
        f"{words.rstrip('.')}. The operator tries again for an hour. Give the key the scopes list_functions and "
        "delete_function, or check in NVCF for a version with the operator's tag, and delete it there."
    )
    return EventNote(True, Reason.LEFT_BEHIND, text)


def deleted_for_nobody(version: VersionSeen) -> EventNote:
    """What a POST has registered for an object that is gone is deleted."""
    text = (
        f"The resource is gone, so version {version.version_id} of function {version.function_id}, which NVCF had just "
        "registered for it, was deleted."
    )
    return EventNote(True, Reason.DELETED, text)


def left(resource: CloudFunction, versions: Iterable[str] = ()) -> str:
    """The ids that are left behind."""
    known = named(tuple(versions) or resource.recorded_ids) or "unknown"
    return f"function {resource.function_id or 'unknown'}, versions {known}"


def _of(revision: str | None) -> str:
    return f", revision {revision}" if revision is not None else ""


def _adopted(function_id: str, version_id: str) -> EventNote:
    what = f"version {version_id} of function {function_id}"
    text = f"Adopted {what}: it has the template of this manifest, and counts as this resource's own."
    return EventNote(False, Reason.ADOPTED, text)


def _adopts(resource: CloudFunction, action: UpdateVersion) -> bool:
    """Whether a version that somebody else has registered gets the mark of a resource that has none on record."""
    marks = [mark for tag in action.tags or () if (mark := parse(tag)) is not None]
    return resource.latest_version is None and any(
        mark == Mark.renewed(resource.uid, mark.hash, action.version_id, mark.revision) for mark in marks
    )


def _mutable(resource: CloudFunction) -> tuple[EventNote, ...]:
    image = resource.spec.template.container_image if resource.spec is not None else None
    tag = moved_tag(image) if image is not None else None
    if tag is None:
        return ()
    text = (
        f"The image's tag {tag} is usually moved. If it is, NVCF runs the new content wherever it pulls the image "
        "again, and no version is registered for it. Name the image by digest, or set the annotation "
        "nvcf-operator.io/new-version-requested-at when the tag has moved."
    )
    return (EventNote(True, Reason.MUTABLE_IMAGE, text),)


def moved_tag(image: str) -> str | None:
    """The tag of an image if it is one that is usually moved; `latest` where it names none."""
    if "@" in image:
        return None
    _, colon, tag = image.rpartition("/")[2].partition(":")
    tag = tag if colon else "latest"
    return tag if tag.lower() in MOVED_TAGS else None
