"""The calls of an account, and what a failed one means for all of its resources.

They are paced, counted and traced, and none changes something without leading. What is odd is logged once.
"""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.client import AsyncClient
from nvcf_client.endpoints.functions import REGISTRATIONS
from nvcf_client.requests import Request
from nvcf_client.responses import Answered
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report.error_messages import slow_down
from nvcf_operator.core.rules import error_classification
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.core.rules.error_classification import Effect
from nvcf_operator.core.rules.registration_errors import of_registration
from nvcf_operator.flowcontrol.limiters import Admission, HoldReason, Limiter, LimiterClosed
from nvcf_operator.flowcontrol.pacing import honoured
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.metrics import Metrics
from nvcf_operator.tracing import Tracer

MOST_REMARKS = 200
"""So many texts are logged; a server that never says the same twice gets no more lines."""

log = logging.getLogger(__name__)


class Remarks:
    """Logs each text once for the life of this process."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def warn(self, text: str) -> None:
        """Log a warning, unless it was logged before."""
        if text not in self._logged and len(self._logged) < MOST_REMARKS:
            self._logged.add(text)
            log.warning("%s", text)


def is_outage(error: nvcf_errors.NvcfError) -> bool:
    """Whether the server failed, rather than answered."""
    return error_classification.row_of(error).effect == Effect.FAILURE


def read_failure(error: nvcf_errors.NvcfError, limiter: Limiter, hint: str | None) -> Failure:
    """Say what a failed read means; of an outage in the words of the failure that stands for all.

    Args:
        error: the failure.
        limiter: the account's.
        hint: what looks like a mistake in the key.

    """
    if is_outage(error):
        return error_classification.of_outage(limiter.cause or error, error.retry_after)
    return error_classification.with_hint(error_classification.of_reading(error), hint)


def write_failure(error: nvcf_errors.NvcfError, limiter: Limiter, hint: str | None) -> Failure:
    """Say what a failed write means; where it was not sent, in the words of the outage."""
    if isinstance(error, nvcf_errors.Unreachable):
        return read_failure(error, limiter, hint)
    return error_classification.with_hint(error_classification.of_call(error), hint)


def registration_failure(error: nvcf_errors.NvcfError, limiter: Limiter) -> Failure:
    """Say what a failed registration means; where it was not sent, in the words of the outage."""
    if isinstance(error, nvcf_errors.Unreachable):
        return read_failure(error, limiter, None)
    return of_registration(error)


def limiter_failure(closed: LimiterClosed) -> Failure:
    """Say why nothing is sent now."""
    if closed.reason == HoldReason.THROTTLED:
        return Failure(Reason.THROTTLED, slow_down(closed.asked), Scope.SERVER, closed.retry_after)
    return replace(error_classification.of_outage(closed.cause, closed.retry_after), general=True)


T = TypeVar("T")

INSTANCES = "get_instances"
"""A read of a function for the sake of its instances."""

QUEUE = "get_queue"
"""A read of the length of a queue."""

ADVISORY = frozenset({INSTANCES, QUEUE})
"""Calls on which nothing depends. A server that fails them alone is not down: without its allocator, NVCF shows no
instances and does everything else that asks for none (facts on NVCF, section 3)."""

NOT_ABOUT_THE_KEY = frozenset({endpoints.list_deployments().operation, *REGISTRATIONS, *ADVISORY})
"""Calls whose 401 says nothing about the key: that of a registration may be a registry's."""


class Payer(Protocol):
    """Whose calls they are: an `Account`."""

    credential: Credential
    limiter: Limiter

    @property
    def account_id(self) -> str | None:
        """The NVCF account, for metrics."""

    def unauthorized(self, error: nvcf_errors.Unauthorized) -> None:
        """Note that NVCF has refused the key."""


class Channel(Protocol):
    """How an account's calls reach NVCF."""

    def admitted(self, caller: Caller) -> AbstractAsyncContextManager[Admission]:
        """Pass the account's limiter, for the length of the block."""

    async def send(self, request: Request[T], admission: Admission) -> T:
        """Make one call that was admitted before."""

    async def close(self) -> None:
        """Give up the connections."""


