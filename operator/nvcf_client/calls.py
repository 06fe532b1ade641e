"""What the tree of calls is made of: an endpoint as a method, the same for both clients.

Each call is written down once, as `Call(endpoint)`. What it gives back depends on the kind of client that the branch
hangs on: the result itself on a synchronous one, an awaitable of it on an asynchronous one; arguments and result keep
the endpoint's types either way, so that a type checker sees `create` as one writes it.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from inspect import get_annotations
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, Self, TypeVar, get_origin, overload

from pydantic import ValidationError
from pydantic_core import from_json

from nvcf_client.details import read_details
from nvcf_client.models import Function, FunctionDetails
from nvcf_client.requests import Request
from nvcf_client.responses import FunctionResponse, FunctionsResponse

P = ParamSpec("P")
T = TypeVar("T")


class Sync(Protocol):
    """Sends requests and waits."""

    def send(self, request: Request[T], /) -> T:
        """Send the request and give its result."""


class Async(Protocol):
    """Sends requests and lets others run meanwhile."""

    async def send(self, request: Request[T], /) -> T:
        """Send the request and give its result."""


S = TypeVar("S")


class Grown:
    """What has branches: its class declares them by annotations."""

    _branches: ClassVar[Mapping[str, type["Branch[Any]"]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        kinds: dict[str, Any] = {name: get_origin(kind) for name, kind in get_annotations(cls).items()}
        found = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Branch)}
        cls._branches = {**cls._branches, **found}

    def _grow(self, sender: Any) -> None:
        """Make the branches, on a client that sends their calls."""
        for name, kind in self._branches.items():
            setattr(self, name, kind(sender))


class Branch(Grown, Generic[S]):
    """A place in the tree: calls, and more branches."""

    def __init__(self, sender: S) -> None:
        self._sender = sender
        self._grow(sender)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._sender!r}>"


class Call(Generic[P, T]):
    """An endpoint as a method of a branch."""

    def __init__(self, endpoint: Callable[P, Request[T]]) -> None:
        self._endpoint = endpoint
        self.__doc__ = endpoint.__doc__

    @overload
    def __get__(self, branch: None, owner: type) -> Self: ...
    @overload
    def __get__(self, branch: Branch[Sync], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, branch: Branch[Async], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, branch: Any, owner: type) -> Any:
        if branch is None:
            return self
        endpoint, send = self._endpoint, branch._sender.send

        @wraps(endpoint)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return send(whole(endpoint(*args, **kwargs)))

        return call


class Entries:
    """What an answer holds of its functions, read when it is first asked for."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._details: dict[tuple[str, str], FunctionDetails] | None = None

    def details(self, function: Function) -> FunctionDetails:
        """All that the answer holds of a function."""
        if self._details is None:
            raw = from_json(self._body)
            self._details = {}
            for entry in [raw["function"]] if "function" in raw else raw["functions"]:
                with suppress(ValidationError):  # it is not among the functions of the answer either
                    found = read_details(entry)
                    self._details[found.id, found.version_id] = found
        return self._details[function.id, function.version_id]


def whole(request: Request[T]) -> Request[T]:
    """The request, the functions in whose result have the attributes of `FunctionDetails` as well."""
    read: Callable[[bytes], T] = request.result

    def result(body: bytes) -> T:
        answer = read(body)
        match answer:
            case FunctionResponse():
                functions: Sequence[Function] = (answer.function,)
            case FunctionsResponse():
                functions = answer.functions
            case _:
                return answer
        entries = Entries(body)
        for function in functions:
            function.remember(entries)
        return answer

    return replace(request, result=result)
