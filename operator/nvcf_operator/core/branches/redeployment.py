"""Another deployment of the same version: on request, for a change that needs one, or after a failure.

There is no record of the steps: each pass goes on from what NVCF shows, so a crash between any two repeats nothing.

A deployment in ERROR is deployed again with growing waits, a few times, for only a DELETE leaves ERROR (facts on NVCF,
section 5). The count stands in `status.retry`, so a restart does not reset it: a planned attempt has a time, an
attempt under way has none.
"""

from datetime import timedelta

from nvcf_operator import backoff
from nvcf_operator.api.spec import ImmutableChange
from nvcf_operator.api.status import Phase, Retry
from nvcf_operator.core.branches.undeploying import again, gracefully
from nvcf_operator.core.diff import compare
from nvcf_operator.core.model.decision import Create, Decision, Purpose, Undeploy
from nvcf_operator.core.model.observed import Absent, FunctionStatus, Listed, Present
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report import conditions, messages
from nvcf_operator.core.rules.flap_guard import not_converging
from nvcf_operator.core.rules.ownership import is_stranger
from nvcf_operator.core.rules.retries import retry_due_in


def purpose(situation: Situation, seen: Present) -> Purpose | None:
    """Why the manifest or a user wants another deployment in place of this one; None when nobody does."""
    resource = situation.resource
    if resource.redeploy_requested and not is_for_an_earlier_deployment(situation):
        return Purpose.REQUESTED
    spec = resource.spec
    if spec is None or (
        spec.rollout.immutable_change != ImmutableChange.REDEPLOY and not serves_nobody(situation, seen)
    ):
        return None
    if compare.unreadable_for_comparison(spec.deployment_specifications, seen.deployment):
        return None
    found = compare.compare(spec.deployment_specifications, seen.deployment.deployment_specifications)
    if not situation.local.put_supported:
        found = found.without_put()
    return Purpose.REDEPLOY if found.immutable else None


def serves_nobody(situation: Situation, seen: Present) -> bool:
    """Whether a referenced version comes up beside the former one and answers no requests yet.

    Function and GPUs of one commit arrive as two objects, so it may have been requested with the former GPUs.
    """
    resource = situation.resource
    coming = resource.status.incoming
    is_coming = coming is not None and coming.function_version_id == resource.wanted_version
    return resource.follows and is_coming and not seen.serves


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
    """Whether a user's request for another deployment needs no more than what follows automatically.

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


ATTEMPTS = 5
"""Deployments after the first one, before a user has to help."""


def failed(situation: Situation, seen: Present) -> Decision:
    """Decide on a deployment in ERROR."""
    resource, health = situation.resource, conditions.health_of(situation, seen)
    retry = attempts_on_record(resource)
    asked = resource.reconcile_requested is not None or corrected(resource)
    if retry is not None and retry.attempts >= ATTEMPTS and retry.next_attempt_time is None and not asked:
        condition_set = conditions.stalled(
            Reason.DEPLOYMENT_FAILED, messages.deployment_given_up(ATTEMPTS, health), available=False
        )
        # The status can be seen a moment before its reason is written.
        return Decision(
            condition_set=condition_set, requeue=None if health else situation.timing.poll, retry=retry, seen=True
        )
    if asked or (retry is not None and retry.next_attempt_time is not None and retry_due_in(situation) <= 0):
        # No instance runs that could answer a queue, so a graceful DELETE would drain for ever.
        version, found = resource.wanted_version, seen.deployment.deployment_id
        return again(situation, Undeploy(version, False, Purpose.FAILED, found))
    if retry is None or retry.next_attempt_time is None:
        retry = planned(situation, (retry.attempts if retry is not None else 0) + 1)
    message = messages.deployment_failed(retry.attempts, ATTEMPTS, health)
    condition_set = conditions.progressing(Phase.FAILED, Reason.DEPLOYMENT_FAILED, message, available=False)
    assert retry.next_attempt_time is not None, "it is planned"
    left = max(0.0, (retry.next_attempt_time - situation.now).total_seconds())
    return Decision(condition_set=condition_set, requeue=min(left, situation.timing.poll), retry=retry, seen=True)


def attempts_on_record(resource: Resource) -> Retry | None:
    """The count of this manifest's attempts; None when there was none."""
    retry, status = resource.status.retry, resource.status
    if retry is None or status.observed_generation != resource.generation or resource.has_news:
        return None
    if retry.failed_deployments is not None:  # a POST of this attempt was left open meanwhile
        return Retry(attempts=retry.failed_deployments, reason=Reason.DEPLOYMENT_FAILED)
    return retry if retry.reason == Reason.DEPLOYMENT_FAILED else None


def corrected(resource: Resource) -> bool:
    """Whether the manifest was changed since the failure was reported, so that there is a reason to try at once."""
    status = resource.status
    return status.function_status == FunctionStatus.ERROR and status.observed_generation != resource.generation


def planned(situation: Situation, attempts: int) -> Retry:
    """Plan an attempt."""
    due = situation.now + timedelta(seconds=backoff.long(attempts))
    return Retry(attempts=attempts, next_attempt_time=due, reason=Reason.DEPLOYMENT_FAILED)


def under_way(situation: Situation) -> Retry | None:
    """The record while an attempt is under way: its number stays until the deployment is in order."""
    resource = situation.resource
    retry = attempts_on_record(resource)
    wrote = situation.wrote
    if isinstance(wrote, Undeploy) and wrote.purpose == Purpose.FAILED:
        first = retry is None or resource.reconcile_requested is not None
        attempts = 1 if first or retry is None else retry.attempts
        return Retry(attempts=attempts, next_attempt_time=None, reason=Reason.DEPLOYMENT_FAILED)
    if retry is None:
        return None
    seen = situation.observation(resource.wanted_version)
    waits = not isinstance(seen, Present | Listed) or seen.is_error
    return retry if waits else retry.model_copy(update={"next_attempt_time": None})
