"""Observes NVCF for one resource, by as few calls as a decision needs, and says what an answer is worth."""

from dataclasses import replace

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts import calls
from nvcf_operator.accounts.listings import Listing
from nvcf_operator.api.spec import ManagementPolicy
from nvcf_operator.core.model.observed import (
    Absent,
    AccountView,
    Failure,
    FunctionSeen,
    Listed,
    Observation,
    Present,
    Scope,
    Unknown,
)
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation, Timing
from nvcf_operator.core.model.versions import (
    deployments_on_record,
    needs_nvcf,
    on_record,
    versions_held,
    versions_of_interest,
    without,
)
from nvcf_operator.core.report import messages
from nvcf_operator.core.rules import error_classification
from nvcf_operator.core.rules.poll_rules import fingerprint_of, list_is_enough
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.reconcile.access import Access
from nvcf_operator.reconcile.context import Context, Environment, pending_update
from nvcf_operator.reconcile.instances import InstanceReads
from nvcf_operator.reconcile.ports import BELIEF, Accounts, Credentials, Saturated
from nvcf_operator.settings import Settings
from nvcf_operator.state.deployments import Target
from nvcf_operator.state.local_state import LocalState
from nvcf_operator.state.version_writes import Call


class Reads:
    """The reading calls."""

    def __init__(self, environment: Environment) -> None:
        self._presence = environment.presence
        self._sent = environment.sent
        self._clock = environment.clock

    async def deployment(self, context: Context, version: str) -> Observation:
        """Read a deployment; a 404 counts only when the account answers."""
        resource, account, target = context.resource, context.nvcf, context.target(version)
        request = endpoints.get_deployment(function_id=resource.function_id, function_version_id=version)
        asked_at = self._clock.monotonic()
        try:
            answer = await account.call(request, context.caller)
        except LimiterClosed as closed:
            return Unknown(calls.limiter_failure(closed))
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return Unknown(error_classification.of_strange_404(error))
            # What is on record as deployed wants an account that answers now, not one that did a moment ago.
            known = version in versions_held(resource)
            listing = await account.fresh_listing(0.0 if known else BELIEF, context.caller)
            if isinstance(listing, Failure):
                return Unknown(listing)
            now = self._clock.monotonic()
            asked = self._is_asked_for(resource, target)
            doubt = _doubt(resource, version, listing) if listing.asked_at >= asked_at and not asked else None
            if self._presence.contradicted(target, now, agrees=doubt is None):
                return Unknown(Failure(Reason.NVCF_UNAVAILABLE, doubt or "", Scope.SERVER))
            self._sent.missed(target, now)
            return Absent(self._presence.missed(target, now))
        except nvcf_errors.Forbidden as error:
            return Unknown(await account.forbidden(error, context.caller))
        except nvcf_errors.NvcfError as error:
            return Unknown(account.reading(error))
        self._presence.saw(target, self._clock.monotonic())
        return Present(answer.deployment)

    def _is_asked_for(self, resource: Resource, target: Target) -> bool:
        """Whether a 404 is what NVCF was asked for: against an undeployment, a list that lags says nothing."""
        if any(item.since for item in resource.status.retiring if item.function_version_id == target.version):
            return True
        return self._sent.answered_delete(target, deployments_on_record(resource, target.version))

    async def function(self, context: Context, version: str) -> tuple[FunctionSeen, str | None]:
        """Say whose the version is, and its status."""
        resource, account = context.resource, context.nvcf
        entry = account.listing.entry(resource.function_id, version) if account.listing is not None else None
        if entry is not None:
            return FunctionSeen.OURS if entry.ours else FunctionSeen.PUBLIC, entry.status
        request = endpoints.get_function(function_id=resource.function_id, function_version_id=version)
        try:
            answer = await account.call(request, context.caller)
        except nvcf_errors.NotFound:
            return FunctionSeen.NOT_FOUND, None
        except (LimiterClosed, nvcf_errors.NvcfError):
            return FunctionSeen.UNKNOWN, None
        public = answer.function.owned_by_different_account
        return FunctionSeen.PUBLIC if public else FunctionSeen.OURS, answer.function.status


