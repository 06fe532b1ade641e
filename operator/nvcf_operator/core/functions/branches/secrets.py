"""Secrets of a function: values that have changed are sent, and nothing is registered while they cannot be.

A version without its secrets would be of no use. One that has them goes on with the values that NVCF has.
"""

from dataclasses import replace

from nvcf_operator.api.conditions import SECRETS_SYNCED
from nvcf_operator.core.functions.branches.waiting import waiting
from nvcf_operator.core.functions.model.decision import FunctionDecision, SendSecrets, write
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.unsent import unsent
from nvcf_operator.core.functions.model.versions import in_use
from nvcf_operator.core.model.situation import Failure, Scope
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


def with_secrets(situation: FunctionSituation, decision: FunctionDecision) -> FunctionDecision:
    """The decision, but that the versions in use get the values that they lack, where there is nothing else to write.

    While values cannot be read or sent, the function is not Ready. The values that NVCF has stay in force, and whoever
    follows the version is not held.
    """
    if decision.action is not None or situation.secrets is None or situation.holder is not None:
        return decision
    if (failure := situation.secrets.failure) is not None:
        return _unread(situation, decision, failure) if decision.taken is not None else decision
    lacking = [action for seen in in_use(situation) if (action := unsent(situation, seen)) is not None]
    if not lacking:
        return decision
    if situation.failure is not None:
        return _not_sent(situation, decision, situation.failure) if is_sending(situation) else decision
    return write(lacking[0])


def is_sending(situation: FunctionSituation) -> bool:
    """Whether the write that was just tried is one of secrets."""
    return isinstance(situation.tried, SendSecrets)


def _unread(situation: FunctionSituation, decision: FunctionDecision, failure: Failure) -> FunctionDecision:
    if failure.scope == Scope.SERVER:
        pause = outage_pause(situation, failure)
        if situation.resource.in_order and situation.resource.is_true(SECRETS_SYNCED):
            return replace(decision, requeue=min(decision.requeue or pause, pause), backoff=True)
        return replace(waiting(situation, failure, at_work=True), taken=decision.taken)
    again = _again(situation, failure)
    condition_set = stalled_after_grace(situation, failure.reason, failure.message)
    return replace(decision, condition_set=condition_set, requeue=min(decision.requeue or again, again))


def _not_sent(situation: FunctionSituation, decision: FunctionDecision, failure: Failure) -> FunctionDecision:
    """Go on after a PUT that failed. Until one succeeds, a former version that lacks values is not taken."""
    kept = decision.taken if decision.taken == situation.resource.latest_version else None
    return replace(waiting(situation, failure, at_work=True), taken=kept)


def _failure(situation: FunctionSituation) -> Failure | None:
    return situation.secrets.failure if situation.secrets is not None else None


def _again(situation: FunctionSituation, failure: Failure) -> float:
    """Seconds until Secrets are read again that could not be used."""
    left, delay = grace_left(situation, failure.reason), min(SECRET_AGAIN, situation.timing.poll)
    return min(delay, left) if left > 0 else delay
