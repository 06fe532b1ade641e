"""Adds our finalizer to a resource, and removes it when nothing is left to do in NVCF."""

from collections.abc import Callable, Iterable
from typing import Generic

from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.kube.errors import Missing, Unavailable
from nvcf_operator.reconcile.ports import Vanished
from nvcf_operator.reconcile.stages import ContextT, ManagedEnvironment, Outcome


class Finalizers(Generic[ContextT]):
    """Writes the finalizer of a kind.

    Args:
        environment: what all stages share.
        ends: what to report when the finalizer is removed, by what was known before.

    """

    def __init__(
        self, environment: ManagedEnvironment, ends: Callable[[ContextT, DropFinalizer], Iterable[EventNote]]
    ) -> None:
        self._environment = environment
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._ends = ends

    async def take(self, context: ContextT, action: TakeFinalizer) -> Outcome[ContextT]:
        """Add it: from then on the object stays until it is dropped."""
        resource, local = context.resource, context.local
        finalizers = (*resource.finalizers, resource.KIND.finalizer)
        obj = await self._cluster.write_finalizers(resource, local, finalizers)
        local.bare = resource.lost and not local.writes and local.intent_seen is None
        return Outcome(context.after(resource=context.resource_after(obj, self._clock)))

    async def drop(self, context: ContextT, action: DropFinalizer) -> Outcome[ContextT]:
        """Remove it: the object may be gone from then on."""
        resource, local = context.resource, context.local
        left = tuple(name for name in resource.finalizers if name != resource.KIND.finalizer)
        local.released = resource.deleting
        try:
            obj = await self._cluster.write_finalizers(resource, local, left)
            after = context.resource_after(obj, self._clock)
        except (Missing, Vanished):
            after = resource
        except Unavailable:
            raise  # the finalizer may be off: the object's end is then no loss to report
        except BaseException:
            local.released = False  # nothing was written: whoever ends the object now leaves something behind
            raise
        if resource.deleting and not left:
            self._cluster.drop(resource.key, resource.uid)  # the watch may have shown its end before this answer came
        for note in self._ends(context, action):
            self._environment.emit(resource, note)
        return Outcome(context.after(resource=after, wrote=action))
