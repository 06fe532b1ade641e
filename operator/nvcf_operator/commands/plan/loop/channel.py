"""How a plan's calls reach NVCF: each read is made once, and each write is refused."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Protocol, TypeVar

from nvcf_client import errors
from nvcf_client.errors import NvcfError
from nvcf_client.requests import Request
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.calls import NOT_ABOUT_THE_KEY
from nvcf_operator.commands.plan.model import Write
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Caller

T = TypeVar("T")

HIDDEN = "<hidden>"
"""What a plan shows in place of a secret's value."""


class RefusedWrite(Exception):  # noqa: N818  the name says what happened
    """A call that would change NVCF, and was not sent. No NVCF error, so that nothing handles it and continues."""

    def __init__(self, request: Request[Any]) -> None:
        super().__init__(f"{request.method} {request.path}")
        self.request = request

    @property
    def write(self) -> Write:
        """The call as a plan shows it."""
        request = self.request
        query = "&".join(f"{name}={value}" for name, value in request.query)
        body = _without_secrets(json.loads(request.body)) if request.body else None
        return Write(request.method, f"{request.path}?{query}" if query else request.path, body)


def _without_secrets(body: Any) -> Any:
    """A body without values of secrets."""
    if isinstance(body, Mapping):
        return {
            name: [_hidden(item) for item in value]
            if name == "secrets" and isinstance(value, list)
            else _without_secrets(value)
            for name, value in body.items()
        }
    return [_without_secrets(item) for item in body] if isinstance(body, list) else body


def _hidden(secret: Any) -> Any:
    return {**secret, "value": HIDDEN} if isinstance(secret, Mapping) and "value" in secret else secret


class Reader(Protocol):
    """What reads NVCF: a `ReadOnlyClient`."""

    async def call(self, request: Request[T]) -> T:
        """Make a reading call."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give up the connections."""


class ReadOnlyChannel:
    """The port `Channel` of an account: each read is made once, and each write is refused.

    Args:
        account: whose calls they are.
        client: makes the reads.
        absent: ids of versions that NVCF would have by then, and that it knows nothing of yet.

    """

    def __init__(self, account: Account, client: Reader, absent: set[str]) -> None:
        self._account = account
        self._client = client
        self._absent = absent
        self._answers: dict[tuple[str, tuple[tuple[str, str], ...]], asyncio.Task[Any]] = {}

    @property
    def reads(self) -> int:
        """How many reads were made."""
        return len(self._answers)

    @asynccontextmanager
    async def admitted(self, caller: Caller) -> AsyncIterator[Admission]:
        """Let everybody in: the client paces its calls itself."""
        yield Admission(caller.priority, 0, self._account.limiter)

    async def send(self, request: Request[T], admission: Admission) -> T:
        """Make a read, or give what it gave before.

        Raises:
            RefusedWrite: it would change something.
            NvcfError: the read failed.

        """
        if request.mutating:
            raise RefusedWrite(request)
        if not self._absent.isdisjoint(request.path.split("/")):
            raise errors.NotFound(
                operation=request.operation,
                method=request.method,
                path=request.path,
                detail="it is not registered yet",
                status=404,
            )
        try:
            return await self.read(request)
        except errors.Unauthorized as error:
            if request.operation not in NOT_ABOUT_THE_KEY:
                self._account.unauthorized(error)
            raise

    async def read(self, request: Request[T]) -> T:
        """Make a read once; all who ask for it share the answer, or the failure."""
        key = (request.path, request.query)
        if key not in self._answers:
            self._answers[key] = asyncio.ensure_future(self._client.call(request))
        found: T = await asyncio.shield(self._answers[key])
        return found

    async def warm(self, request: Request[Any]) -> None:
        """Make a read ahead of the decision that needs it."""
        with suppress(NvcfError):  # the decision will meet it again
            await self.read(request)

    async def close(self) -> None:
        """Give up the connections."""
        for task in self._answers.values():
            task.cancel()
        await asyncio.gather(*self._answers.values(), return_exceptions=True)
        await self._client.__aexit__(None, None, None)
