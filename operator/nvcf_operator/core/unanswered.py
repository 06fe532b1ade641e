"""POSTs of which NVCF leaves open what became of them: an error of its own (5xx), a timeout, a lost connection.

NVCF may have made the deployment all the same, so the settle has to pass before the next one. Each counts as a
failure: the pauses grow, the progress deadline runs, and `status.retry` keeps count and words, so that a restart
forgets neither.
"""

from datetime import timedelta

from nvcf_operator.api.status import Phase, Retry
from nvcf_operator.core import condition_sets, messages, versions
from nvcf_operator.core.backoff import Backoff
from nvcf_operator.core.deadlines import is_overdue, progress_deadline
from nvcf_operator.core.decision import ConditionSet, Decision
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import FunctionSeen, Present, Situation

LONGEST = 1800.0
"""Seconds between two POSTs at most, where the settle is not longer than that."""

REPORTED_FROM = 2
"""POSTs after which a status without a deployment is reported: before, NVCF may just be at work."""


def on_record(resource: Resource) -> Retry | None:
    """The count of such POSTs of this manifest; None when there was none."""
    retry, status = resource.status.retry, resource.status
    current = status.observed_generation == resource.generation
    return retry if retry is not None and retry.reason == Reason.AWAITING_ANSWER and current else None


def counted(situation: Situation) -> Retry | None:
    """The count with the POST that was just tried; None when there was none, or when the deployment is there."""
    known, failure = on_record(situation.resource), situation.unanswered
    if isinstance(situation.observation(situation.resource.wanted_version), Present):
        return None
    if failure is not None:
        attempts = (known.attempts if known is not None else 0) + 1
        due = situation.now + timedelta(seconds=pause(situation, attempts))
        return Retry(
            attempts=attempts,
            next_attempt_time=due,
            reason=Reason.AWAITING_ANSWER,
            message=failure.words or None,
            failed_deployments=_failed_before(situation.resource),
        )
    if known is not None and situation.resource.reconcile_requested:
        # A user's request ends the wait, though not the settle.
        return known.model_copy(update={"attempts": 1, "next_attempt_time": situation.now})
    return known


def _failed_before(resource: Resource) -> int | None:
    """The count of deployments that NVCF gave up, which such a POST does not begin anew."""
    retry, status = resource.status.retry, resource.status
    if retry is None or status.observed_generation != resource.generation:
        return None
    return retry.attempts if retry.reason == Reason.DEPLOYMENT_FAILED else retry.failed_deployments


def pause(situation: Situation, attempts: int) -> float:
    """Seconds between a POST and the next one: the settle, doubling."""
    settle = _settle(situation)
    return Backoff(settle, max(LONGEST, settle)).after(attempts - 1)


def due_in(situation: Situation) -> float:
    """Seconds until the next POST, as far as the pause after the last one is concerned."""
    known = counted(situation)
    if known is None or known.next_attempt_time is None:
        return 0.0
    return max(0.0, (known.next_attempt_time - situation.now).total_seconds())


def awaiting(situation: Situation) -> Decision | None:
    """Wait for what becomes of an earlier POST of the wanted version; None when it may be asked for again."""
    settle, rest = versions.next_post_allowed_in(situation), due_in(situation)
    missing = situation.function in (FunctionSeen.NOT_FOUND, FunctionSeen.PUBLIC)
    if settle <= 0 and (rest <= 0 or missing):
        return None
    retry = counted(situation)
    wait = min(max(settle, rest), _next_reconcile_in(situation, rest))
    if retry is None:
        condition_set = condition_sets.progressing(
            Phase.DEPLOYING, Reason.AWAITING_ANSWER, messages.AWAITING_ANSWER, available=False
        )
        return Decision(condition_set=condition_set, requeue=wait, seen=True)
    left = progress_deadline(situation)[1]
    wait = min(wait, left) if left > 0 else wait
    return Decision(condition_set=reported(situation, retry), requeue=wait, retry=retry, seen=True)


def reported(situation: Situation, retry: Retry) -> ConditionSet:
    """What the conditions say of POSTs whose outcome NVCF leaves open."""
    seconds, left = progress_deadline(situation)
    shown = situation.function_status if retry.attempts >= REPORTED_FROM else None
    message = messages.unanswered(retry.message, pause(situation, retry.attempts), shown)
    if left <= 0:
        message = messages.not_in_force(seconds, message)
        return condition_sets.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, message, available=False)
    return condition_sets.progressing(Phase.DEPLOYING, Reason.AWAITING_ANSWER, message, available=False)


def overdue(situation: Situation) -> ConditionSet | None:
    """What is reported while the next POST is sent, where the progress deadline is over: the same as before it."""
    resource, retry = situation.resource, situation.resource.status.retry
    ready = resource.condition("Ready")
    if not is_overdue(situation) or retry is None or ready is None:
        return None
    if retry.reason == Reason.NO_CAPACITY and ready.reason == Reason.PROGRESS_DEADLINE_EXCEEDED:
        return condition_sets.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, ready.message, available=False)
    retry = on_record(resource)
    return reported(situation, retry) if retry is not None else None


def _settle(situation: Situation) -> float:
    intent = situation.open_intent
    count = intent.specifications if intent is not None else versions.posts_specifications(situation)
    return situation.timing.create_settle_of(count)


def _next_reconcile_in(situation: Situation, rest: float) -> float:
    """Seconds until the next reconcile: often while a 404 has to be seen without a break, seldom in a long pause."""
    settle = _settle(situation)
    if rest <= settle or situation.local.intent_settled_for < settle:
        return situation.timing.settle_poll
    return min(situation.timing.poll, max(rest - settle, situation.timing.settle_poll))
