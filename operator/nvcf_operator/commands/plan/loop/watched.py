"""The stages of both kinds, with what was decided last kept for the plan to read."""

from dataclasses import dataclass
from typing import Any

from nvcf_operator.core.decide import asking
from nvcf_operator.core.functions.model.decision import DeleteVersion, FunctionDecision
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.decision import Action, AnyDecision, Change, ConditionSet, Create, Decision
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.reconcile.context import Context
from nvcf_operator.reconcile.deployments import DeploymentStages
from nvcf_operator.reconcile.functions.context import FunctionContext
from nvcf_operator.reconcile.functions.stages import FunctionStages
from nvcf_operator.reconcile.stages import AnyContext, Outcome
from nvcf_operator.state.function_state import FunctionLocalState
from nvcf_operator.state.local_state import LocalState

LONG_AGO = 1.0
"""Before the plan's clock begins."""


@dataclass(slots=True)
class Decided:
    """The last decision of a reconcile, and what it was made on."""

    context: AnyContext | None = None
    decision: AnyDecision | None = None
    meanwhile: ConditionSet | None = None
    """What status would report while the write is made; None where that depends on what comes of it."""

    def forget(self) -> None:
        """Start another reconcile."""
        self.context = self.decision = self.meanwhile = None

    def take(self, context: AnyContext, decision: AnyDecision, meanwhile: ConditionSet | None = None) -> None:
        """Keep a decision."""
        self.context, self.decision, self.meanwhile = context, decision, meanwhile


class WatchedDeployments(DeploymentStages):
    """The stages of a FunctionDeployment."""

    def __init__(self, *of: Any, decided: Decided, **named: Any) -> None:
        super().__init__(*of, **named)
        self._decided = decided

    def recall(self, resource: Resource) -> LocalState:
        """Start with a full read: what a list does not show may have been changed, and would be changed back."""
        local = super().recall(resource)
        local.deep_at = LONG_AGO
        return local

    async def carry_out(self, context: Context, decision: Decision) -> Outcome[Context]:
        """Keep the decision, and make the write."""
        self._decided.take(context, decision, self._meanwhile(context, decision.action))
        return await super().carry_out(context, decision)

    def _meanwhile(self, context: Context, action: Action | None) -> ConditionSet | None:
        if isinstance(action, Create):
            return asking(context.situation, action).condition_set
        return self.unfinished(context).condition_set if isinstance(action, Change) else None

    async def report(self, context: Context, decision: Decision) -> bool:
        """Keep the decision, and record it."""
        self._decided.take(context, decision, decision.condition_set)
        return await super().report(context, decision)


class WatchedFunctions(FunctionStages):
    """The stages of a CloudFunction."""

    def __init__(self, *of: Any, decided: Decided, **named: Any) -> None:
        super().__init__(*of, **named)
        self._decided = decided

    def recall(self, resource: CloudFunction) -> FunctionLocalState:
        """Start as the process that wrote the record: no earlier one may still be changing a version, or has."""
        local = super().recall(resource)
        local.earlier_changes_doubted, local.values_unknown = True, False
        return local

    async def carry_out(self, context: FunctionContext, decision: FunctionDecision) -> Outcome[FunctionContext]:
        """Keep the decision, and make the write."""
        deletes = isinstance(decision.action, DeleteVersion)
        self._decided.take(context, decision, None if deletes else self.unfinished(context).condition_set)
        return await super().carry_out(context, decision)

    async def report(self, context: FunctionContext, decision: FunctionDecision) -> bool:
        """Keep the decision, and record it."""
        self._decided.take(context, decision, decision.condition_set)
        return await super().report(context, decision)
