"""The wanted version is not deployed: prove it, wait for the outcome of an earlier POST, settle, then create.

A 404 of GET is "not deployed", "no such version", "not in this key's account", "not yet" or a dependency's own 404
(facts on NVCF, sections 2, 3 and 5). It leads to a POST only past all of the checks below, in their order.

NVCF leaves open what became of a POST after an error of its own (5xx), a timeout or a lost connection. It may have made
the deployment all the same, so the settle has to pass before the next one. Each counts as a failure: the pauses grow,
the progress deadline runs, and `status.retry` keeps count and words, so that a restart forgets neither.
"""

from datetime import timedelta

from nvcf_operator.api.status import Phase, Retry
from nvcf_operator.backoff import Backoff
from nvcf_operator.core.diff import compare
from nvcf_operator.core.model import versions
from nvcf_operator.core.model.decision import ConditionSet, Create, Decision, act
from nvcf_operator.core.model.observed import Absent, Failure, FunctionSeen, FunctionStatus, Present, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report import conditions, messages
from nvcf_operator.core.rules.flap_guard import at_limit, not_converging
from nvcf_operator.core.rules.ownership import doubted
from nvcf_operator.core.rules.retries import is_overdue, progress_deadline, refused, waiting


def absent(situation: Situation, nothing: Absent) -> Decision:
    """Decide on a version that GET does not find."""
    resource, spec = situation.resource, situation.resource.spec
    assert spec is not None, "decide() has dealt with a manifest that cannot be read"
    if doubt := unproven(situation):
        return doubt
    if awaited := awaiting(situation):
        return awaited
    recorded = resource.holds and resource.status.function_version_id == resource.wanted_version
    gone = ("deployment",) if resource.in_order and recorded else ()
    if recorded and held_back(situation):
        return Decision(condition_set=conditions.stalled(Reason.MASS_ABSENCE, messages.MASS_ABSENCE, available=False))
    action = Create(
        function_version_id=resource.wanted_version,
        specifications=compare.create_body(spec.deployment_specifications),
    )
    # These before the settle: it would restart at each reconcile, and the status would report both in turn.
    if stalled := not_converging(situation, action):
        return stalled
    if situation.function == FunctionSeen.NOT_FOUND:
        message = messages.no_function(resource.function_id, resource.wanted_version)
        return refused(situation, Failure(Reason.FUNCTION_NOT_FOUND, message, Scope.RESOURCE))
    if situation.function == FunctionSeen.PUBLIC:
        message = messages.public_function(resource.function_id)
        return refused(situation, Failure(Reason.PUBLIC_FUNCTION, message, Scope.RESOURCE))
    if (wait := versions.redeploy_settle_left(situation, nothing)) > 0:
        # A request that lifts the brake or the guard holds until the POST.
        lifts = (recorded and situation.mass_absence) or at_limit(situation, action)
        return Decision(
            condition_set=conditions.progressing(
                Phase.PENDING, Reason.SETTLING, messages.settling(situation.timing.redeploy_settle), available=False
            ),
            requeue=min(wait, situation.timing.settle_poll),
            drift=gone,
            seen=not lifts,
        )
    return act(action, drift=gone)


def unproven(situation: Situation) -> Decision | None:
    """Refuse to believe a 404 of a key that is not shown to belong to the account on record."""
    doubt = doubted(situation)
    if doubt is None:
        return None
    if doubt.scope == Scope.SERVER:
        return waiting(situation, doubt)
    return Decision(condition_set=conditions.stalled(doubt.reason, doubt.message), requeue=situation.timing.poll)


def held_back(situation: Situation) -> bool:
    """Whether so much of the account is gone at once that none of it is deployed again unless a user asks for it.

    The record keeps the brake on when the account's other deployments have been gone for long, or after a restart.
    """
    resource = situation.resource
    if resource.reconcile_requested or resource.redeploy_requested:
        return False
    stalled = resource.condition("Stalled")
    reported = stalled is not None and stalled.status == "True" and stalled.reason == Reason.MASS_ABSENCE
    current = resource.status.observed_generation == resource.generation
    return situation.mass_absence or (reported and current)


LONGEST_PAUSE = 1800.0
"""Seconds between two POSTs at most, where the settle is not longer than that."""

REPORTED_FROM = 2
"""POSTs after which a status without a deployment is reported: before, NVCF may just be at work."""


