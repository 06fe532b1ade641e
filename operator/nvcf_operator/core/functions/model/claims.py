"""Who else has a claim on a function or its versions: FunctionDeployments, and other CloudFunctions.

Of several CloudFunctions that want one function, or one name in one account, one comes first.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from nvcf_operator.api import status as kinds
from nvcf_operator.api.names import Key
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.observed import FunctionStatus
from nvcf_operator.core.model.resource import Resource, Role

Claim = tuple[bool, str, Key]
"""In order: one with a version or an open intent comes before one without; then by age, then by key."""


@dataclass(frozen=True, slots=True)
class Follower:
    """A FunctionDeployment that refers to this CloudFunction, or that holds or names one of its versions."""

    key: Key
    refers: bool
    """Whether its manifest names this CloudFunction."""
    pinned: str | None = None
    """The revision that its manifest pins."""
    taken_generation: int | None = None
    """The generation of this CloudFunction that its status shows as taken."""
    shows_generation: int | None = None
    """The generation of this CloudFunction that its conditions are about: it has seen that one, taken or not."""
    named: frozenset[str] = frozenset()
    """Versions that its manifest names, and those on record: current, incoming, retiring, failed."""
    serving: frozenset[str] = frozenset()
    """Versions that its status shows to serve."""
    intended: frozenset[str] = frozenset()
    """Versions of its open intents, whose POST may be under way."""
    undeploying: frozenset[str] = frozenset()
    """Versions that it undeploys, or is to undeploy."""
    deleting: bool = False

    def holds(self, version_id: str) -> bool:
        """Whether that version must not be deleted because of this follower."""
        return version_id in self.named or version_id in self.intended


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


def claim_of(resource: CloudFunction) -> Claim:
    """The place of a CloudFunction among those that want the same."""
    holds = resource.function_id is not None or resource.open_intent is not None
    return (not holds, resource.created, resource.key)


def other_holder(resource: CloudFunction, rivals: Iterable[CloudFunction]) -> Key | None:
    """The CloudFunction that comes before this one.

    Args:
        resource: the one that asks.
        rivals: the others of the same installation that want the same function, or the same name in the same account.

    """
    before = [claim for other in rivals if _claims(resource, other) and (claim := claim_of(other)) < claim_of(resource)]
    return min(before)[2] if before else None


def _claims(resource: CloudFunction, other: CloudFunction) -> bool:
    """Whether another one stands in the way: one that is only to observe, or does nothing for now, does not."""
    if other.key == resource.key:
        return False
    if resource.claimed_function is not None:
        if other.function_id is None and other.given_function == resource.claimed_function:
            return not (other.observes or other.paused or other.deleting)
        return other.function_id == resource.claimed_function
    holds = other.function_id is not None or other.open_intent is not None
    return holds or not (other.observes or other.paused or other.deleting or other.spec is None)
