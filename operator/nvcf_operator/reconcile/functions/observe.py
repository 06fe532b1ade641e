"""Observes NVCF for one CloudFunction: by the list that the account's resources share, and by few reads beside it."""

from collections.abc import Iterable
from dataclasses import replace

from nvcf_operator.accounts.listings import Listing
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT
from nvcf_operator.core.functions.branches.collecting import may_be_undeployed, unneeded
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.observed import Absent, Failure, Observation
from nvcf_operator.core.model.versions import released_by_force
from nvcf_operator.core.rules import error_classification
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.reconcile.access import Access
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment
from nvcf_operator.reconcile.functions.doubts import doubt_earlier_changes, settle
from nvcf_operator.reconcile.functions.observe_adoption import AdoptionObserver
from nvcf_operator.reconcile.functions.observe_secrets import SecretObserver
from nvcf_operator.reconcile.functions.reads import VersionReads
from nvcf_operator.reconcile.functions.secrets import SecretReader
from nvcf_operator.reconcile.observe import timing_of
from nvcf_operator.reconcile.ports import BELIEF, Accounts, Credentials, Saturated
from nvcf_operator.settings import Settings
from nvcf_operator.state.function_state import FunctionLocalState


class FunctionObserver:
    """Makes situations."""

    def __init__(
        self,
        settings: Settings,
        environment: FunctionEnvironment,
        accounts: Accounts,
        credentials: Credentials,
        secrets: SecretReader,
    ) -> None:
        self._environment = environment
        self._accounts = accounts
        self._access = Access(environment.cluster, credentials)
        self._clock = environment.clock
        self._reads = VersionReads(environment)
        self._secrets = SecretObserver(secrets, self._reads, environment.clock)
        self._adoption = AdoptionObserver(environment.claims, self._reads)
        self._timing = timing_of(settings)

    async def observe(
        self, resource: CloudFunction, local: FunctionLocalState, priority: Priority, *, most_waiting: int
    ) -> FunctionContext:
        """Observe all that a decision on this resource may need.

        Raises:
            Saturated: `most_waiting` others wait at the account's limiter already.

        """
        situation = FunctionSituation(
            resource=resource,
            now=self._clock.now(),
            timing=self._timing,
            followers=self._environment.followers(resource),
            local=local.remembered(self._clock.monotonic()),
        )
        context = FunctionContext(situation, local, priority)
        if resource.spec is None or (resource.deleting and (resource.keeps or released_by_force(resource))):
            return context
        credential = await self._access.credential(resource, local)
        if isinstance(credential, Failure):
            return context.after(access=self._access.explained(resource, credential))
        account = self._accounts.of(resource.key, credential)
        if account.saturated(most_waiting, Caller(priority, resource.key.namespace)):
            raise Saturated(repr(account))
        context = replace(context, account=account).hurried()
        if not resource.deleting:
            context = context.after(mass_absence=account.mass_deletion.holds_back(resource.key))
        local.sees_intent(resource.open_intent, self._clock.monotonic())
        context = await self._listed(context)
        if context.situation.unlisted is None:
            if local.credential != credential:
                local.refusals.clear()
            local.credential = credential
            context = await self._secrets.observed(context)
            doubt_earlier_changes(self._environment, context)
        return self.recall(context)

    def recall(self, context: FunctionContext) -> FunctionContext:
        """Add what this process remembers."""
        local, now = context.local, self._clock.monotonic()
        found = local.finalizer_found_at
        return context.after(
            local=local.remembered(now),
            listed_for={version: now - at for version, at in local.first_listed.items()},
            delete_sent_for={version: now - at for version, (_, at) in local.deletes.items()},
            finalizer_found_for=now - found if found is not None else None,
            refused_changes=local.refused_changes(now),
            put_off=local.put_off,
            last_changes=local.last_changes(now),
            locked_for=self._locked_for(context),
        )

    def _locked_for(self, context: FunctionContext) -> dict[str, float]:
        """How long versions must not be changed in place, nor deleted, where something else writes them."""
        if context.account is None:
            return {}
        writes = self._environment.version_writes
        shown = {seen.version_id: seen.function_id for seen in context.situation.shown}
        found = {version: writes.locked_for(context.target(function, version)) for version, function in shown.items()}
        return {version: left for version, left in found.items() if left > 0}

    def refollowed(self, context: FunctionContext) -> FunctionContext:
        """Add what the FunctionDeployments are by now: while a POST goes on, they notice the template."""
        followers = self._environment.followers(context.resource, context.situation.versions)
        return context.after(followers=followers)

    async def _listed(self, context: FunctionContext) -> FunctionContext:
        """Observe what the account's list shows, and read what it lacks."""
        resource, local, account = context.resource, context.local, context.nvcf
        if (failure := account.held(context.caller)) is not None:
            return context.after(unlisted=failure)
        listing = await account.fresh_listing(self._max_age(context), context.caller, context.interest)
        if isinstance(listing, Failure):
            return context.after(unlisted=listing)
        view = account.view(resource.uid, resource.status.account_id, resource.status.credential)
        shown = listing.registered.shown_to(context.interest, resource.recorded_ids)
        context = context.after(account=view, versions=shown)
        if context.interest.uid in listing.registered.unreadable:
            return context.after(unlisted=error_classification.unreadable_version())
        context = await self._missing(context, listing)
        if context.situation.unlisted is not None:
            return context
        shown, now = context.situation.versions, self._clock.monotonic()
        local.keeps_only({seen.version_id for seen in shown})
        settle(self._environment, context, shown)
        local.first_listed = {seen.version_id: local.first_listed.get(seen.version_id, now) for seen in shown}
        context = context.after(
            named_alike=listing.registered.named_alike(context.interest),
            searched_for=max(0.0, listing.asked_at - local.intent_seen[1]) if local.intent_seen is not None else 0.0,
            followers=self._environment.followers(resource, shown),
        )
        context = await self._adoption.observed(self.recall(context), listing)
        if context.situation.unlisted is not None:
            return context
        return await self._leaving(self.recall(context))

    def _max_age(self, context: FunctionContext) -> float:
        """How old the list may be. It is never older than this resource's last write."""
        resource, local = context.resource, context.local
        at_rest = resource.in_order and not resource.deleting and resource.open_intent is None and not local.deletes
        calm = at_rest and not resource.reconcile_requested
        age = 2 * self._timing.poll if calm else min(BELIEF, self._timing.settle_poll)
        return max(0.0, min(age, self._clock.monotonic() - local.last_write_at))

    async def _missing(self, context: FunctionContext, listing: Listing) -> FunctionContext:
        """Read the versions on record, and those that were deleted, which the list lacks."""
        resource, local = context.resource, context.local
        there = {seen.version_id for seen in context.situation.versions}
        expected = dict.fromkeys(resource.recorded_ids, resource.function_id or "")
        expected |= {version: function for version, (function, _) in local.deletes.items()}
        found, absent_for = list(context.situation.versions), dict[str, float]()
        for version, function in expected.items():
            if version in there:
                local.gone_since.pop(version, None)
                self._environment.versions.saw(context.target(function, version), self._clock.monotonic())
                continue
            if version in local.gone_since and not listing.skipped:  # proven, and no list has shown it since
                absent_for[version] = self._clock.monotonic() - local.gone_since[version]
                self._keep_gone(context, version, absent_for[version])
                continue
            seen = await self._reads.version(context, function, version)
            if isinstance(seen, Failure):
                return context.after(unlisted=seen)
            if isinstance(seen, VersionSeen):
                found.append(seen)
                continue
            absent_for[version] = seen.absent_for
            if seen.absent_for >= self._timing.redeploy_settle:
                self._keep_gone(context, version, seen.absent_for)
        return context.after(versions=tuple(found), absent_for=absent_for)

    def _keep_gone(self, context: FunctionContext, version: str, absent_for: float) -> None:
        """Remember that a version is proven to be gone for as long as it is on record, and then nothing of it."""
        local = context.local
        if version in context.resource.recorded_ids:
            local.gone_since[version] = self._clock.monotonic() - absent_for
        else:
            local.deletes.pop(version, None)
            local.gone_since.pop(version, None)

    async def _leaving(self, context: FunctionContext) -> FunctionContext:
        """Read the deployments of the versions that may be deleted, and prove that nobody uses them."""
        observations: dict[str, Observation] = {}
        lately: set[str] = set()
        context = self._held(context)
        for seen in self._candidates(context.situation):
            observations[seen.version_id] = await self._reads.deployment(context, seen.function_id, seen.version_id)
            target = context.target(seen.function_id, seen.version_id)
            if self._environment.deployments.seen_lately(target, self._clock.monotonic()):
                lately.add(seen.version_id)
        context = context.after(deployments=observations, deployed_lately=frozenset(lately))
        if not context.resource.deleting and not any(isinstance(item, Absent) for item in observations.values()):
            return context
        current = await self._environment.cluster.is_listed(FUNCTION_DEPLOYMENT, within=BELIEF)
        followers = self._environment.followers(context.resource, context.situation.versions)
        return self._held(context.after(claims_current=current, followers=followers))

    def _held(self, context: FunctionContext) -> FunctionContext:
        """Remember which versions FunctionDeployments hold, and add since when the others are free."""
        local, situation, now = context.local, context.situation, self._clock.monotonic()
        there = [seen.version_id for seen in situation.versions]
        local.held_at = {version: local.held_at[version] for version in there if version in local.held_at}
        local.held_at |= {version: now for version in there if situation.is_held(version)}
        return context.after(free_for={version: now - at for version, at in local.held_at.items()})

    @staticmethod
    def _candidates(situation: FunctionSituation) -> Iterable[VersionSeen]:
        """The versions that a decision may delete."""
        if situation.resource.deleting:
            return situation.own
        if not situation.believes_absence or situation.resource.observes or situation.resource.paused:
            return ()
        return tuple(seen for seen in unneeded(situation) if may_be_undeployed(situation, seen))
