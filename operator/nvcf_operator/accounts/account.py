"""One credential's view of NVCF: its client, its list of functions, and whether the key is good.

One key never speaks for another's resources, so there is one `Account` for each base URL and key. What two keys of one
NVCF account share is the gate that their calls pass: the server counts and throttles by account.
"""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from nvcf_client import endpoints, urls
from nvcf_client import errors as nvcf_errors
from nvcf_client.client import AsyncClient
from nvcf_client.endpoints.deployments import NOWHERE
from nvcf_client.requests import Request
from nvcf_client.responses import Answered
from nvcf_operator.accounts.disproved_listings import DisprovedListings
from nvcf_operator.accounts.listing import Listing
from nvcf_operator.accounts.mass_deletion import MassDeletionGuard
from nvcf_operator.accounts.remarks import Remarks
from nvcf_operator.api.key import Key
from nvcf_operator.core import error_classification, hints
from nvcf_operator.core.credentials import Credential
from nvcf_operator.core.diff.fingerprints import DeploymentFingerprint, fingerprint_of
from nvcf_operator.core.outages import slow_down
from nvcf_operator.core.poll_rules import Entry
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import AccountView, Failure, Proof, Scope
from nvcf_operator.flowcontrol.limiters import Admission, HoldReason, LimiterClosed, Limiters
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.flowcontrol.throttle import honoured
from nvcf_operator.metrics import Metrics
from nvcf_operator.tracing import Tracer

T = TypeVar("T")
log = logging.getLogger(__name__)

POLL = Caller(Priority.LOW)
"""Nobody waits for a poll."""

NEW_KEY = 900.0
"""Seconds after which a new key must work everywhere in hosted NVCF."""

PROBE_FIRST, PROBE_LAST, PROBE_LAST_NEW = 15.0, 300.0, 30.0
"""Seconds between two tries of a key that is not accepted: doubling from the first to the last."""

LIST_DEPLOYMENTS = endpoints.list_deployments().operation

SAME_FAILURE = 1.0
"""Seconds for which all who ask for a fresh list share one failure."""


