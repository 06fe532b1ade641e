"""Whose a version and its deployment are: which resource keeps a version, and who made what NVCF shows.

Of two resources with one version at one base URL the holder keeps it: the version is its current, incoming or retiring
one by its own record. A current version comes before one on its way. Where two have it as their current one, since one
has only observed for a while, it is of the one that still wants it. Without a holder the oldest claims it, by
creationTimestamp and then uid, of those that could deploy it: whoever has no key that works for the version must not
keep others from it only by being older. A resource that only observes claims nothing, and neither does one that goes
without our finalizer.

A record belongs to one deployment. Where NVCF shows another `deploymentId` than the record holds, the record says
nothing about it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from nvcf_operator.api import status as kinds
from nvcf_operator.api.names import Key
from nvcf_operator.api.spec import AdoptionPolicy
from nvcf_operator.core.model.observed import Failure, Present, Proof, Scope
from nvcf_operator.core.model.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.model.resource import Resource, Role, is_sign
from nvcf_operator.core.model.situation import AnySituation, Situation
from nvcf_operator.core.model.versions import current_deployment, deployments_on_record, recorded_as_ours
from nvcf_operator.core.report import messages

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
    if resource.observes or (resource.deleting and (not resource.has_finalizer or resource.keeps)):
        return None
    rank = _rank(resource, version)
    if rank is None:
        return None
    unwanted = resource.deleting or resource.wanted_version != version
    return Claim(rank, unwanted, resource.created, resource.uid, resource.key)


def is_able(resource: Resource) -> bool:
    """Whether the resource could deploy what it wants, as far as its record says; without a record it may be."""
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
        base_urls: those of the others. One whose base URL is not known counts as of the same, which is the safe side:
            waiting for nothing is mended by the next reconcile, two deployments by one version are not.

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


def is_stranger(situation: Situation) -> bool:
    """Whether somebody else made the deployment of the wanted version.

    It is not on record, and no POST of this object may have made it. Where the manifest adopts, a deployment that was
    made again outside is still of the version that this resource manages; where it refuses, the very deployment counts.
    """
    resource, local, version = situation.resource, situation.local, situation.resource.wanted_version
    seen = situation.observation(version)
    shown = seen.deployment.deployment_id if isinstance(seen, Present) else None
    if version in local.posts_may_run_for or shown in local.made_ids:
        return False
    if not recorded_as_ours(resource, version):
        return True
    spec, intent = resource.spec, situation.intent
    if spec is None or spec.adoption_policy != AdoptionPolicy.REFUSE or not isinstance(seen, Present) or shown is None:
        return False
    recorded = deployments_on_record(resource, version)
    if not recorded or shown in recorded | local.undeployed_ids:
        return False
    awaited = intent is not None and is_sign(intent, version) and intent.deployment_id in (None, shown)
    return not awaited and lost_deployment(situation, version, seen) is None


def refuses(situation: Situation) -> bool:
    """Whether the deployment is somebody else's and the manifest wants it left alone."""
    spec = situation.resource.spec
    return spec is not None and spec.adoption_policy == AdoptionPolicy.REFUSE and is_stranger(situation)


def may_undeploy(situation: Situation, version: str, seen: Present) -> bool:
    """Whether the deployment that NVCF shows is this resource's to remove.

    What another resource holds is not, and neither is a deployment that somebody else made of a version which is not
    this resource's own any more. Of the version that it manages, an adopted one and one that was made again outside
    are: `adoptionPolicy: Adopt` says so.
    """
    if version in situation.holders:
        return False
    resource, local, shown = situation.resource, situation.local, seen.deployment.deployment_id
    if shown is None:  # an old server, which has no ids
        return True
    if shown in deployments_on_record(resource, version) or shown in local.made_ids | local.undeployed_ids:
        return True
    intent = situation.open_intent
    if is_sign(intent, version) or version in local.posts_may_run_for:
        return True
    if lost_deployment(situation, version, seen) is not None:
        return True
    adopts = resource.spec is None or resource.spec.adoption_policy == AdoptionPolicy.ADOPT
    current = resource.status.function_version_id if resource.holds else resource.wanted_version
    return adopts and version in (current, resource.wanted_version)


def doubted(situation: AnySituation) -> Failure | None:
    """Why a 404 is not believed: the key is not shown to belong to the account on record; None if it is believed."""
    view, recorded_id = situation.account, situation.resource.status.account_id or ""
    if view is None:
        return Failure(Reason.NVCF_UNAVAILABLE, messages.NO_LIST, Scope.SERVER)
    if view.proof == Proof.MISMATCH:
        message = messages.account_mismatch(recorded_id, view.account_id or "")
        return Failure(Reason.ACCOUNT_MISMATCH, message, Scope.CREDENTIAL)
    if view.proof == Proof.UNPROVEN:
        return Failure(Reason.ACCOUNT_UNPROVEN, messages.account_unproven(recorded_id), Scope.CREDENTIAL)
    return None


def lost_deployment(situation: Situation, version: str, seen: Present) -> str | None:
    """The deployment of ours that NVCF has lost from sight, where it shows the row of an earlier one; else None.

    A slow pass of the server's loop writes an old row over a new one (facts on NVCF, section 5, race 5). It is known by
    an id that this process has undeployed, or by a `lastUpdatedAt` before that of the deployment which our POST made.
    """
    intent, shown = situation.intent, seen.deployment.deployment_id
    ours = intent if intent is not None and intent.function_version_id == version else None
    made = ours.deployment_id if ours is not None else current_deployment(situation.resource, version)
    if shown is None or made in (None, shown):
        return None
    earlier = ours is not None and _is_before(seen.deployment.last_updated_at, ours.last_updated_at)
    return made if shown in situation.local.undeployed_ids or earlier else None


def _is_before(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return False
    try:
        return datetime.fromisoformat(one) < datetime.fromisoformat(other)
    except (ValueError, TypeError):  # in no form that NVCF is known to use, or one with and one without a time zone
        return False
