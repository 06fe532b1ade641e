"""One reconcile of one resource: observe, decide, act at most once, observe again, decide again, record, requeue.

Any crash between two lines is repaired by the next run, because the next run observes first.
"""

import asyncio
import logging
import uuid

from nvcf_client.endpoints.deployments import create_timeout
from nvcf_operator import logs
from nvcf_operator.api.names import Key
from nvcf_operator.core.decide import asking, decide, unfinished
from nvcf_operator.core.model.decision import (
    Action,
    Change,
    Create,
    Decision,
    DropFinalizer,
    Purpose,
    TakeFinalizer,
    Undeploy,
)
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.versions import released_by_force
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.kube.errors import KubeError, Missing
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.act.actuator import Actuator
from nvcf_operator.reconcile.context import Context, Environment, Outcome
from nvcf_operator.reconcile.observe import Observer, Saturated
from nvcf_operator.reconcile.orphans import Orphans
from nvcf_operator.reconcile.ports import Accounts, Outdated, Vanished, WriteRefused
from nvcf_operator.reconcile.record import Reporter
from nvcf_operator.reconcile.requeue import ReconcileResult, Requeue, Requeues
from nvcf_operator.state.local_state import LocalState, LocalStates
from nvcf_operator.tracing import Tracer

log = logging.getLogger(__name__)

DEADLINE = 210.0
"""Seconds for one reconcile, above the sum of all timeouts inside it but that of a POST."""


