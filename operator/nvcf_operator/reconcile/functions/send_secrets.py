"""Sends values of secrets to a version.

NVCF merges them by name and writes no row of the version, so nothing else has to wait for that. What got no answer may
still be taken, and must not be taken over newer values.
"""

import logging

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts import calls
from nvcf_operator.core.functions.branches.in_place import refusal_name
from nvcf_operator.core.functions.model.decision import SendSecrets
from nvcf_operator.core.model.observed import Scope
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment, failure_of_call, is_gone
from nvcf_operator.reconcile.functions.secrets import SecretReader
from nvcf_operator.reconcile.ports import Outdated
from nvcf_operator.reconcile.stages import Outcome
from nvcf_operator.state.version_writes import VersionBusy

log = logging.getLogger(__name__)


class SecretSender:
    """Makes PUTs of secrets."""

    def __init__(self, environment: FunctionEnvironment, reader: SecretReader) -> None:
        self._environment = environment
        self._reader = reader

    async def send(self, context: FunctionContext, action: SendSecrets) -> Outcome[FunctionContext]:
        """Send the values that were just decided on.

        Raises:
            Outdated: the resource or a Secret has changed, or the version is gone; nothing was written to NVCF.
            VersionBusy: NVCF may still take other values, over these; nothing was written to NVCF.
            Vanished, KubeError: nothing was written to NVCF.

        """
        local, clock = context.local, self._environment.clock
        sources, until = local.doubted_secrets.get(action.version_id, (action.sources, 0.0))
        if sources != action.sources and (left := until - clock.monotonic()) > 0:
            raise VersionBusy(context.target(action.function_id, action.version_id), left)
        try:
            async with context.nvcf.admitted(context.caller) as admission:
                await self._environment.cluster.prove_current(context.resource, local)
                values = await self._reader.current(context.resource)
                if values.sources != action.sources:
                    raise Outdated("the Secrets have changed")
                request = endpoints.update_function_secrets(
                    function_id=action.function_id,
                    function_version_id=action.version_id,
                    secrets=[secret for name, secret in values.secrets.items() if name in action.names],
                )
                await context.nvcf.send(request, admission)
        except LimiterClosed as closed:
            return Outcome(context.after(failure=calls.limiter_failure(closed)))
        except nvcf_errors.NvcfError as error:
            log.warning("PUT of secrets of version %s failed: %s", action.version_id, error)
            if error.maybe_done:
                until = clock.monotonic() + context.situation.timing.write_settle
                local.doubted_secrets[action.version_id] = (action.sources, until)
            if is_gone(context, error):
                local.last_write_at = clock.monotonic()  # so that a new list is read
                raise Outdated(f"version {action.version_id} is gone") from error
            failure = await failure_of_call(context, error, "update_secrets")
            if failure.scope == Scope.RESOURCE:
                key = (action.version_id, type(action).__name__)
                name, asked = refusal_name(context.situation, action), context.resource.reconcile_requested
                local.refused(key, name, failure, clock.monotonic(), asked)
            return Outcome(context.after(failure=failure, unsure=action if error.maybe_done else None))
        self._environment.emit_write(context.resource, action)
        return Outcome(context.after(wrote=action))