class Account:
    """The calls of one credential, paced, counted, and shared by all resources that use it."""

    def __init__(
        self,
        credential: Credential,
        client: AsyncClient,
        limiters: Limiters,
        metrics: Metrics,
        *,
        fence: Callable[[], None] = lambda: None,
        tracer: Tracer | None = None,
        remarks: Remarks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._remarks = remarks or Remarks()
        self._fence = fence
        self._tracer = tracer or Tracer()
        self.credential = credential
        self._limiters = limiters
        self._print = hashlib.sha256(credential.api_key.encode()).hexdigest()
        self._hint = hints.oddity(credential.api_key)
        self._limiter_of: str | None = None
        self.limiter = limiters.of(credential.base_url, self._print)
        self.client = client
        self.keys: set[Key] = set()
        self.busy: set[Key] = set()
        self.listing: Listing | None = None
        self.failure: Failure | None = None
        self.patch_supported = True
        self.put_supported = True
        self.disproved_listings = DisprovedListings()
        self._lists_deployments = urls.is_org(credential.base_url)
        self.mass_deletion = MassDeletionGuard(clock)
        self.wake = asyncio.Event()
        self.followed = 0
        """How many POSTs of objects that are gone are followed by it; it stays open for them."""
        self.in_doubt = False
        """NVCF has refused the key since its Secrets were last read: a person may have put another one there."""
        self._metrics = metrics
        self._clock = clock
        self._made_at = clock()
        self._listing_lock = asyncio.Lock()
        self._failed: tuple[float, Failure] | None = None
        self._probe_wait = PROBE_FIRST
        self._probe_at = 0.0
        self._scope_known: tuple[float, bool] | None = None

    def __repr__(self) -> str:
        return f"<Account at {self.credential.base_url} by {self.credential.source}>"

    @property
    def account_id(self) -> str | None:
        """The NVCF account, when the list shows exactly one."""
        ids = self.listing.account_ids if self.listing is not None else frozenset()
        return next(iter(ids)) if len(ids) == 1 else None

    async def call(self, request: Request[T], caller: Caller = POLL) -> T:
        """Make one call, admitted by the account's gate.

        Raises:
            Closed: the gate is shut; nothing was sent.
            NvcfError: the call failed.

        """
        async with self.admitted(caller) as admission:
            return await self.send(request, admission)

    @asynccontextmanager
    async def admitted(self, caller: Caller) -> AsyncIterator[Admission]:
        """Pass the account's gate, for the length of the block.

        Raises:
            Closed: the gate is shut.

        """
        async with self.limiter.admitted(*caller) as admission:
            yield admission

    async def send(self, request: Request[T], admission: Admission) -> T:
        """Make one call that was admitted before, and tell the gate and the metrics how it went.

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
            self._metrics.nvcf_request(request.operation, _code(error), self.account_id, self._clock() - started)
            match error_classification.row_of(error).effect:
                case error_classification.Effect.PAUSE:
                    self.limiter.throttled(error.retry_after, admission)
                case error_classification.Effect.FAILURE:
                    self.limiter.failed(admission, error)
                case error_classification.Effect.ANSWER:
                    self.limiter.succeeded(admission)
            self._bound_wait(error, admission.priority)
            if isinstance(error, nvcf_errors.Unauthorized) and request.operation != LIST_DEPLOYMENTS:
                self.refuse(self.writing(error))
            raise
        self._metrics.nvcf_request(request.operation, "200", self.account_id, self._clock() - started)
        self.limiter.succeeded(admission)
        self._note_odd(request, result)
        return result

    def _note_odd(self, request: Request[T], result: T) -> None:
        """Count and tell what of an answer was passed over."""
        odd = result.passed_over if isinstance(result, Answered) else ()
        if odd:
            self._metrics.odd_values(request.operation, len(odd))
        for text in odd:
            self._remarks.warn(
                f"{self.credential.base_url} answers {request.operation} with a value that cannot be read and is "
                f"ignored: {text}"
            )

    def _bound_wait(self, error: nvcf_errors.NvcfError, priority: Priority) -> None:
        """Make the wait that the server asks for the one that we keep, whatever its status."""
        closed = self.limiter.closed_for(priority)
        if isinstance(error, nvcf_errors.Throttled) and closed is not None and closed.reason == HoldReason.THROTTLED:
            error.retry_after, error.asked = closed.retry_after, closed.asked
        elif error.retry_after is not None:
            error.retry_after = honoured(error.retry_after, urgent=priority is Priority.HIGH)

    async def _traced(self, request: Request[T]) -> T:
        with self._tracer.nvcf(request.operation, request.method, self.credential.base_url + request.path) as span:
            try:
                result = await self.client.send(request)
            except nvcf_errors.NvcfError as error:
                span.answered(_code(error))
                raise
            span.answered("200")
            return result

    async def fresh_listing(self, max_age: float, caller: Caller = POLL) -> Listing | Failure:
        """Give a list asked for within the last `max_age` seconds; one call serves all who wait for it."""
        since = self._clock() - max_age
        async with self._listing_lock:
            now = self._clock()
            if self.listing is not None and self.listing.asked_at >= since:
                return self.listing
            if self._failed is not None and now - self._failed[0] <= SAME_FAILURE:
                return self._failed[1]
            try:
                answer = await self.call(endpoints.list_functions(visibility="private"), caller)
            except LimiterClosed as closed:
                return limiter_failure(closed)
            except nvcf_errors.NvcfError as error:
                self._metrics.polled(self.account_id, result="failure")
                failure = await self._list_failure(error, caller)
                self._failed = (self._clock(), failure)
                return failure
            entries = {
                item.version_id: Entry(item.id, item.status, item.nca_id, not item.owned_by_different_account)
                for item in answer.functions
            }
            ids = frozenset(item.account_id for item in entries.values() if item.ours and item.account_id)
            self.listing = Listing(now, entries, ids, answer.skipped_versions)
            self._share_limiter()
            self._metrics.polled(self.account_id)
            if self.failure is not None:
                await self._accept(caller)
            return self.listing

    async def deployments(self) -> dict[str, DeploymentFingerprint]:
        """What NGC's list of deployments shows, by version id; empty where there is no such list, or no answer.

        Once the server has said no, or something that cannot be read, it is not asked again. A refusal of this call
        says nothing about the key, which has just been accepted by the list of functions.
        """
        if not self._lists_deployments:
            return {}
        try:
            answer = await self.call(endpoints.list_deployments())
        except LimiterClosed:
            return {}
        except nvcf_errors.NvcfError as error:
            if not error_classification.may_pass(error):
                self._lists_deployments = False
                log.info("deployments are not listed at %s: %s", self.credential.base_url, error)
            return {}
        return {item.function_version_id: fingerprint_of(item) for item in answer.deployments}

    def view(self, uid: str, pinned: str | None, recorded_credential: str | None) -> AccountView:
        """Say whether this key is shown to belong to the account on record. Call it with a fresh list at hand."""
        ids = self.listing.account_ids if self.listing is not None else frozenset()
        print_of_key = fingerprint(uid, self.credential.api_key)
        one = next(iter(sorted(ids)), None)
        if pinned is None:
            return AccountView(Proof.NEVER_PINNED, one, print_of_key)
        if pinned in ids:
            return AccountView(Proof.PROVEN, pinned, print_of_key)
        if ids:
            return AccountView(Proof.MISMATCH, one, print_of_key)
        if recorded_credential == print_of_key:
            return AccountView(Proof.PROVEN, pinned, print_of_key)
        return AccountView(Proof.UNPROVEN, None, print_of_key)

    def refuse(self, failure: Failure) -> None:
        """Remember that the key is not accepted, so that one probe at a time tries it and all others wait.

        The first refusal stands for those of the same reason, whatever call they met: all say the same.
        """
        now = self._clock()
        if self.failure is None:
            self._probe_wait = PROBE_FIRST
            log.warning("the key from %s is not accepted: %s", self.credential.source, failure.message)
            self.doubt()
        elif now >= self._probe_at:
            last = PROBE_LAST_NEW if now - self._made_at < NEW_KEY else PROBE_LAST
            self._probe_wait = min(last, self._probe_wait * 2)
        else:
            return
        if self.failure is None or self.failure.reason != failure.reason:
            self.failure = failure
        self._probe_at = now + self._probe_wait
        self.wake.set()

    def doubt(self) -> None:
        """Have the Secrets of this account's resources read again at once, ahead of the next poll."""
        self.in_doubt = True
        self.wake.set()

    def _share_limiter(self) -> None:
        """Pass the gate of the NVCF account once the list shows which one it is; keep it while a list shows none.

        Calls that wait at the key's own gate, or are out, end there: for that moment both gates' limits add up.
        """
        account = self.account_id
        if account is not None and account != self._limiter_of:
            self._limiter_of = account
            self.limiter = self._limiters.join(self.credential.base_url, self._print, account)

    async def _accept(self, caller: Caller) -> None:
        """Remember that a key that was not accepted lists again; where it lacked a scope, see whether it still does."""
        if self.failure is not None and self.failure.reason == Reason.MISSING_SCOPE:
            self._scope_known = None
            if await self._may_deploy(caller) is False:
                self.refuse(error_classification.missing_scope("deploy_function"))
                return
        log.info("the key from %s is accepted again", self.credential.source)
        self.failure = None

    def saturated(self, most: int, caller: Caller) -> bool:
        """Whether so much waits at this account's gate already that one more would hold up others' workers.

        A namespace that has nobody in line may send one beyond `most`, up to twice as many: else one with thousands of
        resources would keep all places in the line.
        """
        waiting = self.limiter.waiting
        if caller.is_urgent or waiting < most:
            return False
        return waiting >= 2 * most or self.limiter.waiting_of(caller.namespace) > 0

    def hurries(self, resource: Resource) -> bool:
        """Whether calls for a resource are urgent now, whatever the priority of its reconcile.

        While NVCF asks for a pause, a deletion and what was asked for by annotation are held for less than the rest,
        though they may have waited since.
        """
        closed = self.limiter.closed_for()
        if closed is None or closed.reason != HoldReason.THROTTLED:
            return False
        return resource.deleting or bool(resource.reconcile_requested or resource.redeploy_requested)

    def waiting_for_probe(self) -> Failure | None:
        """Why no resource may use this key now; None when it may. The poller alone probes."""
        if self.failure is None:
            return None
        left = max(0.0, self._probe_at - self._clock())
        return Failure(self.failure.reason, self.failure.message, self.failure.scope, retry_after=left + 2.0)

    def held(self, caller: Caller) -> Failure | None:
        """Why nothing may be sent now; None when it may."""
        if (failure := self.waiting_for_probe()) is not None:
            return failure
        closed = self.limiter.closed_for(caller.priority)
        return limiter_failure(closed) if closed is not None else None

    def note_busy(self, key: Key, *, busy: bool) -> None:
        """Note whether NVCF is at work on a resource, so that it is polled often."""
        if not busy:
            self.busy.discard(key)
        elif key not in self.busy:
            self.busy.add(key)
            self.wake.set()

    @property
    def probe_in(self) -> float | None:
        """Seconds until a key that is not accepted is tried again."""
        return None if self.failure is None else max(0.0, self._probe_at - self._clock())

    async def forbidden(self, error: nvcf_errors.Forbidden, caller: Caller) -> Failure:
        """Say whose a 403 is: the credential's, when it may deploy or list nothing at all, else the resource's."""
        listing = await self.fresh_listing(10.0, caller)
        if isinstance(listing, Failure):
            return listing
        if await self._may_deploy(caller) is False:
            failure = error_classification.missing_scope("deploy_function")
            self.refuse(failure)
            return failure
        self.doubt()
        return error_classification.of_call(error)

    def reading(self, error: nvcf_errors.NvcfError) -> Failure:
        """Say what a failed read means; of an outage in the words in which all calls of the account are told of it."""
        if error_classification.row_of(error).effect == error_classification.Effect.FAILURE:
            return error_classification.of_outage(self.limiter.cause or error, error.retry_after)
        return error_classification.with_hint(error_classification.of_reading(error), self._hint)

    def writing(self, error: nvcf_errors.NvcfError) -> Failure:
        """Say what a failed write means; where it was not sent, in the words of the outage."""
        if isinstance(error, nvcf_errors.Unreachable):
            return self.reading(error)
        return error_classification.with_hint(error_classification.of_call(error), self._hint)

    async def _list_failure(self, error: nvcf_errors.NvcfError, caller: Caller) -> Failure:
        if error_classification.row_of(error).effect == error_classification.Effect.FAILURE:
            return self.reading(error)
        failure = error_classification.with_hint(error_classification.of_credential(error), self._hint)
        if isinstance(error, nvcf_errors.Forbidden) and await self._may_deploy(caller._replace(priority=Priority.LOW)):
            failure = error_classification.missing_scope("list_functions")
        if failure.scope == Scope.CREDENTIAL:
            self.refuse(failure)
            return self.failure or failure
        return failure

    async def _may_deploy(self, caller: Caller) -> bool | None:
        """Whether the key has the scope deploy_function; None when that cannot be told now."""
        now = self._clock()
        if self._scope_known is not None and now - self._scope_known[0] < PROBE_FIRST:
            return self._scope_known[1]
        try:
            await self.call(endpoints.get_deployment(function_id=NOWHERE, function_version_id=NOWHERE), caller)
        except nvcf_errors.Forbidden:
            self._scope_known = (now, False)
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return None
            self._scope_known = (now, True)
        except (LimiterClosed, nvcf_errors.NvcfError):
            return None
        else:
            return None
        return self._scope_known[1]


def limiter_failure(closed: LimiterClosed) -> Failure:
    """Say why nothing is sent now."""
    if closed.reason == HoldReason.THROTTLED:
        return Failure(Reason.THROTTLED, slow_down(closed.asked), Scope.SERVER, closed.retry_after)
    return replace(error_classification.of_outage(closed.cause, closed.retry_after), general=True)


def fingerprint(uid: str, api_key: str) -> str:
    """Name a key so that only the same resource and the same key give the same name, and nothing leads back."""
    return hmac.new(uid.encode(), api_key.encode(), hashlib.sha256).hexdigest()[:16]


def _code(error: nvcf_errors.NvcfError) -> str:
    return str(error.status) if error.status is not None else type(error).__name__
