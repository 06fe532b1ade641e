"""What this process remembers of each CloudFunction, and which registrations it has sent."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from nvcf_operator.api.function_status import CloudFunctionStatus
from nvcf_operator.backoff import long
from nvcf_operator.clock import Clock
from nvcf_operator.core.functions.model.observed import LastChange, RefusedChange, VersionSeen
from nvcf_operator.core.functions.model.record import FunctionRecord, first_seen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.unsent import without_sources
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.state.deployments import DROPS
from nvcf_operator.state.managed_state import ManagedLocalState


@dataclass(slots=True)
class Refusal:
    """A change of a version in place that NVCF has refused. Times are this process's monotonic seconds."""

    name: str
    failure: Failure
    attempts: int
    due: float
    request: str | None = None
    """The token of the request to reconcile that it answered."""


@dataclass(slots=True)
class SentChange:
    """The last change of a version's tags or rate limit. Times are this process's monotonic seconds."""

    name: str
    at: float
    repeats: bool
    request: str | None = None
    """The token of the request to reconcile that it answered."""


@dataclass(frozen=True, slots=True)
class DoubtedChange:
    """A change of tags or rate limit that got no answer, so that NVCF may still make it."""

    tags: frozenset[str] | None
    """None where they were not sent."""
    rate_limit: str | None
    """In the form of `rate_limit.form_of`."""
    limits: bool
    """Whether the rate limit was changed, or removed."""


@dataclass(slots=True)
class FunctionLocalState(ManagedLocalState[CloudFunction, CloudFunctionStatus, FunctionRecord]):
    """One CloudFunction's. Times are this process's monotonic seconds."""

    deletes: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Version by version, its function, and when our last DELETE of it was answered."""
    gone_since: dict[str, float] = field(default_factory=dict)
    """Version by version, since when one on record that is proven to be gone has been so."""
    held_at: dict[str, float] = field(default_factory=dict)
    """Version by version, when a FunctionDeployment was last seen to hold it."""
    first_listed: dict[str, float] = field(default_factory=dict)
    """Version by version, when it was first seen."""
    refusals: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    """By version and kind of change, what NVCF has refused."""
    changes: dict[str, SentChange] = field(default_factory=dict)
    """Version by version, the last change of its tags or rate limit."""
    doubted: dict[str, DoubtedChange] = field(default_factory=dict)
    """Version by version, the last change that got no answer."""
    secret_hashes: dict[str, dict[str, bytes]] = field(default_factory=dict, repr=False)
    """Keyed hashes of the values of secrets by name, for each digest of their sources that is on record."""
    secret_names: dict[str, frozenset[str]] = field(default_factory=dict)
    """Version by version, the names of its secrets: as the manifest had them, or as a read of it has shown them."""
    doubted_secrets: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Version by version, the sources of values whose PUT got no answer, and until when NVCF may still take them."""
    put_off: tuple[str, str] | None = None
    """Version and kind of the last change in place, if it failed: others come first."""
    secrets_due: float | None = None
    """When the Secrets are read again; None before the first time, and where none are read."""
    earlier_changes_doubted: bool = False
    """Whether this process has seen which versions an earlier one may have changed a moment ago."""
    values_unknown: bool = False
    """Whether an earlier process may have sent other values of secrets than those on record, and no record of this one
    says so yet."""

    def view(self, resource: CloudFunction, clock: Clock) -> CloudFunction:
        """The resource as this process knows it."""
        seen = ManagedLocalState.view(self, resource, clock)
        return without_sources(seen) if self.values_unknown else seen

    def keeps_only(self, versions: Collection[str]) -> None:
        """Forget the changes of versions that are not there any more."""
        self.changes = {version: item for version, item in self.changes.items() if version in versions}
        self.doubted = {version: item for version, item in self.doubted.items() if version in versions}
        self.doubted_secrets = {version: item for version, item in self.doubted_secrets.items() if version in versions}
        self.refusals = {key: item for key, item in self.refusals.items() if key[0] in versions}

    def refused(
        self, change: tuple[str, str], name: str, failure: Failure, now: float, request: str | None = None
    ) -> None:
        """Note that NVCF has refused a change: the same one waits longer each time."""
        before = self.refusals.get(change)
        attempts = (before.attempts if before is not None and before.name == name else 0) + 1
        wait = max(long(attempts), failure.retry_after or 0.0)
        self.refusals[change] = Refusal(name, failure, attempts, now + wait, request)

    def changed(self, version: str, change: SentChange) -> None:
        """Note that NVCF has made a change of tags or rate limit."""
        self.changes[version] = change
        self.refusals = {key: item for key, item in self.refusals.items() if key[0] != version}

    def refused_changes(self, now: float) -> dict[tuple[str, str], RefusedChange]:
        """The refused changes, as decisions see them."""
        return {
            key: RefusedChange(item.name, item.failure, max(0.0, item.due - now), item.request)
            for key, item in self.refusals.items()
        }

    def last_changes(self, now: float) -> dict[str, LastChange]:
        """The last changes, as decisions see them."""
        return {
            version: LastChange(item.name, now - item.at, item.repeats, item.request)
            for version, item in self.changes.items()
        }

    @staticmethod
    def record_of(status: CloudFunctionStatus) -> FunctionRecord:
        """The record in a status."""
        return FunctionRecord.of(status)

    @staticmethod
    def first_record(resource: CloudFunction, now: datetime) -> FunctionRecord:
        """The record of a resource that this process meets for the first time."""
        return first_seen(resource.status, now)


