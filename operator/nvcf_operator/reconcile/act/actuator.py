"""Carries out the one write that a decision asks for, and gives back what came of it."""

import logging
from collections.abc import Callable

from nvcf_operator.accounts import failures
from nvcf_operator.core.model.decision import Action, Change, Create, DropFinalizer, TakeFinalizer, Undeploy
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.reconcile.act.change import Changes
from nvcf_operator.reconcile.act.create import Creates
from nvcf_operator.reconcile.act.finalizer import Finalizers
from nvcf_operator.reconcile.act.undeploy import Undeploys
from nvcf_operator.reconcile.context import Context, Environment, Outcome
from nvcf_operator.reconcile.ports import WriteRefused

log = logging.getLogger(__name__)


class Actuator:
    """Writes to the cluster and to NVCF.

    Args:
        environment: what all stages share.
        redeploy_settle: seconds after which an in-place change is read back.
        unrecorded: the fields that the CRD is known to lack, and that no deployment is asked for without.

    """

    def __init__(
        self,
        environment: Environment,
        *,
        redeploy_settle: float,
        unrecorded: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._finalizers = Finalizers(environment)
        self._creates = Creates(environment, unrecorded)
        self._changes = Changes(environment, redeploy_settle=redeploy_settle)
        self._undeploys = Undeploys(environment, unrecorded)

    async def carry_out(self, context: Context, action: Action) -> Outcome:
        """Make the write.

        Raises:
            Outdated: the resource has changed; nothing was written to NVCF.
            Vanished: it is gone; nothing was written to NVCF.
            KubeError: the cluster could not be written; nothing was written to NVCF.

        """
        try:
            if isinstance(action, TakeFinalizer):
                return await self._finalizers.take(context, action)
            if isinstance(action, DropFinalizer):
                return await self._finalizers.drop(context, action)
            if isinstance(action, Undeploy):
                self._undeploys.check(context, action)
            context = context.hurried()
            if isinstance(action, Create):
                return await self._creates.create(context, action)
            return await self._write_current(context, action)
        except WriteRefused as refused:
            log.warning("%s", refused)
            return Outcome(context.after(refused=str(refused)))

    async def _write_current(self, context: Context, action: Change | Undeploy) -> Outcome:
        """Change NVCF by a manifest that was read a moment ago."""
        await self._cluster.prove_current(context.resource, context.local)
        try:
            async with context.nvcf.admitted(context.caller) as admission:
                if isinstance(action, Undeploy):
                    return await self._undeploys.undeploy(context, action, admission)
                return await self._changes.change(context, action, admission)
        except LimiterClosed as closed:
            return Outcome(context.after(failure=failures.of_limiter(closed)))
        finally:
            context.local.last_write_at = self._clock.monotonic()
