"""What a CloudFunction reports, and when it is tried again, while something keeps the operator from knowing or doing.

An outage says nothing about a resource in order: its status stays as it is. A template that NVCF refuses is tried again
six times with growing waits, since an image may be pushed after the commit, and then rests until it changes.
"""

from datetime import timedelta

from nvcf_operator.api.common import Retry
from nvcf_operator.api.function_status import FunctionPhase
from nvcf_operator.backoff import long, refused_by_cluster
from nvcf_operator.core.functions.model.decision import FunctionDecision
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report import messages
from nvcf_operator.core.model.decision import ConditionSet
from nvcf_operator.core.model.observed import Failure, FunctionStatus, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import conditions
from nvcf_operator.core.report.messages import version_busy
from nvcf_operator.core.rules.error_classification import refused_before
from nvcf_operator.core.rules.retries import idle, outage_pause, phase_at_work, without_credential
from nvcf_operator.core.rules.version_locks import WAIT, Lock

SLOW = 300.0
"""Seconds between two reconciles of what only somebody else or another resource can change."""

MOST_RETRIES = 6
"""Times that a refused template is tried again."""

MAY_PASS = frozenset({Reason.ARTIFACT_REJECTED, Reason.QUOTA_EXCEEDED})
"""Refusals that pass without a change of the manifest; while they are retried, the resource is Reconciling."""


def waiting(situation: FunctionSituation, failure: Failure, *, at_work: bool = False) -> FunctionDecision:
    """Decide on a resource that a failure keeps from its turn. `at_work`: a write is due, whatever the record says."""
    quiet = idle(situation.resource) and not at_work
    if failure.scope == Scope.CREDENTIAL:
        condition_set, delay = without_credential(situation, failure, quiet=quiet)
        return FunctionDecision(condition_set=condition_set, requeue=delay)
    if failure.scope == Scope.RESOURCE:
        stalled, delay = conditions.stalled(failure.reason, failure.message), long(situation.local.attempts + 1)
        return FunctionDecision(condition_set=stalled, requeue=delay, backoff=True, seen=True)
    quiet = quiet or (_rests(situation) and not at_work)
    condition_set = None if quiet else _kept_from_work(situation, failure)
    return FunctionDecision(condition_set=condition_set, requeue=outage_pause(situation, failure), backoff=True)


def _rests(situation: FunctionSituation) -> bool:
    """Whether the record gives NVCF's words about a refused template, and nothing is due but its next attempt."""
    resource, failed = situation.resource, situation.resource.status.failed
    return failed is not None and not _is_due(situation) and _says(resource, failed.reason)


def _says(resource: CloudFunction, reason: str) -> bool:
    """Whether the status gives that reason for the manifest as it stands."""
    ready = resource.condition("Ready")
    return ready is not None and (ready.reason, ready.observed_generation) == (reason, resource.generation)


def _is_due(situation: FunctionSituation) -> bool:
    """Whether a template is to be asked for now, as far as its refusal goes."""
    resource, failed = situation.resource, situation.resource.status.failed
    retry = resource.status.retry
    if failed is None or (failed.hash, failed.generation) != (resource.wanted.hash, resource.generation):
        return True
    if resource.reconcile_requested or retry is None or _has_other_rights(situation):
        return True
    return retry_left(situation) <= 0 and not _is_given_up(retry)


def _is_given_up(retry: Retry) -> bool:
    return retry.attempts > MOST_RETRIES


def _kept_from_work(situation: FunctionSituation, failure: Failure) -> ConditionSet | None:
    """What is reported of an outage; None where the record says more than the general word of a closed gate."""
    resource, ready = situation.resource, situation.resource.condition("Ready")
    reported = (ready.reason, ready.observed_generation) if ready is not None else None
    if failure.general and reported == (failure.reason, resource.generation):
        return None
    return conditions.progressing(phase_at_work(resource), failure.reason, failure.message)


def write_refused(situation: FunctionSituation, message: str) -> FunctionDecision:
    """Decide on a resource whose finalizer or intent could not be written: report it and wait."""
    resource = situation.resource
    phase = FunctionPhase.DELETING if resource.deleting else phase_at_work(resource)
    condition_set = ConditionSet(phase, Reason.WRITE_REFUSED, message, reconciling=True, blocked=resource.deleting)
    return FunctionDecision(
        condition_set=condition_set, requeue=refused_by_cluster(situation.local.attempts), backoff=True
    )


