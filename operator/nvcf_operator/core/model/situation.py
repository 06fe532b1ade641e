"""What a decision is made from: the resource, whom we speak as, what was seen of NVCF, and what is remembered.

Everything here is data. Times named ``*_at`` or ``*_for`` are seconds of this process's own monotonic clock, since a
wall clock may jump and another process's clock says nothing about what this one has seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from nvcf_operator.api.names import Key
from nvcf_operator.api.status import Intent
from nvcf_operator.core.model.decision import Action
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import (
    AccountView,
    Failure,
    FunctionSeen,
    InstancesSeen,
    Observation,
    Proof,
    Scope,
    Unknown,
)
from nvcf_operator.core.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Timing:
    """The settings that decisions depend on, in seconds."""

    create_settle: float = 125.0
    create_settle_per_specification: float = 95.0
    redeploy_settle: float = 75.0
    register_settle: float = 180.0
    write_settle: float = 60.0
    stalled_grace: float = 60.0
    poll: float = 60.0
    busy_poll: float = 5.0

    @property
    def settle_poll(self) -> float:
        """Pause between two reads while a 404 settles: so short that none of them counts as a break."""
        return min(self.busy_poll, self.redeploy_settle / 4)

    def create_settle_of(self, specifications: int) -> float:
        """How long the server may work on a POST of so many specifications that ask for instances.

        It asks its allocator for one after the other, up to three times 30 s each (facts on NVCF, section 5, race 2).
        """
        return self.create_settle + self.create_settle_per_specification * max(0, specifications - 1)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What this process remembers of a resource of any kind. Losing it costs time, never correctness."""

    reported: tuple[str, int] | None = None
    """The reason of Ready that this process reported last, and the generation that it was about."""
    reported_for: float = 0.0
    """Seconds since it reported that first, without another one in between."""
    stale_force_delete: bool = False
    """The annotation force-delete was there before the deletion was blocked, so it does not count."""
    attempts: int = 0
    """Failed attempts in a row, for the short waits that status does not record."""


class AnySituation(Protocol):
    """What situations of resources of all kinds hold."""

    @property
    def resource(self) -> AnyResource:
        """The resource as it is known."""

    @property
    def now(self) -> datetime:
        """The time of day."""

    @property
    def timing(self) -> Timing:
        """The settings."""

    @property
    def account(self) -> AccountView | None:
        """What the account's list says."""

    @property
    def local(self) -> Remembered:
        """What this process remembers."""

    @property
    def failure(self) -> Failure | None:
        """What came of the write that was just tried, when it failed."""


@dataclass(frozen=True, slots=True)
class LocalView(Remembered):
    """What this process remembers of a FunctionDeployment."""

    intent_settled_for: float = 0.0
    """Seconds since the end of our own POST of the open intent, or since we first saw another's."""
    finalizer_found_for: float | None = None
    """Seconds since this process found the object with its finalizer and without a record: a POST may have been made.
    None where it did not."""
    posts_may_run_for: Mapping[str, float] = field(default_factory=dict)
    """Version by version, the seconds for which a POST that this process has sent may still be running."""
    made_ids: frozenset[str] = frozenset()
    """Deployments that POSTs of this process have made, for this resource."""
    undeployed_ids: frozenset[str] = frozenset()
    """Deployments that this process has undeployed and seen gone."""
    version_seen_lately: bool = False
    """This process saw the version deployed within the redeploy settle, by whomever."""
    verify: bool = False
    """An in-place change of ours has not been read back after the server's own loop yet."""
    raised_minimum: bool = False
    """An in-place change of ours raised a minimum and has not been read back yet."""
    patch_supported: bool = True
    """Whether this server offers PATCH, as far as it was tried."""
    put_supported: bool = True
    """Whether this server offers PUT, as far as it was tried: old ones have no PATCH, coming ones no PUT."""
    undeploy_sent_for: Mapping[str, float] = field(default_factory=dict)
    """Version by version, the seconds since our last DELETE of it was answered."""


class PendingUpdate(NamedTuple):
    """A version that is deployed only when its CloudFunction has brought it up to date, or has had the time to."""

    function: str
    """Name of the CloudFunction."""
    waited: float
    """Seconds that this process has waited for it."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that one decision may know."""

    resource: Resource
    now: datetime
    timing: Timing = Timing()
    access: Failure | None = None
    """Why there is no key to speak with, or None."""
    observations: Mapping[str, Observation] = field(default_factory=dict)
    """What was seen of each version that this resource has to do with."""
    instances: Mapping[str, InstancesSeen | None] | None = None
    """The instances of each version for which they were read now; None for a version whose instances NVCF does not
    show to this key. None in all: they are not read (`--running-instances`)."""
    queued: Mapping[str, int] = field(default_factory=dict)
    """Version by version, the requests in its queue when that was last read (`--queue-depth`)."""
    account: AccountView | None = None
    function: FunctionSeen = FunctionSeen.UNKNOWN
    function_status: str | None = None
    """The wanted version's status as the account's list shows it, while GET of its deployment says 404."""
    locked_for: Mapping[str, float] = field(default_factory=dict)
    """Version by version, the seconds for which its deployment is not to be written: something else writes the version,
    or may."""
    update: PendingUpdate | None = None
    """The CloudFunction that has to bring the wanted version up to date before it is deployed, or may have to."""
    holders: Mapping[str, Key] = field(default_factory=dict)
    """Version by version, another resource that holds it or comes first. What is held by another is not ours."""
    mass_absence: bool = False
    """A large part of what the account held for us is gone at once, this resource's deployment with it."""
    wrote: Action | None = None
    """The write that was just made, when NVCF took it."""
    answered_intent: Intent | None = None
    """The intent whose POST was just answered, with yes or no."""
    failure: Failure | None = None
    """What came of the write that was just tried, when it failed."""
    refused: str | None = None
    """What to report of a write to the object that the API server has just refused."""
    unanswered: Failure | None = None
    """What came of the POST that was just tried, when NVCF may have made the deployment all the same."""
    local: LocalView = LocalView()

    @property
    def holder(self) -> Key | None:
        """Another resource that holds the wanted version, or comes first."""
        return self.holders.get(self.resource.wanted_version)

    @property
    def intent(self) -> Intent | None:
        """The last intent, with what is known of it since a moment ago."""
        return self.answered_intent or self.resource.intent

    @property
    def open_intent(self) -> Intent | None:
        """The intent whose answer is neither on record nor known since a moment ago."""
        intent = self.intent
        return intent if intent is not None and not intent.answered else None

    def observation(self, version: str) -> Observation | None:
        """What was seen of that version."""
        return self.observations.get(version)

    @property
    def credential_failure(self) -> Failure | None:
        """What is wrong with the credentials, as far as this situation shows."""
        failures = [self.access, self.failure]
        failures += [seen.failure for seen in self.observations.values() if isinstance(seen, Unknown)]
        return next((item for item in failures if item is not None and item.scope == Scope.CREDENTIAL), None)

    @property
    def believes_absence(self) -> bool:
        """Whether a 404 counts: the account answers, and nothing says that it is another one than that on record."""
        return self.account is not None and self.account.proof in (Proof.PROVEN, Proof.NEVER_PINNED)
