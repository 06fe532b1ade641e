"""One poller per credential: one list call shows the state of all its resources, and only what changed is reconciled.

It polls often while NVCF is at work on something (`--busy-poll-interval`), doubling the pause up to `--poll-interval`
while nothing moves. It is also the probe of a key that is not accepted, while all its resources wait behind it.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.credentials import NOW, Resolver
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.rules.credentials import SecretName, secret_named
from nvcf_operator.core.rules.poll_rules import DeploymentFingerprint
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache
from nvcf_operator.process.watchdog import Watchdogs
from nvcf_operator.queue.delay_queue import DelayQueue


class Polling:
    """Compares polls with what is on record, and queues what differs.

    A resource that is being reconciled at that moment is compared once more when its reconcile ends: most often that
    has seen the same, and its write of the status is under way.

    Args:
        cache: the resources.
        queue: where keys go.
        resolver: reads Secrets.
        leave: called with each resource that is gone, to end its use of its account.

    """

    def __init__(
        self, cache: Cache, queue: DelayQueue[Key], resolver: Resolver, *, leave: Callable[[Key], None]
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._resolver = resolver
        self._leave = leave
        self._in_work: dict[Key, Account] = {}
        """The resources that are being reconciled and differed from a list, each with the account of that list."""

    def polled(self, account: Account, deployments: Mapping[str, DeploymentFingerprint]) -> bool:
        """Queue what new lists show of an account's resources; say whether anything moved."""
        listing, moved = account.listing, False
        assert listing is not None, "a poll that was answered leaves a list"
        poll_keys = {key: self._cache.poll_key(key) for key in account.keys}
        account.mass_deletion.counts(
            {key: found.is_missing(listing) for key, found in poll_keys.items() if found is not None and found.holds}
        )
        for key, poll_key in poll_keys.items():
            if poll_key is None:
                self._leave(key)
                continue
            status_is_news, to_be_read = poll_key.is_news(listing), False
            if (deployment := poll_key.deployment) is not None:
                version, fingerprint = deployment
                listed = deployments.get(version)
                to_be_read = listed is not None and account.disproved_listings.shown(key, fingerprint, listed)
            if to_be_read or poll_key.credentials_refused:
                self._wake(account, key)
            elif status_is_news and self._queue.works_on(key):
                self._in_work[key] = account
            elif status_is_news:
                self._wake(account, key)
            moved = moved or status_is_news or to_be_read
        return moved

    def settle(self, key: Key) -> None:
        """Queue a resource at the end of its reconcile if it still differs from what a poll has shown meanwhile."""
        account = self._in_work.pop(key, None)
        if account is None or account.listing is None or key not in account.keys:
            return
        poll_key = self._cache.poll_key(key)
        if poll_key is not None and poll_key.is_news(account.listing):
            self._wake(account, key)

    def _wake(self, account: Account, key: Key) -> None:
        self._queue.add(key, Priority.IN_PROGRESS if key in account.busy else Priority.LOW)

    def refused(self, account: Account) -> None:
        """Queue all resources of a key that is not accepted, so that each says so."""
        for key in tuple(account.keys):
            self._queue.add(key, Priority.LOW)

    async def reread(self, account: Account) -> None:
        """Read the Secrets of an account's resources again, and queue those whose credential is another one by now."""
        answers: dict[SecretName, bool] = {}
        for key in tuple(account.keys):
            poll_key = self._cache.poll_key(key)
            if poll_key is None:
                continue
            secret = secret_named(key.namespace, poll_key.secret)
            if secret not in answers:
                found = await self._resolver.resolve(secret, max_age=NOW)
                answers[secret] = found == account.credential
            if not answers[secret]:
                self._queue.add(key, Priority.LOW)


STUCK = 120.0
"""Seconds after which a poll counts as standing still; each of its calls ends well before."""

DOUBT = 2.0
"""Seconds between two readings of Secrets because of refusals: a key that is refused for many resources costs few."""

log = logging.getLogger(__name__)


class Poller:
    """Polls one account until it is cancelled.

    Args:
        account: whose list to read.
        polled: called after each list that was answered, with the fingerprints of deployments where NGC lists them,
            too; says whether anything moved.
        refused: called once when the key is not accepted.
        reread: called before each poll and when NVCF refuses the key: read the Secrets of its resources again.
        interval: seconds between two polls at rest.
        busy_interval: seconds between two polls while NVCF is at work.
        beats: watches each poll, for /healthz.

    """

    def __init__(
        self,
        account: Account,
        *,
        polled: Callable[[Account, Mapping[str, DeploymentFingerprint]], bool],
        reread: Callable[[Account], Awaitable[None]],
        refused: Callable[[Account], None],
        interval: float,
        busy_interval: float,
        beats: Watchdogs,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = account
        self._polled = polled
        self._reread = reread
        self._refused = refused
        self._reported: Failure | None = None
        self._interval = interval
        self._busy_interval = min(busy_interval, interval)
        self._pause = interval
        self._beats = beats
        self._clock = clock
        self._doubted_at = float("-inf")

    async def run(self) -> None:
        """Poll for ever; the first poll comes after the first pause, since whoever needs a list now asks for it."""
        while True:
            try:
                await self._rest()
                with self._beats.watch(f"poller {self._account!r}", deadline=STUCK):
                    await self.poll()
            except Exception:  # a fault of ours in one poll must not end the polling of an account
                log.exception("poll of the account from %s failed; it is retried", self._account.credential.source)

    async def poll(self) -> None:
        """Poll once."""
        refused = self._account.key_status.failure is not None
        await self._reread(self._account)
        if not self._account.keys:
            return
        listing = await self._account.fresh_listing(0.0)
        if self._account.key_status.failure is not None and self._account.key_status.failure != self._reported:
            # Each of its resources says so once; until the key is accepted again nothing more is written.
            self._reported = self._account.key_status.failure
            self._refused(self._account)
        if isinstance(listing, Failure):
            return
        self._reported = None
        moved = self._polled(self._account, await self._account.deployments.read()) or refused
        if not self._account.busy:
            self._pause = self._interval
        elif moved:
            self._pause = self._busy_interval
        else:
            self._pause = min(self._interval, self._pause * 2)

    async def _rest(self) -> None:
        """Wait for the pause, cut short when something new becomes busy or the key is refused.

        While the key is in doubt, its Secrets are read meanwhile; that does not put off the next poll.
        """
        account = self._account
        due = self._clock() + (self._pause if account.busy else self._interval * random.uniform(0.9, 1.1))
        while True:
            account.wake.clear()
            now = self._clock()
            if account.key_status.in_doubt and now >= self._doubted_at + DOUBT:
                account.key_status.in_doubt, self._doubted_at = False, now
                await self._reread(account)
                continue
            # With nobody left to ask for, nothing is asked, and the probe stays due.
            left = (
                account.key_status.probe_in if account.key_status.probe_in is not None and account.keys else due - now
            )
            if left <= 0:
                return
            if account.key_status.in_doubt:
                left = min(left, self._doubted_at + DOUBT - now)
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await account.wake.wait()
                if (
                    not account.key_status.in_doubt
                ):  # brought forward and never put off, or a crowd that comes would do so for ever
                    due, self._pause = min(due, self._clock() + self._busy_interval), self._busy_interval
