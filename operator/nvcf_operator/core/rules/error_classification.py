"""Errors by meaning, as a table: what a failed call says. `make generate` writes it into docs/errors.md."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from nvcf_client import errors
from nvcf_client.text import shorten
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import error_messages
from nvcf_operator.core.report.error_messages import slow_down


class Effect(StrEnum):
    """What an outcome is for the gate of the account (`flowcontrol.limiters`)."""

    ANSWER = "an answer: the server works"
    FAILURE = "a failure: the fifth in a row opens the breaker"
    PAUSE = "an answer, and nothing is sent for `Retry-After` (see above), or for 1 s doubling to 60 s"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a failure is called, and whom it concerns."""

    reason: Reason
    scope: Scope


MOST_WORDS = 640
"""Characters of NVCF's words in a message, so that what the operator does about it is never cut off."""

_KEY = Meaning(Reason.UNAUTHORIZED, Scope.CREDENTIAL)
_RIGHT = Meaning(Reason.FORBIDDEN, Scope.RESOURCE)
_REFUSED = Meaning(Reason.REJECTED, Scope.RESOURCE)
_DOWN = Meaning(Reason.NVCF_UNAVAILABLE, Scope.SERVER)
_SLOWER = Meaning(Reason.THROTTLED, Scope.SERVER)
_STRANGER = Meaning(Reason.INVALID_ANSWER, Scope.SERVER)


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of failure. What a refusal of a read means is never the manifest's fault, but the server's, or that of
    a dependency whose 4xx passes through it."""

    kind: type[errors.NvcfError]
    answer: str
    """What came, in words of HTTP."""
    write: Meaning
    """To POST, PATCH, PUT and DELETE of a deployment."""
    read: Meaning
    """To GET of a deployment or function. For 404 it is what it means when it cannot be an observation."""
    listing: Meaning
    """To the list of functions, which speaks for the whole key."""
    effect: Effect
    note: str = ""


TABLE: tuple[Row, ...] = (
    Row(
        errors.Unauthorized,
        "401",
        _KEY,
        _KEY,
        _KEY,
        Effect.ANSWER,
        "The Secret is re-read immediately. One call at a time tries the key, after 15 s doubling to 5 min (30 s at "
        "most while the key is new); all resources that use the key wait for that call.",
    ),
    Row(
        errors.Forbidden,
        "403",
        _RIGHT,
        _RIGHT,
        _KEY,
        Effect.ANSWER,
        "The operator requests the list. If that is refused too, the key is at fault; `MissingScope` if the key may "
        "read deployments, or if the list succeeds and no deployment may be read. The Secret is re-read immediately.",
    ),
    Row(
        errors.NotFound,
        "404",
        _REFUSED,
        _DOWN,
        _DOWN,
        Effect.ANSWER,
        "For GET of a deployment: not deployed, if the account is [proven](how-it-works.md#believing-a-404). "
        "`InvalidAnswer` if it is not in NVCF's format.",
    ),
    Row(
        errors.MethodNotAllowed,
        "405",
        _REFUSED,
        _DOWN,
        _DOWN,
        Effect.ANSWER,
        "PATCH: a PUT follows. PUT, in NVCF's format: a PATCH follows, where possible.",
    ),
    Row(
        errors.Redirected,
        "3xx",
        _STRANGER,
        _STRANGER,
        _STRANGER,
        Effect.ANSWER,
        "Not followed: a key is sent to no other host.",
    ),
    Row(errors.Rejected, "400, 402, 409, 415, 422, other 4xx", _REFUSED, _DOWN, _DOWN, Effect.ANSWER),
    Row(errors.Throttled, "429", _SLOWER, _SLOWER, _SLOWER, Effect.PAUSE, "For all keys of the account."),
    Row(
        errors.ServerFault,
        "408, 5xx",
        _DOWN,
        _DOWN,
        _DOWN,
        Effect.FAILURE,
        "After a write the outcome is unknown.",
    ),
    Row(
        errors.OutcomeUnknown,
        "timeout, connection lost; for a write also a 2xx, 4xx or 5xx not in NVCF's format",
        _DOWN,
        _DOWN,
        _DOWN,
        Effect.FAILURE,
        "After a write the outcome is unknown.",
    ),
    Row(
        errors.Unreachable,
        "not reached: DNS, connection refused, TLS, proxy (including 407)",
        _DOWN,
        _DOWN,
        _DOWN,
        Effect.FAILURE,
        "Nothing has happened.",
    ),
    Row(
        errors.InvalidAnswer,
        "for a read: 2xx that cannot be parsed, 4xx not in NVCF's format",
        _STRANGER,
        _STRANGER,
        _STRANGER,
        Effect.ANSWER,
        "A page from a firewall, a proxy or a login says nothing about the key, function or deployment, whatever its "
        "status.",
    ),
    Row(
        errors.NotAvailable,
        "not sent: the base URL has no such call",
        _DOWN,
        _DOWN,
        _DOWN,
        Effect.ANSWER,
        "Calls of the [catalogue](catalogue.md) alone, for which nothing waits.",
    ),
)
"""The first row that fits counts."""


_ADVICE = {
    Reason.UNAUTHORIZED: "Put a valid key into the Secret; the operator retries automatically.",
    Reason.FORBIDDEN: "Grant the key deploy_function for this function; the operator retries automatically.",
    Reason.NVCF_UNAVAILABLE: "The operator retries with backoff.",
    Reason.INVALID_ANSWER: "Check the base URL and any proxy between the operator and NVCF; the operator retries.",
    Reason.NO_CAPACITY: "The operator retries with backoff. If that does not help, check capacity, and clusters, "
    "regions and attributes: NVCF does not say which of them leaves no cluster.",
    Reason.REJECTED: "Change the manifest, or wait: the operator retries with backoff.",
}


def refused_before(reason: Reason) -> str:
    """What to say of a request that NVCF refused earlier and that is not repeated yet."""
    return f"NVCF refused the last request ({reason}). {_ADVICE.get(reason, _ADVICE[Reason.REJECTED])}"


def row_of(error: errors.NvcfError) -> Row:
    """The row of a failure."""
    return next((row for row in TABLE if isinstance(error, row.kind)), _OTHER)


def of_call(error: errors.NvcfError) -> Failure:
    """Say what a failed write means. 403 is the resource's while the account's list is answered."""
    if isinstance(error, errors.Unreachable):
        return of_outage(error, error.retry_after)
    return _failure(error, row_of(error).write)


def of_reading(error: errors.NvcfError) -> Failure:
    """Say what a failed read means."""
    if row_of(error).effect == Effect.FAILURE:
        return of_outage(error, error.retry_after)
    return _failure(error, row_of(error).read)


def of_credential(error: errors.NvcfError) -> Failure:
    """Say what a failed list of the account's functions means: 403 there is the credential's own."""
    if isinstance(error, errors.Forbidden):
        return _failure(
            error,
            row_of(error).listing,
            "NVCF does not recognise this key, it was revoked, or it lacks the scope list_functions, which the "
            "operator needs in addition to deploy_function. A new key can take 15 minutes to take effect; the "
            "operator retries automatically.",
        )
    return of_reading(error) if row_of(error).effect == Effect.FAILURE else _failure(error, row_of(error).listing)


def of_outage(cause: errors.NvcfError | None, retry_after: float | None) -> Failure:
    """Say that NVCF does not answer, by the failure that stands for all."""
    return Failure(_DOWN.reason, error_messages.outage_message(cause), _DOWN.scope, retry_after)


def of_strange_404(error: errors.NotFound) -> Failure:
    """Say that a 404 is of a path that NVCF does not know, so that something else has answered."""
    return Failure(
        Reason.INVALID_ANSWER,
        f"{of_call(error).message.split('. ')[0]}, and the response did not come from the NVCF API. Check the base URL "
        "(including its path prefix) and any proxy in between. The operator retries.",
        Scope.SERVER,
    )


def lacking_scope(error: errors.NvcfError, scope: str) -> Failure:
    """Say that a key which may list functions may not make this call."""
    text = (
        f"{words_of(error)}. Grant the key {scope}, and a policy that covers this version: `account-functions:*` or "
        "`function:<id>/*`. The operator retries automatically."
    )
    return Failure(Reason.FORBIDDEN, text, Scope.RESOURCE, error.retry_after)


def with_hint(failure: Failure, hint: str | None) -> Failure:
    """Add what looks like a mistake in the key (`credentials.key_oddity`) where NVCF does not accept it."""
    if hint is None or failure.reason != Reason.UNAUTHORIZED:
        return failure
    return replace(failure, message=f"{failure.message} Possible cause: {hint.rstrip('.')}.")


def may_pass(error: errors.NvcfError) -> bool:
    """Whether the same call may well be answered a little later, without anybody's doing."""
    return row_of(error).effect != Effect.ANSWER


