"""Looks at NVCF for one resource and puts what was seen into a `Situation`; decides nothing."""

import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.api.key import Key
from nvcf_operator.api.spec import ManagementPolicy
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core import error_classification
from nvcf_operator.core.credentials import Credential, in_ending_namespace, is_known_to_end, secret_of
from nvcf_operator.core.deletion import needs_nvcf
from nvcf_operator.core.diff.fingerprints import fingerprint_of
from nvcf_operator.core.ownership import claim_of, other_holder
from nvcf_operator.core.poll_rules import list_is_enough
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import (
    Absent,
    AccountView,
    Failure,
    FunctionSeen,
    Listed,
    Observation,
    Present,
    Scope,
    Situation,
    Timing,
    Unknown,
)
from nvcf_operator.core.versions import on_record, versions_held, versions_of_interest, without
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.flowcontrol.priority import Caller
from nvcf_operator.runtime.account import Account, Listing, limiter_failure, urgent_for
from nvcf_operator.runtime.accounts import Accounts
from nvcf_operator.runtime.base_urls import BaseUrls
from nvcf_operator.runtime.cache import Cache
from nvcf_operator.runtime.credentials import Resolver
from nvcf_operator.runtime.local_state import LocalState, PresenceHistory, Target
from nvcf_operator.runtime.sent import Sent
from nvcf_operator.settings import Settings

BELIEF = 10.0
"""Seconds: how old the account's list may be, that makes a 404 believable."""


class Saturated(Exception):  # noqa: N818  the name says what happened
    """Too many wait at an account's gate: come back later, and leave the worker to other accounts' resources."""

    def __init__(self, account: Account) -> None:
        super().__init__(repr(account))
        self.account = account


@dataclass(slots=True)
class Observed:
    """A situation, and the account that it was seen through."""

    situation: Situation
    account: Account | None = None


