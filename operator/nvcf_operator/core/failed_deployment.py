"""NVCF has given the deployment up (status ERROR): undeploy it and deploy it again, with growing waits, a few times.

Only a DELETE leaves ERROR (facts on NVCF, section 5). The count stands in `status.retry`, so a restart does not begin
it anew: a planned attempt has a time, an attempt under way has none.
"""

from datetime import timedelta

from nvcf_operator.api.conditions import Phase
from nvcf_operator.api.status import Retry
from nvcf_operator.core import backoff, condition_sets, health, messages
from nvcf_operator.core.actions import Purpose, Undeploy
from nvcf_operator.core.decision import Decision
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import FunctionStatus, Listed, Present, Situation
from nvcf_operator.core.undeploying import again
from nvcf_operator.core.waiting import retry_due_in

ATTEMPTS = 5
"""Deployments after the first one, before a person has to help."""


def failed(situation: Situation, seen: Present) -> Decision:
    """Decide on a deployment in ERROR."""
    resource, told = situation.resource, health.of(situation, seen)
    retry = attempts_on_record(resource)
    asked = resource.reconcile_requested is not None or corrected(resource)
    if retry is not None and retry.attempts >= ATTEMPTS and retry.next_attempt_time is None and not asked:
        condition_set = condition_sets.stalled(
            Reason.DEPLOYMENT_FAILED, messages.deployment_given_up(ATTEMPTS, told), available=False
        )
        # The status can be seen a moment before its reason is written.
        return Decision(
            condition_set=condition_set, requeue=None if told else situation.timing.poll, retry=retry, seen=True
        )
    if asked or (retry is not None and retry.next_attempt_time is not None and retry_due_in(situation) <= 0):
        # No instance runs that could answer a queue, so a graceful DELETE would drain for ever.
        version, found = resource.wanted_version, seen.deployment.deployment_id
        return again(situation, Undeploy(version, False, Purpose.FAILED, found))
    if retry is None or retry.next_attempt_time is None:
        retry = planned(situation, (retry.attempts if retry is not None else 0) + 1)
    message = messages.deployment_failed(retry.attempts, ATTEMPTS, told)
    condition_set = condition_sets.progressing(Phase.FAILED, Reason.DEPLOYMENT_FAILED, message, available=False)
    assert retry.next_attempt_time is not None, "it is planned"
    left = max(0.0, (retry.next_attempt_time - situation.now).total_seconds())
    return Decision(condition_set=condition_set, requeue=min(left, situation.timing.poll), retry=retry, seen=True)


def attempts_on_record(resource: Resource) -> Retry | None:
    """The count of this manifest's attempts; None when there was none."""
    retry, status = resource.status.retry, resource.status
    if retry is None or status.observed_generation != resource.generation:
        return None
    if retry.failed_deployments is not None:  # a POST of this attempt was left open meanwhile
        return Retry(attempts=retry.failed_deployments, reason=Reason.DEPLOYMENT_FAILED)
    return retry if retry.reason == Reason.DEPLOYMENT_FAILED else None


def corrected(resource: Resource) -> bool:
    """Whether the manifest was changed since the failure was told, so that there is a reason to try at once."""
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
