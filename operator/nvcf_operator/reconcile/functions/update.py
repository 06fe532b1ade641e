"""Changes tags and rate limit of a version in place.

NVCF rewrites the whole row of a version at each of these calls, so there is one at a time, and none beside a change of
the version's deployment.
"""

import logging
from dataclasses import replace

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.responses import FunctionResponse
from nvcf_operator.accounts import calls
from nvcf_operator.accounts.registered import version_seen
from nvcf_operator.core.functions.branches.in_place import change_name, refusal_name, undone_lately
from nvcf_operator.core.functions.model import rate_limit
from nvcf_operator.core.functions.model.decision import RemoveRateLimit, UpdateVersion
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.model.observed import Scope
from nvcf_operator.flowcontrol.limiters import Admission, LimiterClosed
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment, failure_of_call, is_gone
from nvcf_operator.reconcile.functions.doubts import doubt, settle
from nvcf_operator.reconcile.ports import Outdated
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state.function_state import SentChange

log = logging.getLogger(__name__)

SCOPE = "update_function"


class Updates:
    """Makes PUTs of tags and rate limit, and DELETEs of a rate limit."""

    def __init__(self, environment: FunctionEnvironment) -> None:
        self._environment = environment
        self._cluster = environment.cluster
        self._clock = environment.clock

    async def update(
        self, context: FunctionContext, action: UpdateVersion | RemoveRateLimit
    ) -> Outcome[FunctionContext]:
        """Change a version. The answer shows what it is by then.

        Raises:
            Outdated: the resource has changed, or the version is gone; nothing was written to NVCF.
            VersionBusy: something else writes the version, or may; nothing was written to NVCF.
            Vanished, KubeError: nothing was written to NVCF.

        """
        seen = next((item for item in context.situation.shown if item.version_id == action.version_id), None)
        if seen is None:
            raise Outdated(f"version {action.version_id} is not there any more")
        target, proven = context.target(action.function_id, action.version_id), True
        try:
            async with context.nvcf.admitted(context.caller) as admission:
                proven = False  # on the way to a place much may have changed
                await self._cluster.prove_current(context.resource, context.local)
                proven = True
                with self._environment.version_writes.writing(target):
                    changed = await self._send(context, action, seen, admission)
        except LimiterClosed as closed:
            return Outcome(context.after(failure=calls.limiter_failure(closed)))
        except nvcf_errors.NvcfError as error:
            log.warning("change of version %s failed: %s", action.version_id, error)
            doubt(self._environment, context, action, error)
            if is_gone(context, error):
                raise Outdated(f"version {action.version_id} is gone") from error
            failure = await failure_of_call(context, error, SCOPE)
            if failure.scope == Scope.RESOURCE:
                key = (action.version_id, type(action).__name__)
                name, request = refusal_name(context.situation, action), context.resource.reconcile_requested
                context.local.refused(key, name, failure, self._clock.monotonic(), request)
            return Outcome(context.after(failure=failure))
        finally:
            if proven:
                context.local.last_write_at = self._clock.monotonic()
        self._environment.emit_write(context.resource, action)
        repeats = undone_lately(context.situation, action.version_id)
        name, request = change_name(context.situation), context.resource.reconcile_requested
        change = SentChange(name, self._clock.monotonic(), repeats, request)
        context.local.changed(action.version_id, change)
        settle(self._environment, context, (changed,))
        versions = tuple(changed if item.version_id == action.version_id else item for item in context.situation.shown)
        return Outcome(context.after(wrote=action, versions=versions))

    async def _send(
        self, context: FunctionContext, action: UpdateVersion | RemoveRateLimit, seen: VersionSeen, admission: Admission
    ) -> VersionSeen:
        """Make the call, and give the version as it is from then on. What else the answer shows was read before."""
        function, version = action.function_id, action.version_id
        if isinstance(action, RemoveRateLimit):
            removal = endpoints.delete_rate_limit(function_id=function, function_version_id=version)
            await context.nvcf.send(removal, admission)
            return replace(seen, rate_limit=None)
        spec = context.resource.spec
        assert spec is not None, "only what a manifest says is sent"
        limit = spec.rate_limit.to_dict() if action.rate_limit and spec.rate_limit is not None else None
        request = endpoints.update_function(
            function_id=function,
            function_version_id=version,
            tags=sorted(action.tags) if action.tags is not None else None,
            rate_limit=rate_limit.to_send(limit, seen.rate_limit) if limit is not None else None,
        )
        answer: FunctionResponse = await context.nvcf.send(request, admission)
        found = version_seen(answer.details())
        return replace(seen, tags=found.tags, mark=found.mark, rate_limit=found.rate_limit, unreadable=found.unreadable)