class Observer:
    """Makes situations."""

    def __init__(
        self,
        settings: Settings,
        cache: Cache,
        accounts: Accounts,
        resolver: Resolver,
        observations: PresenceHistory,
        sent: Sent,
        steady: SteadyClock,
        *,
        refresh: Callable[[Key], Awaitable[None]],
        namespace_ends: Callable[[str], bool] = lambda namespace: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sent = sent
        self._steady = steady
        self._refresh = refresh
        self._namespace_ends = namespace_ends
        self._cache = cache
        self._accounts = accounts
        self._resolver = resolver
        self._base_urls = BaseUrls(accounts, resolver)
        self._presence_history = observations
        self._clock = clock
        self._poll_interval = settings.poll_interval
        self._timing = Timing(
            create_settle=settings.create_settle_seconds,
            create_settle_per_specification=settings.create_settle_per_specification_seconds,
            redeploy_settle=settings.redeploy_settle_seconds,
            stalled_grace=settings.stalled_grace_seconds,
            poll=settings.poll_interval,
            busy_poll=settings.busy_poll_interval,
        )

    async def observe(self, resource: Resource, local: LocalState, caller: Caller, *, most_waiting: int) -> Observed:
        """Look at everything that a decision on this resource may need, by as few calls as that takes.

        Raises:
            Crowded: `most_waiting` others wait at the account's gate already.

        """
        base = Situation(resource=resource, now=self._steady.now(), timing=self._timing)
        if resource.spec is None or (resource.deleting and not needs_nvcf(resource)):
            return Observed(base)
        credential = await self._credential(resource, local)
        if isinstance(credential, Failure):
            if is_known_to_end(resource) or (resource.deleting and self._namespace_ends(resource.key.namespace)):
                credential = in_ending_namespace(credential)
            # Without a key its base URL is not known either. What is on record stays blocked; of a copy that holds
            # nothing by its own record, whoever holds the version may be meant.
            holders = await self._holders(resource, None) if resource.deleting and resource.lost else {}
            local_now = local.local_view(self._clock())
            return Observed(replace(base, access=credential, holders=holders, local=local_now))
        account = self._accounts.of(resource.key, credential)
        if account.saturated(most_waiting, caller):
            raise Saturated(account)
        caller = urgent_for(account, resource, caller)
        versions = versions_of_interest(resource)
        # Who only observes takes nothing from the holder, and looks all the same.
        if resource.spec.management_policy != ManagementPolicy.OBSERVE:
            holders = await self._holders(resource, account.credential.base_url)
            resource = without(resource, frozenset(holders))
            versions = tuple(version for version in versions if version not in holders)
            base = replace(base, resource=resource, holders=holders)
        if not resource.deleting:
            base = replace(base, mass_absence=account.mass_deletion.holds_back(resource.key))
        local.sees_intent(resource.open_intent, self._clock())
        observations: dict[str, Observation] = {}
        view: AccountView | None = None
        function, shown = FunctionSeen.UNKNOWN, None
        for version in versions:
            seen = await self._look(resource, local, account, version, caller)
            observations[version] = seen
            if isinstance(seen, Absent | Present):
                status = resource.status
                view = account.view(resource.uid, status.account_id, status.credential)
            if isinstance(seen, Absent) and version == resource.wanted_version and not resource.deleting:
                function, shown = await self._function(resource, account, version, caller)
            if isinstance(seen, Unknown) and seen.failure.scope == Scope.CREDENTIAL:
                break
        if any(not isinstance(seen, Unknown) for seen in observations.values()):
            local.credential = credential
        observed = replace(base, observations=observations, account=view, function=function, function_status=shown)
        return Observed(self.remember(observed, account, local), account)

    def remember(self, situation: Situation, account: Account, local: LocalState) -> Situation:
        """Add what this process remembers."""
        resource, now = situation.resource, self._clock()
        target = self.target(account, resource, resource.wanted_version)
        targets = {version: self.target(account, resource, version) for version in versions_of_interest(resource)}
        running = {version: self._sent.may_run_for(item, now) for version, item in targets.items()}
        local_view = local.local_view(
            now,
            patch_supported=account.patch_supported,
            put_supported=account.put_supported,
            version_seen_lately=self._presence_history.seen_lately(target, now),
            posts_may_run_for={version: left for version, left in running.items() if left > 0},
            made_ids=self._sent.made_ids(targets.values(), resource.uid),
            undeployed_ids=self._sent.undeployed_ids(targets.values()),
        )
        return replace(situation, local=local_view)

    async def observe_again(
        self, situation: Situation, account: Account, local: LocalState, version: str, caller: Caller
    ) -> Situation:
        """Read one version after a write and add what is seen."""
        resource = situation.resource
        seen = await self._get(resource, account, version, caller)
        view = situation.account
        if isinstance(seen, Absent | Present):
            view = account.view(resource.uid, resource.status.account_id, resource.status.credential)
        return self.remember(
            replace(situation, observations={**situation.observations, version: seen}, account=view), account, local
        )

    async def holder(self, resource: Resource, version: str, base_url: str | None) -> Key | None:
        """The resource that comes before this one for that version, by the claims as they stand when this returns.

        Where this one's base URL is not known, the others count as of the same.
        """
        others = self._cache.with_version(resource.function_id, version, but=resource.key)
        if not others:
            return None
        base_urls = await self._base_urls.of(others) if base_url is not None else {}
        others = self._cache.with_version(resource.function_id, version, but=resource.key)
        return other_holder(resource, version, others, base_url=base_url or "", base_urls=base_urls)

    async def claimant(self, resource: Resource, version: str, base_url: str | None) -> Key | None:
        """Another object that claims a version of one that is gone; where the base URL is not known, at any."""
        others = self._cache.with_version(resource.function_id, version, but=None)
        base_urls = await self._base_urls.of(others) if others and base_url is not None else {}
        others = self._cache.with_version(resource.function_id, version, but=None)
        rivals = [other for other in others if other.uid != resource.uid]
        there = [other for other in rivals if base_url is None or base_urls.get(other.key, base_url) == base_url]
        claims = [claim for other in there if (claim := claim_of(other, version)) is not None]
        return min(claims).key if claims else None

    async def _holders(self, resource: Resource, base_url: str | None) -> dict[str, Key]:
        """Who comes before this resource, for each version that it has to do with.

        What is on record is given up only to a holder that is proven current, for a list may show one that is gone.
        """
        found: dict[str, Key] = {}
        for version in versions_of_interest(resource):
            holder = await self.holder(resource, version, base_url)
            if holder is not None and version in on_record(resource):
                await self._refresh(holder)
                holder = await self.holder(resource, version, base_url)
            if holder is not None:
                found[version] = holder
        return found

    def target(self, account: Account, resource: Resource, version: str) -> Target:
        """Name a deployment in the world."""
        return (account.credential.base_url, resource.function_id, version)

    async def _credential(self, resource: Resource, local: LocalState) -> Credential | Failure:
        assert resource.spec is not None, "observe() has dealt with a manifest that cannot be read"
        failing = resource.condition("CredentialsValid")
        max_age = 2.0 if failing is not None and failing.status != "True" else float("inf")
        secret = secret_of(resource.key.namespace, resource.spec)
        found = await self._resolver.resolve(secret, max_age=max_age)
        known = local.credential
        if known is None or not resource.deleting:
            return found
        # A namespace that ends loses its Secret first; the operator's own key then speaks for another account.
        fell_through = isinstance(found, Credential) and found.source != known.source == str(secret)
        return known if isinstance(found, Failure) or fell_through else found

    async def _look(
        self, resource: Resource, local: LocalState, account: Account, version: str, caller: Caller
    ) -> Observation:
        if (failure := account.waiting_for_probe()) is not None:
            return Unknown(failure)
        if (closed := account.limiter.closed_for(caller.priority)) is not None:
            return Unknown(limiter_failure(closed))
        now = self._clock()
        verify = local.verify_at is not None and now >= local.verify_at
        deep = verify or now >= local.deep_at > 0.0 or account.disproved_listings.want(resource.key)
        ready = resource.condition("Ready")
        if ready is not None and ready.reason in (Reason.DEPLOYING, Reason.SCALING_UP):
            deep = deep or now - local.last_get_at >= self._poll_interval
        alone = version == resource.wanted_version and not resource.deleting
        if resource.holds and not deep and alone:
            listing = await self._recent_listing(account, caller)
            if isinstance(listing, Failure):
                return Unknown(listing)
            entry = listing.entry(resource.function_id, version) if listing.asked_at > local.last_write_at else None
            if list_is_enough(resource, entry, deep=deep):
                assert entry is not None, "a list without the version is never enough"
                return Listed(entry.status)
        seen = await self._get(resource, account, version, caller)
        if not isinstance(seen, Unknown):
            local.last_get_at = now
        if not isinstance(seen, Unknown) and version == resource.status.function_version_id:
            found = fingerprint_of(seen.deployment) if isinstance(seen, Present) else None
            account.disproved_listings.read(resource.key, found)
        if verify and version == resource.wanted_version and not isinstance(seen, Unknown):
            local.verify_at, local.raised_minimum = None, False
        return seen

    async def _recent_listing(self, account: Account, caller: Caller) -> Listing | Failure:
        """The list that the poller keeps; asked for when there is none yet, as after a start."""
        return await account.fresh_listing(2 * self._poll_interval, caller)

    async def _get(self, resource: Resource, account: Account, version: str, caller: Caller) -> Observation:
        """Read the deployment; a 404 counts only when the account answers."""
        target = self.target(account, resource, version)
        request = endpoints.get_deployment(function_id=resource.function_id, function_version_id=version)
        try:
            answer = await account.call(request, caller)
        except LimiterClosed as closed:
            return Unknown(limiter_failure(closed))
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return Unknown(_strange(error))
            # What is on record as deployed wants an account that answers now, not one that did a moment ago.
            known = version in versions_held(resource)
            listing = await account.fresh_listing(0.0 if known else BELIEF, caller)
            if isinstance(listing, Failure):
                return Unknown(listing)
            self._sent.missed(target, self._clock())
            return Absent(self._presence_history.missed(target, self._clock()))
        except nvcf_errors.Forbidden as error:
            return Unknown(await account.forbidden(error, caller))
        except nvcf_errors.NvcfError as error:
            return Unknown(account.reading(error))
        self._presence_history.saw(target, self._clock())
        return Present(answer.deployment)

    async def _function(
        self, resource: Resource, account: Account, version: str, caller: Caller
    ) -> tuple[FunctionSeen, str | None]:
        """Say whose the version is, and its status."""
        entry = account.listing.entry(resource.function_id, version) if account.listing is not None else None
        if entry is not None:
            return FunctionSeen.OURS if entry.ours else FunctionSeen.PUBLIC, entry.status
        request = endpoints.get_function(function_id=resource.function_id, function_version_id=version)
        try:
            answer = await account.call(request, caller)
        except nvcf_errors.NotFound:
            return FunctionSeen.NOT_FOUND, None
        except (LimiterClosed, nvcf_errors.NvcfError):
            return FunctionSeen.UNKNOWN, None
        public = answer.function.owned_by_different_account
        return FunctionSeen.PUBLIC if public else FunctionSeen.OURS, answer.function.status


def deep_delay(interval: float, *, first: bool) -> float:
    """Seconds until the next deep GET: for the first one after a start anywhere in the interval."""
    return random.uniform(0.0, interval) if first else interval * random.uniform(0.9, 1.1)


def _strange(error: nvcf_errors.NotFound) -> Failure:
    known = error_classification.of_call(error)
    return Failure(
        Reason.INVALID_ANSWER,
        f"{known.message.split('. ')[0]}, and the response did not come from the NVCF API. Check the base URL "
        "(including its path prefix) and any proxy in between. The operator retries.",
        Scope.SERVER,
    )
