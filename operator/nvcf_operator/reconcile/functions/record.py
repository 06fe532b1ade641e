"""Records what a reconcile of a CloudFunction has found and done: in the status, in Events, and in metrics."""

from nvcf_operator.api.function_status import CloudFunctionStatus
from nvcf_operator.core.functions.model.decision import FunctionDecision
from nvcf_operator.core.functions.report.events import adopted, discovered, drifted
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment
from nvcf_operator.reconcile.record import ManagedReporter


class FunctionReporter(ManagedReporter[FunctionContext, FunctionDecision, CloudFunctionStatus]):
    """Writes status, Events and metrics of a CloudFunction."""

    def __init__(self, environment: FunctionEnvironment, metrics: Metrics) -> None:
        super().__init__(environment, metrics)
        self._sent = environment.sent

    def _status(self, context: FunctionContext, decision: FunctionDecision) -> CloudFunctionStatus:
        return report(context.situation, decision)

    def _found(self, context: FunctionContext, status: CloudFunctionStatus) -> EventNote | None:
        return discovered(context.situation, status) or adopted(context.situation, status)

    def _measure(self, context: FunctionContext, status: CloudFunctionStatus) -> None:
        """Nothing beside the conditions: a function runs nothing."""

    def _on_record(self, status: CloudFunctionStatus) -> None:
        if status.intent is not None and status.intent.answered:
            self._sent.recorded(status.intent.token)

    def _written(self, context: FunctionContext, status: CloudFunctionStatus) -> None:
        """Nothing beside what is on record."""

    def drift(self, context: FunctionContext, decision: FunctionDecision) -> None:
        """Report what somebody else has changed or deleted, before it is restored."""
        if not decision.drift or context.situation.wrote is not None:
            return
        self._metrics.drifted(decision.drift)
        self._cluster.emit(context.resource, drifted(context.resource, decision.action))