def refused(situation: FunctionSituation, failure: Failure) -> FunctionDecision:
    """Decide on a template that NVCF has just refused."""
    retry = next_retry(situation, failure.reason)
    if retry.attempts > MOST_RETRIES:
        message = messages.refused_for_good(retry.attempts, failure.message)
        return FunctionDecision(condition_set=conditions.stalled(failure.reason, message), retry=retry, seen=True)
    condition_set = _refused(situation, failure.reason, failure.message)
    wait = max(long(retry.attempts), failure.retry_after or 0.0)
    return FunctionDecision(condition_set=condition_set, requeue=wait, backoff=True, retry=retry, seen=True)


def after_refusal(situation: FunctionSituation) -> FunctionDecision | None:
    """Decide on a template that NVCF refused earlier, until its next attempt is due; None: it may be asked for."""
    resource, failed, retry = situation.resource, situation.resource.status.failed, situation.resource.status.retry
    if failed is None or retry is None or _is_due(situation):
        return None
    reason, given_up, left = Reason(failed.reason), _is_given_up(retry), retry_left(situation)
    if _says(resource, failed.reason):
        return FunctionDecision(requeue=None if given_up else left, seen=True)
    text = refused_before(reason)  # something was in the way meanwhile, as a refused key, and is gone
    if given_up:
        text = messages.refused_for_good(retry.attempts, text)
        return FunctionDecision(condition_set=conditions.stalled(reason, text), seen=True)
    return FunctionDecision(condition_set=_refused(situation, reason, text), requeue=left, seen=True)


def _refused(situation: FunctionSituation, reason: Reason, message: str) -> ConditionSet:
    if reason in MAY_PASS:
        phase = situation.resource.status.phase
        at_work = phase if phase == FunctionPhase.REGISTERED else FunctionPhase.REGISTERING
        return conditions.progressing(at_work, reason, message)
    return conditions.stalled(reason, message)


def next_retry(situation: FunctionSituation, reason: Reason, message: str | None = None) -> Retry:
    """Count a failure of this resource's own. A new generation starts from zero."""
    resource = situation.resource
    last = resource.status.retry if resource.is_reported else None
    attempts = (last.attempts if last is not None and last.reason == reason else 0) + 1
    due = situation.now + timedelta(seconds=long(attempts))
    return Retry(attempts=attempts, next_attempt_time=due, reason=reason, message=message)


def retry_left(situation: FunctionSituation) -> float:
    """Seconds until the next attempt on record."""
    retry = situation.resource.status.retry
    if retry is None or retry.next_attempt_time is None or situation.resource.reconcile_requested:
        return 0.0
    return max(0.0, (retry.next_attempt_time - situation.now).total_seconds())


def _has_other_rights(situation: FunctionSituation) -> bool:
    """Whether a key's lack of rights is no reason any more: another key is used than the one on record."""
    failed, view, known = situation.resource.status.failed, situation.account, situation.resource.status.credential
    forbidden = failed is not None and failed.reason == Reason.FORBIDDEN
    return forbidden and view is not None and None not in (known, view.fingerprint) and known != view.fingerprint


def locked(situation: FunctionSituation, seen: VersionSeen) -> Lock | None:
    """What keeps tags and rate limit of a version from being changed; None where nothing does, or not for long.

    NVCF rewrites the version's whole row when its deployment is requested, comes up or is taken down, so that one of
    the two would be undone, or the deployment ended (facts on the functions API, section 2.9). Values of secrets are
    no part of the row.
    """
    version, poll, soon = seen.version_id, situation.timing.poll, situation.timing.busy_poll
    if (left := situation.locked_for.get(version, 0.0)) > WAIT:
        return Lock(min(left, soon), version_busy(version))  # its effect may be seen before
    if requesting := [item.key for item in situation.followers if version in item.intended]:
        return Lock(poll, messages.deployment_requested(version, requesting))
    if undeploying := [item.key for item in situation.followers if version in item.undeploying]:
        return Lock(poll, messages.deployment_ends(version, undeploying))
    if seen.known_status == FunctionStatus.DEPLOYING:
        return Lock(poll, messages.deploying(version))
    return None
