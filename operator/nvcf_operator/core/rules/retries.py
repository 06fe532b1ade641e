"""What to report and when to try again, when something keeps us from knowing or doing; and how long things may take.

An outage of the server says nothing about a resource in order: its status stays as it is, and the outage is a metric.
A resource with work reports once that it waits. A failure is never taken for absence.

A Secret comes by external-secrets or sealed-secrets, a key takes a while to take effect, a function version is made by
a pipeline, and another resource may let go of a version. Helm, Flux and Argo CD give a release up at the first Stalled,
so for `--stalled-grace-seconds` it is Reconciling. The span is what this process has itself seen pass; what is on
record as Stalled stays so, so that a restart does not start it again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from nvcf_operator.api import status as kinds
from nvcf_operator.api.status import Phase, Retry
from nvcf_operator.backoff import long, short
from nvcf_operator.core.model.decision import Change, ConditionSet, Create, Decision, Purpose, Undeploy
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Failure, Present, Scope
from nvcf_operator.core.model.reasons import Reason, Trait, reasons_with
from nvcf_operator.core.model.situation import AnySituation, Situation
from nvcf_operator.core.report import conditions, messages
from nvcf_operator.core.rules import error_classification

AWAITED = reasons_with(Trait.AWAITED)


def grace_left(situation: AnySituation, reason: Reason) -> float:
    """Seconds for which something that stands in the way for that reason is still waited for; 0: it is Stalled."""
    resource, local = situation.resource, situation.local
    stalled = resource.condition(kinds.STALLED)
    reported = (str(reason), resource.generation)
    if reason not in AWAITED:
        return 0.0
    if stalled is not None and stalled.status == "True" and reported == (stalled.reason, stalled.observed_generation):
        return 0.0
    waited = local.reported_for if local.reported == reported else 0.0
    return max(0.0, situation.timing.stalled_grace - waited)


def stalled_after_grace(situation: AnySituation, reason: Reason, message: str) -> ConditionSet:
    """The conditions of something that stands in the way: Reconciling while it is still waited for, then Stalled."""
    if grace_left(situation, reason) <= 0:
        return conditions.stalled(reason, message)
    return conditions.progressing(phase_at_work(situation.resource), reason, message)


def phase_at_work(resource: AnyResource) -> str:
    """The phase on record, as far as it says that work goes on."""
    phase = resource.status.phase
    return phase if phase is not None and phase != Phase.FAILED else Phase.PENDING


AT_LENGTH = timedelta(minutes=1)
"""Time after which a POST that is answered at last restarts the deadline."""


def progress_since(situation: Situation) -> datetime:
    """Start of the current deadline: recorded for this generation, else now.

    A deployment that NVCF took only after a while gets the whole deadline: what was lost in asking for it, by errors of
    NVCF's own, a lack of capacity, a refused write or an outage, is no fault of its own.
    """
    status, resource = situation.resource.status, situation.resource
    in_vain = status.retry is not None and status.retry.reason in (Reason.AWAITING_ANSWER, Reason.NO_CAPACITY)
    if in_vain and isinstance(situation.observation(resource.wanted_version), Present):
        return situation.now
    since = status.progressing_since if status.observed_generation == resource.generation else None
    if since is None or (isinstance(situation.wrote, Create) and situation.now - since > AT_LENGTH):
        return situation.now
    return since


def progress_deadline(situation: Situation) -> tuple[int, float]:
    """The deadline in seconds, and how many are left of it."""
    spec = situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    seconds = spec.rollout.progress_deadline_seconds
    end = progress_since(situation) + timedelta(seconds=seconds)
    return seconds, (end - situation.now).total_seconds()


def is_overdue(situation: Situation) -> bool:
    """Whether a deadline that is on record for this manifest is over."""
    status, resource = situation.resource.status, situation.resource
    recorded = status.progressing_since is not None and status.observed_generation == resource.generation
    return recorded and resource.spec is not None and progress_deadline(situation)[1] <= 0


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
        condition_set, delay = without_credential(situation, failure, quiet=quiet)
        return Decision(condition_set=condition_set, requeue=delay)
    condition_set = None
    if not quiet and (at_work or not _rests(situation)):
        condition_set = _kept_from_work(situation, failure, phase_at_work(situation.resource))
    return Decision(condition_set=condition_set, requeue=outage_pause(situation, failure), backoff=True)


def _rests(situation: Situation) -> bool:
    """Whether the record gives NVCF's words about a refused request, and nothing is due but its next attempt."""
    resource, retry = situation.resource, situation.resource.status.retry
    if retry is None or resource.deleting or resource.paused or retry_due_in(situation) <= 0:
        return False
    ready = resource.condition("Ready")
    says = ready is not None and (ready.reason, ready.observed_generation) == (retry.reason, resource.generation)
    # A lack of capacity is waited for up to the deadline, which is reported in an outage as well.
    return says and (retry.reason in REFUSALS or (retry.reason == Reason.NO_CAPACITY and not is_overdue(situation)))


