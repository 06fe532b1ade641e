"""What becomes of a poll: which resources an account's lists give reason to reconcile."""

from collections.abc import Callable, Mapping

from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.credentials import NOW, Resolver
from nvcf_operator.accounts.listing import Listing
from nvcf_operator.api.key import Key
from nvcf_operator.core.credentials import SecretName, secret_named
from nvcf_operator.core.diff.fingerprints import DeploymentFingerprint
from nvcf_operator.core.poll_rules import is_missing, is_news
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache
from nvcf_operator.queue.delay_queue import DelayQueue


class Polling:
    """Compares polls with what is on record, and queues what differs.

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

    def polled(self, account: Account, deployments: Mapping[str, DeploymentFingerprint]) -> bool:
        """Queue what new lists show of an account's resources; say whether anything moved."""
        listing, moved = account.listing, False
        assert listing is not None, "a poll that was answered leaves a list"
        account.mass_deletion.counts(self._missing(account, listing))
        for key in tuple(account.keys):
            poll_key = self._cache.poll_key(key)
            if poll_key is None:
                self._leave(key)
                continue
            listed = deployments.get(poll_key.held_version or "")
            news = is_news(poll_key, listing.entries)
            news = (
                listed is not None and account.disproved_listings.shown(key, poll_key.deployment_fingerprint, listed)
            ) or news
            if news or poll_key.credentials_refused:
                self._queue.add(key, Priority.IN_PROGRESS if key in account.busy else Priority.LOW)
            moved = moved or news
        return moved

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

    def _missing(self, account: Account, listing: Listing) -> dict[Key, bool]:
        """Say of each deployment on record whether a list lacks it."""
        poll_keys = {key: poll_key for key in account.keys if (poll_key := self._cache.poll_key(key)) is not None}
        return {
            key: is_missing(poll_key, listing.entries, listing.skipped)
            for key, poll_key in poll_keys.items()
            if poll_key.held_version
        }
