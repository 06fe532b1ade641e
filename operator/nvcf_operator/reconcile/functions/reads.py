"""The reading calls about versions of a function: the version itself, and its deployment."""

from dataclasses import replace

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts import calls
from nvcf_operator.accounts.registered import version_seen
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.model.observed import Absent, Failure, Observation, Present, Unknown
from nvcf_operator.core.rules import error_classification
from nvcf_operator.flowcontrol.limiters import Admission, LimiterClosed
from nvcf_operator.reconcile.functions.context import FunctionContext, FunctionEnvironment, failure_of_call
from nvcf_operator.reconcile.ports import BELIEF


class VersionReads:
    """Reads versions; a 404 counts only when the account answers."""

    def __init__(self, environment: FunctionEnvironment) -> None:
        self._deployments = environment.deployments
        self._versions = environment.versions
        self._clock = environment.clock

    async def version(
        self,
        context: FunctionContext,
        function_id: str,
        version: str,
        admission: Admission | None = None,
        *,
        with_names: bool = False,
    ) -> VersionSeen | Absent | Failure:
        """Read a version itself.

        Args:
            context: on whose behalf.
            function_id: of its function.
            version: its id.
            admission: of a call that was admitted before.
            with_names: also ask for the names of its secrets, which only some keys see.

        Raises:
            Forbidden: only with an `admission`: what it means takes another call, and that waits for a place.

        """
        account, target = context.nvcf, context.target(function_id, version)
        request = endpoints.get_function(
            function_id=function_id, function_version_id=version, include_secrets=with_names
        )
        try:
            if admission is not None:
                answer = await account.send(request, admission)
            else:
                answer = await account.call(request, context.caller)
            details = answer.details()
            found = version_seen(details)
            if with_names and found.secret_names is None and details.active_instances is not None:
                found = replace(found, secret_names=frozenset())  # who sees instances would see names, too
        except LimiterClosed as closed:
            return calls.limiter_failure(closed)
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return error_classification.of_strange_404(error)
            if admission is None:  # one that holds a place does not wait for another
                listing = await account.fresh_listing(BELIEF, context.caller, context.interest)
                if isinstance(listing, Failure):
                    return listing
            return Absent(self._versions.missed(target, self._clock.monotonic()))
        except nvcf_errors.NvcfError as error:
            if admission is not None and isinstance(error, nvcf_errors.Forbidden):
                raise
            return await failure_of_call(context, error, "list_functions")
        self._versions.saw(target, self._clock.monotonic())
        return found

    async def deployment(self, context: FunctionContext, function_id: str, version: str) -> Observation:
        """Read the deployment of a version that a decision may delete."""
        account, target = context.nvcf, context.target(function_id, version)
        request = endpoints.get_deployment(function_id=function_id, function_version_id=version)
        try:
            answer = await account.call(request, context.caller)
        except LimiterClosed as closed:
            return Unknown(calls.limiter_failure(closed))
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return Unknown(error_classification.of_strange_404(error))
            listing = await account.fresh_listing(BELIEF, context.caller, context.interest)
            if isinstance(listing, Failure):
                return Unknown(listing)
            return Absent(self._deployments.missed(target, self._clock.monotonic()))
        except nvcf_errors.NvcfError as error:
            return Unknown(await failure_of_call(context, error, "deploy_function"))
        self._deployments.saw(target, self._clock.monotonic())
        return Present(answer.deployment)
