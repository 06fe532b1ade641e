"""Writes the intent into the status before a POST: from then on the POST may be under way, whatever happens to us."""

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from nvcf_client.endpoints.deployments import allocating
from nvcf_operator.api.status import Intent
from nvcf_operator.core.decide import asking
from nvcf_operator.core.model.decision import Create
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules.pruning import not_kept
from nvcf_operator.kube.client import merge_patch
from nvcf_operator.reconcile.act.finalizer import resource_after
from nvcf_operator.reconcile.context import Context, Environment
from nvcf_operator.reconcile.ports import NotKept, WriteRefused

log = logging.getLogger(__name__)


class Intents:
    """Writes intents.

    Args:
        environment: what all stages share.
        unrecorded: the fields that the CRD is known to lack, and that no deployment is asked for without.

    """

    def __init__(self, environment: Environment, unrecorded: Callable[[], tuple[str, ...]]) -> None:
        self._cluster = environment.cluster
        self._claims = environment.claims
        self._clock = environment.clock
        self._unrecorded = unrecorded
        self._pruned = False
        """The last intent was not kept."""

    async def write(self, context: Context, action: Create) -> tuple[Context, Intent]:
        """Write the intent.

        It is also the resource's claim of the version. Another resource that appeared since the decision may hold it by
        now, or be about to. Where the API server has not kept all that must be on record, the situation says so.

        Raises:
            Outdated, Vanished, KubeError: it was not written, or its answer is lost.
            WriteRefused: the API server does not take it.
            NotKept: it would not keep it, and nothing was written.

        """
        resource, local, version = context.resource, context.local, action.function_version_id
        target = context.target(version)
        await self._claims.ensure_unclaimed(resource, target)
        intent = Intent(
            uid=resource.uid,
            function_version_id=version,
            token=uuid.uuid4().hex[:16],
            specifications=allocating(action.specifications),
        )
        status = report(context.situation, asking(context.situation, action)).model_copy(update={"intent": intent})
        wanted = status.to_dict()
        patch = merge_patch(resource.recorded, wanted)
        assert patch is not None, "the token is new"
        with self._claims.intending(target):
            if self._pruned or self._unrecorded():  # so that a try in vain changes nothing
                await self._try(context, patch, wanted)
            obj = await self._cluster.write_intent(resource, local, patch)
        local.decided(resource, status)
        fields = not_kept(wanted, obj.get("status") or {})
        self._pruned = bool(fields)
        refused = str(NotKept(fields)) if fields else None
        if refused is not None:
            log.warning("%s", refused)
        return context.after(resource=resource_after(context, obj, self._clock), refused=refused), intent

    async def _try(self, context: Context, patch: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
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
        if fields := not_kept(wanted, shown.get("status") or {}):
            raise NotKept(fields)
