"""One reconcile of one resource: observe, decide, act at most once, observe again, decide again, record, requeue.

Any crash between two lines is repaired by the next run, because the next run observes first.
"""

import asyncio
import logging
import random
from collections.abc import Mapping

from nvcf_operator import logs
from nvcf_operator.api.names import Key, Kind
from nvcf_operator.core.model.decision import DropFinalizer
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.kube.errors import KubeError, Missing
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.ports import Accounts, Outdated, Saturated, Vanished, WriteRefused
from nvcf_operator.reconcile.requeue import ReconcileResult, Requeue, Requeues
from nvcf_operator.reconcile.stages import (
    AnyStages,
    ContextT,
    DecisionT,
    LocalT,
    ManagedEnvironment,
    ResourceT,
    Stages,
)
from nvcf_operator.state.managed_state import AnyLocalState, LocalStates
from nvcf_operator.state.version_writes import VersionBusy
from nvcf_operator.tracing import Tracer

log = logging.getLogger(__name__)

DEADLINE = 210.0
"""Seconds for one reconcile, above the sum of all timeouts inside it but that of a POST."""


class Reconciler:
    """Reconciles one key at a time; several may run side by side for different keys.

    Args:
        environment: what all stages share.
        accounts: the accounts in use.
        stages: each kind's part of the loop.
        metrics: where resources are counted.
        tracer: makes a span of each reconcile.
        most_waiting: how many may wait at an account's limiter before a reconcile.
        rate: calls to NVCF a second.

    """

    def __init__(
        self,
        environment: ManagedEnvironment,
        accounts: Accounts,
        stages: Mapping[Kind, AnyStages],
        metrics: Metrics,
        tracer: Tracer,
        *,
        most_waiting: int,
        rate: float,
    ) -> None:
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._accounts = accounts
        self._stages = stages
        self._local_states = LocalStates()
        self._requeues = Requeues(accounts, self._clock, rate=rate)
        self._metrics = metrics
        self._tracer = tracer
        self._most_waiting = most_waiting

    async def reconcile(self, key: Key, priority: Priority) -> ReconcileResult:
        """Reconcile a resource; say how it went and when to come back without anything new."""
        known = self._accounts.known(key)
        if known is not None and known.saturated(self._most(priority), Caller(priority, key.namespace)):
            return self._requeues.crowded(key, priority)
        found, stages = self._cluster.get(key), self._stages[key.kind]
        if found is None:
            self.forget(key)
            return ReconcileResult("done", None)
        if found.deleting and not found.has_finalizer:
            self.gone(found)
            return ReconcileResult("done", None)
        local = self._local_states.of(key, found.uid, lambda: stages.recall(found))
        resource = local.view(found, self._clock)
        about = {**key.fields, **stages.about(resource), "reconcile": f"{random.getrandbits(32):08x}"}
        with self._tracer.reconcile(about) as span, logs.bind(**about, trace_id=span.trace_id):
            ended = await self._to_the_end(stages, resource, local, priority)
            span.ended(ended.result)
            return self._guarded(key, local, ended)

    async def _reconcile(
        self,
        stages: Stages[ResourceT, LocalT, ContextT, DecisionT],
        resource: ResourceT,
        local: LocalT,
        priority: Priority,
    ) -> Requeue | None:
        """The loop itself."""
        if priority is Priority.HIGH:
            local.requested(self._clock.monotonic())
        context = await stages.observe(resource, local, priority, most_waiting=self._most(priority))
        decision, context = await self._decide_and_act(stages, context)
        if isinstance(context.situation.wrote, DropFinalizer) and context.resource.deleting:
            self.gone(context.resource)
            return None
        edited = await stages.report(context, decision)
        if context.account is not None:
            context.account.note_busy(resource.key, busy=decision.busy)
        requeue = self._requeues.decided(local, decision, priority, stages.due(local))
        return (Priority.HIGH, 0.0) if edited else requeue

    @staticmethod
    async def _decide_and_act(
        stages: Stages[ResourceT, LocalT, ContextT, DecisionT], context: ContextT
    ) -> tuple[DecisionT, ContextT]:
        """Decide; act; decide again on what came of it. At most one write goes to NVCF."""
        released = False
        while True:
            decision = stages.decide(context)
            stages.report_drift(context, decision)
            action, wrote = decision.action, context.situation.wrote
            if action is None:
                return decision, context
            if released or (wrote is not None and not isinstance(action, DropFinalizer)):
                # More is to be done than one write: record how far it is, and come again at once.
                return stages.unfinished(context), context
            try:
                outcome = await stages.carry_out(context, decision)
            except WriteRefused as refused:
                log.warning("%s", refused)
                context = context.after(refused=str(refused))
                continue
            context = outcome.context
            if context.situation.refused is not None:
                continue
            wrote = context.situation.wrote
            context.local.writes += wrote is not None and not isinstance(wrote, DropFinalizer)
            stages.count(context, decision)
            context = await stages.observe_again(outcome)
            if isinstance(action, DropFinalizer):
                if context.resource.deleting:
                    return decision, context
                context, released = context.after(wrote=None), True

    async def _to_the_end(
        self,
        stages: Stages[ResourceT, LocalT, ContextT, DecisionT],
        resource: ResourceT,
        local: LocalT,
        priority: Priority,
    ) -> ReconcileResult:
        """Reconcile a resource that is there, and say how it ended."""
        try:
            async with asyncio.timeout(DEADLINE + stages.longest_write(resource)):
                return ReconcileResult("done", await self._reconcile(stages, resource, local, priority))
        except Saturated:
            return self._requeues.crowded(resource.key, priority)
        except Outdated as reason:
            log.info("read again: %s", reason)
            return self._requeues.outdated(local, priority)
        except VersionBusy as busy:
            log.info("try again: %s", busy)
            return self._requeues.busy(busy.seconds, priority)
        except (Missing, Vanished):
            log.info("the resource is gone")
            self._cluster.drop(resource.key, resource.uid)  # the watch will find nothing to bring the end of
            self.gone(resource)
            return self._requeues.vanished(priority)
        except WriteRefused as refused:
            stages.report_refusal(resource, local, str(refused))
            return self._requeues.refused(local, priority)
        except KubeError as error:
            log.warning("the Kubernetes API did not accept it: %s", error)
            return self._requeues.failed(local, priority)

    def forget(self, key: Key) -> None:
        """Drop all that is remembered of a resource that is gone."""
        self._local_states.forget(key)
        self._metrics.resource_gone(key)
        self._accounts.leave(key)

    def gone(self, resource: AnyResource) -> None:
        """Deal with an object that is gone, or goes without our finalizer: with what it has left in NVCF, if anything.

        Args:
            resource: the object as it was known last.

        """
        stages, account = self._stages[resource.key.kind], self._accounts.known(resource.key)
        local = self._local_states.known(resource.key, resource.uid)
        first = self._local_states.ends(resource.uid)  # watch and workers may both hear of the end
        if first and local is not None and not local.released and not local.bare:
            stages.vanished(local.view(resource, self._clock), account)
        elif local is None and first and resource.has_finalizer:  # no worker of this process had come to it yet
            stages.vanished(resource, account)
        if local is None or not (local.released and resource.deleting and resource.finalizers):
            self.forget(resource.key)

    def _guarded(self, key: Key, local: AnyLocalState, ended: ReconcileResult) -> ReconcileResult:
        """See to it that no reconcile follows at once where nothing has changed, whatever this one wants."""
        if ended.requeue is None:
            return ended
        priority, delay = ended.requeue
        return ended._replace(requeue=(priority, local.guard.pause(delay, (self._cluster.version(key), local.writes))))

    def _most(self, priority: Priority) -> int:
        """How many may wait at an account's limiter before a reconcile; what is nearly done passes a crowd."""
        return self._most_waiting * (2 if priority == Priority.IN_PROGRESS else 1)
