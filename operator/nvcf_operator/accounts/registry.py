"""All credentials in use: an account and its poller for each, for as long as a resource uses it."""

import asyncio
from collections.abc import Callable, Iterator
from contextvars import Context

from nvcf_client import urls
from nvcf_client.client import AsyncClient
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.calls import Calls, Remarks
from nvcf_operator.accounts.catalogue_reader import CatalogueReader
from nvcf_operator.accounts.credentials import Resolver
from nvcf_operator.accounts.poller import Poller, Polling
from nvcf_operator.accounts.registered import Interest
from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.core.functions.model.poll_rules import FunctionPollKey
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.flowcontrol.limiters import Limiters
from nvcf_operator.informer.cache import Cache
from nvcf_operator.metrics import Metrics
from nvcf_operator.process.watchdog import Watchdogs
from nvcf_operator.queue.delay_queue import DelayQueue
from nvcf_operator.settings import Settings
from nvcf_operator.tracing import Tracer

CATALOGUE_TIMEOUT = 20.0
"""Seconds for each call of the catalogue. Nobody waits for it."""


class Accounts:
    """Makes accounts when a resource first uses their credential, and closes them when the last one leaves."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        cache: Cache,
        queue: DelayQueue[Key],
        resolver: Resolver,
        *,
        fence: Callable[[], None],
        tracer: Tracer,
        user_agent: str,
        beats: Watchdogs,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._metrics = metrics
        self._polling = Polling(cache, queue, resolver, leave=self.leave)
        self._fence = fence
        self._tracer = tracer
        self._user_agent = user_agent
        self._beats = beats
        self._remarks = Remarks()
        self._limiters = Limiters(settings.nvcf_rate, settings.nvcf_concurrency)
        self._accounts: dict[Credential, tuple[Account, asyncio.Task[None]]] = {}
        self._of_key: dict[Key, Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter([account for account, _ in self._accounts.values()])

    def of(self, key: Key, credential: Credential) -> Account:
        """The account of a credential, used by that resource from now on, and by no other account of before."""
        known = self._of_key.get(key)
        if known is not None and known.credential == credential:
            return known
        if credential not in self._accounts:
            account = self._open(credential)
            poller = Poller(
                account,
                polled=self._polling.polled,
                reread=self._polling.reread,
                refused=self._polling.refused,
                interval=self._settings.poll_interval,
                busy_interval=self._settings.busy_poll_interval,
                beats=self._beats,
            )
            # In a context of its own: it speaks for no single resource, in its log lines.
            task = asyncio.create_task(poller.run(), name=f"poller {account!r}", context=Context())
            self._accounts[credential] = (account, task)
        account, _ = self._accounts[credential]
        self.leave(key)
        self._of_key[key] = account
        account.keys.add(key)
        return account

    def known(self, key: Key) -> Account | None:
        """The account that a resource used last."""
        return self._of_key.get(key)

    def sharing(self, key: Key) -> int:
        """How many resources' calls pass the limiter of the account that a resource used last."""
        account = self._of_key.get(key)
        if account is None:
            return 0
        return sum(len(other.keys) for other in self if other.limiter is account.limiter)

    def leave(self, key: Key) -> None:
        """End a resource's use of its account."""
        account = self._of_key.pop(key, None)
        if account is not None:
            account.keys.discard(key)
            account.busy.discard(key)
            account.disproved_listings.leave(key)

    def settle(self, key: Key) -> None:
        """Queue a resource at the end of its reconcile if it still differs from what a poll has shown meanwhile."""
        self._polling.settle(key)

    async def sweep(self) -> None:
        """Close the accounts that nobody uses any more."""
        for credential, (account, task) in list(self._accounts.items()):
            if not account.keys and not account.followed:
                del self._accounts[credential]
                await _end(account, task)

    async def close(self) -> None:
        """Close all of them."""
        for account, task in self._accounts.values():
            await _end(account, task)
        self._accounts.clear()

    def _open(self, credential: Credential) -> Account:
        settings = self._settings
        own = credential.base_url == settings.base_url
        client = AsyncClient(
            api_key=credential.api_key,
            base_url=credential.base_url,
            default_path="",
            host_header=settings.nvcf_host_header if own else None,
            ca_file=str(settings.nvcf_ca_file) if settings.nvcf_ca_file else None,
            max_connections=settings.nvcf_concurrency + 2,
            max_retries=0,
            user_agent=self._user_agent,
            propagate=self._tracer.headers,
            notice=lambda text: self._remarks.warn(f"the gateway at {credential.base_url} announces: {text}"),
        )
        return Account(
            credential,
            lambda account: Calls(
                account,
                client,
                self._metrics,
                fence=self._fence,
                tracer=self._tracer,
                remarks=self._remarks,
            ),
            self._limiters,
            self._metrics,
            interests=self._interests,
            catalogue=self._catalogue(credential),
        )

    def _catalogue(self, credential: Credential) -> Callable[[Callable[[], bool]], CatalogueReader] | None:
        """Makes the reader of the catalogue for a credential; None where it is not read, or not known where it is."""
        settings = self._settings
        own = credential.base_url == settings.base_url
        url = (settings.nvcf_catalogue_url if own else None) or credential.base_url
        if not settings.read_catalogue or urls.catalogue_of(url, "v3") is None:
            return None

        def client() -> AsyncClient:
            return AsyncClient(
                api_key=credential.api_key,
                base_url=url,
                host_header=settings.nvcf_host_header if url == settings.base_url else None,
                ca_file=str(settings.nvcf_ca_file) if settings.nvcf_ca_file else None,
                timeout=CATALOGUE_TIMEOUT,
                max_connections=1,
                max_retries=0,
                user_agent=self._user_agent,
            )

        return lambda paused: CatalogueReader(client, self._metrics, paused=paused)

    def _interests(self) -> Iterator[Interest]:
        """What the CloudFunctions ask of every list: they change their accounts, and are few beside what lists hold."""
        for poll_key in self._cache.poll_keys(CLOUD_FUNCTION):
            if isinstance(poll_key, FunctionPollKey):
                yield Interest(poll_key.mark_uid, poll_key.name, poll_key.function_id, poll_key.adopts)


async def _end(account: Account, task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await account.close()
