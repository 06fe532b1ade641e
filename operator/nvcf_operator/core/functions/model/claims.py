"""Which of several CloudFunctions comes first for one function, or for one name in one account."""

from collections.abc import Iterable

from nvcf_operator.api.names import Key
from nvcf_operator.core.functions.model.resource import CloudFunction

Claim = tuple[bool, str, Key]
"""In order: one with a version or an open intent comes before one without; then by age, then by key."""


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