def _doubt(resource: Resource, version: str, listing: Listing) -> str | None:
    """What in a list speaks against a 404; None if nothing does.

    What hides a version for a moment, such as another account behind the key, hides its deployment, too, which runs on.
    That counts where the deployment would be given up for it: on its way out, though nobody has asked for that yet.
    """
    if listing.shows_deployed(resource.function_id, version):
        return messages.CONTRADICTED
    leaves = resource.deleting or version != resource.wanted_version
    if leaves and version in on_record(resource) and listing.hides(resource.function_id, version):
        return messages.VERSION_VANISHED
    return None


def timing_of(settings: Settings) -> Timing:
    """The settings that decisions depend on."""
    return Timing(
        create_settle=settings.create_settle_seconds,
        create_settle_per_specification=settings.create_settle_per_specification_seconds,
        redeploy_settle=settings.redeploy_settle_seconds,
        register_settle=settings.register_settle_seconds,
        write_settle=settings.write_settle_seconds,
        stalled_grace=settings.stalled_grace_seconds,
        poll=settings.poll_interval,
        busy_poll=settings.busy_poll_interval,
    )


class Observer:
    """Makes situations."""

    def __init__(
        self, settings: Settings, environment: Environment, accounts: Accounts, credentials: Credentials
    ) -> None:
        self._environment = environment
        self._accounts = accounts
        self._access = Access(environment.cluster, credentials)
        self._clock = environment.clock
        self._reads = Reads(environment)
        self._instances = InstanceReads(settings, environment.clock)
        self._poll_interval = settings.poll_interval
        self._timing = timing_of(settings)

    async def observe(self, resource: Resource, local: LocalState, priority: Priority, *, most_waiting: int) -> Context:
        """Observe all that a decision on this resource may need.

        Raises:
            Saturated: `most_waiting` others wait at the account's limiter already.

        """
        situation = Situation(resource=resource, now=self._clock.now(), timing=self._timing)
        context = Context(situation, local, priority)
        if resource.spec is None or (resource.deleting and not needs_nvcf(resource)):
            return context
        credential = await self._access.credential(resource, local)
        if isinstance(credential, Failure):
            return await self._without_key(context, credential)
        account = self._accounts.of(resource.key, credential)
        if account.saturated(most_waiting, Caller(priority, resource.key.namespace)):
            raise Saturated(repr(account))
        versions = versions_of_interest(resource)
        context = await self._claimed(replace(context, account=account).hurried())
        if not resource.deleting:
            context = context.after(mass_absence=account.mass_deletion.holds_back(resource.key))
        local.sees_intent(context.resource.open_intent, self._clock.monotonic())
        context = await self._observe_versions(context, versions)
        if any(not isinstance(seen, Unknown) for seen in context.situation.observations.values()):
            local.credential = credential
        return self.recall(context)

    async def observe_again(self, context: Context, version: str) -> Context:
        """Read one version after a write and add what is observed."""
        seen = await self._reads.deployment(context, version)
        return self.recall(context.observed(version, seen, account=_view(context, seen) or context.situation.account))

    def recall(self, context: Context) -> Context:
        """Add what this process remembers."""
        resource, account, now = context.resource, context.nvcf, self._clock.monotonic()
        presence, sent = self._environment.presence, self._environment.sent
        targets = {version: context.target(version) for version in versions_of_interest(resource)}
        running = {version: sent.may_run_for(target, now) for version, target in targets.items()}
        local_view = context.local.local_view(
            now,
            patch_supported=account.patch_supported,
            put_supported=account.put_supported,
            version_seen_lately=presence.seen_lately(context.target(resource.wanted_version), now),
            posts_may_run_for={version: left for version, left in running.items() if left > 0},
            made_ids=sent.made_ids(targets.values(), resource.uid),
            undeployed_ids=sent.undeployed_ids(targets.values()),
        )
        writes = self._environment.version_writes
        locked = {version: writes.locked_for(target, Call.DEPLOYMENT) for version, target in targets.items()}
        return context.after(
            local=local_view,
            locked_for={version: left for version, left in locked.items() if left > 0},
            update=pending_update(self._environment, context, now),
            queued={v: n for v in targets if (n := self._environment.queue_depth(resource.key, v)) is not None},
        )

    async def _without_key(self, context: Context, failure: Failure) -> Context:
        resource = context.resource
        # Without a key its base URL is not known either. What is on record stays blocked; of a copy that holds
        # nothing by its own record, whoever holds the version may be meant.
        lost = resource.deleting and resource.lost
        holders = await self._environment.claims.holders(resource, None) if lost else {}
        local_view = context.local.local_view(self._clock.monotonic())
        return context.after(access=self._access.explained(resource, failure), holders=holders, local=local_view)

    async def _claimed(self, context: Context) -> Context:
        """Leave out the versions that others hold. A resource that only observes takes nothing from their holders."""
        resource = context.resource
        assert resource.spec is not None, "observe() has dealt with a manifest that cannot be read"
        if resource.spec.management_policy == ManagementPolicy.OBSERVE:
            return context
        holders = await self._environment.claims.holders(resource, context.nvcf.credential.base_url)
        if not holders:
            return context
        return context.after(resource=without(resource, holders), holders=holders)

    async def _observe_versions(self, context: Context, versions: tuple[str, ...]) -> Context:
        """Observe all versions but those that others hold, until the key turns out not to be good."""
        resource, observations = context.resource, dict[str, Observation]()
        view: AccountView | None = None
        function, shown = FunctionSeen.UNKNOWN, None
        if self._instances.enabled:
            context = context.after(instances={})
            for gone in context.local.instances.keys() - set(versions):
                del context.local.instances[gone]
        for version in versions:
            if version in context.situation.holders:
                continue
            verify = context.local.verify_at is not None
            seen = await self._observe_version(context, version)
            observations[version] = seen
            if self._instances.enabled:
                context = await self._instances.observe(context, version, seen, verify=verify)
            view = _view(context, seen) or view
            if isinstance(seen, Absent) and version == resource.wanted_version and not resource.deleting:
                function, shown = await self._reads.function(context, version)
            if isinstance(seen, Unknown) and seen.failure.scope == Scope.CREDENTIAL:
                break
        return context.after(observations=observations, account=view, function=function, function_status=shown)

    async def _observe_version(self, context: Context, version: str) -> Observation:
        """Observe one version: by the account's list where that says enough, else by a read of its deployment."""
        resource, local, account = context.resource, context.local, context.nvcf
        if (failure := account.held(context.caller)) is not None:
            return Unknown(failure)
        now = self._clock.monotonic()
        verify = local.verify_at is not None and now >= local.verify_at
        deep = verify or now >= local.deep_at > 0.0 or account.disproved_listings.want(resource.key)
        ready = resource.condition("Ready")
        if ready is not None and ready.reason in (Reason.DEPLOYING, Reason.SCALING_UP):
            deep = deep or now - local.last_get_at >= self._poll_interval
        alone = version == resource.wanted_version and not resource.deleting
        if resource.holds and not deep and alone:
            # The list that the poller keeps; asked for when there is none yet, as after a start.
            listing = await account.fresh_listing(2 * self._poll_interval, context.caller)
            if isinstance(listing, Failure):
                return Unknown(listing)
            entry = listing.entry(resource.function_id, version) if listing.asked_at > local.last_write_at else None
            if list_is_enough(resource, entry, deep=deep):
                assert entry is not None, "a list without the version is never enough"
                return Listed(entry.status)
        seen = await self._reads.deployment(context, version)
        if isinstance(seen, Unknown):
            return seen
        local.last_get_at = now
        if version == resource.status.function_version_id:
            found = fingerprint_of(seen.deployment) if isinstance(seen, Present) else None
            account.disproved_listings.read(resource.key, found)
        if verify and version == resource.wanted_version:
            local.verify_at, local.raised_minimum = None, False
        return seen


def _view(context: Context, seen: Observation) -> AccountView | None:
    """What the list that an observation was made with shows of the account; None where it was made without one."""
    if not isinstance(seen, Absent | Present):
        return None
    status = context.resource.status
    return context.nvcf.view(context.resource.uid, status.account_id, status.credential)
