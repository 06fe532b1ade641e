"""Undeploys a version by DELETE."""

import logging
from collections.abc import Callable

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.core.model.decision import Purpose, Undeploy
from nvcf_operator.core.model.situation import Present
from nvcf_operator.core.report.events import lost_from_sight
from nvcf_operator.core.rules.ownership import lost_deployment
from nvcf_operator.core.rules.pruning import makes_way
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.reconcile.context import Context, Environment, Outcome, failure_of_write
from nvcf_operator.reconcile.ports import NotKept

log = logging.getLogger(__name__)


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

    async def undeploy(self, context: Context, action: Undeploy, admission: Admission) -> Outcome:
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
