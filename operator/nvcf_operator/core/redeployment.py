"""Another deployment of the same version: undeploy, see that it is gone, let it settle, deploy.

There is no record of the steps: each pass goes on from what NVCF shows, so a crash between any two repeats nothing.
"""

from nvcf_operator.api.spec import ImmutableChange
from nvcf_operator.core import compare, oddities
from nvcf_operator.core.actions import Create, Purpose, Undeploy
from nvcf_operator.core.decision import Decision
from nvcf_operator.core.flap_guard import not_converging
from nvcf_operator.core.ownership import is_stranger
from nvcf_operator.core.situation import Absent, Present, Situation
from nvcf_operator.core.undeploying import again, gracefully


def purpose(situation: Situation, seen: Present) -> Purpose | None:
    """Why the manifest or a person wants this deployment made anew; None when nobody does."""
    resource = situation.resource
    if resource.redeploy_requested and not is_for_an_earlier_deployment(situation):
        return Purpose.REQUESTED
    spec = resource.spec
    if spec is None or spec.rollout.immutable_change != ImmutableChange.REDEPLOY:
        return None
    if oddities.of_comparison(spec.deployment_specifications, seen.deployment):
        return None
    found = compare.compare(spec.deployment_specifications, seen.deployment.deployment_specifications)
    if not situation.local.put_supported:
        found = found.without_put()
    return Purpose.REDEPLOY if found.immutable else None


def is_for_an_earlier_deployment(situation: Situation) -> bool:
    """Whether a request to deploy again was made of another deployment than the one that is there.

    A request is for the object that it was set on. On a deployment that is about to be adopted, or where the record was
    lost, it came with a copy or is an old one, whose answer stood in the record.
    """
    return situation.resource.lost or is_stranger(situation)


def redeployed(situation: Situation, seen: Present, why: Purpose) -> Decision:
    """Take the first step; the deployment's absence leads to the others."""
    # In ERROR no instance runs that could answer a queue, so a graceful DELETE would drain for ever.
    graceful = gracefully(situation) and not seen.is_error
    version = situation.resource.wanted_version
    action = Undeploy(version, graceful, why, seen.deployment.deployment_id)
    return not_converging(situation, action) or again(situation, action)


def is_answered(situation: Situation) -> bool:
    """Whether a person's request for another deployment needs no more than what follows by itself.

    That is so once the old one is on its way out or not there, for its absence leads to another POST.
    """
    resource, wrote = situation.resource, situation.wrote
    if resource.redeploy_requested is None or resource.deleting or resource.paused or situation.holder is not None:
        return False
    if resource.spec is None or resource.observes:
        return False
    if isinstance(wrote, Create | Undeploy) and wrote.function_version_id == resource.wanted_version:
        return True
    seen = situation.observation(resource.wanted_version)
    if isinstance(seen, Present):
        return seen.is_inactive or is_for_an_earlier_deployment(situation)
    return isinstance(seen, Absent) and situation.believes_absence
