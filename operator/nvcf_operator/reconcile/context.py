"""What one reconcile of a FunctionDeployment works on: among it, which resource a version belongs to.

The same ids at another base URL are another function version, so claims count only among resources of one base URL.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from nvcf_client import errors as nvcf_errors
from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.clock import Clock
from nvcf_operator.core.model.decision import Action
from nvcf_operator.core.model.observed import Absent, Failure, Observation
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import PendingUpdate, Situation
from nvcf_operator.core.model.versions import on_record, versions_of_interest, without
from nvcf_operator.core.report.events import of_write
from nvcf_operator.core.rules.credentials import Credential, secret_of
from nvcf_operator.core.rules.ownership import claim_of, other_holder
from nvcf_operator.reconcile.ports import Accounts, Cluster, Credentials, Outdated
from nvcf_operator.reconcile.stages import AnyContext, ManagedContext, ManagedEnvironment
from nvcf_operator.state.deployments import PresenceHistory, Sent, Target
from nvcf_operator.state.local_state import LocalState
from nvcf_operator.state.version_writes import Call
from nvcf_operator.state.versions_up_to_date import VersionsUpToDate


class Claims:
    """The claims of all resources, as the cluster's record and this process's intents show them."""

    def __init__(self, cluster: Cluster, accounts: Accounts, credentials: Credentials) -> None:
        self._cluster = cluster
        self._accounts = accounts
        self._credentials = credentials
        self._intending: set[Target] = set()
        """What intents are being written for."""

    async def holder(self, resource: Resource, version: str, base_url: str | None) -> Key | None:
        """The resource that comes before this one for that version, by the claims as they stand when this returns.

        Where this one's base URL is not known, the others count as of the same.
        """
        others = self._cluster.with_version(resource.function_id, version, but=resource.key)
        if not others:
            return None
        base_urls = await self._base_urls(others) if base_url is not None else {}
        others = self._cluster.with_version(resource.function_id, version, but=resource.key)
        return other_holder(resource, version, others, base_url=base_url or "", base_urls=base_urls)

    async def holders(self, resource: Resource, base_url: str | None) -> dict[str, Key]:
        """Who comes before this resource, for each version that it has to do with.

        What is on record is given up only to a holder that is proven current, for a list may show one that is gone.
        """
        found: dict[str, Key] = {}
        for version in versions_of_interest(resource):
            holder = await self.holder(resource, version, base_url)
            if holder is not None and version in on_record(resource):
                await self._cluster.refresh(holder)
                holder = await self.holder(resource, version, base_url)
            if holder is not None:
                found[version] = holder
        return found

    async def claimant(self, resource: Resource, version: str, base_url: str | None) -> Key | None:
        """Another object that claims a version of one that is gone; where the base URL is not known, at any."""
        others = self._cluster.with_version(resource.function_id, version, but=None)
        base_urls = await self._base_urls(others) if others and base_url is not None else {}
        others = self._cluster.with_version(resource.function_id, version, but=None)
        rivals = [other for other in others if other.uid != resource.uid]
        there = [other for other in rivals if base_url is None or base_urls.get(other.key, base_url) == base_url]
        claims = [claim for other in there if (claim := claim_of(other, version)) is not None]
        return min(claims).key if claims else None

    async def ensure_unclaimed(self, resource: Resource, target: Target) -> None:
        """Check right before a write that no other resource holds the version by now, or is about to.

        Raises:
            Outdated: one does.

        """
        holder = await self.holder(resource, target.version, target.base_url)
        if holder is not None or target in self._intending:
            raise Outdated(f"another resource has to do with version {target.version}")

    @contextmanager
    def intending(self, target: Target) -> Iterator[None]:
        """Claim a version for as long as its intent is being written: until then no record shows the claim."""
        self._intending.add(target)
        try:
            yield
        finally:
            self._intending.discard(target)

    async def _base_urls(self, resources: Iterable[Resource]) -> Mapping[Key, str]:
        """The base URL of each: the one used last, else the one that its Secret leads to, if that can be read."""
        found: dict[Key, str] = {}
        for resource in resources:
            account = self._accounts.known(resource.key)
            if account is not None:
                found[resource.key] = account.credential.base_url
            elif resource.spec is not None:
                credential = await self._credentials.resolve(secret_of(resource.key.namespace, resource.spec))
                if isinstance(credential, Credential):
                    found[resource.key] = credential.base_url
        return found


@dataclass(frozen=True, slots=True)
class Context(ManagedContext[Situation, LocalState]):
    """One reconcile of a FunctionDeployment."""

    @property
    def resource(self) -> Resource:
        """The resource as it is known by now."""
        return self.situation.resource

    def target(self, version: str) -> Target:
        """Name a deployment in the world."""
        return Target(self.nvcf.credential.base_url, self.resource.function_id, version)

    def observed(self, version: str, observation: Observation, **changes: Any) -> "Context":
        """This context with what was observed of a version."""
        return self.after(observations={**self.situation.observations, version: observation}, **changes)

    def resource_after(self, obj: Mapping[str, Any], clock: Clock) -> Resource:
        """The resource after a write, as this process knows it, and as the claims of others have left it."""
        known = self.local.view(Resource.read(obj), clock)
        if self.resource.reference is not None:
            known = replace(known, reference=self.resource.reference)
        return without(known, self.situation.holders.keys())


@dataclass(frozen=True, slots=True)
class Environment(ManagedEnvironment):
    """What the stages of a FunctionDeployment's reconcile share."""

    claims: Claims
    presence: PresenceHistory
    sent: Sent
    up_to_date: VersionsUpToDate
    queue_depth: Callable[[Key, str], int | None] = lambda key, version: None
    """The requests in the queue of a resource's version, where they are read."""

    def doubt_deployment(
        self, context: Context, version: str, error: nvcf_errors.NvcfError, seconds: float | None = None
    ) -> None:
        """Keep the version from other changes where a call about its deployment may be carried out all the same.

        Args:
            context: what is known.
            version: the version.
            error: what came of the call.
            seconds: for which the server may work on it; None: as on any change.

        """
        if error.maybe_done:
            settle = context.situation.timing.write_settle
            self.version_writes.doubt(context.target(version), max(settle, seconds or 0.0), Call.DEPLOYMENT)

    def emit_write(self, resource: Resource, action: Action, deployment_id: str | None) -> None:
        """Report a write that was taken, if it is worth an Event."""
        note = of_write(resource, action, deployment_id)
        if note is not None:
            self.emit(resource, note)


async def failure_of_write(context: AnyContext, error: nvcf_errors.NvcfError) -> Failure:
    """Say what a failed write means; whether a 403 is about the key takes further calls."""
    if isinstance(error, nvcf_errors.Forbidden):
        return await context.nvcf.forbidden(error, context.caller)
    return context.nvcf.writing(error)


def pending_update(environment: Environment, context: Context, now: float) -> PendingUpdate | None:
    """The CloudFunction that has to bring the wanted version up to date, or may have to; None where none has.

    Only what is not deployed waits for that.
    """
    resource, local, version = context.resource, context.local, context.resource.wanted_version
    reference = resource.reference
    if reference is None or not reference.updates or resource.deleting or version != reference.version:
        return None
    if not isinstance(context.situation.observation(version), Absent):
        return None
    function = Key(resource.key.namespace, reference.name, CLOUD_FUNCTION)
    if not environment.up_to_date.awaits(resource.key, function, reference.uid, reference.generation, version):
        local.update_seen = None
        return None
    seen = (version, reference.uid, reference.generation)
    if seen != local.update_seen:
        local.update_seen, local.update_seen_at = seen, now
    return PendingUpdate(reference.name, now - local.update_seen_at)
