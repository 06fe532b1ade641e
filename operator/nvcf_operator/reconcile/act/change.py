"""Changes a deployment in place: by PATCH of one specification where the server has it, else by PUT."""

import logging

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.core.diff.changes import Patch, expected_after, raises_minimum
from nvcf_operator.core.model.decision import Change
from nvcf_operator.core.model.situation import Failure, Present, Scope
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.reconcile.context import Context, Environment, Outcome, failure_of_write
from nvcf_operator.reconcile.ports import Outdated

log = logging.getLogger(__name__)


class Changes:
    """Makes PATCHes and PUTs.

    Args:
        environment: what all stages share.
        redeploy_settle: seconds after which a change is read back.

    """

    def __init__(self, environment: Environment, *, redeploy_settle: float) -> None:
        self._environment = environment
        self._clock = environment.clock
        self._redeploy_settle = redeploy_settle

    async def change(self, context: Context, action: Change, admission: Admission) -> Outcome:
        """Make the change, addressed by the ids that were just read.

        Raises:
            Outdated: the server does not have that call, and another one is to be chosen.

        """
        resource, local, version = context.resource, context.local, action.function_version_id
        account, change = context.nvcf, action.change
        seen = context.situation.observation(version)
        assert isinstance(seen, Present), "a change is decided on only over a deployment just read"
        found = tuple(seen.deployment.deployment_specifications)
        try:
            if isinstance(change, Patch):
                patch = endpoints.update_gpu_specification(
                    deployment_id=seen.deployment.deployment_id or "",
                    gpu_specification_id=change.gpu_specification_id,
                    **change.arguments(),
                )
                await account.send(patch, admission)
            else:
                put = endpoints.update_deployment(
                    function_id=resource.function_id,
                    function_version_id=version,
                    deployment_specifications=change.specifications,
                )
                await account.send(put, admission)
        except nvcf_errors.NvcfError as error:
            return Outcome(context.after(failure=await self._not_changed(context, action, error)))
        local.verify_at = self._clock.monotonic() + self._redeploy_settle
        local.raised_minimum = local.raised_minimum or raises_minimum(change, found)
        self._environment.emit_write(resource, action, seen.deployment.deployment_id)
        changes = {"deployment_specifications": expected_after(change, found)}
        return Outcome(context.observed(version, Present(seen.deployment.model_copy(update=changes)), wrote=action))

    @staticmethod
    async def _not_changed(context: Context, action: Change, error: nvcf_errors.NvcfError) -> Failure:
        log.warning("change of version %s failed: %s", action.function_version_id, error)
        account = context.nvcf
        missing = isinstance(error, nvcf_errors.NotFound | nvcf_errors.MethodNotAllowed)
        unknown = isinstance(error, nvcf_errors.MethodNotAllowed) or getattr(error, "unknown_path", False)
        if unknown and not isinstance(action.change, Patch) and error.formed:
            # In NVCF's own words only: what a PUT would change may be redeployed from here on. Such servers have PATCH.
            account.put_supported, account.patch_supported = False, True
            raise Outdated("this server has no PUT")
        if missing and isinstance(action.change, Patch):
            if unknown and (account.put_supported or error.formed):  # never without both by a word that is not NVCF's
                account.patch_supported = False
                raise Outdated("this server has no PATCH")
            # The deployment that was read a moment ago is another one by now.
            failure = account.writing(error)
            return Failure(failure.reason, failure.message, Scope.SERVER)
        return await failure_of_write(context, error)
