"""What one reconcile of a CloudFunction works on: among it, who else wants the function, and who uses its versions."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts.registered import Interest
from nvcf_operator.api.names import Key
from nvcf_operator.core.functions.model.claims import Follower, follower_of, other_holder
from nvcf_operator.core.functions.model.decision import FunctionAction
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report.events import of_write
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.reconcile.ports import Accounts, Cluster, Nvcf, Outdated
from nvcf_operator.reconcile.stages import ManagedContext, ManagedEnvironment
from nvcf_operator.state.deployments import PresenceHistory, Target
from nvcf_operator.state.function_state import FunctionLocalState, SentRegistrations
from nvcf_operator.state.versions_up_to_date import VersionsUpToDate


class Wanted(NamedTuple):
    """What two registrations must not ask for at once: a version of one function, or a new function of one name."""

    base_url: str
    function_id: str
    name: str
    account: frozenset[str]
    """The NVCF account by its ids, which several keys may share, or by the key while no list shows them; empty for a
    version of a function that exists."""


class FunctionClaims:
    """Which CloudFunction comes first for a function or a name, as caches and this process's intents show it."""

    def __init__(self, cluster: Cluster, accounts: Accounts) -> None:
        self._cluster = cluster
        self._accounts = accounts
        self._intending: set[Wanted] = set()

    def holder(self, resource: CloudFunction, account: Nvcf, *, adopted: str | None = None) -> Key | None:
        """The CloudFunction that comes before this one.

        Args:
            resource: the one that asks.
            account: of its key.
            adopted: the function that it is about to adopt by name.

        """
        if resource.claimed_function is not None:
            keys = self._cluster.with_function(resource.claimed_function)
        else:
            others = self._cluster.with_function(adopted) if adopted is not None else ()
            keys = tuple(dict.fromkeys((*self._cluster.named(resource.function_name), *others)))
        rivals = [other for other in self._functions(keys) if other.key != resource.key]
        return other_holder(resource, [other for other in rivals if self._meets(resource, other, account)])

    def _functions(self, keys: Iterable[Key]) -> Iterator[CloudFunction]:
        return (found for key in keys if isinstance(found := self._cluster.get(key), CloudFunction))

    def claimant(self, resource: CloudFunction, seen: VersionSeen) -> Key | None:
        """Another object that has to do with a version of one that is gone."""
        others = self._functions(self._cluster.with_function(seen.function_id))
        users = self._cluster.with_version(seen.function_id, seen.version_id, but=None)
        found = [other.key for other in others if other.uid != resource.uid]
        return min((*found, *(user.key for user in users)), default=None)

    @contextmanager
    def intending(self, resource: CloudFunction, account: Nvcf) -> Iterator[None]:
        """Claim it for as long as the intent is being written: until then no record shows the claim.

        Raises:
            Outdated: another one comes first, or is about to.

        """
        wanted = _wanted(resource, account)
        if wanted in self._intending or self.holder(resource, account) is not None:
            raise Outdated(f"another CloudFunction has to do with the function {resource.function_name}")
        self._intending.add(wanted)
        try:
            yield
        finally:
            self._intending.discard(wanted)

    def _meets(self, resource: CloudFunction, other: CloudFunction, account: Nvcf) -> bool:
        """Whether two that want the same mean the same installation; for a name, also the same account."""
        theirs = self._accounts.known(other.key)
        if theirs is None:  # not reconciled yet: its record may show that it is another account's
            known = account.listing.account_ids if account.listing is not None else frozenset()
            return not known or other.status.account_id in known
        if theirs.credential.base_url != account.credential.base_url:
            return False
        if resource.claimed_function is not None or theirs is account:
            return True
        return bool(_accounts_of(theirs) & _accounts_of(account))


def _accounts_of(account: Nvcf) -> frozenset[str]:
    return account.listing.account_ids if account.listing is not None else frozenset()


def _wanted(resource: CloudFunction, account: Nvcf) -> Wanted:
    if resource.claimed_function is not None:
        return Wanted(account.credential.base_url, resource.claimed_function, "", frozenset())
    return Wanted(
        account.credential.base_url, "", resource.function_name, _accounts_of(account) or frozenset({str(id(account))})
    )


@dataclass(frozen=True, slots=True)
class FunctionContext(ManagedContext[FunctionSituation, FunctionLocalState]):
    """One reconcile of a CloudFunction."""

    @property
    def resource(self) -> CloudFunction:
        """The resource as it is known by now."""
        return self.situation.resource

    @property
    def interest(self) -> Interest:
        """What a list has to show."""
        return interest_of(self.resource)

    def target(self, function_id: str, version: str) -> Target:
        """Name a version in the world."""
        return Target(self.nvcf.credential.base_url, function_id, version)


def interest_of(resource: CloudFunction) -> Interest:
    """What a CloudFunction asks of a list."""
    return Interest(resource.mark_uid, resource.function_name, resource.claimed_function, resource.adopts_by_name)


@dataclass(frozen=True, slots=True)
class FunctionEnvironment(ManagedEnvironment):
    """What the stages of a CloudFunction's reconcile share."""

    claims: FunctionClaims
    deployments: PresenceHistory
    """When deployments of versions were seen; shared with the FunctionDeployments."""
    versions: PresenceHistory
    """When versions themselves were seen."""
    sent: SentRegistrations
    up_to_date: VersionsUpToDate
    """For the FunctionDeployments, which wait for it."""

    def followers(self, resource: CloudFunction, seen: Iterable[VersionSeen] = ()) -> tuple[Follower, ...]:
        """The FunctionDeployments that refer to a CloudFunction, or have to do with one of its versions.

        Args:
            resource: the CloudFunction.
            seen: versions beside those on record.

        """
        keys = self.cluster.followers_of(resource.key)
        found = {key: other for key in keys if isinstance(other := self.cluster.get(key), Resource)}
        versions = {(item.function_id, item.version_id) for item in seen}
        versions |= {(resource.function_id or "", version) for version in resource.recorded_ids}
        for function, version in versions:
            found |= {item.key: item for item in self.cluster.with_version(function, version, but=None)}
        return tuple(follower_of(resource, found[key]) for key in sorted(found))

    def emit_write(self, resource: CloudFunction, action: FunctionAction, made: VersionSeen | None = None) -> None:
        """Report a write that was taken, if it is worth an Event."""
        for note in of_write(resource, action, made):
            self.emit(resource, note)


LISTED_STILL = 3
"""Lists in a row that show a version which NVCF does not find, after which that is reported."""


def is_gone(context: FunctionContext, error: nvcf_errors.NvcfError) -> bool:
    """Whether a failed write means that the version is gone, which the next list shows. Not if list after list does
    show it: NVCF refuses the write then."""
    absent = isinstance(error, nvcf_errors.NotFound) and not error.unknown_path
    return absent and context.local.outdated < LISTED_STILL


async def failure_of_call(context: FunctionContext, error: nvcf_errors.NvcfError, scope: str) -> Failure:
    """Say what a failed call about a version means; a 403 while the list is answered is the lack of a scope."""
    if isinstance(error, nvcf_errors.Forbidden):
        return await context.nvcf.lacking(error, scope, context.caller)
    return context.nvcf.writing(error)