class Calls:
    """The channel over HTTP.

    Args:
        account: whose calls they are.
        client: makes them.
        metrics: counts them.
        fence: raises `NotLeading` where another replica may lead.
        tracer: traces them.
        remarks: logs what is odd about answers.
        clock: seconds; only differences matter.

    """

    def __init__(
        self,
        account: Payer,
        client: AsyncClient,
        metrics: Metrics,
        *,
        fence: Callable[[], None] = lambda: None,
        tracer: Tracer | None = None,
        remarks: Remarks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._client = client
        self._metrics = metrics
        self._fence = fence
        self._tracer = tracer or Tracer()
        self._remarks = remarks or Remarks()
        self._clock = clock

    def admitted(self, caller: Caller) -> AbstractAsyncContextManager[Admission]:
        """Pass the account's limiter, for the length of the block.

        Entering raises:
            LimiterClosed: no call may be sent now.

        """
        return self._account.limiter.admitted(*caller)

    async def send(self, request: Request[T], admission: Admission) -> T:
        """Make one call that was admitted before, and report its outcome to limiter and metrics.

        Raises:
            NotLeading: it would change something, and another replica may lead; nothing was sent.
            NvcfError: the call failed.

        """
        if request.method not in ("GET", "HEAD"):
            self._fence()
        started = self._clock()
        try:
            result = await self._traced(request)
        except nvcf_errors.NvcfError as error:
            self._count(request, _code(error), started)
            match error_classification.row_of(error).effect:
                case error_classification.Effect.PAUSE:
                    self._account.limiter.throttled(error.retry_after, admission)
                case error_classification.Effect.FAILURE if request.operation in ADVISORY:
                    pass  # the next call of another kind shows whether the server is up
                case error_classification.Effect.FAILURE:
                    self._account.limiter.failed(admission, error)
                case error_classification.Effect.ANSWER:
                    self._account.limiter.succeeded(admission)
            self._bound_wait(error, admission.priority)
            if isinstance(error, nvcf_errors.Unauthorized) and request.operation not in NOT_ABOUT_THE_KEY:
                self._account.unauthorized(error)
            raise
        self._count(request, "200", started)
        self._account.limiter.succeeded(admission)
        self._note_odd(request, result)
        return result

    async def close(self) -> None:
        """Give up the connections."""
        await self._client.aclose()

    def _count(self, request: Request[Any], code: str, started: float) -> None:
        self._metrics.nvcf_request(request.operation, code, self._account.account_id, self._clock() - started)

    def _note_odd(self, request: Request[T], result: T) -> None:
        """Count and log what of an answer was passed over."""
        odd = result.passed_over if isinstance(result, Answered) else ()
        if odd:
            self._metrics.odd_values(request.operation, len(odd))
        for text in odd:
            self._remarks.warn(
                f"{self._account.credential.base_url} answers {request.operation} with a value that cannot be read "
                f"and is ignored: {text}"
            )

    def _bound_wait(self, error: nvcf_errors.NvcfError, priority: Priority) -> None:
        """Make the wait that the server asks for the one that we keep, whatever its status."""
        closed = self._account.limiter.closed_for(priority)
        if isinstance(error, nvcf_errors.Throttled) and closed is not None and closed.reason == HoldReason.THROTTLED:
            error.retry_after, error.asked = closed.retry_after, closed.asked
        elif error.retry_after is not None:
            error.retry_after = honoured(error.retry_after, urgent=priority is Priority.HIGH)

    async def _traced(self, request: Request[T]) -> T:
        url = self._account.credential.base_url + request.path
        with self._tracer.nvcf(request.operation, request.method, url) as span:
            try:
                result = await self._client.send(request)
            except nvcf_errors.NvcfError as error:
                span.answered(_code(error))
                raise
            span.answered("200")
            return result


def _code(error: nvcf_errors.NvcfError) -> str:
    return str(error.status) if error.status is not None else type(error).__name__
