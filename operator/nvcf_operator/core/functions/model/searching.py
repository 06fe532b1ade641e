"""For how long a POST without an answer may still be running in the server, so that its version is searched for."""

from nvcf_operator.backoff import Backoff, long
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.reasons import Reason

LONGEST_PAUSE = 1800.0
"""Seconds between two POSTs without an answer, at most."""


def pause(situation: FunctionSituation) -> float:
    """Seconds between a POST without an answer and the next one. It grows, so that duplicates do not pile up."""
    retry = situation.resource.status.retry
    in_vain = retry.attempts if retry is not None and retry.reason == Reason.AWAITING_REGISTRATION else 0
    return pause_after(situation, in_vain)


def pause_after(situation: FunctionSituation, in_vain: int) -> float:
    """The same after a number of POSTs that were all searched for in vain."""
    settle = situation.timing.register_settle
    return max(settle, min(long(in_vain), Backoff(settle, LONGEST_PAUSE).after(in_vain - 1)))
