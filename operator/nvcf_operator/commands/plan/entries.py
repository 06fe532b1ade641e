"""Makes the entries of a plan, of what the loop has decided and of the write that was refused."""

from dataclasses import dataclass, field
from typing import Any

from nvcf_operator.api.conditions import READY
from nvcf_operator.api.names import Key
from nvcf_operator.commands.plan import changes, outcomes
from nvcf_operator.commands.plan.changes import GpuCount
from nvcf_operator.commands.plan.loop.channel import RefusedWrite
from nvcf_operator.commands.plan.loop.expected import Expected
from nvcf_operator.commands.plan.loop.operation import Operation
from nvcf_operator.commands.plan.loop.ports import PlannedSecrets
from nvcf_operator.commands.plan.model import Action, Basis, Manifest, Orders, Planned
from nvcf_operator.commands.plan.ways_out import WAYS_OUT
from nvcf_operator.core.functions.model.decision import SendSecrets
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.model.decision import DropFinalizer
from nvcf_operator.core.model.situation import Situation

UNREAD = (
    "Some Secrets that spec.secrets names were not read, so it is not known whether their values have changed, or can "
    "be used."
)
SENT_PERHAPS = (
    "The Secrets have changed since their values were sent. An operator that has been running since then knows which "
    "values changed, and sends only those."
)
SPEC_MERGED = (
    "The cluster's object was merged with the manifest locally; a server-side apply may give a different result."
)


@dataclass(slots=True)
class Work:
    """One manifest on its way to its entry of the plan."""

    manifest: Manifest
    key: Key
    adopts: bool = False
    after: str | None = None
    planned: Planned | None = None
    skipped: float = 0.0
    """Seconds that the plan's clock has skipped for it."""
    notes: list[str] = field(default_factory=list)


class Entries:
    """Makes entries.

    Args:
        operation: the operator that a plan asks.
        expected: names for ids that are not known yet.
        secrets: knows which Secrets were not read.
        gpus: GPUs of one instance.

    """

    def __init__(self, operation: Operation, expected: Expected, secrets: PlannedSecrets, gpus: GpuCount) -> None:
        self._operation = operation
        self._expected = expected
        self._secrets = secrets
        self._gpus = gpus

    def entry(self, item: Work, refused: RefusedWrite | None) -> Planned:
        """The entry of a resource after its last reconcile, which has ended in a refused write or without one."""
        decided, resource = self._operation.decided, self._operation.get(item.key)
        ready = resource.condition(READY) if resource is not None else None
        reason, message = (ready.reason, ready.message) if ready is not None else ("", "")
        action, situation = outcomes.of_reason(reason), None
        if decided.context is not None:
            situation = decided.context.situation
        did = decided.decision.action if decided.decision is not None else None
        if refused is not None:
            if isinstance(situation, FunctionSituation):
                action = outcomes.of_function(situation, did)
            elif isinstance(situation, Situation):
                action = outcomes.of_deployment(situation, did)
            meanwhile = decided.meanwhile
            reason, message = (meanwhile.reason, meanwhile.message) if meanwhile is not None else ("", "")
        elif resource is None or isinstance(did, DropFinalizer):
            action = Action.UNCHANGED
        if self._secrets.lacks(resource):
            item.notes.append(UNREAD)
        elif isinstance(did, SendSecrets):
            item.notes.append(SENT_PERHAPS)
        adopts = item.adopts or action == Action.ADOPT
        if action == Action.UNCHANGED and adopts:
            action = Action.ADOPT
        return Planned(
            kind=item.key.kind.name,
            namespace=item.key.namespace,
            name=item.key.name,
            source=item.manifest.source,
            action=action,
            reason=str(reason),
            message=self._expected.text(message),
            ways_out=WAYS_OUT.get(reason, ()) if action.fails else (),
            changes=tuple(map(self._expected.change, self._changes(item, situation, did, action))),
            first_write=self._expected.named(item.key, refused.write) if refused is not None else None,
            after=item.after if action.changes else None,
            waits=item.skipped if refused is not None else 0.0,
            adopts=adopts,
            downtime=action == Action.REDEPLOY,
            orders=self._orders(situation, resource, action),
            basis=item.manifest.basis if item.manifest.recorded is not None else Basis.NEW,
            notes=(*item.notes, *([SPEC_MERGED] if item.manifest.basis == Basis.MERGED else ())),
        )

    def _orders(self, situation: Any, resource: Any, action: Action) -> Orders:
        if not isinstance(situation, Situation):
            return Orders()
        return changes.orders(situation, resource, action, self._gpus)

    def _changes(self, item: Work, situation: Any, did: Any, action: Action) -> tuple[Any, ...]:
        if isinstance(situation, FunctionSituation):
            recorded = item.manifest.recorded or {}
            return changes.of_function(situation, did, recorded.get("spec")) if action.changes else ()
        if not isinstance(situation, Situation):
            return ()
        if action == Action.REFUSE:
            return changes.of_refusal(situation)
        return changes.of_deployment(situation, did, action) if action.changes and did is not None else ()
