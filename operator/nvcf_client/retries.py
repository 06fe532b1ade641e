"""When a call is made again, and on which path, for calls that have a deprecated path beside the current one."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from nvcf_client.errors import (
    MethodNotAllowed,
    NotFound,
    NvcfError,
    OutcomeUnknown,
    ServerFault,
    Throttled,
    Unreachable,
)
from nvcf_client.requests import Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retries:
    """Jittered exponential backoff, with an end; only where a repetition can do no harm.

    - A request that was never received (`Unreachable`): any call.
    - `Throttled`: calls that are idempotent. A 429 may be passed on from a dependency in the middle of the work; a PUT,
      PATCH or DELETE made again ends in the same state, while a POST could order instances, or make a function, twice.
    - `ServerFault` and `OutcomeUnknown`: reading calls only. A write may still be running in the server, and NVCF loses
      updates when two overlap: read first.

    Everything else is an answer and is not asked for again.

    Attributes:
        most: how often a call is made again at most; 0 turns retries off.
        first: longest pause before the first repetition, in seconds; doubles each time.
        longest: no pause is longer, in seconds; a server that asks for more gets no repetition.
        chance: source of numbers in [0, 1).

    """

    most: int = 2
    first: float = 0.5
    longest: float = 30.0
    chance: Callable[[], float] = random.random

    def pause(self, request: Request[object], error: NvcfError, failures: int) -> float | None:
        """Seconds to wait before the call is made again; None if the error is to be raised.

        `failures` counts the failed tries so far, this one included.
        """
        if failures > self.most or not _harmless(request, error):
            return None
        backoff = min(self.first * 2.0 ** (failures - 1), self.longest)
        jittered = backoff * (0.5 + self.chance() / 2)
        if error.retry_after is None:
            return jittered
        if error.retry_after > self.longest:
            return None
        return error.retry_after + jittered - backoff / 2


def _harmless(request: Request[object], error: NvcfError) -> bool:
    match error:
        case Unreachable():
            return True
        case Throttled():
            return request.idempotent
        case ServerFault() | OutcomeUnknown():
            return not request.mutating
        case _:
            return False


class KnownPaths:
    """What the answers of one base URL have shown. Each call begins with its current path."""

    def __init__(self) -> None:
        self._deprecated: set[str] = set()

    def chosen(self, request: Request[T]) -> Request[T]:
        """The request on the path that the server is known to have."""
        return _swapped(request) if request.operation in self._deprecated else request

    def other(self, request: Request[T], error: NvcfError) -> Request[T] | None:
        """The request on its other path, which is chosen from here on; None where the error is not about the path.

        A path that the server does not know changes nothing there, so the call may be made again.
        """
        unknown = isinstance(error, MethodNotAllowed) or (isinstance(error, NotFound) and error.unknown_path)
        if not unknown or request.other_path is None:
            return None
        self._deprecated ^= {request.operation}
        return _swapped(request)


def _swapped(request: Request[T]) -> Request[T]:
    if request.other_path is None:
        return request
    return replace(request, path=request.other_path, other_path=request.path)


class Attempts(Generic[T]):
    """One call, as often as it is made.

    Attributes:
        request: what is sent next.

    """

    __slots__ = ("_failures", "_moved", "_paths", "_retries", "request")

    def __init__(self, request: Request[T], paths: KnownPaths, retries: Retries) -> None:
        self.request = paths.chosen(request)
        self._paths = paths
        self._retries = retries
        self._failures = 0
        self._moved = False

    def pause(self, error: NvcfError) -> float | None:
        """Seconds until the next attempt after one that failed; None if the error is to be raised."""
        if not self._moved and (other := self._paths.other(self.request, error)) is not None:
            self.request, self._moved = other, True
            return 0.0
        self._failures += 1
        return self._retries.pause(self.request, error, self._failures)