def missing_scope(scope: str) -> Failure:
    """Say that the key works but lacks a scope."""
    return Failure(
        Reason.MISSING_SCOPE,
        f"NVCF recognises the key, but it lacks the scope {scope}; deploy_function and list_functions are both "
        "required. Grant the key that scope; the operator retries automatically.",
        Scope.CREDENTIAL,
    )


def unreadable_version() -> Failure:
    """Say that the list holds a version with an object's mark, and not all of it that counts can be read."""
    return Failure(
        Reason.INVALID_ANSWER,
        "NVCF lists a version of this function in a form that this version of the operator cannot read, so nothing is "
        "changed. It is read again automatically; if that persists, look for a newer version of the operator.",
        Scope.SERVER,
    )


def unreadable_metadata(fields: Sequence[str]) -> Failure:
    """Say that tags or rate limit of a version in use cannot be held against the manifest."""
    return Failure(
        Reason.INVALID_ANSWER,
        f"NVCF shows {' and '.join(fields)} of the function's versions in a form that this version of the operator "
        "cannot read, so nothing is compared with the manifest or changed. It is read again automatically; if that "
        "persists, look for a newer version of the operator.",
        Scope.SERVER,
    )


def unreadable(fields: Sequence[str]) -> Failure:
    """Say that a deployment cannot be held against its manifest."""
    return Failure(
        Reason.INVALID_ANSWER,
        f"NVCF shows {', '.join(fields)} of the deployment in a form that this version of the operator cannot read, "
        "so it is not compared with the manifest and nothing is changed. It is read again automatically; if that "
        "persists, look for a newer version of the operator.",
        Scope.SERVER,
    )


