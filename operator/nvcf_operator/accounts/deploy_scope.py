"""Whether a key has the scope deploy_function, found out by a call that can do no harm."""

from collections.abc import Awaitable, Callable

from nvcf_client import endpoints
from nvcf_client import errors as nvcf_errors
from nvcf_client.endpoints.deployments import NOWHERE
from nvcf_client.requests import Request
from nvcf_client.responses import DeploymentResponse
from nvcf_operator.accounts.key_status import PROBE_FIRST
from nvcf_operator.flowcontrol.limiters import LimiterClosed
from nvcf_operator.flowcontrol.priority import Caller


class DeployScope:
    """One key's; found out once for all who ask within seconds.

    Args:
        call: makes a call with the key.
        clock: seconds; only differences matter.

    """

    def __init__(
        self,
        call: Callable[[Request[DeploymentResponse], Caller], Awaitable[DeploymentResponse]],
        clock: Callable[[], float],
    ) -> None:
        self._call = call
        self._clock = clock
        self._known: tuple[float, bool] | None = None

    def forget(self) -> None:
        """Find it out anew when it is asked for next."""
        self._known = None

    async def granted(self, caller: Caller) -> bool | None:
        """Whether the key has it; None when that cannot be found out now."""
        now = self._clock()
        if self._known is not None and now - self._known[0] < PROBE_FIRST:
            return self._known[1]
        try:
            await self._call(endpoints.get_deployment(function_id=NOWHERE, function_version_id=NOWHERE), caller)
        except nvcf_errors.Forbidden:
            self._known = (now, False)
        except nvcf_errors.NotFound as error:
            if error.unknown_path:
                return None
            self._known = (now, True)
        except (LimiterClosed, nvcf_errors.NvcfError):
            return None
        else:
            return None
        return self._known[1]
