"""Which path of a call a server knows, for calls that have a deprecated one beside the current one."""

from dataclasses import replace
from typing import TypeVar

from nvcf_client.errors import MethodNotAllowed, NotFound, NvcfError
from nvcf_client.requests import Request

T = TypeVar("T")


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
