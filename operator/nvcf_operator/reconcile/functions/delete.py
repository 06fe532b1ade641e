"""Deletes versions that bear this object's mark, one at a time.

DELETE ends a deployment of the version at once, with its queued requests, and the last one ends the function. So all
that speaks for it is proven once more right before the call, and that the latest version is there.
"""

import logging

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts import calls
from nvcf_operator.core.functions.model.decision import DeleteVersion, DeletionPurpose
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.model.observed import Absent, Failure, FunctionStatus
from nvcf_operator.flowcontrol.limiters import Admission, LimiterClosed
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment, failure_of_call
from nvcf_operator.reconcile.functions.reads import VersionReads
from nvcf_operator.reconcile.ports import Outdated
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state.deployments import Target
from nvcf_operator.state.version_writes import Call

log = logging.getLogger(__name__)


class Deletions:
    """Makes DELETEs."""

    def __init__(self, environment: FunctionEnvironment) -> None:
        self._environment = environment
        self._cluster = environment.cluster
        self._clock = environment.clock
        self._reads = VersionReads(environment)

    async def delete(self, context: FunctionContext, action: DeleteVersion) -> Outcome[FunctionContext]:
        """Delete a version. Only a later 404 shows that it is gone.

        Raises:
            Outdated: the resource has changed, or something speaks against it by now; nothing was written to NVCF.
            Vanished, KubeError, VersionBusy: nothing was written to NVCF.

        """
        proven = True
        try:
            async with context.nvcf.admitted(context.caller) as admission:
                proven = False  # on the way to a place much may have changed
                await self._cluster.prove_current(context.resource, context.local)
                proven = True
                return await self._admitted(context, action, admission)
        except LimiterClosed as closed:
            return Outcome(context.after(failure=calls.limiter_failure(closed)))
        except nvcf_errors.Forbidden as error:  # only another call shows what it means, and the place is free by now
            scope = "delete_function" if error.operation == "delete_function" else "list_functions"
            return Outcome(context.after(failure=await failure_of_call(context, error, scope)))
        finally:
            if proven:
                context.local.last_write_at = self._clock.monotonic()

    async def _admitted(
        self, context: FunctionContext, action: DeleteVersion, admission: Admission
    ) -> Outcome[FunctionContext]:
        """Read the version once more and delete it.

        Raises:
            Forbidden: one of the two calls is.
            VersionBusy: something else writes the version, or may.

        """
        with self._environment.version_writes.writing(_target(context, action), Call.DELETION):
            return await self._locked(context, action, admission)

    async def _locked(
        self, context: FunctionContext, action: DeleteVersion, admission: Admission
    ) -> Outcome[FunctionContext]:
        seen = await self._reads.version(context, action.function_id, action.version_id, admission)
        if isinstance(seen, Failure):
            return Outcome(context.after(failure=seen))
        if isinstance(seen, Absent):
            log.info("version %s was gone before it was deleted", action.version_id)
            return self._sent(context, action)
        self._ensure_unused(context, action, seen)
        if (failure := await self._latest(context, action, admission)) is not None:
            return Outcome(context.after(failure=failure))
        request = endpoints.delete_function(function_id=action.function_id, function_version_id=action.version_id)
        try:
            await context.nvcf.send(request, admission)
        except nvcf_errors.NvcfError as error:
            if isinstance(error, nvcf_errors.NotFound) and not error.unknown_path:
                return self._sent(context, action)
            log.warning("DELETE of version %s failed: %s", action.version_id, error)
            if isinstance(error, nvcf_errors.Forbidden):
                raise
            if error.maybe_done:  # it may go at any time, so that it is not used again
                self._note(context, action)
            return Outcome(context.after(failure=await failure_of_call(context, error, "delete_function")))
        self._environment.emit_write(context.resource, action)
        return self._sent(context, action)

    async def _latest(self, context: FunctionContext, action: DeleteVersion, admission: Admission) -> Failure | None:
        """Read the latest version once more, too: without it this DELETE might end the function, and with it its id.

        Raises:
            Forbidden: the call is.
            Outdated: it is gone by now.

        """
        resource = context.resource
        latest, ends = resource.latest_version, action.purpose == DeletionPurpose.RESOURCE_GONE
        if ends or latest is None or action.function_id != resource.function_id:
            return None
        found = await self._reads.version(context, action.function_id, latest, admission)
        if isinstance(found, Absent):
            raise Outdated(f"version {latest}, the latest one, is gone by now")
        return found if isinstance(found, Failure) else None

    def _sent(self, context: FunctionContext, action: DeleteVersion) -> Outcome[FunctionContext]:
        self._note(context, action)
        return Outcome(context.after(wrote=action))

    def _note(self, context: FunctionContext, action: DeleteVersion) -> None:
        context.local.deletes[action.version_id] = (action.function_id, self._clock.monotonic())
        settle = context.situation.timing.write_settle
        self._environment.version_writes.doubt(_target(context, action), settle, Call.DELETION)

    def _ensure_unused(self, context: FunctionContext, action: DeleteVersion, seen: VersionSeen) -> None:
        """Check in what was just read, and in what is known of FunctionDeployments by now.

        Raises:
            Outdated: it is not this object's, it is deployed, or somebody uses it.

        """
        resource = context.resource
        if seen.mark is None or seen.mark.uid != resource.mark_uid:
            raise Outdated(f"version {action.version_id} does not bear the mark of this object")
        known = {item.version_id: item.status for item in context.situation.shown}
        if seen.known_status != FunctionStatus.INACTIVE and seen.status != known.get(action.version_id):
            raise Outdated(f"version {action.version_id} is {seen.status} by now")
        followers = self._environment.followers(resource, (seen,))
        deleting = action.purpose == DeletionPurpose.RESOURCE_GONE
        if any(item.holds(action.version_id) or (deleting and item.refers) for item in followers):
            raise Outdated(f"a FunctionDeployment uses version {action.version_id}")
        if not deleting and resource.latest_version == action.version_id:
            raise Outdated(f"version {action.version_id} is the latest one")


def _target(context: FunctionContext, action: DeleteVersion) -> Target:
    return context.target(action.function_id, action.version_id)
