"""From an answer that is no success to the error that it means."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nvcf_client.answers import Answer, Explanation, explain, one_line
from nvcf_client.errors import (
    Forbidden,
    InvalidAnswer,
    MethodNotAllowed,
    NotFound,
    NvcfError,
    Obstacle,
    OutcomeUnknown,
    Redirected,
    Rejected,
    ServerFault,
    Throttled,
    Unauthorized,
    Unreachable,
)

if TYPE_CHECKING:
    from nvcf_client.requests import Request

_BY_STATUS: dict[int, type[NvcfError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    429: Throttled,
}


def failure(call: "Request[Any]", answer: Answer, *, problem: str | None, key: str, now: float) -> NvcfError:
    """The error of an answer.

    Args:
        call: the call that was answered.
        answer: the answer; not a usable success.
        problem: for a 2xx, why its body cannot be used.
        key: the API key, to be taken out of texts.
        now: wall clock in seconds since the epoch.

    """
    answer = answer.without(key)
    told = explain(answer, key)
    strange = bool(answer.body.strip()) and not told.in_known_shape
    kind = _kind(call, answer.status, told, strange=strange)
    more: dict[str, Any] = {"unknown_path": not told.about_an_object} if kind is NotFound else {}
    more |= {"obstacle": Obstacle.PROXY} if kind is Unreachable else {}
    return kind(
        operation=call.operation,
        method=call.method,
        path=call.path,
        status=answer.status,
        detail=_detail(answer, told, problem, key),
        request_id=told.request_id,
        retry_after=answer.retry_after(now),
        foreign=problem is not None or strange,
        formed=problem is None and told.in_known_shape,
        **more,
    )


def _kind(call: "Request[Any]", status: int, told: Explanation, *, strange: bool) -> type[NvcfError]:
    if status == 407:
        return Unreachable  # a server never says so
    if strange and 400 <= status < 500 and not _tells_enough(call, status):
        # A firewall or a proxy has answered: that says nothing of key, function or deployment, and a write may have
        # come through to NVCF all the same.
        return OutcomeUnknown if call.mutating else InvalidAnswer
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return Redirected
    if status != 408 and 400 <= status < 500:
        return Rejected
    if status == 408 or status >= 500:
        return ServerFault if told.in_known_shape or not call.mutating else OutcomeUnknown
    return OutcomeUnknown if call.mutating else InvalidAnswer


def _tells_enough(call: "Request[Any]", status: int) -> bool:
    """Whether a status means the same whoever gives it: to slow down, to have waited in vain, or to know no PATCH."""
    return status in (408, 429) or (call.method == "PATCH" and status in (404, 405))


def _detail(answer: Answer, told: Explanation, problem: str | None, key: str) -> str:
    if problem is not None:
        return one_line(f"the answer is not what this call promises ({answer.outline}): {problem}", key)
    if answer.status == 407:
        return "a proxy on the way requires a user name and password, or different ones (407)"
    if 300 <= answer.status < 400:
        return one_line(
            f"the server redirects to {_place(answer)}; redirects are not followed, correct the base URL", key
        )
    return told.detail


def _place(answer: Answer) -> str:
    """Where a redirect leads: scheme, host and path, without anything that may be personal."""
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        return f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path or "nowhere"
    except ValueError:
        return "a place that is not a URL"