def posts_on_record(resource: Resource) -> Retry | None:
    """The count of such POSTs of this manifest; None when there was none."""
    retry, status = resource.status.retry, resource.status
    current = status.observed_generation == resource.generation and not resource.has_news
    return retry if retry is not None and retry.reason == Reason.AWAITING_ANSWER and current else None


def posts_counted(situation: Situation) -> Retry | None:
    """The count with the POST that was just tried; None when there was none, or when the deployment is there."""
    known, failure = posts_on_record(situation.resource), situation.unanswered
    if isinstance(situation.observation(situation.resource.wanted_version), Present):
        return None
    if failure is not None:
        attempts = (known.attempts if known is not None else 0) + 1
        due = situation.now + timedelta(seconds=post_pause(situation, attempts))
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
    """The count of deployments that NVCF gave up, which such a POST does not restart."""
    retry, status = resource.status.retry, resource.status
    if retry is None or status.observed_generation != resource.generation or resource.has_news:
        return None
    return retry.attempts if retry.reason == Reason.DEPLOYMENT_FAILED else retry.failed_deployments


def post_pause(situation: Situation, attempts: int) -> float:
    """Seconds between a POST and the next one: the settle, doubling."""
    settle = _settle(situation)
    return Backoff(settle, max(LONGEST_PAUSE, settle)).after(attempts - 1)


def next_post_due_in(situation: Situation) -> float:
    """Seconds until the next POST, as far as the pause after the last one is concerned."""
    known = posts_counted(situation)
    if known is None or known.next_attempt_time is None:
        return 0.0
    return max(0.0, (known.next_attempt_time - situation.now).total_seconds())


def awaiting(situation: Situation) -> Decision | None:
    """Wait for what becomes of an earlier POST of the wanted version; None when it may be asked for again."""
    settle, rest = versions.next_post_allowed_in(situation), next_post_due_in(situation)
    missing = situation.function in (FunctionSeen.NOT_FOUND, FunctionSeen.PUBLIC)
    if settle <= 0 and (rest <= 0 or missing):
        return None
    # Reconciled seldom then, so that the settle begins again each time: the status would report both in turn.
    if missing and _is_reported_missing(situation):
        return None
    retry = posts_counted(situation)
    wait = min(max(settle, rest), _next_reconcile_in(situation, rest))
    if retry is None:
        condition_set = conditions.progressing(
            Phase.DEPLOYING, Reason.AWAITING_ANSWER, messages.AWAITING_ANSWER, available=False
        )
        return Decision(condition_set=condition_set, requeue=wait, seen=True)
    left = progress_deadline(situation)[1]
    wait = min(wait, left) if left > 0 else wait
    return Decision(condition_set=awaiting_answer(situation, retry), requeue=wait, retry=retry, seen=True)


def _is_reported_missing(situation: Situation) -> bool:
    ready = situation.resource.condition("Ready")
    return ready is not None and ready.reason in (Reason.FUNCTION_NOT_FOUND, Reason.PUBLIC_FUNCTION)


def awaiting_answer(situation: Situation, retry: Retry) -> ConditionSet:
    """What the conditions say of POSTs whose outcome NVCF leaves open."""
    seconds, left = progress_deadline(situation)
    shown = situation.function_status if retry.attempts >= REPORTED_FROM else None
    shown = None if shown == FunctionStatus.INACTIVE else shown
    message = messages.unanswered(retry.message, post_pause(situation, retry.attempts), shown)
    if left <= 0:
        message = messages.not_in_force(seconds, message)
        return conditions.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, message, available=False)
    return conditions.progressing(Phase.DEPLOYING, Reason.AWAITING_ANSWER, message, available=False)


def overdue(situation: Situation) -> ConditionSet | None:
    """What is reported while the next POST is sent, where the progress deadline is over: the same as before it."""
    resource, retry = situation.resource, situation.resource.status.retry
    ready = resource.condition("Ready")
    if not is_overdue(situation) or retry is None or ready is None:
        return None
    if retry.reason == Reason.NO_CAPACITY and ready.reason == Reason.PROGRESS_DEADLINE_EXCEEDED:
        return conditions.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, ready.message, available=False)
    retry = posts_on_record(resource)
    return awaiting_answer(situation, retry) if retry is not None else None


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