def without_credential(situation: AnySituation, failure: Failure, *, quiet: bool) -> tuple[ConditionSet | None, float]:
    """What is reported while there is no key that works, and the seconds until the next reconcile.

    With `quiet` nothing is: the manifest is in effect all the same.
    """
    delay = failure.retry_after if failure.retry_after is not None else min(SECRET_AGAIN, situation.timing.poll)
    if quiet:
        return None, delay
    left = grace_left(situation, failure.reason)
    awaited = stalled_after_grace(situation, failure.reason, failure.message)
    return awaited, min(delay, left) if left > 0 else delay


def outage_pause(situation: AnySituation, failure: Failure) -> float:
    """Seconds until the next reconcile while NVCF cannot be reached, or asks to slow down."""
    return max(short(situation.local.attempts), failure.retry_after or 0.0)


def hindered(situation: Situation, failure: Failure) -> Decision:
    """Wait with a write due."""
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


def _kept_from_work(situation: Situation, failure: Failure, phase: str) -> ConditionSet | None:
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
        return conditions.stalled(wanted, messages.not_in_force(progress_deadline(situation)[0], message))
    return conditions.progressing(phase, wanted, message)


def refused(situation: Situation, failure: Failure) -> Decision:
    """Decide on a resource whose own request was refused: Stalled, and tried again with growing waits.

    What another controller may bring is checked more often at first, and nothing is recorded of that.
    """
    if (left := grace_left(situation, failure.reason)) > 0:
        condition_set = stalled_after_grace(situation, failure.reason, failure.message)
        wait = min(left, short(situation.local.attempts))
        return Decision(condition_set=condition_set, requeue=wait, backoff=True, seen=True)
    retry = next_retry(situation, failure.reason)
    wait = long(retry.attempts)
    if failure.reason == Reason.NO_CAPACITY:
        condition_set, wait = without_capacity(situation, failure.message, wait)
    else:
        condition_set = conditions.stalled(failure.reason, failure.message)
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
        return conditions.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, message), wait
    phase = phase_at_work(situation.resource)
    return conditions.progressing(phase, Reason.NO_CAPACITY, message), min(wait, left)


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
        condition_set=conditions.stalled(Reason(retry.reason), message), requeue=wait, retry=retry, seen=True
    )


def next_retry(situation: Situation, reason: Reason) -> Retry:
    """Count a failure of this resource's own. A new generation starts from zero.

    What a read shows says nothing of the request that NVCF refused before, and counts once a pause: between two
    attempts, the record stays as it is.
    """
    resource = situation.resource
    last = resource.status.retry if resource.status.observed_generation == resource.generation else None
    waits = last is not None and last.next_attempt_time is not None and last.next_attempt_time > situation.now
    if last is not None and waits and situation.failure is None:
        return last
    attempts = (last.attempts if last is not None and last.reason == reason else 0) + 1
    due = situation.now + timedelta(seconds=long(attempts))
    return Retry(attempts=attempts, next_attempt_time=due, reason=reason)


def retry_due_in(situation: Situation) -> float:
    """Seconds until the recorded next attempt.

    0 when it is due, was asked for, or what was refused has changed since: the manifest, the CloudFunction that it
    follows, or the key if its rights were too few.
    """
    resource = situation.resource
    retry = resource.status.retry
    asked = resource.reconcile_requested or resource.redeploy_requested
    if retry is None or retry.next_attempt_time is None or asked:
        return 0.0
    if resource.has_news and not resource.holds_immutable_changes:
        return 0.0
    if resource.status.observed_generation != resource.generation or retry.reason == Reason.AWAITING_ANSWER:
        return 0.0  # between two POSTs `not_deployed.awaiting` waits, and nothing else has to
    if retry.reason in (Reason.FUNCTION_NOT_FOUND, Reason.PUBLIC_FUNCTION):
        return 0.0  # NVCF was asked for nothing: once the list shows a version to deploy, it is deployed
    if retry.reason == Reason.FORBIDDEN and _other_key(situation):
        return 0.0
    return max(0.0, (retry.next_attempt_time - situation.now).total_seconds())


def _other_key(situation: Situation) -> bool:
    """Whether we speak by another key than the one on record."""
    view = situation.account
    return (
        view is not None and view.fingerprint is not None and view.fingerprint != situation.resource.status.credential
    )


def idle(resource: AnyResource) -> bool:
    """Whether the record says that nothing is left to do for the manifest as it stands, but to wait for NVCF."""
    if resource.deleting or resource.status.observed_generation != resource.generation:
        return False
    ready = resource.condition("Ready")
    return ready is not None and (ready.status == "True" or ready.reason in PATIENT)
