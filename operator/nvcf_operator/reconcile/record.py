"""Records what a reconcile has found and done: in the status, in Events, and in metrics."""

import logging
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.model.decision import Decision
from nvcf_operator.core.model.managed import AnyResource, AnyStatus
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.report.events import (
    EventNote,
    discovered,
    ignored_words,
    of_failure,
    seconds_to_ready,
    transitions,
    without_instances,
)
from nvcf_operator.core.report.instances import is_none_running
from nvcf_operator.core.rules.record import ordered
from nvcf_operator.kube.client import merge_patch
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.context import Context, Environment
from nvcf_operator.reconcile.stages import ContextT, DecisionT, ManagedEnvironment
from nvcf_operator.state.managed_state import AnyLocalState

log = logging.getLogger(__name__)

StatusT = TypeVar("StatusT", bound=AnyStatus)


class ManagedReporter(ABC, Generic[ContextT, DecisionT, StatusT]):
    """Writes status, Events and metrics of one kind of resource."""

    def __init__(self, environment: ManagedEnvironment, metrics: Metrics) -> None:
        self._environment = environment
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._metrics = metrics

    @abstractmethod
    def _status(self, context: ContextT, decision: DecisionT) -> StatusT:
        """The status that says what was found and decided."""

    @abstractmethod
    def _found(self, context: ContextT, status: StatusT) -> EventNote | None:
        """The Event of something in NVCF that is on record from now on though no answer has just shown it."""

    @abstractmethod
    def _measure(self, context: ContextT, status: StatusT) -> None:
        """Record in the metrics what the resource shows beside its conditions."""

    @abstractmethod
    def _on_record(self, status: StatusT) -> None:
        """Note what the cluster's record is known to hold: nothing of it is nobody's any more."""

    @abstractmethod
    def _written(self, context: ContextT, status: StatusT) -> None:
        """Note what was written."""

    async def report(self, context: ContextT, decision: DecisionT) -> bool:
        """Write status, once, and only if it differs.

        True when the answer shows a user's doing that the watch has not shown yet: there it will be no news.

        Raises:
            Outdated, Vanished, WriteRefused, KubeError: as `Cluster.write_status`.

        """
        resource, local = context.resource, context.local
        status = self._status(context, decision)
        # Before the write: from here on it is on record, in our own copy, and would not be reported again.
        if (discovery := self._found(context, status)) is not None:
            self._cluster.emit(resource, discovery)
            log.info("%s: %s", discovery.reason, discovery.message)
        self._report_failure(context)
        local.decided(resource, status)
        local.reports(resource, status, self._clock.monotonic())
        shown = [(item.type, item.status) for item in status.conditions]
        self._metrics.resource_shows(resource.key, shown, resource.KIND)
        self._measure(context, status)
        patch = merge_patch(resource.recorded, status.to_dict(), ours=resource.CONDITION_TYPES)
        if patch is None:
            local.written(proven=False)
            self._on_record(status)  # the answer to the write of it may have been lost
            return False
        edited = await self._cluster.write_status(resource, local, patch)
        local.reported_refusal = ""
        local.written(proven=True)
        for note in self._notes(context, status):
            self._environment.emit(resource, note)
        self._report_mass_absence(context, decision)
        self._on_record(status)
        self._written(context, status)
        return edited

    def _notes(self, context: ContextT, status: StatusT) -> tuple[EventNote, ...]:
        """The Events of what a status says anew."""
        return (*transitions(context.resource.status, status), *ignored_words(context.resource, status))

    def refused(self, resource: AnyResource, local: AnyLocalState, message: str) -> None:
        """Report that the status itself is refused, by what is left to report it with."""
        log.warning("%s", message)
        if message != local.reported_refusal:
            local.reported_refusal = message
            self._cluster.emit(resource, EventNote(True, Reason.WRITE_REFUSED, message))

    def _report_failure(self, context: ContextT) -> None:
        """Report once what NVCF answers to a write again and again, and once more when it says something else."""
        note = of_failure(context.resource, context.situation.failure)
        if note is None or note.message == context.local.reported_failure:
            return
        context.local.reported_failure = note.message
        self._cluster.emit(context.resource, note)

    def _report_mass_absence(self, context: ContextT, decision: DecisionT) -> None:
        """Report it once a namespace, though many of its resources may stand still for the same cause."""
        account, condition_set = context.account, decision.condition_set
        if account is None or condition_set is None or condition_set.reason != Reason.MASS_ABSENCE:
            return
        if account.mass_deletion.first_reported_in(context.resource.key.namespace):
            self._cluster.emit(context.resource, EventNote(True, Reason.MASS_ABSENCE, condition_set.message))
            log.warning("%s", condition_set.message)


class Reporter(ManagedReporter[Context, Decision, FunctionDeploymentStatus]):
    """Writes status, Events and metrics of a FunctionDeployment."""

    def __init__(self, environment: Environment, metrics: Metrics) -> None:
        super().__init__(environment, metrics)
        self._sent = environment.sent

    def _status(self, context: Context, decision: Decision) -> FunctionDeploymentStatus:
        return report(context.situation, decision)

    def _found(self, context: Context, status: FunctionDeploymentStatus) -> EventNote | None:
        return discovered(context.situation, status)

    def _measure(self, context: Context, status: FunctionDeploymentStatus) -> None:
        key = context.resource.key
        self._metrics.resource_orders(key, ordered(context.situation, status))
        self._metrics.resource_runs(key, status.running, none_running=is_none_running(status))

    def _notes(self, context: Context, status: FunctionDeploymentStatus) -> tuple[EventNote, ...]:
        return (*super()._notes(context, status), *without_instances(context.resource, status))

    def _on_record(self, status: FunctionDeploymentStatus) -> None:
        if status.intent is not None and status.intent.answered:
            self._sent.recorded(status.intent.token)

    def _written(self, context: Context, status: FunctionDeploymentStatus) -> None:
        if (seconds := seconds_to_ready(context.resource, status, context.situation.now)) is not None:
            self._metrics.became_ready(seconds)

    def drift(self, context: Context, decision: Decision) -> None:
        """Report what somebody else has changed, before it is restored."""
        if not decision.drift or context.situation.wrote is not None:
            return
        fields = ", ".join(decision.drift)
        self._metrics.drifted(decision.drift)
        message = f"Somebody else changed the deployment: {fields}. The operator restores what the manifest specifies."
        self._cluster.emit(context.resource, EventNote(True, Reason.DRIFT, message))
