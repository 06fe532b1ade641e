"""What the conditions of a CloudFunction say to a user: what happened, what the operator will do, what they can do.

No clock time stands in a message, and nothing that changes while nothing happens: a text that moves would be a write.
"""

from collections.abc import Iterable

from nvcf_operator.api.names import Key

PENDING = "The operator has seen the resource and is about to look the function up in NVCF."
REGISTERING = "NVCF is asked to register a version with the template of this manifest."
GOING_ON = "The function is being brought in line with the manifest."
DELETING = "The versions of the function are being deleted."
AWAITING_REGISTRATION = (
    "A registration was requested and no response is on record. NVCF may still register the version, so the operator "
    "searches for it before it sends the request again."
)
AWAITING_REGISTRATION_DELETING = (
    "A registration was requested and no response is on record. NVCF may still register the version, so the operator "
    "searches for it before it releases the resource."
)
STALE_CLAIMS = "The operator is reading the FunctionDeployments again before it deletes anything."
MASS_ABSENCE = (
    "Much of what this account held disappeared at the same time, including versions of this function. This may be "
    "accidental, so no version is registered automatically. Find out what happened; to register the version again, "
    "set the annotation nvcf-operator.io/reconcile-requested-at."
)
NOT_CONVERGING = (
    "The same version was registered 3 times within an hour and did not last: another operator, cluster or person may "
    "be deleting it. The operator registers no more until the manifest changes or reconcile-requested-at is set."
)

MOST_NAMED = 5
"""Ids or names in one message."""


def registered(version: str, revision: str | None) -> str:
    """The manifest is fully in force."""
    named = f" (revision {revision})" if revision is not None else ""
    return f"Version {version}{named} is registered with the template of this manifest."


def updating(versions: Iterable[str]) -> str:
    """Versions in use are brought up to date."""
    return f"Versions in use are being brought in line with the manifest, in place: {named(versions)}."


def too_many_tags(version: str, count: int) -> str:
    """A version has so many tags that the mark finds no room."""
    return (
        f"Version {version} has {count} tags beside the operator's own, and NVCF allows 64 in all, so the operator "
        "cannot put its own back. Remove tags in NVCF, or set spec.tags to at most 63."
    )


def not_converging_in_place(version: str) -> str:
    """Somebody else changes what the manifest says, again and again."""
    return (
        f"Tags or rate limit of version {version} were put back 3 times within an hour and changed again each time: "
        "another operator, cluster or person may be changing them. The operator leaves them as they are until the "
        "manifest changes or reconcile-requested-at is set."
    )


def awaiting_followers(version: str) -> str:
    """The version is there, and followers have not noticed yet."""
    return f"Version {version} is registered; waiting for the FunctionDeployments that follow it to notice."


def unanswered(words: str | None, pause: float) -> str:
    """NVCF leaves open what became of a registration.

    Args:
        words: NVCF's answer, or what came in its place.
        pause: seconds for which the version is searched for.

    """
    if words is None:
        return AWAITING_REGISTRATION
    return (
        f"{words}. NVCF may still register the version, so the operator searches for it and sends the request again "
        f"after {pause:g} seconds."
    )


def refused_for_good(attempts: int, message: str) -> str:
    """NVCF has refused a template again and again."""
    return (
        f"NVCF refused the template {attempts} times, and the operator has stopped asking: change the manifest, or set "
        f"the annotation nvcf-operator.io/reconcile-requested-at to try again. {message}"
    )


def revision_reused(revision: str, version: str) -> str:
    """A revision's name stands for another template."""
    return (
        f"Revision {revision} is version {version}, which has another template. Nothing is changed. Set spec.revision "
        "to a new name with each change of the template, or restore that template."
    )


def revision_has_one_version(revision: str, version: str) -> str:
    """Another version of a revision is asked for."""
    return (
        f"The annotation nvcf-operator.io/new-version-requested-at asks for another version, but revision {revision} "
        f"is version {version} and stands for one version only. Nothing is changed. Set spec.revision to a new name, "
        "or remove the annotation."
    )


def conflict(holder: Key, name: str) -> str:
    """Another CloudFunction comes first."""
    return (
        f"CloudFunction {holder.namespace}/{holder.name} already manages the function named {name}. Nothing is changed "
        "here until one of the two resources is deleted."
    )


