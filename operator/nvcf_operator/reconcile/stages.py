"""What the loop asks of each kind of resource: the stages of a reconcile, and the context that they hand on."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, Self, TypeVar, cast

from nvcf_operator.clock import Clock
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.reconcile.ports import Cluster, Nvcf
from nvcf_operator.state.managed_state import AnyLocalState
from nvcf_operator.state.version_writes import VersionWrites

log = logging.getLogger(__name__)


class AnySituation(Protocol):
    """What situations of all kinds hold."""

    @property
    def resource(self) -> AnyResource:
        """The resource as it is known by now."""

    @property
    def wrote(self) -> object | None:
        """The write that was just made, when NVCF took it, or the finalizer that was just removed."""

    @property
    def refused(self) -> str | None:
        """What to report of a write to the object that the API server has just refused."""


class AnyConditionSet(Protocol):
    """What the loop and the reporter read of what status is to report."""

    @property
    def reason(self) -> Reason:
        """Why the resource is Ready or is not."""

    @property
    def message(self) -> str:
        """The same in words."""

    @property
    def reconciling(self) -> bool:
        """Whether the operator or NVCF is at work on it."""


class AnyDecision(Protocol):
    """What decisions on all kinds hold."""

    @property
    def action(self) -> object | None:
        """The write to carry out."""

    @property
    def condition_set(self) -> AnyConditionSet | None:
        """What status reports."""

    @property
    def requeue(self) -> float | None:
        """Seconds after which to reconcile again; None: when something changes."""

    @property
    def backoff(self) -> bool:
        """Whether `requeue` is a wait after a failure, which wants jitter and counts as an attempt."""

    @property
    def busy(self) -> bool:
        """Whether NVCF is at work on this, so that its account is worth polling often."""


ResourceT = TypeVar("ResourceT", bound=AnyResource)
SituationT = TypeVar("SituationT", bound=AnySituation)
LocalT = TypeVar("LocalT", bound=AnyLocalState)
DecisionT = TypeVar("DecisionT", bound=AnyDecision)


@dataclass(frozen=True, slots=True)
class ManagedContext(Generic[SituationT, LocalT]):
    """One reconcile: what is known of its resource, what this process remembers of it, and on whose behalf it runs."""

    situation: SituationT
    local: LocalT
    priority: Priority
    """Of this reconcile."""
    account: Nvcf | None = None
    """Through which NVCF is observed and changed; None where there is no key, or no need for one."""
    urgent: bool = False
    """Whether calls to NVCF are urgent for now, whatever the priority."""

    @property
    def resource(self) -> Any:
        """The resource as it is known by now; of its own class in the context of its kind."""
        return self.situation.resource

    @property
    def nvcf(self) -> Nvcf:
        """The account, for what happens only with one."""
        assert self.account is not None, "NVCF is changed only through an account"
        return self.account

    @property
    def caller(self) -> Caller:
        """On whose behalf NVCF is called."""
        return Caller(Priority.HIGH if self.urgent else self.priority, self.resource.key.namespace)

    def hurried(self) -> Self:
        """This context, its calls urgent if the account hurries its resource now."""
        urgent = self.nvcf.hurries(self.resource)
        return self if urgent == self.urgent else replace(self, urgent=urgent)

    def after(self, **changes: Any) -> Self:
        """This context with another situation."""
        situation = self.situation
        if all(getattr(situation, name) is value for name, value in changes.items()):
            return self
        return replace(self, situation=replace(cast("Any", self.situation), **changes))

    def resource_after(self, obj: Mapping[str, Any], clock: Clock) -> Any:
        """The resource after a write of ours, as this process knows it."""
        return self.local.view(type(self.resource).read(obj), clock)


AnyContext = ManagedContext[Any, Any]
"""A reconcile of whichever kind of resource."""

ContextT = TypeVar("ContextT", bound=AnyContext)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[ContextT]):
    """How a write ended."""

    context: ContextT
    """What is known after it: done, failed, or refused by the API server."""
    read_again: str | None = None
    """The version whose deployment only another read can show."""


@dataclass(frozen=True, slots=True)
class ManagedEnvironment:
    """What the stages of all kinds share."""

    cluster: Cluster
    clock: Clock
    version_writes: VersionWrites
    """The locks of function versions."""

    def emit(self, resource: AnyResource, note: EventNote) -> None:
        """Have an Event written, and a line logged."""
        self.cluster.emit(resource, note)
        log.log(logging.WARNING if note.warning else logging.INFO, "%s: %s", note.reason, note.message)


class Stages(ABC, Generic[ResourceT, LocalT, ContextT, DecisionT]):
    """One kind's part of the loop."""

    @abstractmethod
    def about(self, resource: ResourceT) -> dict[str, str]:
        """What log lines and traces of a reconcile say of the resource beside its name."""

    @abstractmethod
    def recall(self, resource: ResourceT) -> LocalT:
        """Start remembering: of what was before, only the record is left."""

    @abstractmethod
    def longest_write(self, resource: ResourceT) -> float:
        """Seconds that the longest call of one reconcile may take."""

    @abstractmethod
    async def observe(self, resource: ResourceT, local: LocalT, priority: Priority, *, most_waiting: int) -> ContextT:
        """Observe all that a decision on this resource may need.

        Raises:
            Saturated: `most_waiting` others wait at the account's limiter already.

        """

    @abstractmethod
    def decide(self, context: ContextT) -> DecisionT:
        """Decide what to do, or what to report. Pure."""

    @abstractmethod
    def unfinished(self, context: ContextT) -> DecisionT:
        """Decide what to report where more is to be done than one write: how far it is, and to come again at once."""

    @abstractmethod
    async def carry_out(self, context: ContextT, decision: DecisionT) -> Outcome[ContextT]:
        """Make the one write that a decision asks for.

        Raises:
            Outdated: the resource has changed; nothing was written to NVCF.
            Vanished: it is gone; nothing was written to NVCF.
            VersionBusy: something else writes the function version, or may; nothing was written.
            WriteRefused: the API server does not take what was to be written; nothing was written to NVCF.
            KubeError: the cluster could not be written; nothing was written to NVCF.

        """

    @abstractmethod
    async def observe_again(self, outcome: Outcome[ContextT]) -> ContextT:
        """Give what is known after a write: by its own answer, or by another read."""

    @abstractmethod
    def count(self, context: ContextT, decision: DecisionT) -> None:
        """Count a write that was carried out in the metrics."""

    @abstractmethod
    def report_drift(self, context: ContextT, decision: DecisionT) -> None:
        """Report what somebody else has changed, before it is restored."""

    @abstractmethod
    async def report(self, context: ContextT, decision: DecisionT) -> bool:
        """Write status, once, and only if it differs.

        True when the answer shows a user's doing that the watch has not shown yet: there it will be no news.

        Raises:
            Outdated, Vanished, WriteRefused, KubeError: as `Cluster.write_status`.

        """

    @abstractmethod
    def report_refusal(self, resource: ResourceT, local: LocalT, message: str) -> None:
        """Report that the status itself is refused, by what is left to report it with."""

    @abstractmethod
    def due(self, local: LocalT) -> Mapping[str, float]:
        """Seconds until the resource is reconciled without anything new, by the cause; of some causes, or of none."""

    @abstractmethod
    def vanished(self, resource: ResourceT, account: Nvcf | None) -> None:
        """Deal with what an object has left in NVCF that is gone, or going, without our having removed our finalizer.

        Args:
            resource: the object as it was known last.
            account: the account that it used last.

        """


AnyStages = Stages[Any, Any, Any, Any]
"""The stages of whichever kind."""
