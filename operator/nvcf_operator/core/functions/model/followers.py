"""What a CloudFunction has to know of a FunctionDeployment that follows it or uses one of its versions."""

from nvcf_operator.api import status as kinds
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import Follower
from nvcf_operator.core.model.resource import Resource, Role
from nvcf_operator.core.model.situation import FunctionStatus


def follower_of(function: CloudFunction, other: Resource) -> Follower:
    """What a FunctionDeployment is to a CloudFunction, which it refers to or has a version of."""
    reference = other.spec.function_ref if other.spec is not None else None
    refers = reference is not None and (other.key.namespace, reference.name) == function.key[:2]
    taken = other.status.function_ref.generation if refers and other.status.function_ref is not None else None
    return Follower(
        key=other.key,
        refers=refers,
        pinned=reference.revision if refers and reference is not None else None,
        taken_generation=taken,
        shows_generation=_shown(function, other, taken) if refers else None,
        named=_named(other),
        serving=_serving(other),
        intended=_intended(other),
        undeploying=_undeploying(other),
        deleting=other.deleting,
    )


def _named(other: Resource) -> frozenset[str]:
    failed = other.status.failed
    found = [other.wanted_version, other.status.function_version_id, *(item.version for item in other.versions)]
    found += [failed.function_version_id] if failed is not None else []
    return frozenset(version for version in found if version)


def _intended(other: Resource) -> frozenset[str]:
    intent = other.open_intent
    return frozenset([intent.function_version_id] if intent is not None else [])


def _undeploying(other: Resource) -> frozenset[str]:
    return frozenset(item.version for item in other.versions if other.deleting or item.role == Role.RETIRING)


def _serving(other: Resource) -> frozenset[str]:
    """The version that serves. One that is being undeployed may have failed, or have made way before it came up."""
    version, status = other.status.function_version_id, FunctionStatus.of(other.status.function_status or "")
    serves = other.holds and status is not None and status.serves
    return frozenset([version] if version and serves else [])


def _shown(function: CloudFunction, other: Resource, taken: int | None) -> int | None:
    """The generation that its conditions are about. One that is not Ready shows that it has something to do."""
    ready = other.condition(kinds.READY)
    if ready is not None and ready.status != "True":
        return function.generation
    return taken
