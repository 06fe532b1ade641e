"""Asks NVCF politely: paced, and again after failures, but not for ever."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from nvcf_client.client import AsyncClient
from nvcf_client.errors import NvcfError, OutcomeUnknown, ServerFault, Throttled, Unreachable
from nvcf_client.requests import Request
from nvcf_client.retries import Retries
from nvcf_operator.commands.options import AccountSettings
from nvcf_operator.flowcontrol.limiters import Admission, Limiter, LimiterClosed

T = TypeVar("T")

RATE = 25.0
"""Calls a second: half of the operator's, which may use the same account."""

CONCURRENCY = 8
"""Calls at a time."""

PATIENCE = 30.0
"""Seconds without any usable answer after which nothing more is asked; longer where one call may take longer."""


class Asker:
    """One command's connection to NVCF.

    Reading calls alone are made, and those are made again after a 429, a 5xx, and when no answer came: up to three
    times, with growing pauses, and with the server's own Retry-After. Once NVCF has failed for `PATIENCE`, all
    calls that wait fail, too, so that a command ends however much it has to ask.

    Attributes:
        notices: what NGC's gateway has announced, each text once, in the order in which they came.

    """

    def __init__(
        self, account: AccountSettings, key: str, *, timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.notices: dict[str, None] = {}
        self._client = AsyncClient(
            api_key=key,
            base_url=account.nvcf_base_url,
            host_header=account.nvcf_host_header,
            ca_file=str(account.nvcf_ca_file) if account.nvcf_ca_file else None,
            timeout=timeout,
            max_connections=CONCURRENCY,
            max_retries=0,
            notice=lambda text: self.notices.setdefault(text),
        )
        self._gate = Limiter(RATE, CONCURRENCY, clock=clock)
        self._retries = Retries(most=3)
        self._patience = max(PATIENCE, timeout)
        self._clock = clock
        self._failing_since: float | None = None
        self._last_error: NvcfError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def ask(self, request: Request[T]) -> T:
        """Make a reading call and give its result.

        Raises:
            NvcfError: it failed, for good or for too long.

        """
        assert not request.mutating, f"{request.operation} is no reading call"
        failures, begun = 0, self._clock()
        while True:
            try:
                async with self._gate.admitted(person=True) as admission:
                    begun = self._clock()
                    return await self._send(request, admission)
            except LimiterClosed as closed:
                if self._last_error is None:
                    raise AssertionError("the limiter is shut by failures alone") from closed
                error, pause = self._last_error, closed.retry_after
            except NvcfError as failed:
                failures += 1
                again = self._retries.pause(request, failed, failures)
                if again is None:
                    raise
                error, pause = failed, again
                self._failing_since = begun if self._failing_since is None else self._failing_since
            if self._clock() + pause - (self._failing_since or begun) > self._patience:
                raise error
            await asyncio.sleep(pause)

    async def _send(self, request: Request[T], admission: Admission) -> T:
        try:
            result = await self._client.send(request)
        except NvcfError as error:
            if isinstance(error, Throttled):
                self._last_error = error
                self._gate.throttled(error.retry_after, admission)
            elif isinstance(error, ServerFault | Unreachable | OutcomeUnknown):
                self._last_error = error
                self._gate.failed(admission)
            else:
                self._answered(admission)
            raise
        self._answered(admission)
        return result

    def _answered(self, admission: Admission) -> None:
        self._gate.succeeded(admission)
        self._failing_since = None
