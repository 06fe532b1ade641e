"""What to report and when to try again, when something keeps us from knowing or from doing.

Waits double, up to a bound. Jitter is the caller's, so that decisions stay repeatable.

An outage of the server says nothing about a resource in order: its status stays as it is, and the outage is a metric.
A resource with work reports once that it waits. A failure is never taken for absence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from nvcf_operator.api.status import Phase, Retry
from nvcf_operator.core import condition_sets, deadlines, error_classification, messages
from nvcf_operator.core.deadlines import is_overdue, progress_deadline
from nvcf_operator.core.decision import Change, ConditionSet, Create, Decision, Purpose, Undeploy
from nvcf_operator.core.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Failure, Scope, Situation

MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from the first up to the last, in seconds."""

    first: float
    last: float

    def after(self, doublings: int) -> float:
        """The wait after that many doublings."""
        return min(self.last, self.first * 2.0 ** min(max(doublings, 0), MOST_DOUBLINGS))


SHORT = Backoff(1.0, 60.0)
CLUSTER = Backoff(1.0, 300.0)
LONG = Backoff(60.0, 1800.0)


def short(attempts: int) -> float:
    """Seconds to wait after that many failures in a row of a server or a network: 1 s doubling to a minute."""
    return SHORT.after(attempts)


def refused_by_cluster(attempts: int) -> float:
    """Seconds to wait after that many refusals of our writes by the API server: 1 s doubling to 5 minutes."""
    return CLUSTER.after(attempts)


def long(attempts: int) -> float:
    """Seconds to wait after that many refusals of this very resource: a minute doubling to half an hour."""
    return LONG.after(attempts - 1)


SECRET_AGAIN = 15.0
"""Seconds after which a Secret that gave no key is read again."""

PATIENT, REFUSALS = reasons_with(Trait.PATIENT), reasons_with(Trait.REFUSAL)

Hindrance = Callable[[Situation, Failure], Decision]
"""What to decide when something keeps us from undeploying: it differs with what the undeployment is for."""


def waiting(situation: Situation, failure: Failure, *, at_work: bool = False) -> Decision:
    """Decide on a resource that a failure keeps from its turn. `at_work`: a write is due, whatever the record says."""
    quiet = idle(situation.resource) and not at_work
    if failure.scope == Scope.RESOURCE:
        return refused(situation, failure)
    if failure.scope == Scope.CREDENTIAL:
        delay = failure.retry_after if failure.retry_after is not None else min(SECRET_AGAIN, situation.timing.poll)
        if quiet:
            return Decision(requeue=delay)
        left = deadlines.grace_left(situation, failure.reason)
        awaited = deadlines.stalled(situation, failure.reason, failure.message)
        return Decision(condition_set=awaited, requeue=min(delay, left) if left > 0 else delay)
    delay = short(situation.local.attempts)
    if failure.retry_after is not None:
        delay = max(delay, failure.retry_after)
    condition_set = None
    if not quiet:
        phase = Phase(situation.resource.status.phase or Phase.PENDING)
        phase = Phase.PENDING if phase == Phase.FAILED else phase
        condition_set = _kept_from_work(situation, failure, phase)
    return Decision(condition_set=condition_set, requeue=delay, backoff=True)


def hindered(situation: Situation, failure: Failure) -> Decision:
    """Wait with work in hand."""
    return waiting(situation, failure, at_work=True)


def held(situation: Situation, decision: Decision, hindered: Hindrance = hindered) -> Decision:
    """The decision, but that NVCF is not changed after a write that failed in the same pass.

    This stands over the result, so that no branch of the decisions can forget it.

    Args:
        situation: what was seen.
        decision: what is to be done, as if nothing had failed.
        hindered: what to decide after a write that failed.

    """
    if not isinstance(decision.action, Create | Change | Undeploy):
        return decision
    return hindered(situation, situation.failure) if situation.failure is not None else decision


def after_pause(situation: Situation, decision: Decision) -> Decision:
    """The decision on the wanted version, but that NVCF is not changed in the pause after a refused request.

    A version that was to be gone and is there again is undeployed all the same: it costs until then.
    """
    action = decision.action
    if isinstance(action, Undeploy) and action.purpose == Purpose.GONE:
        return decision
    if not isinstance(action, Create | Change | Undeploy) or (wait := retry_due_in(situation)) <= 0:
        return decision
    return Decision(requeue=wait, seen=True) if isinstance(action, Undeploy) else retried(situation, wait)


def _kept_from_work(situation: Situation, failure: Failure, phase: Phase) -> ConditionSet | None:
    """What is reported where a failure of the server keeps us from what is due; None where the record says more.

    Which resource makes the one call that tries a closed gate is chance, so what that call met must not alternate with
    the general word.
    """
    resource, overdue = situation.resource, is_overdue(situation)
    wanted = Reason.PROGRESS_DEADLINE_EXCEEDED if overdue else failure.reason
    ready, message = resource.condition("Ready"), failure.message
    if failure.general and ready is not None and ready.observed_generation == resource.generation:
        if ready.reason == wanted:
            return None
        message = ready.message if ready.reason == failure.reason else message
    if overdue:
        return condition_sets.stalled(wanted, messages.not_in_force(progress_deadline(situation)[0], message))
    return condition_sets.progressing(phase, wanted, message)


