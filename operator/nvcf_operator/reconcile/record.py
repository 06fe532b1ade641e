"""Records what a reconcile has found and done: in the status, in Events, and in metrics."""

import logging

from nvcf_operator.core.model.decision import Decision
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.report.events import (
    EventNote,
    discovered,
    ignored_words,
    of_failure,
    seconds_to_ready,
    transitions,
)
from nvcf_operator.core.rules.record import ordered
from nvcf_operator.kube.client import merge_patch
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.context import Context, Environment
from nvcf_operator.state.local_state import LocalState

log = logging.getLogger(__name__)


class Reporter:
    """Writes status, Events and metrics."""

    def __init__(self, environment: Environment, metrics: Metrics) -> None:
        self._environment = environment
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._sent = environment.sent
        self._metrics = metrics

    async def report(self, context: Context, decision: Decision) -> bool:
        """Write status, once, and only if it differs.

        True when the answer shows a user's doing that the watch has not shown yet: there it will be no news.

        Raises:
            Outdated, Vanished, WriteRefused, KubeError: as `Cluster.write_status`.

        """
        situation, resource, local = context.situation, context.resource, context.local
        status = report(situation, decision)
        # Before the write: from here on it is on record, in our own copy, and would not be reported again.
        if (discovery := discovered(situation, status)) is not None:
            self._cluster.emit(resource, discovery)
            log.info("%s: %s", discovery.reason, discovery.message)
        self._report_failure(context)
        local.decided(resource, status)
        local.reports(resource, status, self._clock.monotonic())
        self._metrics.resource_shows(resource.key, [(item.type, item.status) for item in status.conditions])
        self._metrics.resource_orders(resource.key, ordered(situation, status))
        if merge_patch(resource.recorded, status.to_dict()) is None:
            local.written(proven=False)
            return False
        edited = await self._cluster.write_status(resource, local, status)
        local.reported_refusal = ""
        local.written(proven=True)
        if status.intent is not None and status.intent.answered:
            self._sent.recorded(status.intent.token)
        for note in (*transitions(resource.status, status), *ignored_words(resource, status)):
            self._environment.emit(resource, note)
        self._report_mass_absence(context, decision)
        if (seconds := seconds_to_ready(resource, status, situation.now)) is not None:
            self._metrics.became_ready(seconds)
        return edited

    def drift(self, context: Context, decision: Decision) -> None:
        """Report what somebody else has changed, before it is restored."""
        if not decision.drift or context.situation.wrote is not None:
            return
        fields = ", ".join(decision.drift)
        self._metrics.drifted(decision.drift)
        message = f"Somebody else changed the deployment: {fields}. The operator restores what the manifest specifies."
        self._cluster.emit(context.resource, EventNote(True, Reason.DRIFT, message))

    def refused(self, resource: Resource, local: LocalState, message: str) -> None:
        """Report that the status itself is refused, by what is left to report it with."""
        log.warning("%s", message)
        if message != local.reported_refusal:
            local.reported_refusal = message
            self._cluster.emit(resource, EventNote(True, Reason.WRITE_REFUSED, message))

    def _report_failure(self, context: Context) -> None:
        """Report once what NVCF answers to a write again and again, and once more when it says something else."""
        note = of_failure(context.resource, context.situation.failure)
        if note is None or note.message == context.local.reported_failure:
            return
        context.local.reported_failure = note.message
        self._cluster.emit(context.resource, note)

    def _report_mass_absence(self, context: Context, decision: Decision) -> None:
        """Report it once a namespace, though many of its resources may stand still for the same cause."""
        account, condition_set = context.account, decision.condition_set
        if account is None or condition_set is None or condition_set.reason != Reason.MASS_ABSENCE:
            return
        if account.mass_deletion.first_reported_in(context.resource.key.namespace):
            self._cluster.emit(context.resource, EventNote(True, Reason.MASS_ABSENCE, condition_set.message))
            log.warning("%s", condition_set.message)
