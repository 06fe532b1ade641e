"""Whose the deployment is that NVCF shows: made by this resource, found by it, an earlier one's row, or a stranger's.

A record belongs to one deployment. Where NVCF shows another `deploymentId` than the record holds, the record says
nothing about it.
"""

from datetime import datetime

from nvcf_operator.api.spec import AdoptionPolicy
from nvcf_operator.core import messages
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import is_sign
from nvcf_operator.core.situation import Failure, Present, Proof, Scope, Situation
from nvcf_operator.core.versions import current_deployment, deployments_on_record, recorded_as_ours


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


def doubted(situation: Situation) -> Failure | None:
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