def refused(situation: Situation, failure: Failure) -> Decision:
    """Decide on a resource whose own request was refused: Stalled, and tried again with growing waits.

    What another controller may bring is checked more often at first, and nothing is recorded of that.
    """
    if (left := deadlines.grace_left(situation, failure.reason)) > 0:
        condition_set = deadlines.stalled(situation, failure.reason, failure.message)
        wait = min(left, short(situation.local.attempts))
        return Decision(condition_set=condition_set, requeue=wait, backoff=True, seen=True)
    retry = next_retry(situation, failure.reason)
    wait = long(retry.attempts)
    if failure.reason == Reason.NO_CAPACITY:
        condition_set, wait = without_capacity(situation, failure.message, wait)
    else:
        condition_set = condition_sets.stalled(failure.reason, failure.message)
    # NVCF's no answers a reconcile-now, which would be tried again at every reconcile otherwise.
    return Decision(condition_set=condition_set, requeue=wait, backoff=True, retry=retry, seen=True)


def without_capacity(situation: Situation, message: str, wait: float) -> tuple[ConditionSet, float]:
    """The conditions of a lack of capacity, which may pass without a change: Reconciling up to the progress deadline.

    Args:
        situation: what was seen.
        message: what NVCF said.
        wait: seconds until NVCF is asked again.

    Returns:
        The condition set, and the seconds until the next reconcile.

    """
    seconds, left = progress_deadline(situation)
    if left <= 0:
        message = messages.no_capacity_for(seconds, message)
        return condition_sets.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, message), wait
    phase = Phase(situation.resource.status.phase or Phase.PENDING)
    phase = Phase.PENDING if phase == Phase.FAILED else phase
    return condition_sets.progressing(phase, Reason.NO_CAPACITY, message), min(wait, left)


def retried(situation: Situation, wait: float) -> Decision:
    """Wait for the next attempt, and report what it waits for. For capacity it waits up to a deadline."""
    resource, retry = situation.resource, situation.resource.status.retry
    ready = resource.condition("Ready")
    if retry is None or ready is None or ready.reason == Reason.PROGRESS_DEADLINE_EXCEEDED:
        return Decision(requeue=wait, seen=True)
    same = ready.reason == retry.reason  # else something was in the way meanwhile, as a refused key, and is gone
    message = ready.message if same else error_classification.refused_before(Reason(retry.reason))
    if retry.reason == Reason.NO_CAPACITY:
        condition_set, wait = without_capacity(situation, message, wait)
        return Decision(condition_set=condition_set, requeue=wait, retry=retry, seen=True)
    if same or retry.reason not in REFUSALS:
        return Decision(requeue=wait, seen=True)
    return Decision(
        condition_set=condition_sets.stalled(Reason(retry.reason), message), requeue=wait, retry=retry, seen=True
    )


def next_retry(situation: Situation, reason: Reason) -> Retry:
    """Count a failure of this resource's own. A new generation starts from zero.

    A read that is refused says nothing of the request that NVCF refused before: that one keeps its pause.
    """
    resource = situation.resource
    last = resource.status.retry if resource.status.observed_generation == resource.generation else None
    waits = last is not None and last.next_attempt_time is not None and last.next_attempt_time > situation.now
    if last is not None and waits and last.reason != reason and situation.failure is None:
        return last
    attempts = (last.attempts if last is not None and last.reason == reason else 0) + 1
    due = situation.now + timedelta(seconds=long(attempts))
    return Retry(attempts=attempts, next_attempt_time=due, reason=reason)


def retry_due_in(situation: Situation) -> float:
    """Seconds until the recorded next attempt.

    0 when it is due, was asked for, or what was refused has changed since: the manifest, or the key if its rights were
    too few.
    """
    resource = situation.resource
    retry = resource.status.retry
    asked = resource.reconcile_requested or resource.redeploy_requested
    if retry is None or retry.next_attempt_time is None or asked:
        return 0.0
    if resource.status.observed_generation != resource.generation or retry.reason == Reason.AWAITING_ANSWER:
        return 0.0  # between two POSTs `unanswered.awaiting` waits, and nothing else has to
    if retry.reason == Reason.FORBIDDEN and _other_key(situation):
        return 0.0
    return max(0.0, (retry.next_attempt_time - situation.now).total_seconds())


def _other_key(situation: Situation) -> bool:
    """Whether we speak by another key than the one on record."""
    view = situation.account
    return (
        view is not None and view.fingerprint is not None and view.fingerprint != situation.resource.status.credential
    )


def idle(resource: Resource) -> bool:
    """Whether the record says that nothing is left to do for the manifest as it stands, but to wait for NVCF."""
    if resource.deleting or resource.status.observed_generation != resource.generation:
        return False
    ready = resource.condition("Ready")
    return ready is not None and (ready.status == "True" or ready.reason in PATIENT)
