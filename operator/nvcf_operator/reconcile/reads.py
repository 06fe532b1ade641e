"""Reads deployments and functions from NVCF, and says what an answer is worth."""

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_operator.accounts import failures
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Absent, Failure, FunctionSeen, Observation, Present, Scope, Unknown
from nvcf_operator.core.model.versions import versions_held
from nvcf_operator.core.rules import error_classification
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.reconcile.context import Context, Environment

BELIEF = 10.0
"""Seconds: how old the account's list may be, that makes a 404 believable."""


class Reads:
    """The reading calls."""

    def __init__(self, environment: Environment) -> None:
        self._presence = environment.presence
        self._sent = environment.sent
        self._clock = environment.clock

    async def deployment(self, context: Context, version: str) -> Observation:
        """Read a deployment; a 404 counts only when the account answers."""
        resource, account, target = context.resource, context.nvcf, context.target(version)
        request = endpoints.get_deployment(function_id=resource.function_id, function_version_id=version)
        try:
            answer = await account.call(request, context.caller)
        except LimiterClosed as closed:
            return Unknown(failures.of_limiter(closed))
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return Unknown(_strange(error))
            # What is on record as deployed wants an account that answers now, not one that did a moment ago.
            known = version in versions_held(resource)
            listing = await account.fresh_listing(0.0 if known else BELIEF, context.caller)
            if isinstance(listing, Failure):
                return Unknown(listing)
            now = self._clock.monotonic()
            self._sent.missed(target, now)
            return Absent(self._presence.missed(target, now))
        except nvcf_errors.Forbidden as error:
            return Unknown(await account.forbidden(error, context.caller))
        except nvcf_errors.NvcfError as error:
            return Unknown(account.reading(error))
        self._presence.saw(target, self._clock.monotonic())
        return Present(answer.deployment)

    async def function(self, context: Context, version: str) -> tuple[FunctionSeen, str | None]:
        """Say whose the version is, and its status."""
        resource, account = context.resource, context.nvcf
        entry = account.listing.entry(resource.function_id, version) if account.listing is not None else None
        if entry is not None:
            return FunctionSeen.OURS if entry.ours else FunctionSeen.PUBLIC, entry.status
        request = endpoints.get_function(function_id=resource.function_id, function_version_id=version)
        try:
            answer = await account.call(request, context.caller)
        except nvcf_errors.NotFound:
            return FunctionSeen.NOT_FOUND, None
        except (LimiterClosed, nvcf_errors.NvcfError):
            return FunctionSeen.UNKNOWN, None
        public = answer.function.owned_by_different_account
        return FunctionSeen.PUBLIC if public else FunctionSeen.OURS, answer.function.status


def _strange(error: nvcf_errors.NotFound) -> Failure:
    known = error_classification.of_call(error)
    return Failure(
        Reason.INVALID_ANSWER,
        f"{known.message.split('. ')[0]}, and the response did not come from the NVCF API. Check the base URL "
        "(including its path prefix) and any proxy in between. The operator retries.",
        Scope.SERVER,
    )
