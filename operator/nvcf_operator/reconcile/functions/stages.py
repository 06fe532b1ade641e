"""The stages of a CloudFunction."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from nvcf_client.endpoints.functions import REGISTER_TIMEOUT
from nvcf_operator.core.functions.branches.in_place import changes_versions, is_able, up_to_date
from nvcf_operator.core.functions.decide import asking, decide, unfinished
from nvcf_operator.core.functions.model.decision import (
    DeleteVersion,
    FunctionAction,
    FunctionDecision,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.unsent import may_be_outdated
from nvcf_operator.core.functions.report.events import of_write, released
from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer
from nvcf_operator.core.model.versions import released_by_force
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.act.finalizer import Finalizers
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment
from nvcf_operator.reconcile.functions.delete import Deletions
from nvcf_operator.reconcile.functions.observe import FunctionObserver
from nvcf_operator.reconcile.functions.orphans import FunctionOrphans
from nvcf_operator.reconcile.functions.record import FunctionReporter
from nvcf_operator.reconcile.functions.register import Registrations
from nvcf_operator.reconcile.functions.secrets import SecretReader
from nvcf_operator.reconcile.functions.send_secrets import SecretSender
from nvcf_operator.reconcile.functions.update import Updates
from nvcf_operator.reconcile.ports import Nvcf
from nvcf_operator.reconcile.stages import Outcome, Stages
from nvcf_operator.state.function_state import FunctionLocalState
from nvcf_operator.state.versions_up_to_date import Findings


class FunctionStages(Stages[CloudFunction, FunctionLocalState, FunctionContext, FunctionDecision]):
    """Observes, decides, acts and records for CloudFunctions.

    Args:
        environment: what all stages share.
        observer: makes situations.
        orphans: follows what vanished objects have left under way.
        secrets: reads the values of the functions' secrets.
        metrics: where writes are counted.
        unrecorded: the fields that the CRD is known to lack, and that nothing is registered without.

    """

    def __init__(
        self,
        environment: FunctionEnvironment,
        observer: FunctionObserver,
        orphans: FunctionOrphans,
        secrets: SecretReader,
        metrics: Metrics,
        *,
        unrecorded: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._clock = environment.clock
        self._up_to_date = environment.up_to_date
        self._observer = observer
        self._orphans = orphans
        self._metrics = metrics
        self._reporter = FunctionReporter(environment, metrics)
        self._finalizers: Finalizers[FunctionContext] = Finalizers(environment, _ends)
        self._registrations = Registrations(environment, secrets, unrecorded)
        self._deletions = Deletions(environment)
        self._updates = Updates(environment)
        self._secrets = secrets
        self._sender = SecretSender(environment, secrets)

    def about(self, resource: CloudFunction) -> dict[str, str]:
        """The ids of what is registered."""
        return {"function": resource.function_id or "", "version": resource.latest_version or ""}

    def recall(self, resource: CloudFunction) -> FunctionLocalState:
        """Start remembering: of what was before, only the record is left."""
        local = FunctionLocalState.begun(resource, self._clock, self._clock.monotonic())
        local.values_unknown = may_be_outdated(resource)
        return local

    def longest_write(self, resource: CloudFunction) -> float:
        """The seconds for a POST."""
        return REGISTER_TIMEOUT

    async def observe(
        self, resource: CloudFunction, local: FunctionLocalState, priority: Priority, *, most_waiting: int
    ) -> FunctionContext:
        """Observe the versions that the resource has to do with; those that wait for one need not wait for a POST."""
        context = await self._observer.observe(resource, local, priority, most_waiting=most_waiting)
        self._note_up_to_date(context)
        return context

    def decide(self, context: FunctionContext) -> FunctionDecision:
        """Decide by the table of situations."""
        return decide(context.situation)

    def unfinished(self, context: FunctionContext) -> FunctionDecision:
        """Report how far it is."""
        return unfinished(context.situation)

    async def carry_out(self, context: FunctionContext, decision: FunctionDecision) -> Outcome[FunctionContext]:
        """Make the write, and say which one it was where it failed."""
        action = decision.action
        assert action is not None, "a decision without a write is recorded"
        if isinstance(action, UpdateVersion | RemoveRateLimit | SendSecrets):
            context.local.put_off = (action.version_id, type(action).__name__)
        outcome = await self._made(context, action)
        if outcome.context.situation.failure is None:
            context.local.put_off = None
            return outcome
        return replace(outcome, context=outcome.context.after(tried=action))

    async def _made(self, context: FunctionContext, action: FunctionAction) -> Outcome[FunctionContext]:
        match action:
            case TakeFinalizer():
                return await self._finalizers.take(context, action)
            case DropFinalizer():
                return await self._finalizers.drop(context, action)
            case Register():
                asks = asking(context.situation, action)
                return await self._registrations.register(context.hurried(), action, asks)
            case DeleteVersion():
                return await self._deletions.delete(context.hurried(), action)
            case UpdateVersion() | RemoveRateLimit():
                return await self._updates.update(context.hurried(), action)
            case SendSecrets():
                return await self._sender.send(context.hurried(), action)

    async def observe_again(self, outcome: Outcome[FunctionContext]) -> FunctionContext:
        """Add what is remembered of the write: its own answer shows what became of it."""
        return self._observer.recall(self._observer.refollowed(outcome.context))

    def count(self, context: FunctionContext, decision: FunctionDecision) -> None:
        """Count a version that was registered or deleted, or what is left behind."""
        action, resource = decision.action, context.resource
        match action:
            case DropFinalizer() if resource.deleting and released_by_force(resource) and not resource.keeps:
                self._metrics.left_behind()
            case Register():
                self._metrics.reconciled_write("register")
            case DeleteVersion():
                self._metrics.reconciled_write("delete_version")
            case UpdateVersion():
                self._metrics.reconciled_write("update_version")
            case RemoveRateLimit():
                self._metrics.reconciled_write("remove_rate_limit")
            case SendSecrets():
                self._metrics.reconciled_write("send_secrets")

    def report_drift(self, context: FunctionContext, decision: FunctionDecision) -> None:
        """Report that somebody else has deleted the latest version."""
        self._reporter.drift(context, decision)

    async def report(self, context: FunctionContext, decision: FunctionDecision) -> bool:
        """Write status, Events and metrics, and have those that deploy a version know that it is up to date."""
        self._note_up_to_date(context)
        edited = await self._reporter.report(context, decision)
        context.local.values_unknown = False  # it is on record from here on
        return edited

    def _note_up_to_date(self, context: FunctionContext) -> None:
        situation, resource = context.situation, context.resource
        if not changes_versions(situation):
            self._up_to_date.forget(resource.key)
            return
        able = is_able(situation)
        versions = up_to_date(situation) if able else frozenset[str]()
        self._up_to_date.note(resource.key, Findings(resource.uid, resource.generation, versions, able))

    def report_refusal(self, resource: CloudFunction, local: FunctionLocalState, message: str) -> None:
        """Report it by an Event."""
        self._reporter.refused(resource, local, message)

    def due(self, local: FunctionLocalState) -> Mapping[str, float]:
        """The Secrets are read again, since nothing shows their changes; polls show all else."""
        left = self._secrets.due.left(local, self._clock.monotonic())
        return {"reading the Secrets": left} if left is not None else {}

    def vanished(self, resource: CloudFunction, account: Nvcf | None) -> None:
        """Follow what a POST of ours may still register."""
        self._orphans.vanished(resource, account)


def _ends(context: FunctionContext, action: DropFinalizer) -> Iterable[EventNote]:
    """What to report when the finalizer is removed."""
    note = released(context.situation)
    return (*of_write(context.resource, action), *((note,) if note is not None else ()))
