"""One call to the Kubernetes API: sent with the current identity, measured, traced, and classified by its response."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import aiohttp

from nvcf_operator import jsons
from nvcf_operator.kube.answers import fault
from nvcf_operator.kube.connection import Connection
from nvcf_operator.kube.errors import KubeError, RequestTarget, Unavailable, of_response, parse
from nvcf_operator.tracing import Span, Tracer

TIMEOUT: Final = aiohttp.ClientTimeout(total=30.0)
WRITE_TIMEOUT: Final = aiohttp.ClientTimeout(total=40.0)
"""The API server waits up to 30 s for a slow admission webhook, and responds only after that."""
FIELD_MANAGER: Final = "nvcf-operator"

JSON: Final = "application/json"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"

Observe = Callable[[str, str, float], None]
"""Called after every call with its kind (get, list, schema, finalizer, intent, status, secret, event, lease), the HTTP
status or what happened instead, and the duration in seconds."""

Trace = Callable[[str, str, str], AbstractContextManager[Span]]
"""Opens a span for a call, by its kind, method and URL."""


class Calls:
    """Makes calls: a read may take 30 s, a write 40 s. Each raises the `KubeError` that its failure means.

    Args:
        connection: the cluster.
        observe: called after every call that was made.
        fence: called right before every write; raises to forbid it.
        trace: opens a span for every write.

    """

    def __init__(
        self,
        connection: Connection,
        *,
        observe: Observe | None = None,
        fence: Callable[[], None] | None = None,
        trace: Trace | None = None,
    ) -> None:
        self._connection = connection
        self._trace = trace or Tracer().kubernetes
        self._observe = observe or (lambda kind, code, seconds: None)
        self._fence = fence or (lambda: None)

    async def _read(self, kind: str, path: str) -> dict[str, Any]:
        return await self._call(kind, "GET", path, None, None)

    async def _patch(self, kind: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._write(kind, "PATCH", path, MERGE_PATCH, body)

    async def _write(self, kind: str, method: str, path: str, content: str, body: object) -> dict[str, Any]:
        data = jsons.dumps(body)
        self._fence()
        with self._trace(kind, method, self._connection.server + path) as span:
            try:
                answer = await self._call(
                    kind,
                    method,
                    path + ("&" if "?" in path else "?") + f"fieldManager={FIELD_MANAGER}",
                    content,
                    data,
                    WRITE_TIMEOUT,
                )
            except KubeError as error:
                span.answered(type(error).__name__ if error.status is None else str(error.status))
                raise
            span.answered("200")
            return answer

    async def _call(
        self,
        kind: str,
        method: str,
        path: str,
        content: str | None,
        data: bytes | None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> dict[str, Any]:
        started, code, timeout = time.monotonic(), "cancelled", timeout or TIMEOUT
        try:
            status, headers, raw = await self._connection.call(
                method, path, content=content, data=data, timeout=timeout
            )
            code = str(status)
        except TimeoutError:
            code = "timeout"
            raise Unavailable(f"{method} {kind}: the API server did not answer within {timeout.total:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            code = "unreachable"
            raise Unavailable(f"{method} {kind}: {error or type(error).__name__}") from None
        finally:
            self._observe(kind, code, time.monotonic() - started)
        value, target = parse(raw), RequestTarget.of(method, path)
        if 200 <= status < 300:
            problem = "no JSON object" if value is None else fault(target, value, dry_run="dryRun=All" in path)
            if value is not None and problem is None:
                return value
            raise Unavailable(f"{method} {kind}: the answer was HTTP {status} with {problem}", status=status)
        retry_after = headers.get("Retry-After", "")
        wait = float(retry_after) if retry_after.isdecimal() else None
        raise of_response(status, value or {}, target=target, raw=raw, retry_after=wait)
