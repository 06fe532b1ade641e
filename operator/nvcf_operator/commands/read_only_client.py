"""The client of the commands (it changes nothing; paced, retried, given up in the end), and its failures in words."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from nvcf_client import endpoints, errors
from nvcf_client.client import AsyncClient
from nvcf_client.endpoints.deployments import NOWHERE
from nvcf_client.errors import NvcfError, Obstacle
from nvcf_client.requests import Request
from nvcf_client.retries import Retries
from nvcf_operator.core.rules import credentials
from nvcf_operator.core.rules.error_classification import Effect, row_of
from nvcf_operator.flowcontrol.limiters import Admission, Limiter, LimiterClosed
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.settings.options import AccountSettings

T = TypeVar("T")

RATE = 25.0
"""Calls per second: half of the operator's, which may use the same account."""

CONCURRENCY = 8
"""Concurrent calls."""

MANY = 100
"""Calls that take seconds: beyond that a line says how long it takes."""

PATIENCE = 30.0
"""Seconds without any usable answer after which no more calls are made; longer where one call may take longer."""


class ReadOnlyClient:
    """One command's connection to NVCF.

    It changes nothing in NVCF: it makes reading calls, and calls about a function that no account has, which NVCF
    refuses. It retries after a 429, a 5xx, and when no answer came, where a repetition does no harm: up to three times,
    with growing pauses, and with the server's own Retry-After. Once NVCF has failed for `PATIENCE`, all calls that wait
    fail, too, so that a command ends however many calls it has to make.

    Attributes:
        notices: what NGC's gateway has announced, each text once, in the order in which they came.

    """

    def __init__(
        self,
        account: AccountSettings,
        key: str,
        *,
        timeout: float,
        rate: float = RATE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.notices: dict[str, None] = {}
        self._client = AsyncClient(
            api_key=key,
            base_url=account.nvcf_base_url,
            default_path="",
            host_header=account.nvcf_host_header,
            ca_file=str(account.nvcf_ca_file) if account.nvcf_ca_file else None,
            timeout=timeout,
            max_connections=CONCURRENCY,
            max_retries=0,
            notice=lambda text: self.notices.setdefault(text),
        )
        self._gate = Limiter(rate, CONCURRENCY, clock=clock)
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

    async def call(self, request: Request[T]) -> T:
        """Make a reading call and return its result.

        Raises:
            NvcfError: it failed, for good or for too long.

        """
        assert not request.mutating, f"{request.operation} is no reading call"
        return await self._call(request)

    async def may_deploy(self) -> bool | NvcfError:
        """Whether the key has the scope deploy_function, which NVCF also requires to read deployments.

        Asked for the deployment of a version that no account has, NVCF answers 404 to a key that has the scope and 403
        to one that lacks it. Any other answer shows neither: its error.
        """
        return await self.may(endpoints.get_deployment(function_id=NOWHERE, function_version_id=NOWHERE))

    async def may(self, request: Request[object]) -> bool | NvcfError:
        """Whether the key has the scope of a call, shown by one about a function that no account has.

        NVCF checks the scope (403) before it looks for the function (404), so even a writing call changes nothing. Any
        other answer shows neither: its error.
        """
        assert NOWHERE in request.path, f"{request.operation} is about a function that may exist"
        try:
            await self._call(request)
        except errors.NotFound as error:
            return error if error.unknown_path else True
        except errors.Forbidden:
            return False
        except NvcfError as error:
            return error
        return True

    async def _call(self, request: Request[T]) -> T:
        failures, begun = 0, self._clock()
        while True:
            try:
                async with self._gate.admitted(Priority.HIGH) as admission:
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
            match row_of(error).effect:
                case Effect.PAUSE:
                    self._last_error = error
                    self._gate.throttled(error.retry_after, admission)
                case Effect.FAILURE:
                    self._last_error = error
                    self._gate.failed(admission)
                case Effect.ANSWER:
                    self._answered(admission)
            raise
        self._answered(admission)
        return result

    def _answered(self, admission: Admission) -> None:
        self._gate.succeeded(admission)
        self._failing_since = None


_OBSTACLES = {
    Obstacle.NAME: "the host's name cannot be resolved. Check the host in --nvcf-base-url, and DNS",
    Obstacle.REFUSED: "nothing is listening there. Check host and port in --nvcf-base-url, and firewalls",
    Obstacle.TLS: "TLS failed. For a certificate from a private CA set --nvcf-ca-file; otherwise check the host, and "
    "whether that port speaks https",
    Obstacle.TIMEOUT: "the connection attempt got no response. Check host and port in --nvcf-base-url, and firewalls",
    Obstacle.PROXY: "the configured proxy refused the connection. Check HTTPS_PROXY and NO_PROXY",
    Obstacle.OTHER: "could not connect. Check --nvcf-base-url, and any proxy or firewall in between",
}

NOT_NVCF = "Check the path in --nvcf-base-url, --nvcf-host-header, and proxies in between"

NEW_KEY = "a new or changed key can take 15 minutes to take effect"


def with_key_hint(text: str, key: str) -> str:
    """A text about a key that NVCF refuses, with what looks like a mistake in the key."""
    hint = credentials.key_oddity(key)
    return text if hint is None else f"{text.rstrip('. ')}. Possible cause: {hint}"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 version`, `2 versions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def error_text(error: NvcfError) -> str:
    """What happened and what to do, in one line without a full stop at its end."""
    detail = error.detail.rstrip(". ")
    match error:
        case errors.Unreachable():
            return f"{detail}: {_OBSTACLES[error.obstacle]}"
        case errors.OutcomeUnknown():
            return f"{detail}. Try again; --timeout gives it more time"
        case errors.Redirected():
            return detail
        case errors.InvalidAnswer() if error.status is None or error.status < 300:
            return f"the response did not come from NVCF: {detail}. {NOT_NVCF}"
        case errors.ServerFault() if not error.foreign:
            return f"NVCF returned an error ({error.status}: {detail}). Try again later"
        case errors.Throttled():
            return f"too many calls (429: {detail}). Try again later"
        case _ if error.foreign:
            return f"the {error.status} response did not come from NVCF: {detail}. {NOT_NVCF}"
        case errors.Unauthorized():
            return f"NVCF does not accept the key (401: {detail}). Put a valid key into the file; {NEW_KEY}"
        case errors.Forbidden():
            return f"the key may not do this (403: {detail})"
        case errors.NotFound() if error.unknown_path:
            return f"there is no such path (404: {detail}). {NOT_NVCF}"
        case errors.NotFound():
            return f"not found (404: {detail})"
        case _:
            return f"NVCF answered {error.status}: {detail}. Try again later"
