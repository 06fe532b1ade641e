"""Two resources, one function version at one base URL: who keeps it.

The holder keeps it: the version is its current, incoming or retiring one by its own record. A current version comes
before one on its way. Where two have it as their current one, since one has only observed for a while, it is of the one
that still wants it. Without a holder the oldest claims it, by creationTimestamp and then uid, of those that could
deploy it: whoever has no key that works for the version must not keep others from it only by being older. A resource
that only observes claims nothing, and neither does one that goes without our finalizer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from nvcf_operator.api import conditions as kinds
from nvcf_operator.api.key import Key
from nvcf_operator.core.reasons import Trait, reasons_with
from nvcf_operator.core.resource import Resource, Role

UNABLE = reasons_with(Trait.UNABLE)


class Rank(IntEnum):
    """How strong a claim is; the lowest number comes first."""

    CURRENT = 0
    """The record says that the version serves, or is to serve, for this resource."""
    INCOMING = 1
    """It comes up in a rollout, or its POST is under way."""
    RETIRING = 2
    """It is being undeployed."""
    WANTED = 3
    """The manifest asks for it, and nothing is on record."""


RANKS = {
    Role.CURRENT: Rank.CURRENT,
    Role.INCOMING: Rank.INCOMING,
    Role.REQUESTED: Rank.INCOMING,
    Role.RETIRING: Rank.RETIRING,
}


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One resource's claim of one version, ordered: holders first, then who wants it, then by age."""

    rank: Rank
    unwanted: bool
    """The manifest asks for another version, or the resource goes: what it holds is to be undeployed."""
    created: str
    uid: str
    key: Key


def claim_of(resource: Resource, version: str) -> Claim | None:
    """What a resource claims of that version, None if nothing."""
    if resource.observes or (resource.deleting and (not resource.has_finalizer or resource.keeps_deployment)):
        return None
    rank = _rank(resource, version)
    if rank is None:
        return None
    unwanted = resource.deleting or resource.wanted_version != version
    return Claim(rank, unwanted, resource.created, resource.uid, resource.key)


def is_able(resource: Resource) -> bool:
    """Whether the resource could deploy what it wants, as far as its record says. Before the first look it may be."""
    if (known := resource.condition(kinds.CREDENTIALS_VALID)) is not None and known.status == "False":
        return False
    ready = resource.condition(kinds.READY)
    current = resource.status.observed_generation == resource.generation
    return not (current and ready is not None and ready.status != "True" and ready.reason in UNABLE)


def _rank(resource: Resource, version: str) -> Rank | None:
    ranks = [RANKS[item.role] for item in resource.versions if item.version == version]
    if resource.wanted_version == version and not resource.deleting:
        ranks.append(Rank.WANTED)
    return min(ranks, default=None)


def other_holder(
    resource: Resource, version: str, others: Iterable[Resource], *, base_url: str, base_urls: Mapping[Key, str]
) -> Key | None:
    """The resource that comes before this one for that version; None when this one may act.

    Where this one claims the version, whoever merely wants it too and cannot deploy it does not count. Where it claims
    nothing, as in a deletion whose record was lost, every claim counts, for what is undeployed may be the other's.

    Args:
        resource: this one.
        version: the version that it is about to act on.
        others: those that have to do with the same function and version ids.
        base_url: where this one acts.
        places: base URLs of the others. One whose base URL is not known counts as of the same, which is the safe side:
            waiting for nothing is mended by the next look, two deployments by one version are not.

    """
    own = claim_of(resource, version)
    rivals = (o for o in others if o.uid != resource.uid and base_urls.get(o.key, base_url) == base_url)
    claims = [
        claim
        for other in rivals
        if (claim := claim_of(other, version)) and (own is None or claim.rank != Rank.WANTED or is_able(other))
    ]
    first = min(claims, default=None)
    if first is None or (own is not None and own < first):
        return None
    return first.key
