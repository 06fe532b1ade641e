"""A call to NVCF as plain data: what to send, and how to read what comes back. No I/O."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from nvcf_client.answers import Answer
from nvcf_client.failures import failure

T_co = TypeVar("T_co", covariant=True)

TIMEOUT = 30.0
"""Seconds that a call may take in all, from asking for a connection to the last byte of the answer, unless it has a
timeout of its own, as a POST of a deployment has."""


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

    """

    operation: str
    method: str
    path: str
    result: Callable[[bytes], T_co] = field(repr=False)
    scope: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    timeout: float = TIMEOUT

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
