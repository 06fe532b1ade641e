"""A second kind on the operator's own loop, with as little of stages as a kind needs: it holds its finalizer, no more.

Whatever is not written here is what the loop, the cluster's writes and the reporter do for every kind.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self, TypeVar, cast

from nvcf_operator.api.conditions import READY, Condition
from nvcf_operator.api.function_status import CloudFunctionStatus
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer
from nvcf_operator.core.model.observed import Failure
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.act.finalizer import Finalizers
from nvcf_operator.reconcile.cluster import KubernetesCluster
from nvcf_operator.reconcile.loop import Reconciler
from nvcf_operator.reconcile.ports import Accounts, Nvcf
from nvcf_operator.reconcile.record import ManagedReporter
from nvcf_operator.reconcile.references import References
from nvcf_operator.reconcile.requeue import ReconcileResult
from nvcf_operator.reconcile.stages import AnyStages, ManagedContext, ManagedEnvironment, Outcome, Stages
from nvcf_operator.state.managed_state import ManagedLocalState
from nvcf_operator.state.version_writes import VersionWrites
from nvcf_operator.tracing import Tracer
from tests.property.chance import Chance
from tests.property.cluster_api import KubeApi
from tests.property.cluster_model import START, Cluster
from tests.property.nvcf_api import Silent
from tests.property.operator_process import Notes
from tests.unit.informer.two_kinds import Function, cache_of_both

T = TypeVar("T")


class Because(NamedTuple):
    """What Ready says."""

    reason: Reason
    message: str
    reconciling: bool = False


class Choice(NamedTuple):
    """A decision."""

    action: TakeFinalizer | DropFinalizer | None = None
    condition_set: Because | None = None
    requeue: float | None = None
    backoff: bool = False
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A situation."""

    resource: Function
    wrote: object | None = None
    refused: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A record."""

    observed_generation: int
    intent: object | None = None
    at_rest: bool = True

    def over(self, status: CloudFunctionStatus) -> CloudFunctionStatus:
        return status

    def moved(self, seconds: float) -> Self:
        return self


class FunctionState(ManagedLocalState[Function, CloudFunctionStatus, Kept]):
    """What is remembered."""

    @staticmethod
    def record_of(status: CloudFunctionStatus) -> Kept:
        return Kept(status.observed_generation)

    @staticmethod
    def first_record(resource: Function, now: datetime) -> Kept:
        return Kept(resource.status.observed_generation)


Of = ManagedContext[Seen, FunctionState]


class Writes(ManagedReporter[Of, Choice, CloudFunctionStatus]):
    """Writes the status."""

    def _status(self, context: Of, decision: Choice) -> CloudFunctionStatus:
        resource, because = context.resource, decision.condition_set
        assert because is not None
        message = context.situation.refused or because.message
        ready = Condition(
            type=READY,
            status="True" if context.situation.refused is None else "False",
            reason=because.reason,
            message=message,
            observed_generation=resource.generation,
            last_transition_time=START,
        )
        return CloudFunctionStatus(uid=resource.uid, observed_generation=resource.generation, conditions=(ready,))

    def _found(self, context: Of, status: CloudFunctionStatus) -> EventNote | None:
        return None

    def _measure(self, context: Of, status: CloudFunctionStatus) -> None:
        """Nothing beside the conditions."""

    def _on_record(self, status: CloudFunctionStatus) -> None:
        """Nothing to note."""

    def _written(self, context: Of, status: CloudFunctionStatus) -> None:
        """Nothing to note."""


class FunctionStages(Stages[Function, FunctionState, Of, Choice]):
    """Holds the finalizer while the object is there."""

    def __init__(self, environment: ManagedEnvironment, metrics: Metrics) -> None:
        self._clock = environment.clock
        self._finalizers: Finalizers[Of] = Finalizers(environment, lambda context, action: ())
        self._reporter = Writes(environment, metrics)
        self.raises: Exception | None = None
        self.vanishes: list[Key] = []
        self.counted: list[object] = []

    def about(self, resource: Function) -> dict[str, str]:
        return {"kind": resource.key.kind.name}

    def recall(self, resource: Function) -> FunctionState:
        return FunctionState.begun(resource, self._clock, self._clock.monotonic())

    def longest_write(self, resource: Function) -> float:
        return 0.0

    async def observe(self, resource: Function, local: FunctionState, priority: Priority, *, most_waiting: int) -> Of:
        if self.raises is not None:
            raise self.raises
        return ManagedContext(Seen(resource), local, priority)

    def decide(self, context: Of) -> Choice:
        resource = context.resource
        if resource.deleting:
            return Choice(DropFinalizer())
        if not resource.has_finalizer and context.situation.refused is None:
            return Choice(TakeFinalizer())
        return Choice(condition_set=Because(Reason.ACTIVE, "It is there."))

    def unfinished(self, context: Of) -> Choice:
        return Choice(condition_set=Because(Reason.PENDING, "More is to be done."), requeue=0.0)

    async def carry_out(self, context: Of, decision: Choice) -> Outcome[Of]:
        if isinstance(decision.action, DropFinalizer):
            return await self._finalizers.drop(context, decision.action)
        return await self._finalizers.take(context, TakeFinalizer())

    async def observe_again(self, outcome: Outcome[Of]) -> Of:
        return outcome.context

    def count(self, context: Of, decision: Choice) -> None:
        self.counted.append(decision.action)

    def report_drift(self, context: Of, decision: Choice) -> None:
        """Nothing drifts."""

    async def report(self, context: Of, decision: Choice) -> bool:
        return await self._reporter.report(context, decision)

    def report_refusal(self, resource: Function, local: FunctionState, message: str) -> None:
        self._reporter.refused(resource, local, message)

    def due(self, local: FunctionState) -> Mapping[str, float]:
        return {}

    def vanished(self, resource: Function, account: Nvcf | None) -> None:
        self.vanishes.append(resource.key)


class NoAccounts:
    """Accounts that nobody uses."""

    def known(self, key: Key) -> None:
        return None

    def sharing(self, key: Key) -> int:
        return 0

    def leave(self, key: Key) -> None:
        """Nobody is there."""


@dataclass
class SecondKind:
    """A cluster with a CloudFunction, and the operator's loop for that kind."""

    cluster: Cluster = field(default_factory=Cluster)
    notes: Notes = field(default_factory=Notes)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def __post_init__(self) -> None:
        self.now, self.uid = 0.0, ""
        self.cache = cache_of_both()
        self.api = KubeApi(self.cluster, Chance, lambda seconds: None, lambda key, refusal: None)
        listed = self._listed
        cluster = KubernetesCluster(
            self.api,
            self.cache,
            self.notes,
            gone=lambda known: self.reconciler.gone(known),
            listed=listed,
            references=References(self.cache, settle=5.0),
        )
        clock = SteadyClock(lambda: self.now, lambda: (START + timedelta(seconds=self.now)).timestamp())
        environment = ManagedEnvironment(cluster, clock, VersionWrites(clock.monotonic))
        metrics = cast(Metrics, Silent())
        self.stages = FunctionStages(environment, metrics)
        others = cast(AnyStages, None)
        table: dict[Any, AnyStages] = {FUNCTION_DEPLOYMENT: others, CLOUD_FUNCTION: self.stages}
        accounts = cast(Accounts, NoAccounts())
        self.reconciler = Reconciler(environment, accounts, table, metrics, Tracer(), most_waiting=8, rate=50.0)

    async def _listed(self, kind: object, seconds: float) -> bool:
        return True

    def create(self, key: Key, **more: Any) -> None:
        """Create a CloudFunction, and take it in."""
        template = {"inferenceUrl": "/v1", "containerImage": "nvcr.io/org/llama:1"}
        self.cluster.create(key, {"name": key.name, "template": template}, **more)
        self.uid = self.cluster.objects[key]["metadata"]["uid"]
        self.take_in(key)

    def take_in(self, key: Key) -> None:
        """Show the operator an object as it is now, or that it is gone."""
        obj = self.cluster.read(key)
        if obj is not None:
            self.cache.put(obj)

    def reconcile(self, key: Key) -> ReconcileResult:
        """Reconcile it once, and let the pause pass that it wants."""
        found = self.run(self.reconciler.reconcile(key, Priority.LOW))
        self.now += found.requeue[1] if found.requeue is not None else 0.0
        return found

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return self.loop.run_until_complete(work)
