"""NGC's list of an account's deployments, where the server has one."""

import logging
from collections.abc import Awaitable, Callable

from nvcf_client import endpoints, urls
from nvcf_client import errors as nvcf_errors
from nvcf_client.requests import Request
from nvcf_client.responses import DeploymentsResponse
from nvcf_operator.core import error_classification
from nvcf_operator.core.diff.fingerprints import DeploymentFingerprint, fingerprint_of
from nvcf_operator.flowcontrol.limiters import LimiterClosed

log = logging.getLogger(__name__)


class DeploymentList:
    """Reads the list.

    Args:
        call: makes a call with the key.
        base_url: of the account.

    """

    def __init__(
        self, call: Callable[[Request[DeploymentsResponse]], Awaitable[DeploymentsResponse]], base_url: str
    ) -> None:
        self._call = call
        self._base_url = base_url
        self._exists = urls.is_org(base_url)

    async def read(self) -> dict[str, DeploymentFingerprint]:
        """What the list shows, by version id; empty where there is no such list, or no answer.

        Once the server has said no, or something that cannot be read, it is not asked again. A refusal of this call
        says nothing about the key, which has just been accepted by the list of functions.
        """
        if not self._exists:
            return {}
        try:
            answer = await self._call(endpoints.list_deployments())
        except LimiterClosed:
            return {}
        except nvcf_errors.NvcfError as error:
            if not error_classification.may_pass(error):
                self._exists = False
                log.info("deployments are not listed at %s: %s", self._base_url, error)
            return {}
        return {item.function_version_id: fingerprint_of(item) for item in answer.deployments}
