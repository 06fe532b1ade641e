"""Which function versions a resource has to do with."""

from dataclasses import replace

from nvcf_operator.core.resource import Resource, Role, is_sign


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
    if resource.deleting:
        return versions_held(resource)
    return tuple(dict.fromkeys((resource.wanted_version, *versions_held(resource))))


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
    return bool(versions_held(resource)) and not resource.keeps_deployment


def without(resource: Resource, versions: frozenset[str]) -> Resource:
    """The resource with nothing on record of these versions, for another resource holds them."""
    status = resource.status
    changes: dict[str, object] = {}
    if resource.holds and status.function_version_id in versions:
        changes |= {"function_version_id": None, "function_status": None, "deployment_id": None, "instances": None}
        changes |= {"gpu_specifications": (), "health": (), "function_name": None}
    if any(item.function_version_id in versions for item in status.retiring):
        changes["retiring"] = tuple(item for item in status.retiring if item.function_version_id not in versions)
    if status.incoming is not None and status.incoming.function_version_id in versions:
        changes["incoming"] = None
    if status.intent is not None and status.intent.function_version_id in versions:
        changes["intent"] = None
    return replace(resource, status=status.model_copy(update=changes)) if changes else resource


def given_up(resource: Resource) -> bool:
    """Whether the wanted version failed in its rollout, for this manifest; a person's request lifts that."""
    failed = resource.status.failed
    if failed is None or resource.reconcile_requested or resource.redeploy_requested:
        return False
    return failed.function_version_id == resource.wanted_version and failed.generation == resource.generation
