"""Writes the status that comes before a POST: from then on the POST may be under way, whatever happens to us."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from nvcf_operator.core.model.managed import AnyStatus
from nvcf_operator.core.rules.pruning import not_kept
from nvcf_operator.kube.client import merge_patch
from nvcf_operator.reconcile.ports import NotKept, Outdated, WriteRefused
from nvcf_operator.reconcile.stages import ContextT, ManagedEnvironment

log = logging.getLogger(__name__)

T = TypeVar("T")

INTENT_MAX_AGE = 5.0
"""Seconds within which the POST must follow its intent; after a longer pause the state is proven again first."""

PROOFS = 3
"""Times that it is proven for one POST, on a cluster so slow that each proof takes longer than that."""


class IntentWriter(Generic[ContextT]):
    """Writes intents of one kind of resource.

    Args:
        environment: what all stages share.
        unrecorded: the fields that the CRD is known to lack, and that nothing is requested without.
        remembered: the members of the status that nothing is requested without, by their names in the cluster.

    """

    def __init__(
        self,
        environment: ManagedEnvironment,
        unrecorded: Callable[[], tuple[str, ...]],
        remembered: frozenset[str],
    ) -> None:
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._unrecorded = unrecorded
        self._remembered = remembered
        self._pruned = False
        """The last intent was not kept."""

    async def write(self, context: ContextT, status: AnyStatus) -> ContextT:
        """Write a status with an intent. Where the API server has not kept all of it, the situation says so.

        Raises:
            Outdated, Vanished, KubeError: it was not written, or its answer is lost.
            WriteRefused: the API server does not take it.
            NotKept: it would not keep it, and nothing was written.

        """
        resource, local, wanted = context.resource, context.local, status.to_dict()
        patch = merge_patch(resource.recorded, wanted, ours=resource.CONDITION_TYPES)
        assert patch is not None, "the token is new"
        if self._pruned or self._unrecorded():  # so that a failed try changes nothing
            await self._try(context, patch, wanted)
        obj = await self._cluster.write_intent(resource, local, patch)
        local.decided(resource, status)
        fields = not_kept(wanted, obj.get("status") or {}, recorded=self._remembered)
        self._pruned = bool(fields)
        refused = str(NotKept(fields)) if fields else None
        if refused is not None:
            log.warning("%s", refused)
        return context.after(resource=context.resource_after(obj, self._clock), refused=refused)

    async def prove_again(self, began: float, proof: Callable[[], Awaitable[T | None]]) -> T | None:
        """Prove again, if writing the intent took long, that its POST may follow.

        Args:
            began: the monotonic second at which the last proof began.
            proof: gives what stands in the POST's way, or None.

        Returns:
            What was found in the POST's way; None when it may follow at once.

        Raises:
            Outdated: each proof takes too long as well, or what `proof` raises.

        """
        for _ in range(PROOFS):
            if self._clock.monotonic() - began <= INTENT_MAX_AGE:
                return None
            began = self._clock.monotonic()
            if (other := await proof()) is not None:
                return other
        raise Outdated("the cluster takes longer to answer than a proof stays valid")

    @staticmethod
    def withdrawn(context: ContextT, before: Any) -> ContextT:
        """Have the status say again what it said before the intent, since no POST followed it."""
        resource = context.resource
        context.local.intends(resource, before)
        status = resource.status.model_copy(update={"intent": before})
        return context.after(resource=replace(resource, status=status))

    async def _try(self, context: ContextT, patch: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        """Have the API server show what it would keep of an intent.

        Raises:
            NotKept: not all that must be on record.

        """
        try:
            shown = await self._cluster.write_intent(context.resource, context.local, patch, trial=True)
        except WriteRefused as refused:
            if "dry run" in str(refused):
                return  # a webhook that does not support one says nothing about the real write
            raise
        if fields := not_kept(wanted, shown.get("status") or {}, recorded=self._remembered):
            raise NotKept(fields)