REMEMBERED = 3600.0
"""Seconds for which the answer to a POST is remembered at most: by then a status holds it."""


@dataclass(slots=True, eq=False)
class SentRegistration:
    """One POST of a version. Times are this process's monotonic seconds."""

    base_url: str
    resource: CloudFunction
    """The object as it was when the POST was sent."""
    token: str
    settle: float
    """Seconds for which the server may work on it after our side of it ended."""
    ended_at: float | None = None
    """When our side of it ended; None while it is under way."""
    answer: VersionSeen | None = None
    """What it registered, as its answer said."""

    def may_run_for(self, now: float) -> float:
        """Seconds for which it may still be running in the server."""
        if self.answer is not None:
            return 0.0
        return self.settle if self.ended_at is None else max(0.0, self.settle - (now - self.ended_at))


class SentRegistrations:
    """POSTs of versions that this process has sent, and that no status records yet or has for less than a minute."""

    def __init__(self) -> None:
        self._posts: list[SentRegistration] = []
        self._recorded: list[SentRegistration] = []
        """Those whose answer is in the status, as long as the API server may drop the object."""
        self._dropped: set[str] = set()
        """Uids of objects that it has dropped."""

    def post(self, post: SentRegistration) -> SentRegistration:
        """Note a POST, right before it is sent."""
        self._posts.append(post)
        return post

    def refused(self, post: SentRegistration) -> None:
        """Forget a POST that certainly registers nothing."""
        self._posts = [item for item in self._posts if item is not post]

    def recorded(self, token: str) -> None:
        """Note that the status holds what became of a POST."""
        done = [post for post in self._posts if post.token == token and post.ended_at is not None]
        self._posts = [post for post in self._posts if post not in done]
        self._recorded += [post for post in done if post.answer is not None]

    def ended(self, uid: str, dropped: bool) -> None:
        """Note how an object has ended, as of a FunctionDeployment."""
        if dropped:
            self._dropped.add(uid)
        else:
            self._recorded = [item for item in self._recorded if item.resource.uid != uid]

    def take(self, uid: str, now: float) -> list[SentRegistration]:
        """The POSTs of an object that is gone: what they register is nobody's. They are not given again.

        Of an object that the API server has dropped, those of the last minute that are on record are among them.
        """
        found = [item for item in self._posts if item.resource.uid == uid]
        found = [item for item in found if item.answer is not None or item.may_run_for(now) > 0]
        if uid in self._dropped:
            found += [item for item in self._recorded if item.resource.uid == uid and _is_recent(item, now)]
        self._dropped.discard(uid)
        self._posts = [item for item in self._posts if item.resource.uid != uid]
        self._recorded = [item for item in self._recorded if item.resource.uid != uid]
        return found

    def prune(self, now: float) -> None:
        """Drop what can register nothing any more, and answers that are on record by now though nobody has said so."""
        self._posts = [
            post
            for post in self._posts
            if post.may_run_for(now) > 0 or (post.answer is not None and now - (post.ended_at or now) < REMEMBERED)
        ]
        self._recorded = [post for post in self._recorded if _is_recent(post, now)]
        self._dropped.clear()  # `take` follows at once where this process has sent anything


def _is_recent(post: SentRegistration, now: float) -> bool:
    return post.ended_at is not None and now - post.ended_at <= DROPS
