"""Adds our finalizer to a resource, and removes it when nothing is left to do in NVCF."""

from nvcf_operator.api import names
from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer
from nvcf_operator.core.report.events import released
from nvcf_operator.kube.errors import Missing, Unavailable
from nvcf_operator.reconcile.context import Context, Environment, Outcome, resource_after
from nvcf_operator.reconcile.ports import Vanished


class Finalizers:
    """Writes our finalizer."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._cluster = environment.cluster
        self._clock = environment.clock

    async def take(self, context: Context, action: TakeFinalizer) -> Outcome:
        """Add it: from then on the object stays until it is dropped."""
        resource = context.resource
        obj = await self._cluster.write_finalizers(resource, context.local, (*resource.finalizers, names.FINALIZER))
        self._environment.emit_write(resource, action, None)
        return Outcome(context.after(resource=resource_after(context, obj, self._clock)))

    async def drop(self, context: Context, action: DropFinalizer) -> Outcome:
        """Remove it: the object may be gone from then on."""
        resource, local = context.resource, context.local
        left = tuple(name for name in resource.finalizers if name != names.FINALIZER)
        local.released = resource.deleting
        try:
            obj = await self._cluster.write_finalizers(resource, local, left)
            after = resource_after(context, obj, self._clock)
        except (Missing, Vanished):
            after = resource
        except Unavailable:
            raise  # the finalizer may be off: the object's end is then no loss to report
        except BaseException:
            local.released = False  # nothing was written: whoever ends the object now leaves something behind
            raise
        if resource.deleting and not left:
            self._cluster.drop(resource.key, resource.uid)  # the watch may have shown its end before this answer came
        if not resource.force_delete and (note := released(context.situation)) is not None:
            self._environment.emit(resource, note)
        self._environment.emit_write(resource, action, None)
        return Outcome(context.after(resource=after, wrote=action))
