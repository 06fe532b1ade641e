"""What failed calls of an account mean, in words that are the same for all of its resources."""

from dataclasses import replace

from nvcf_client import errors as nvcf_errors
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Failure, Scope
from nvcf_operator.core.report.error_messages import slow_down
from nvcf_operator.core.rules import error_classification
from nvcf_operator.core.rules.error_classification import Effect
from nvcf_operator.flowcontrol.limiters import HoldReason, Limiter, LimiterClosed


def is_outage(error: nvcf_errors.NvcfError) -> bool:
    """Whether the server failed, rather than answered."""
    return error_classification.row_of(error).effect == Effect.FAILURE


def of_reading(error: nvcf_errors.NvcfError, limiter: Limiter, hint: str | None) -> Failure:
    """Say what a failed read means; of an outage in the words of the failure that stands for all.

    Args:
        error: the failure.
        limiter: the account's.
        hint: what looks like a mistake in the key.

    """
    if is_outage(error):
        return error_classification.of_outage(limiter.cause or error, error.retry_after)
    return error_classification.with_hint(error_classification.of_reading(error), hint)


def of_writing(error: nvcf_errors.NvcfError, limiter: Limiter, hint: str | None) -> Failure:
    """Say what a failed write means; where it was not sent, in the words of the outage."""
    if isinstance(error, nvcf_errors.Unreachable):
        return of_reading(error, limiter, hint)
    return error_classification.with_hint(error_classification.of_call(error), hint)


def of_limiter(closed: LimiterClosed) -> Failure:
    """Say why nothing is sent now."""
    if closed.reason == HoldReason.THROTTLED:
        return Failure(Reason.THROTTLED, slow_down(closed.asked), Scope.SERVER, closed.retry_after)
    return replace(error_classification.of_outage(closed.cause, closed.retry_after), general=True)
