"""Two resources, one function version at one base URL: who keeps it.

The holder keeps it: its finalizer is set (or it retains), and the version is its current, incoming or retiring one.
Without a holder the oldest claims it, by creationTimestamp and then uid. A resource that only observes claims nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nvcf_operator.api.key import Key
from nvcf_operator.api.spec import ManagementPolicy
from nvcf_operator.core.resource import Resource


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One resource's claim of one version, ordered: holders first, then by age."""

    waiting: bool
    created: str
    uid: str
    key: Key


def claim_of(resource: Resource, version: str) -> Claim | None:
    """What a resource claims of that version, None if nothing."""
    status = resource.status
    held = {status.function_version_id if resource.holds else None}
    held |= {item.function_version_id for item in status.retiring}
    held |= {status.incoming.function_version_id if status.incoming is not None else None}
    if resource.open_intent is not None:
        held.add(resource.open_intent.function_version_id)
    observes = resource.spec is not None and resource.spec.management_policy == ManagementPolicy.OBSERVE
    if observes or (resource.deleting and not resource.has_finalizer):
        return None
    retains = resource.keeps_deployment and not resource.deleting
    if version in held and (resource.has_finalizer or retains):
        return Claim(False, resource.created, resource.uid, resource.key)
    if resource.wanted_version == version and not resource.deleting:
        return Claim(True, resource.created, resource.uid, resource.key)
    return None


def other_holder(
    resource: Resource, version: str, others: Iterable[Resource], *, base_url: str, places: Mapping[Key, str]
) -> Key | None:
    """The resource that comes before this one for that version; None when this one may act.

    Args:
        resource: this one.
        version: the version that it is about to act on.
        others: those that have to do with the same function and version ids.
        base_url: where this one acts.
        places: base URLs of the others. One whose base URL is not known counts as of the same, which is the safe side:
            waiting for nothing is mended by the next look, two deployments by one version are not.

    """
    own = claim_of(resource, version)
    rivals = (o for o in others if o.uid != resource.uid and places.get(o.key, base_url) == base_url)
    claims = [claim for other in rivals if (claim := claim_of(other, version))]
    first = min(claims, default=None)
    if first is None or (own is not None and own < first):
        return None
    return first.key
