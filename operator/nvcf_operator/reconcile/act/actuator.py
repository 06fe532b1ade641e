"""Carries out the one write that a decision asks for, and gives back what came of it."""

import logging
from collections.abc import Callable

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts import calls
from nvcf_operator.accounts.catalogue_reader import CatalogueReader
from nvcf_operator.core.diff.changes import expected_after, raises_minimum
from nvcf_operator.core.model.decision import (
    Action,
    Change,
    Create,
    Decision,
    DropFinalizer,
    Patch,
    Purpose,
    TakeFinalizer,
    Undeploy,
)
from nvcf_operator.core.model.observed import Failure, Present, Scope
from nvcf_operator.core.report.events import EventNote, lost_from_sight, of_write, released
from nvcf_operator.core.rules.ownership import lost_deployment
from nvcf_operator.core.rules.pruning import makes_way
from nvcf_operator.flowcontrol.limiters import Admission, LimiterClosed
from nvcf_operator.reconcile.act.advice import Advice
from nvcf_operator.reconcile.act.create import Creates
from nvcf_operator.reconcile.act.finalizer import Finalizers
from nvcf_operator.reconcile.context import Context, Environment, failure_of_write
from nvcf_operator.reconcile.ports import NotKept, Nvcf, Outdated
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state.version_writes import Call

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

    async def change(self, context: Context, action: Change, admission: Admission) -> Outcome[Context]:
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
            self._environment.doubt_deployment(context, version, error)
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


class Undeploys:
    """Makes DELETEs.

    Args:
        environment: what all stages share.
        unrecorded: the fields that the CRD is known to lack, and that no deployment is asked for without.

    """

    def __init__(self, environment: Environment, unrecorded: Callable[[], tuple[str, ...]]) -> None:
        self._environment = environment
        self._claims = environment.claims
        self._clock = environment.clock
        self._sent = environment.sent
        self._presence = environment.presence
        self._unrecorded = unrecorded

    def check(self, context: Context, action: Undeploy) -> None:
        """Check that what serves is not taken down for what could not be asked for afterwards.

        Raises:
            NotKept: it would be.

        """
        if makes_way(context.situation, action) and (fields := self._unrecorded()):
            raise NotKept(fields)

    async def undeploy(self, context: Context, action: Undeploy, admission: Admission) -> Outcome[Context]:
        """Undeploy it, unless another resource holds it by now. Only a later 404 shows that it is gone.

        Raises:
            Outdated: another resource holds the version.

        """
        resource, version = context.resource, action.function_version_id
        target = context.target(version)
        await self._claims.ensure_unclaimed(resource, target)
        request = endpoints.delete_deployment(
            function_id=resource.function_id, function_version_id=version, graceful=action.graceful
        )
        try:
            await context.nvcf.send(request, admission)
        except nvcf_errors.NotFound:
            log.info("version %s was gone before it was undeployed", version)
        except nvcf_errors.NvcfError as error:
            log.warning("DELETE of version %s failed: %s", version, error)
            self._environment.doubt_deployment(context, version, error)
            return Outcome(context.after(failure=await failure_of_write(context, error)))
        self._presence.saw(target, self._clock.monotonic())
        self._sent.undeploying(target, action.deployment_id)
        context.local.undeploys[version] = self._clock.monotonic()
        seen = context.situation.observation(version)
        if action.purpose == Purpose.STALE and isinstance(seen, Present):
            lost = lost_deployment(context.situation, version, seen)
            self._environment.emit(resource, lost_from_sight(lost, action.deployment_id))
        self._environment.emit_write(resource, action, None)
        return Outcome(context.after(wrote=action), read_again=version)


class Actuator:
    """Writes to the cluster and to NVCF.

    Args:
        environment: what all stages share.
        redeploy_settle: seconds after which an in-place change is read back.
        unrecorded: the fields that the CRD is known to lack, and that no deployment is asked for without.
        catalogue: gives the catalogue that an account can read; None where there is none.

    """

    def __init__(
        self,
        environment: Environment,
        *,
        redeploy_settle: float,
        unrecorded: Callable[[], tuple[str, ...]] = tuple,
        catalogue: Callable[[Nvcf], CatalogueReader | None] = lambda _: None,
    ) -> None:
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._version_writes = environment.version_writes
        self._finalizers: Finalizers[Context] = Finalizers(environment, _ends)
        self._creates = Creates(environment, unrecorded, Advice(environment, catalogue))
        self._changes = Changes(environment, redeploy_settle=redeploy_settle)
        self._undeploys = Undeploys(environment, unrecorded)

    async def carry_out(self, context: Context, action: Action, asking: Decision | None = None) -> Outcome[Context]:
        """Make the write.

        Args:
            context: what is known.
            action: the write.
            asking: what the status says beside the intent of a `Create`.

        Raises:
            Outdated: the resource has changed; nothing was written to NVCF.
            Vanished: it is gone; nothing was written to NVCF.
            VersionBusy: something else writes the version, or may; nothing was written.
            WriteRefused: the API server does not take what was to be written; nothing was written to NVCF.
            KubeError: the cluster could not be written; nothing was written to NVCF.

        """
        if isinstance(action, TakeFinalizer):
            return await self._finalizers.take(context, action)
        if isinstance(action, DropFinalizer):
            return await self._finalizers.drop(context, action)
        if isinstance(action, Undeploy):
            self._undeploys.check(context, action)
        context = context.hurried()
        if isinstance(action, Create):
            assert asking is not None, "an intent is written with a status"
            return await self._creates.create(context, action, asking)
        return await self._write_current(context, action)

    async def _write_current(self, context: Context, action: Change | Undeploy) -> Outcome[Context]:
        """Change NVCF by a manifest that is read once there is a place: on the way to it much may have changed."""
        proven = True
        try:
            async with context.nvcf.admitted(context.caller) as admission:
                proven = False
                await self._cluster.prove_current(context.resource, context.local)
                proven = True
                with self._version_writes.writing(context.target(action.function_version_id), Call.DEPLOYMENT):
                    if isinstance(action, Undeploy):
                        return await self._undeploys.undeploy(context, action, admission)
                    return await self._changes.change(context, action, admission)
        except LimiterClosed as closed:
            return Outcome(context.after(failure=calls.limiter_failure(closed)))
        finally:
            if proven:
                context.local.last_write_at = self._clock.monotonic()


def _ends(context: Context, action: DropFinalizer) -> tuple[EventNote, ...]:
    """What to report when the finalizer is removed: what stays in NVCF, and what became of the deployment."""
    resource = context.resource
    stays = released(context.situation) if not resource.force_delete else None
    return tuple(note for note in (stays, of_write(resource, action)) if note is not None)
