"""The stages of a FunctionDeployment."""

import random
from collections.abc import Mapping

from nvcf_client.endpoints.deployments import create_timeout
from nvcf_operator.core.decide import asking, decide, unfinished
from nvcf_operator.core.model.decision import Change, Create, Decision, DropFinalizer, Purpose, TakeFinalizer, Undeploy
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.versions import released_by_force
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.act.actuator import Actuator
from nvcf_operator.reconcile.context import Context, Environment
from nvcf_operator.reconcile.instances import AGAIN
from nvcf_operator.reconcile.observe import Observer
from nvcf_operator.reconcile.orphans import Orphans
from nvcf_operator.reconcile.ports import Nvcf
from nvcf_operator.reconcile.record import Reporter
from nvcf_operator.reconcile.stages import Outcome, Stages
from nvcf_operator.state.local_state import LocalState


class DeploymentStages(Stages[Resource, LocalState, Context, Decision]):
    """Observes, decides, acts and records for FunctionDeployments.

    Args:
        environment: what all stages share.
        observer: makes situations.
        actuator: makes writes.
        orphans: follows what vanished objects have left under way.
        metrics: where writes are counted.
        deep_interval: seconds between two reads of a deployment, though the list says nothing new.
        redeploy_settle: seconds after which an in-place change is read back.

    """

    def __init__(
        self,
        environment: Environment,
        observer: Observer,
        actuator: Actuator,
        orphans: Orphans,
        metrics: Metrics,
        *,
        deep_interval: float,
        redeploy_settle: float,
    ) -> None:
        self._clock = environment.clock
        self._observer = observer
        self._actuator = actuator
        self._orphans = orphans
        self._reporter = Reporter(environment, metrics)
        self._metrics = metrics
        self._deep_interval = deep_interval
        self._redeploy_settle = redeploy_settle

    def about(self, resource: Resource) -> dict[str, str]:
        """The ids of what is deployed."""
        return {"function": resource.function_id, "version": resource.wanted_version}

    def recall(self, resource: Resource) -> LocalState:
        """Start remembering: a change of ours that status shows to be young is still to be read back."""
        now, last = self._clock.monotonic(), resource.status.last_write
        local = LocalState.begun(resource, self._clock, now)
        if last is not None and resource.is_true("Available"):
            age = (self._clock.now() - last.since).total_seconds()
            if age < self._redeploy_settle:
                local.verify_at = now + self._redeploy_settle - max(0.0, age)
                local.raised_minimum = any(c.reason == Reason.SCALING_UP for c in resource.status.conditions)
        return local

    def longest_write(self, resource: Resource) -> float:
        """The seconds for a POST, which takes the longer, the more specifications it has."""
        count = len(resource.spec.deployment_specifications) if resource.spec is not None else 1
        return create_timeout(count)

    async def observe(self, resource: Resource, local: LocalState, priority: Priority, *, most_waiting: int) -> Context:
        """Observe the versions that the resource has to do with."""
        return await self._observer.observe(resource, local, priority, most_waiting=most_waiting)

    def decide(self, context: Context) -> Decision:
        """Decide by the table of situations."""
        return decide(context.situation)

    def unfinished(self, context: Context) -> Decision:
        """Report how far it is."""
        return unfinished(context.situation)

    async def carry_out(self, context: Context, decision: Decision) -> Outcome[Context]:
        """Make the write; with an intent, what the status is to say beside it."""
        action = decision.action
        assert action is not None, "a decision without a write is recorded"
        beside = asking(context.situation, action) if isinstance(action, Create) else None
        return await self._actuator.carry_out(context, action, beside)

    async def observe_again(self, outcome: Outcome[Context]) -> Context:
        """Read the deployment again where only that shows what became of the write."""
        if outcome.read_again is not None:
            return await self._observer.observe_again(outcome.context, outcome.read_again)
        if isinstance(outcome.context.situation.wrote, Create | Change):
            return self._observer.recall(outcome.context)
        return outcome.context

    def count(self, context: Context, decision: Decision) -> None:
        """Count a change of a deployment, or one that is left behind."""
        situation, resource, action = context.situation, context.resource, decision.action
        if isinstance(action, DropFinalizer):
            if resource.deleting and released_by_force(resource) and not resource.keeps:
                self._metrics.left_behind()
        elif isinstance(action, Undeploy) and situation.wrote is action:
            if action.purpose == Purpose.STALE:
                self._metrics.left_behind()
        elif not isinstance(action, TakeFinalizer):
            self._metrics.reconciled_write(type(action).__name__.lower())

    def report_drift(self, context: Context, decision: Decision) -> None:
        """Report fields of the deployment that somebody else has changed."""
        self._reporter.drift(context, decision)

    async def report(self, context: Context, decision: Decision) -> bool:
        """Write status, Events and metrics."""
        return await self._reporter.report(context, decision)

    def report_refusal(self, resource: Resource, local: LocalState, message: str) -> None:
        """Report it by an Event."""
        self._reporter.refused(resource, local, message)

    def due(self, local: LocalState) -> Mapping[str, float]:
        """The deployment is read now and then, though the list says nothing new, and soon after a change of it."""
        now = self._clock.monotonic()
        if local.deep_at <= 0.0:
            local.deep_at = now + self._until_deep_read(first=local.last_get_at < 0.0)
        elif now >= local.deep_at:
            local.deep_at = now + self._until_deep_read(first=False)
        causes = {"the next full read": local.deep_at - now}
        if local.verify_at is not None:  # if that is over, something kept this reconcile from reading it
            left = local.verify_at - now
            causes["reading a change back"] = left + 0.01 if left > 0.0 else self._redeploy_settle
        again = [read.again_at for read in local.instances.values() if read.again_at is not None]
        if again:
            left = min(again) - now  # if that is over, something kept this reconcile from reading them
            causes["reading the instances again"] = left + 0.01 if left > 0.0 else AGAIN
        return causes

    def vanished(self, resource: Resource, account: Nvcf | None) -> None:
        """Follow what a POST of ours may still make."""
        self._orphans.vanished(resource, account)

    def _until_deep_read(self, *, first: bool) -> float:
        """Seconds until the next deep read: for the first one after a start anywhere in the interval."""
        interval = self._deep_interval
        return random.uniform(0.0, interval) if first else interval * random.uniform(0.9, 1.1)