class Reconciler:
    """Reconciles one key at a time; several may run side by side for different keys."""

    def __init__(
        self,
        environment: Environment,
        accounts: Accounts,
        observer: Observer,
        actuator: Actuator,
        orphans: Orphans,
        metrics: Metrics,
        tracer: Tracer,
        *,
        deep_interval: float,
        most_waiting: int,
        rate: float,
        redeploy_settle: float,
    ) -> None:
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._accounts = accounts
        self._local_states = LocalStates()
        self._observer = observer
        self._actuator = actuator
        self._reporter = Reporter(environment, metrics)
        self._requeues = Requeues(
            accounts, self._clock, deep_interval=deep_interval, rate=rate, redeploy_settle=redeploy_settle
        )
        self._orphans = orphans
        self._metrics = metrics
        self._tracer = tracer
        self._most_waiting = most_waiting
        self._redeploy_settle = redeploy_settle

    async def reconcile(self, key: Key, priority: Priority) -> ReconcileResult:
        """Reconcile a resource; say how it went and when to come back without anything new."""
        known = self._accounts.known(key)
        if known is not None and known.saturated(self._most(priority), Caller(priority, key.namespace)):
            return self._requeues.crowded(key, priority)
        found = self._cluster.get(key)
        if found is None:
            self.forget(key)
            return ReconcileResult("done", None)
        if found.deleting and not found.has_finalizer:
            self.gone(found)
            return ReconcileResult("done", None)
        local = self._local_states.of(key, found.uid, lambda: self._recall(found))
        resource = local.view(found, self._clock)
        about = {
            "namespace": key.namespace,
            "name": key.name,
            "function": resource.function_id,
            "version": resource.wanted_version,
            "reconcile": uuid.uuid4().hex[:8],
        }
        with self._tracer.reconcile(about) as span, logs.bind(**about, trace_id=span.trace_id):
            ended = await self._to_the_end(resource, local, priority)
            span.ended(ended.result)
            return self._guarded(key, local, ended)

    async def _reconcile(self, resource: Resource, local: LocalState, priority: Priority) -> Requeue | None:
        """The loop itself."""
        if priority is Priority.HIGH:
            local.requested(self._clock.monotonic())
        context = await self._observer.observe(resource, local, priority, most_waiting=self._most(priority))
        decision, context = await self._decide_and_act(context)
        if isinstance(context.situation.wrote, DropFinalizer) and context.resource.deleting:
            self.gone(context.resource)
            return None
        edited = await self._reporter.report(context, decision)
        if context.account is not None:
            context.account.note_busy(resource.key, busy=decision.busy)
        requeue = self._requeues.decided(local, decision, priority)
        return (Priority.HIGH, 0.0) if edited else requeue

    async def _decide_and_act(self, context: Context) -> tuple[Decision, Context]:
        """Decide; act; decide again on what came of it. At most one write goes to NVCF."""
        released = False
        while True:
            decision = decide(context.situation)
            self._reporter.drift(context, decision)
            action, wrote = decision.action, context.situation.wrote
            if action is None:
                return decision, context
            if released or (wrote is not None and not isinstance(action, DropFinalizer)):
                # More is to be done than one write: record how far it is, and come again at once.
                return unfinished(context.situation), context
            beside = asking(context.situation, action) if isinstance(action, Create) else None
            outcome = await self._actuator.carry_out(context, action, beside)
            context = outcome.context
            if context.situation.refused is not None:
                continue
            self._count(context, action)
            context = await self._observed_after(outcome)
            if isinstance(action, DropFinalizer):
                if context.resource.deleting:
                    return Decision(), context
                context, released = context.after(wrote=None), True

    async def _observed_after(self, outcome: Outcome) -> Context:
        """What is known after a write: by its own answer, or by another read."""
        if outcome.read_again is not None:
            return await self._observer.observe_again(outcome.context, outcome.read_again)
        if isinstance(outcome.context.situation.wrote, Create | Change):
            return self._observer.recall(outcome.context)
        return outcome.context

    def _count(self, context: Context, action: Action) -> None:
        situation, resource = context.situation, context.resource
        context.local.writes += situation.wrote is not None and not isinstance(situation.wrote, DropFinalizer)
        if isinstance(action, DropFinalizer):
            if resource.deleting and released_by_force(resource) and not resource.keeps_deployment:
                self._metrics.left_behind()
        elif isinstance(action, Undeploy) and situation.wrote is action:
            if action.purpose == Purpose.STALE:
                self._metrics.left_behind()
        elif not isinstance(action, TakeFinalizer):
            self._metrics.reconciled_write(type(action).__name__.lower())

    async def _to_the_end(self, resource: Resource, local: LocalState, priority: Priority) -> ReconcileResult:
        """Reconcile a resource that is there, and say how it ended."""
        try:
            async with asyncio.timeout(_deadline(resource)):
                return ReconcileResult("done", await self._reconcile(resource, local, priority))
        except Saturated:
            return self._requeues.crowded(resource.key, priority)
        except Outdated as reason:
            log.info("read again: %s", reason)
            return self._requeues.outdated(local, priority)
        except (Missing, Vanished):
            log.info("the resource is gone")
            self._cluster.drop(resource.key, resource.uid)  # the watch will find nothing to bring the end of
            self.gone(resource)
            return self._requeues.vanished(priority)
        except WriteRefused as refused:
            self._reporter.refused(resource, local, str(refused))
            return self._requeues.refused(local, priority)
        except KubeError as error:
            log.warning("the Kubernetes API did not accept it: %s", error)
            return self._requeues.failed(local, priority)

    def forget(self, key: Key) -> None:
        """Drop all that is remembered of a resource that is gone."""
        self._local_states.forget(key)
        self._metrics.resource_gone(key)
        self._accounts.leave(key)

    def gone(self, resource: Resource) -> None:
        """Deal with an object that is gone, or goes without our finalizer: with what it has left in NVCF, if anything.

        Args:
            resource: the object as it was known last.

        """
        local, account = self._local_states.known(resource.key, resource.uid), self._accounts.known(resource.key)
        first = self._local_states.ends(resource.uid)  # watch and workers may both hear of the end
        if local is not None and not local.released:
            self._orphans.vanished(local.view(resource, self._clock), account)
        elif local is None and first and resource.has_finalizer:  # no worker of this process had come to it yet
            self._orphans.vanished(resource, account)
        if local is None or not (local.released and resource.deleting and resource.finalizers):
            self.forget(resource.key)

    def _recall(self, resource: Resource) -> LocalState:
        """Start remembering: a change of ours that status shows to be young is still to be read back."""
        now, last = self._clock.monotonic(), resource.status.last_write
        local = LocalState.begun(resource, self._clock, now)
        if last is not None and resource.is_true("Available"):
            age = (self._clock.now() - last.since).total_seconds()
            if age < self._redeploy_settle:
                local.verify_at = now + self._redeploy_settle - max(0.0, age)
                local.raised_minimum = any(c.reason == Reason.SCALING_UP for c in resource.status.conditions)
        return local

    def _guarded(self, key: Key, local: LocalState, ended: ReconcileResult) -> ReconcileResult:
        """See to it that no reconcile follows at once where nothing has changed, whatever this one wants."""
        if ended.requeue is None:
            return ended
        priority, delay = ended.requeue
        return ended._replace(requeue=(priority, local.guard.pause(delay, (self._cluster.version(key), local.writes))))

    def _most(self, priority: Priority) -> int:
        """How many may wait at an account's limiter before a reconcile; what is nearly done passes a crowd."""
        return self._most_waiting * (2 if priority == Priority.IN_PROGRESS else 1)


def _deadline(resource: Resource) -> float:
    """Seconds for one reconcile; a POST takes the longer, the more specifications it has."""
    count = len(resource.spec.deployment_specifications) if resource.spec is not None else 1
    return DEADLINE + create_timeout(count)
