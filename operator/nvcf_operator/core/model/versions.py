"""Which function versions a resource has to do with, whether NVCF is needed to delete it, and how long a 404 must last.

NVCF can make a deployment long after its POST was given up, and can bring one back after its DELETE (facts on NVCF,
section 5, races 2, 4 and 5).
"""

from collections.abc import Collection
from dataclasses import replace

from nvcf_client.endpoints.deployments import allocating
from nvcf_operator.api import status as kinds
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Absent
from nvcf_operator.core.model.resource import Resource, Role, is_sign
from nvcf_operator.core.model.situation import Situation


def versions_held(resource: Resource) -> tuple[str, ...]:
    """The versions that this resource may have deployed: those on record, and that of an open intent.

    Where the status was lost, the manifest's if our finalizer is there, for that says that there may be one.
    """
    held = [item.version for item in resource.versions]
    if not held and resource.lost and resource.has_finalizer:
        held = [resource.intent.function_version_id if resource.intent is not None else resource.wanted_version]
    return tuple(dict.fromkeys(version for version in held if version))


def versions_of_interest(resource: Resource) -> tuple[str, ...]:
    """The versions that NVCF is to be asked about before a decision: the wanted one first, then those held."""
    if not resource.function_id:  # nothing says yet of which function
        return ()
    if resource.deleting:
        return versions_held(resource)
    return tuple(dict.fromkeys(x for x in (resource.wanted_version, *versions_held(resource)) if x))


def former_version(resource: Resource) -> str | None:
    """The version on record, when the manifest asks for another one; None otherwise."""
    held = resource.status.function_version_id
    return held if resource.holds and held and held != resource.wanted_version else None


def on_record(resource: Resource) -> frozenset[str]:
    """The versions that the status names: the one that serves, the one that comes up, those on their way out."""
    return frozenset(item.version for item in resource.versions if item.role != Role.REQUESTED)


def recorded_as_ours(resource: Resource, version: str) -> bool:
    """Whether the record, or an intent of this very object, says that a deployment of that version is ours."""
    return version in on_record(resource) or is_sign(resource.intent, version)


def deployments_on_record(resource: Resource, version: str) -> frozenset[str]:
    """NVCF's ids of the deployments of a version that the record holds."""
    status, intent = resource.status, resource.intent
    found = [status.deployment_id] if status.function_version_id == version else []
    found += [item.deployment_id for item in status.retiring if item.function_version_id == version]
    found += [item.deployment_id for item in (status.incoming, intent) if item and item.function_version_id == version]
    return frozenset(item for item in found if item)


def current_deployment(resource: Resource, version: str) -> str | None:
    """NVCF's id of the deployment that serves, or comes up, as a version."""
    status, coming = resource.status, resource.status.incoming
    if coming is not None and coming.function_version_id == version:
        return coming.deployment_id
    return status.deployment_id if resource.holds and status.function_version_id == version else None


def may_need_undeploying(resource: Resource) -> bool:
    """Whether the resource holds a deployment, or may hold one, that its deletion has to remove from NVCF."""
    return bool(versions_held(resource)) and not resource.keeps


def without(resource: Resource, versions: Collection[str]) -> Resource:
    """The resource with nothing on record of these versions, for another resource holds them."""
    if not versions:
        return resource
    status = resource.status
    changes: dict[str, object] = {}
    if resource.holds and status.function_version_id in versions:
        changes |= {"function_version_id": None, "function_status": None, "deployment_id": None, "instances": None}
        changes |= {"gpu_specifications": (), "health": (), "function_name": None, "running": None}
    if any(item.function_version_id in versions for item in status.retiring):
        changes["retiring"] = tuple(item for item in status.retiring if item.function_version_id not in versions)
    if status.incoming is not None and status.incoming.function_version_id in versions:
        changes["incoming"] = None
    if status.intent is not None and status.intent.function_version_id in versions:
        changes["intent"] = None
    return replace(resource, status=status.model_copy(update=changes)) if changes else resource


