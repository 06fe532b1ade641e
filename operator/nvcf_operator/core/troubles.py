"""Errors by meaning: what each failed call says about credential, resource or server, in one table."""

from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import Trouble, Whose
from nvcf_operator.nvcf import errors

TABLE: tuple[tuple[type[errors.NvcfError], Reason, Whose], ...] = (
    (errors.Unauthorized, Reason.UNAUTHORIZED, Whose.CREDENTIAL),
    (errors.Forbidden, Reason.FORBIDDEN, Whose.RESOURCE),
    (errors.Throttled, Reason.THROTTLED, Whose.SERVER),
    (errors.ServerFault, Reason.NVCF_UNAVAILABLE, Whose.SERVER),
    (errors.Unreachable, Reason.NVCF_UNAVAILABLE, Whose.SERVER),
    (errors.OutcomeUnknown, Reason.NVCF_UNAVAILABLE, Whose.SERVER),
    (errors.InvalidAnswer, Reason.INVALID_ANSWER, Whose.SERVER),
    (errors.Redirected, Reason.INVALID_ANSWER, Whose.SERVER),
    (errors.NotFound, Reason.REJECTED, Whose.RESOURCE),
    (errors.Rejected, Reason.REJECTED, Whose.RESOURCE),
)
"""The first row that fits counts. 404 stands here for writes only: on a GET it is an observation, not a trouble. 403 is
the resource's while the account's list is answered; without that it is the credential's, see `of_credential`."""

_ADVICE = {
    Reason.UNAUTHORIZED: "Put a valid key into the Secret; it is tried again by itself.",
    Reason.FORBIDDEN: "Give the key the right deploy_function for this function; it is tried again by itself.",
    Reason.THROTTLED: "The operator waits and tries again.",
    Reason.NVCF_UNAVAILABLE: "The operator tries again with growing waits.",
    Reason.INVALID_ANSWER: "Check the base URL and what stands between the operator and NVCF; it is tried again.",
    Reason.REJECTED: "Change the manifest, or wait: it is tried again with growing waits.",
}


def of_call(error: errors.NvcfError) -> Trouble:
    """Say what a failed call means."""
    for kind, reason, whose in TABLE:
        if isinstance(error, kind):
            return Trouble(reason, f"{_told(error)}. {_ADVICE[reason]}", whose, error.retry_after)
    return Trouble(Reason.NVCF_UNAVAILABLE, _told(error), Whose.SERVER, error.retry_after)


def of_reading(error: errors.NvcfError) -> Trouble:
    """Say what a failed read means: a refusal there is never the manifest's fault but the server's, or a dependency's
    whose 4xx passes through it."""
    trouble = of_call(error)
    if trouble.reason != Reason.REJECTED:
        return trouble
    told = f"{_told(error)}. {_ADVICE[Reason.NVCF_UNAVAILABLE]}"
    return Trouble(Reason.NVCF_UNAVAILABLE, told, Whose.SERVER, trouble.retry_after)


def of_credential(error: errors.NvcfError) -> Trouble:
    """Say what a failed list of the account's functions means: 403 there is the credential's own."""
    if isinstance(error, errors.Forbidden):
        return Trouble(
            Reason.UNAUTHORIZED,
            f"{_told(error)}. NVCF does not know this key, it was revoked, or it lacks the scope list_functions, which "
            "the operator needs beside deploy_function. A new key can take 15 minutes to take effect; it is tried "
            "again by itself.",
            Whose.CREDENTIAL,
            error.retry_after,
        )
    return of_reading(error)


def may_pass(error: errors.NvcfError) -> bool:
    """Whether the same call may well be answered a little later, without anybody's doing."""
    passing = errors.Throttled | errors.ServerFault | errors.Unreachable | errors.OutcomeUnknown
    return isinstance(error, passing)


def missing_scope(scope: str) -> Trouble:
    """Say that the key works but lacks a scope."""
    return Trouble(
        Reason.MISSING_SCOPE,
        f"NVCF knows the key, but it lacks the scope {scope}; deploy_function and list_functions are both needed. "
        "Give the key that scope; it is tried again by itself.",
        Whose.CREDENTIAL,
    )


def _told(error: errors.NvcfError) -> str:
    if error.status is None:
        return f"NVCF: {error.operation} {error.meaning}: {error.detail}".rstrip(". ")
    detail = f": {error.detail}" if error.detail else ""
    return f"NVCF answered {error.operation} with {error.status}{detail}".rstrip(". ")
