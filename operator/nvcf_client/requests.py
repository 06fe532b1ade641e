"""A call to NVCF as plain data: what to send, and the result or error that an answer means. No I/O."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import ValidationError

from nvcf_client import call_options
from nvcf_client.answers import Answer, Explanation, explain, one_line, received
from nvcf_client.call_options import RequestOptions
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
from nvcf_client.masking import Masking

T_co = TypeVar("T_co", covariant=True)

TIMEOUT = 30.0
"""Seconds that a call may take in all, from asking for a connection to the last byte of the answer, unless it has a
timeout of its own, as a POST of a deployment or a function has."""

_BY_STATUS: dict[int, type[NvcfError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    429: Throttled,
}


@dataclass(frozen=True, slots=True)
class Request(Generic[T_co]):
    """One HTTP request to NVCF.

    Attributes:
        operation: short stable name, for metrics and logs.
        method: HTTP method.
        path: path below the base URL, with its segments already quoted.
        result: makes the call's result out of the body of a 2xx; raises ValueError if that is not what it should be.
        scope: what the API key must be allowed to do.
        query: query parameters.
        body: what is sent, as JSON; None for no body.
        timeout: seconds for the whole call.
        other_path: where servers of another age have the same call.
        catalogue: version of NGC's API in which the call is, beside the base URL; None: the path is below the base URL.
        confidential: texts in the body that no error may repeat.
        limit: seconds for the whole call that its caller wants, whatever the client's are.
        headers: headers of this call alone. They may hold a key.
        key: the key among these, if one is.

    """

    operation: str
    method: str
    path: str
    result: Callable[[bytes], T_co] = field(repr=False)
    scope: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    timeout: float = TIMEOUT
    other_path: str | None = None
    catalogue: str | None = None
    confidential: tuple[str, ...] = field(default=(), repr=False)
    limit: float | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    key: str = field(default="", repr=False)

    def having(self, options: RequestOptions | None) -> Self:
        """The call with its caller's options.

        Raises:
            TypeError, ValueError: the options cannot be used.

        """
        if options is None:
            return self
        given = call_options.read(options)
        query = given.on_top_of(self.query)
        return replace(self, limit=given.timeout, headers=given.headers, key=given.key, query=query)

    @property
    def mutating(self) -> bool:
        """Whether the call changes anything in NVCF."""
        return self.method != "GET"

    @property
    def idempotent(self) -> bool:
        """Whether sending it twice, one after the other, leaves NVCF as sending it once. No POST does."""
        return self.method != "POST"

    def parse(self, answer: Answer, *, key: str = "", now: float | None = None) -> T_co:
        """The result of the call.

        Args:
            answer: what the server said.
            key: the API key, to be taken out of texts.
            now: wall clock in seconds since the epoch, for a Retry-After that is a date.

        Raises:
            NvcfError: of the class that the answer's status and body mean.

        """
        problem: str | None = None
        if 200 <= answer.status < 300:
            try:
                return self.result(answer.body)
            except ValidationError as error:
                first = error.errors(include_url=False, include_context=False, include_input=False)[0]
                place = ".".join(map(str, first["loc"]))
                problem = f"{place}: {first['msg']}" if place else first["msg"]
            except ValueError as error:
                problem = str(error)
        raise failure(self, answer, problem=problem, key=key, now=time.time() if now is None else now)


def path_of(*segments: str) -> str:
    """The path made of these segments, each quoted, so that no id can lead to another call.

    Raises:
        ValueError: a segment is empty or dots.
        TypeError: a segment is no text.

    """
    for segment in segments:
        if not isinstance(segment, str):
            raise TypeError(f"an id must be text, not {type(segment).__name__}")
        if segment in ("", ".", ".."):
            raise ValueError(f"{segment!r} is not an id")
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def json_of(body: Mapping[str, Any]) -> bytes:
    """The body as compact JSON with sorted keys, so that equal requests are equal bytes."""
    return json.dumps(body, separators=(",", ":"), sort_keys=True, allow_nan=False, ensure_ascii=False).encode()


def nothing(body: bytes) -> None:
    """Reader of answers whose body does not matter."""


def failure(call: Request[Any], answer: Answer, *, problem: str | None, key: str, now: float) -> NvcfError:
    """The error of an answer.

    Args:
        call: the call that was answered.
        answer: the answer; not a usable success.
        problem: for a 2xx, why its body cannot be used.
        key: the API key, to be taken out of texts.
        now: wall clock in seconds since the epoch.

    """
    answer = answer.without(key)
    explained = explain(answer, key)
    strange = bool(answer.body.strip()) and not explained.in_known_shape
    kind = _kind(call, answer.status, explained, strange=strange)
    detail = _detail(answer, explained, problem, key)
    masking = Masking(call.confidential, max(len(detail), len(answer.body)))
    if call.confidential:
        detail = masking(detail)
    more: dict[str, Any] = {"unknown_path": not explained.about_an_object} if kind is NotFound else {}
    more |= {"obstacle": Obstacle.PROXY} if kind is Unreachable else {}
    return kind(
        operation=call.operation,
        method=call.method,
        path=call.path,
        status=answer.status,
        detail=detail,
        request_id=explained.request_id,
        retry_after=answer.retry_after(now),
        foreign=problem is not None or strange,
        formed=problem is None and explained.in_known_shape,
        received=received(answer, key, masking),
        **more,
    )


def _kind(call: Request[Any], status: int, explained: Explanation, *, strange: bool) -> type[NvcfError]:
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
        return ServerFault if explained.in_known_shape or not call.mutating else OutcomeUnknown
    return OutcomeUnknown if call.mutating else InvalidAnswer


def _tells_enough(call: Request[Any], status: int) -> bool:
    """Whether a status means the same whoever gives it: to slow down, that a wait timed out, or to know no PATCH."""
    return status in (408, 429) or (call.method == "PATCH" and status in (404, 405))


def _detail(answer: Answer, explained: Explanation, problem: str | None, key: str) -> str:
    if problem is not None:
        return one_line(f"the answer is not what this call promises ({answer.outline}): {problem}", key)
    if answer.status == 407:
        return "a proxy on the way requires a user name and password, or different ones (407)"
    if 300 <= answer.status < 400:
        return one_line(
            f"the server redirects to {_place(answer)}; redirects are not followed, correct the base URL", key
        )
    return explained.detail


def _place(answer: Answer) -> str:
    """Where a redirect leads: scheme, host and path, without anything that may be personal."""
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        return f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path or "nowhere"
    except ValueError:
        return "a place that is not a URL"
