"""What is decided while values of secrets cannot be read or sent: nothing is registered, and what is there stays.

A version without its secrets would be of no use. One that has them goes on with the values that NVCF has.
"""

from dataclasses import replace

from nvcf_operator.api.conditions import SECRETS_SYNCED
from nvcf_operator.core.functions.branches.waiting import waiting
from nvcf_operator.core.functions.model.decision import FunctionDecision
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.rules.retries import SECRET_AGAIN, grace_left, outage_pause, stalled_after_grace


def withheld(situation: FunctionSituation) -> FunctionDecision | None:
    """Decide on a registration whose secrets cannot be sent: a version without them would be of no use."""
    failure = _failure(situation)
    if failure is None:
        return None
    if failure.scope == Scope.SERVER:
        return waiting(situation, failure, at_work=True)
    condition_set = stalled_after_grace(situation, failure.reason, failure.message)
    return FunctionDecision(condition_set=condition_set, requeue=_again(situation, failure), seen=True)


def without_secrets(situation: FunctionSituation, decision: FunctionDecision) -> FunctionDecision:
    """The decision on a registered version, but that it is not Ready while values of secrets cannot be read or sent.

    The values that NVCF has stay in force, and whoever follows the version is not held.
    """
    failure = _failure(situation)
    if failure is None or decision.action is not None or decision.taken is None:
        return decision
    if failure.scope == Scope.SERVER:
        pause = outage_pause(situation, failure)
        if situation.resource.in_order and situation.resource.is_true(SECRETS_SYNCED):
            return replace(decision, requeue=min(decision.requeue or pause, pause), backoff=True)
        return replace(waiting(situation, failure, at_work=True), taken=decision.taken)
    again = _again(situation, failure)
    condition_set = stalled_after_grace(situation, failure.reason, failure.message)
    requeue = again if decision.requeue is None else min(decision.requeue, again)
    return replace(decision, condition_set=condition_set, requeue=requeue)


def _failure(situation: FunctionSituation) -> Failure | None:
    return situation.secrets.failure if situation.secrets is not None else None


def _again(situation: FunctionSituation, failure: Failure) -> float:
    """Seconds until Secrets are read again that could not be used."""
    left, delay = grace_left(situation, failure.reason), min(SECRET_AGAIN, situation.timing.poll)
    return min(delay, left) if left > 0 else delay