NO_CAPACITY = re.compile(r"\bno available clusters?\b", re.IGNORECASE)
"""How NVCF's allocator says that no cluster has room, or none of those that the specification leaves."""


_OTHER = Row(errors.NvcfError, "", _DOWN, _DOWN, _DOWN, Effect.FAILURE)


def _failure(error: errors.NvcfError, meaning: Meaning, advice: str | None = None) -> Failure:
    if isinstance(error, errors.Throttled):  # in the words of the gate, which all other calls of the account get
        return Failure(meaning.reason, slow_down(error.asked), meaning.scope, error.retry_after)
    reason = meaning.reason
    if reason == Reason.REJECTED and NO_CAPACITY.search(error.detail):
        reason = Reason.NO_CAPACITY
    words = words_of(error)
    text = f"{words}. {advice or _ADVICE[reason]}"
    return Failure(reason, text, meaning.scope, error.retry_after, words=words if error.maybe_done else "")


def words_of(error: errors.NvcfError) -> str:
    """Quote a failed call: its name, the status, and what was said, without a full stop."""
    if error.foreign and error.status is not None and error.status >= 400:
        # Without the name of the call: what stands in between answers all of them alike.
        return f"{error_messages.STRANGER} answered with {error.status}: {error.detail}".rstrip(". ")
    if error.status is None:
        text = f"NVCF: {error.operation} {error.meaning}: {error.detail}"
    else:
        detail = f": {error.detail}" if error.detail else ""
        text = f"NVCF answered {error.operation} with {error.status}{detail}"
    return shorten(text, MOST_WORDS).rstrip(". ")
