"""A client that changes nothing in the cluster: it reads, and it may ask the API server what an apply would give."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from nvcf_operator.api.names import Key
from nvcf_operator.kube.calls import WRITE_TIMEOUT
from nvcf_operator.kube.client import KubeClient, resource_path
from nvcf_operator.kube.connection import Connection

APPLY: Final = "application/apply-patch+yaml"


class DryRunClient(KubeClient):
    """Reads, and tries to apply. Every other write is refused before anything is sent."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, fence=_refuse)

    async def try_apply(self, key: Key, document: Mapping[str, Any], *, manager: str) -> dict[str, Any]:
        """Give the object that a server-side apply of this document would store; nothing is stored.

        The API server asks for the right to patch, and for a new object for that to create it, as if it were stored.

        Raises:
            Denied: the rights are missing, or an admission webhook or a quota refuses the object.
            Invalid: the API server refuses it.
            KubeError: there was no usable answer.

        """
        query = f"dryRun=All&force=true&fieldManager={quote(manager, safe='')}"
        data = json.dumps(document, separators=(",", ":")).encode()
        return await self._call("apply", "PATCH", f"{resource_path(key)}?{query}", APPLY, data, WRITE_TIMEOUT)


def _refuse() -> None:
    raise AssertionError("this client writes nothing")