def function_gone(function_id: str) -> str:
    """The address is lost."""
    return (
        f"All versions of function {function_id} are gone from NVCF, and with them its id, which clients use as the "
        "address and which NVCF never issues again. Another function, with another id, is created only if you set the "
        "annotation nvcf-operator.io/new-function-requested-at."
    )


def version_gone(version: str) -> str:
    """The latest version cannot be seen."""
    return f"NVCF no longer shows version {version}. If that lasts, the operator registers the version again."


def too_many_versions(count: int, limit: int) -> str:
    """Versions pile up."""
    return (
        f"{count} versions are registered, but history.limit keeps only {limit}, so no more are registered. Raise "
        "history.limit, or undeploy the versions that you do not need: as long as the latest one exists, the operator "
        "deletes those that are not deployed and that no FunctionDeployment names."
    )


def not_deleted(version: str, message: str) -> str:
    """NVCF refuses to delete a version that nobody needs."""
    return f"Version {version} is not needed any more and could not be deleted. {message}"


def in_use(followers: Iterable[Key]) -> str:
    """A deletion waits for FunctionDeployments."""
    return f"FunctionDeployment {names_of(followers)} uses the function. Delete it, or have it use another function."


def awaits_deletion_of(followers: Iterable[Key]) -> str:
    """A deletion waits for that of FunctionDeployments."""
    return f"Waiting for FunctionDeployment {names_of(followers)}, which is also being deleted."


def version_deployed(version: str, status: str) -> str:
    """A deletion waits for an undeployment that is not the operator's to make."""
    return (
        f"Version {version} is still deployed ({status}), and no FunctionDeployment manages that deployment. Deleting "
        "the version would end it at once, so undeploy it first, for example with nvcf-cli."
    )


def deployment_requested(version: str, followers: Iterable[Key]) -> str:
    """A deployment of the version may be being created."""
    return (
        f"FunctionDeployment {names_of(followers)} is requesting a deployment of version {version}. Its tags and rate "
        "limit are changed after that, because NVCF would undo a change made meanwhile."
    )


def deployment_ends(version: str, followers: Iterable[Key]) -> str:
    """The version is taken down."""
    return (
        f"FunctionDeployment {names_of(followers)} is undeploying version {version}. Its tags and rate limit are "
        "changed after that, because NVCF would undo a change made meanwhile."
    )


def deploying(version: str) -> str:
    """The version comes up."""
    return (
        f"NVCF is deploying version {version}. Its tags and rate limit are changed after that, because NVCF would undo "
        "a change made meanwhile."
    )


def names_of(followers: Iterable[Key]) -> str:
    """FunctionDeployments by namespace and name."""
    return named(f"{key.namespace}/{key.name}" for key in followers)


def blocked(what: str, *, stale_force_delete: bool) -> str:
    """A deletion that cannot go on."""
    stale = (
        " The annotation force-delete was set before the deletion was blocked and does not count: remove it and set it "
        "again."
    )
    return (
        f"The function cannot be deleted from NVCF: {what} The operator keeps retrying. To leave the function in NVCF, "
        'set deletionPolicy: Retain, or annotate nvcf-operator.io/force-delete: "true".'
        + (stale if stale_force_delete else "")
    )


def unreadable_manifest(error: str) -> str:
    """A manifest says too little even for its deletion."""
    return f"The manifest cannot be read, so the operator does not know which key to delete the function with: {error}."


def shown(
    *, observe: bool, paused_by_annotation: bool, function_id: str | None, there: bool, version: str | None
) -> str:
    """Nothing is written; what NVCF holds."""
    if observe:
        why = "managementPolicy is Observe: nothing is written to NVCF."
    elif paused_by_annotation:
        why = "The annotation nvcf-operator.io/paused stops all writes to NVCF; remove it to resume."
    else:
        why = "spec.suspend stops all writes to NVCF; set it to false to resume."
    if function_id is None:
        return f"{why} No function is registered."
    if not there:
        return f"{why} The account shows no version of function {function_id}."
    what = f"Version {version} has the template of this manifest." if version else "The template is not registered."
    return f"{why} {what}"


def named(items: Iterable[str]) -> str:
    """Some of them by name, in order, and how many more there are."""
    known = sorted(items)
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    return ", ".join(known[:MOST_NAMED]) + more
