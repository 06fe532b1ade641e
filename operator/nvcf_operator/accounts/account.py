"""One credential's view of NVCF: its client, its list of functions, and whether the key is good.

One key never speaks for another's resources, so there is one `Account` for each base URL and key. What two keys of one
NVCF account share is the limiter that their calls pass: the server counts and throttles by account.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.requests import Request
from nvcf_operator.accounts import calls
from nvcf_operator.accounts.calls import Channel
from nvcf_operator.accounts.catalogue_reader import CatalogueReader
from nvcf_operator.accounts.key_status import DeployScope, KeyStatus, account_view
from nvcf_operator.accounts.listings import DeploymentList, DisprovedListings, Listing, MassDeletionGuard
from nvcf_operator.accounts.registered import NOTHING_REGISTERED, Interest, Registered
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import AccountView, Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.rules import credentials, error_classification
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.core.rules.registration_errors import may_be_a_registrys
from nvcf_operator.flowcontrol.limiters import Admission, HoldReason, LimiterClosed, Limiters
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.metrics import Metrics

T = TypeVar("T")
log = logging.getLogger(__name__)

POLL = Caller(Priority.LOW)
"""Nobody waits for a poll."""

SAME_FAILURE = 1.0
"""Seconds for which all who ask for a fresh list share one failure."""


class Account:
    """The calls of one credential, paced, counted, and shared by all resources that use it.

    Args:
        credential: the key, and where it counts.
        channel: makes the way by which calls reach NVCF.
        limiters: the limiters of all accounts.
        metrics: counts the polls.
        interests: what CloudFunctions ask of a list.
        catalogue: makes the reader of the catalogue, which is not asked while the account is held; None: none is read.
        clock: seconds; only differences matter.

    """

    def __init__(
        self,
        credential: Credential,
        channel: Callable[["Account"], Channel],
        limiters: Limiters,
        metrics: Metrics,
        *,
        interests: Callable[[], Iterable[Interest]] = tuple,
        catalogue: Callable[[Callable[[], bool]], CatalogueReader] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.credential = credential
        self._limiters = limiters
        self._print = hashlib.sha256(credential.api_key.encode()).hexdigest()
        self._hint = credentials.key_oddity(credential.api_key)
        self._limiter_of: str | None = None
        self.limiter = limiters.of(credential.base_url, self._print)
        self.keys: set[Key] = set()
        self.busy: set[Key] = set()
        self.listing: Listing | None = None
        self.patch_supported = True
        self.put_supported = True
        self.disproved_listings = DisprovedListings()
        self.deployments = DeploymentList(self.call, credential.base_url)
        self.mass_deletion = MassDeletionGuard(clock)
        self.wake = asyncio.Event()
        self.followed = 0
        """How many POSTs of objects that are gone are followed by it; it stays open for them."""
        self.key_status = KeyStatus(credential, self.wake, clock)
        self._metrics = metrics
        self._clock = clock
        self._listing_lock = asyncio.Lock()
        self._failed: tuple[float, Failure] | None = None
        self._deploy_scope = DeployScope(self.call, clock)
        self._interests = interests
        self._channel = channel(self)
        self.catalogue = catalogue(lambda: self.limiter.closed_for() is not None) if catalogue is not None else None

    def __repr__(self) -> str:
        return f"<Account at {self.credential.base_url} by {self.credential.source}>"

    @property
    def account_id(self) -> str | None:
        """The NVCF account, when the list shows exactly one."""
        ids = self.listing.account_ids if self.listing is not None else frozenset()
        return next(iter(ids)) if len(ids) == 1 else None

    async def call(self, request: Request[T], caller: Caller = POLL) -> T:
        """Make one call, admitted by the account's limiter.

        Raises:
            LimiterClosed: no call may be sent now.
            NvcfError: the call failed.

        """
        async with self.admitted(caller) as admission:
            return await self.send(request, admission)

    def admitted(self, caller: Caller) -> AbstractAsyncContextManager[Admission]:
        """Pass the account's limiter, for the length of the block.

        Raises:
            LimiterClosed: no call may be sent now.

        """
        return self._channel.admitted(caller)

    async def send(self, request: Request[T], admission: Admission) -> T:
        """Make one call that was admitted before.

        Raises:
            NotLeading: it would change something, and another replica may lead; nothing was sent.
            NvcfError: the call failed.

        """
        return await self._channel.send(request, admission)

    async def close(self) -> None:
        """Give up the connections."""
        if self.catalogue is not None:
            await self.catalogue.close()
        await self._channel.close()

    def unauthorized(self, error: nvcf_errors.Unauthorized) -> None:
        """Note that NVCF has refused the key."""
        self.key_status.refuse(self.writing(error))

    async def fresh_listing(
        self, max_age: float, caller: Caller = POLL, interest: Interest | None = None
    ) -> Listing | Failure:
        """Give a list asked for within the last `max_age` seconds; one call serves all who wait for it.

        Args:
            max_age: seconds.
            caller: on whose behalf it is asked for.
            interest: what else the list has to show.

        """
        since = self._clock() - max_age
        async with self._listing_lock:
            now = self._clock()
            known = self.listing
            covered = interest is None or (known is not None and known.registered.covers(interest))
            if known is not None and known.asked_at >= since and covered:
                return known
            if self._failed is not None and now - self._failed[0] <= SAME_FAILURE:
                return self._failed[1]
            try:
                answer = await self.call(endpoints.list_functions(visibility="private"), caller)
            except LimiterClosed as closed:
                return calls.limiter_failure(closed)
            except nvcf_errors.NvcfError as error:
                self._metrics.polled(self.account_id, result="failure")
                failure = await self._list_failure(error, caller)
                self._failed = (self._clock(), failure)
                return failure
            interests = (*self._interests(), *((interest,) if interest is not None else ()))
            before = known.registered if known is not None else NOTHING_REGISTERED
            self.listing = Listing.of(answer, now, Registered.of(answer, interests, before))
            self._share_limiter()
            self._metrics.polled(self.account_id)
            if self.key_status.failure is not None:
                await self._accept(caller)
            return self.listing

    def view(self, uid: str, pinned: str | None, recorded_credential: str | None) -> AccountView:
        """Say whether this key is shown to belong to the account on record. Call it right after a list."""
        return account_view(self.listing, self.credential.api_key, uid, pinned, recorded_credential)

    def _share_limiter(self) -> None:
        """Pass the limiter of the NVCF account once the list shows which one it is; keep it while a list shows none.

        Calls that wait at the key's own limiter, or are out, end there: for that moment the limits of both add up.
        """
        account = self.account_id
        if account is not None and account != self._limiter_of:
            self._limiter_of = account
            self.limiter = self._limiters.join(self.credential.base_url, self._print, account)

    async def _accept(self, caller: Caller) -> None:
        """Remember that a key that was not accepted lists again; where it lacked a scope, see whether it still does."""
        failure = self.key_status.failure
        if failure is not None and failure.reason == Reason.MISSING_SCOPE:
            self._deploy_scope.forget()
            if await self._deploy_scope.granted(caller) is False:
                self.key_status.refuse(error_classification.missing_scope("deploy_function"))
                return
        self.key_status.accept()

    def saturated(self, most: int, caller: Caller) -> bool:
        """Whether so much waits at this account's limiter already that one more would hold up others' workers.

        A namespace that has nobody in line may send one beyond `most`, up to twice as many: else one with thousands of
        resources would keep all places in the line.
        """
        waiting = self.limiter.waiting
        if caller.is_urgent or waiting < most:
            return False
        return waiting >= 2 * most or self.limiter.waiting_of(caller.namespace) > 0

    def hurries(self, resource: AnyResource) -> bool:
        """Whether calls for a resource are urgent now, whatever the priority of its reconcile.

        While NVCF asks for a pause, a deletion and what was asked for by annotation are held for less than the rest,
        though they may have waited since.
        """
        closed = self.limiter.closed_for()
        if closed is None or closed.reason != HoldReason.THROTTLED:
            return False
        return resource.deleting or resource.is_requested

    def held(self, caller: Caller) -> Failure | None:
        """Why nothing may be sent now; None when it may."""
        if (failure := self.key_status.waiting_for_probe()) is not None:
            return failure
        closed = self.limiter.closed_for(caller.priority)
        return calls.limiter_failure(closed) if closed is not None else None

    def note_busy(self, key: Key, *, busy: bool) -> None:
        """Note whether NVCF is at work on a resource, so that it is polled often."""
        if not busy:
            self.busy.discard(key)
        elif key not in self.busy:
            self.busy.add(key)
            self.wake.set()

    async def forbidden(self, error: nvcf_errors.Forbidden, caller: Caller) -> Failure:
        """Say whether a 403 is about the key, which may deploy or list nothing at all, or about the resource."""
        listing = await self.fresh_listing(10.0, caller)
        if isinstance(listing, Failure):
            return listing
        if await self._deploy_scope.granted(caller) is False:
            failure = error_classification.missing_scope("deploy_function")
            self.key_status.refuse(failure)
            return failure
        self.key_status.doubt()
        return error_classification.of_call(error)

    async def registering(self, error: nvcf_errors.NvcfError, caller: Caller) -> Failure:
        """Say whether a failed registration is about the credential, a registry or the manifest."""
        if may_be_a_registrys(error):
            listing = await self.fresh_listing(10.0, caller)
            if isinstance(listing, Failure):
                return listing
        return calls.registration_failure(error, self.limiter)

    async def lacking(self, error: nvcf_errors.Forbidden, scope: str, caller: Caller) -> Failure:
        """Say whether a 403 to a call about a version is about the credential, or about a scope or policy of it."""
        listing = await self.fresh_listing(10.0, caller)
        return listing if isinstance(listing, Failure) else error_classification.lacking_scope(error, scope)

    def reading(self, error: nvcf_errors.NvcfError) -> Failure:
        """Say what a failed read means; of an outage in the same words for all calls of the account."""
        return calls.read_failure(error, self.limiter, self._hint)

    def writing(self, error: nvcf_errors.NvcfError) -> Failure:
        """Say what a failed write means; where it was not sent, in the words of the outage."""
        return calls.write_failure(error, self.limiter, self._hint)

    async def _list_failure(self, error: nvcf_errors.NvcfError, caller: Caller) -> Failure:
        if calls.is_outage(error):
            return self.reading(error)
        failure = error_classification.with_hint(error_classification.of_credential(error), self._hint)
        if isinstance(error, nvcf_errors.Forbidden) and await self._deploy_scope.granted(
            caller._replace(priority=Priority.LOW)
        ):
            failure = error_classification.missing_scope("list_functions")
        if failure.scope == Scope.CREDENTIAL:
            self.key_status.refuse(failure)
            return self.key_status.failure or failure
        return failure