def given_up(resource: Resource) -> bool:
    """Whether the wanted version failed in its rollout, for this manifest; a user's request lifts that."""
    failed = resource.status.failed
    if failed is None or resource.reconcile_requested or resource.redeploy_requested:
        return False
    return failed.function_version_id == resource.wanted_version and failed.generation == resource.generation


def create_settle_left(situation: Situation, version: str) -> float:
    """Seconds for which a POST of that version may still be running in the server (race 2 of the facts).

    Such a POST is known by its open intent, by this process having sent it whatever became of the record, or, where the
    object has our finalizer and no record, it cannot be excluded.
    """
    local, intent = situation.local, situation.open_intent
    left = local.posts_may_run_for.get(version, 0.0)
    nothing = situation.observation(version)
    absent_for = nothing.absent_for if isinstance(nothing, Absent) else 0.0
    if intent is not None and intent.function_version_id == version:
        settle = situation.timing.create_settle_of(intent.specifications)
        left = max(left, settle - min(absent_for, local.intent_settled_for))
    elif local.finalizer_found_for is not None and version == situation.resource.wanted_version:
        settle = situation.timing.create_settle_of(posts_specifications(situation))
        left = max(left, settle - min(absent_for, local.finalizer_found_for))
    return left


def next_post_allowed_in(situation: Situation) -> float:
    """Seconds until the wanted version may be asked for, as far as earlier POSTs are concerned.

    The intent's version has to stay away as well, though it is another one when the manifest has changed since: one
    intent is never written over another that may still be answered.
    """
    intent = situation.open_intent
    versions = {situation.resource.wanted_version} | ({intent.function_version_id} if intent is not None else set())
    return max(create_settle_left(situation, version) for version in versions)


def redeploy_settle_left(situation: Situation, nothing: Absent) -> float:
    """Seconds for which the row of an earlier deployment may still come back or overwrite a new one (races 4, 5).

    It is a wait, and no proof: a slow pass of the server's loop outlasts it. What comes of that is recognised by
    `ownership.lost_deployment`.
    """
    if not deployed_before(situation):
        return 0.0
    return max(0.0, situation.timing.redeploy_settle - nothing.absent_for)


def deployed_before(situation: Situation) -> bool:
    """Whether status, an intent, or this process knows of an earlier deployment of the wanted version.

    Where an object has our finalizer and no record, there may have been one.
    """
    resource, intent = situation.resource, situation.intent
    version, failed = resource.wanted_version, resource.status.failed
    held = {*on_record(resource), *([failed.function_version_id] if failed is not None else [])}
    if intent is not None and (not intent.answered or intent.deployment_id is not None):
        held.add(intent.function_version_id)
    return version in held or situation.local.finalizer_found_for is not None or situation.local.version_seen_lately


def posts_specifications(situation: Situation) -> int:
    """How many specifications of a POST by this manifest ask for instances."""
    spec = situation.resource.spec
    return allocating(spec.deployment_specifications) if spec is not None else 1


def needs_nvcf(resource: Resource) -> bool:
    """Whether the deletion has anything to do with NVCF at all."""
    return resource.has_finalizer and not resource.keeps and not released_by_force(resource)


def released_by_force(resource: AnyResource) -> bool:
    """Whether a user released a blocked deletion. Honoured only where deletion is seen to be blocked."""
    return resource.force_delete and resource.is_true("DeletionBlocked")


def force_delete_is_stale(resource: AnyResource, *, seen_without: bool) -> bool:
    """Whether force-delete was there before the deletion was blocked: left from an earlier incident, or copied along.

    Where this process has not seen it itself, as after a restart, `metadata.managedFields` has to show that it was set
    later than the deletion, by the API server's clock, and than DeletionBlocked, by ours. The safe side is to ask for
    it once more.

    Args:
        resource: the object.
        seen_without: whether this process has seen the deletion blocked and the annotation not there.

    """
    if not resource.force_delete or seen_without:
        return False
    blocked, set_at = resource.condition(kinds.DELETION_BLOCKED), resource.force_delete_set_at
    since = blocked.last_transition_time if blocked is not None and blocked.status == "True" else None
    return set_at is None or since is None or resource.deleted_at is None or set_at <= max(since, resource.deleted_at)
