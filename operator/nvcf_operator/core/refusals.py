"""The API server refuses a write of ours to the object: an admission policy, a webhook, a quota, our rights, its size.

It is told in the API server's own words and tried again with growing pauses. Nothing on the object changes when what
refuses it lets it pass, so nothing but time and a person's request leads to the next try.
"""

from nvcf_operator.api.conditions import Phase
from nvcf_operator.core import backoff, condition_sets, messages
from nvcf_operator.core.deadline import progress_deadline
from nvcf_operator.core.decision import ConditionSet, Decision
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Situation


def write_refused(situation: Situation, message: str) -> Decision:
    """Decide on a resource whose finalizer or intent could not be written: tell it and wait.

    Args:
        situation: what was seen.
        message: which write was refused, and in which words (`messages.write_refused`).

    """
    resource = situation.resource
    wait = backoff.refused_by_cluster(situation.local.attempts)
    if resource.deleting:
        condition_set = ConditionSet(Phase.DRAINING, Reason.WRITE_REFUSED, message, reconciling=True, blocked=True)
        return Decision(condition_set=condition_set, requeue=wait, backoff=True)
    phase = Phase(resource.status.phase or Phase.PENDING)
    condition_set = condition_sets.progressing(
        Phase.PENDING if phase == Phase.FAILED else phase, Reason.WRITE_REFUSED, message
    )
    if resource.spec is not None:
        seconds, left = progress_deadline(situation)
        if left <= 0:
            text = messages.not_in_force(seconds, message)
            condition_set = condition_sets.stalled(Reason.PROGRESS_DEADLINE_EXCEEDED, text)
    return Decision(condition_set=condition_set, requeue=wait, backoff=True)
