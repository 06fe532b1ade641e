"""The few calls to the Kubernetes API that the operator makes, as plain JSON: models of all kinds would cost memory."""

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import aiohttp
from yarl import URL

from nvcf_operator.api import names
from nvcf_operator.api.key import Key
from nvcf_operator.kube.connection import Connection
from nvcf_operator.kube.errors import KubeError, Missing, Unavailable, of_answer
from nvcf_operator.tracing import Span, Tracer

TIMEOUT: Final = aiohttp.ClientTimeout(total=30.0)
CHUNK: Final = 500
"""Objects of one page of a list."""
MOST_RESTARTS: Final = 3
"""Times that a list begins again because its snapshot had expired."""
FIELD_MANAGER: Final = "nvcf-operator"

JSON: Final = "application/json"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"

Observe = Callable[[str, str, float], None]
"""Told of every call: its kind (get, list, finalizer, intent, status, secret, event, lease), the HTTP status or what
happened instead, and seconds."""


Trace = Callable[[str, str, str], AbstractContextManager[Span]]
"""Opens a span for a call, by its kind, method and URL."""


class ResourceList(list[Any]):
    """Resources, or what was kept of each.

    Attributes:
        resource_version: what they were listed at; the lowest one when several lists were needed.

    """

    resource_version: int = 0


class KubeClient:
    """Reads and writes FunctionDeployments, reads Secrets, writes Events. Each call has 30 s.

    Args:
        connection: the cluster.
        observe: told of every call that was made.
        fence: called right before every write; raises to forbid it.
        trace: opens a span for every write.

    Every call raises a `KubeError` by its meaning.

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

    async def get_resource(self, key: Key) -> dict[str, Any] | None:
        """Read a resource; None when it is not there."""
        try:
            return await self._read("get", _resource(key))
        except Missing:
            return None

    async def list_resources(
        self, namespaces: Sequence[str] = (), *, keep: Callable[[dict[str, Any]], Any] = lambda item: item
    ) -> ResourceList:
        """List all resources of these namespaces, or of the cluster when none is named.

        `keep` is called with each one as its page arrives, and what it gives is listed: thousands of whole resources
        in memory at once would cost more than all else. It may be called again for one when the list begins anew.
        """
        places: list[str | None] = [*dict.fromkeys(namespaces)] or [None]
        pages = [await self._list(namespace, keep) for namespace in places]
        found = ResourceList(item for page in pages for item in page)
        found.resource_version = min(page.resource_version for page in pages)
        return found

    async def patch_metadata(
        self,
        key: Key,
        *,
        uid: str,
        resource_version: str,
        finalizers: Sequence[str] | None = None,
        annotations: Mapping[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """Set all finalizers, and some annotations (None removes one), of the very object and version that was read.

        Raises:
            Conflict: it has changed since, or another object has its name now.
            Invalid: a finalizer was to be added and deletion has begun.
            Missing: it is gone.

        """
        metadata: dict[str, Any] = {"uid": uid, "resourceVersion": resource_version}
        if finalizers is not None:
            metadata["finalizers"] = list(finalizers)
        if annotations is not None:
            metadata["annotations"] = dict(annotations)
        kind = "finalizer" if finalizers is not None else "intent"
        return await self._patch(kind, _resource(key), {"metadata": metadata})

    async def patch_status(
        self, key: Key, *, uid: str, status: Mapping[str, Any], was: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Set members of the status (`kube.status.merge_patch`; None removes one) of that very object.

        Its version does not matter, so a person's edit at the same time is no conflict. A merge patch cannot do this:
        at the status subresource the API server ignores a uid in it, and would write a namesake made anew. A JSON patch
        tests the uid. Null removes because the API server prunes it where the schema does not call a field nullable.

        Args:
            key: the object's name.
            uid: the object's own.
            status: the members to set.
            was: the status that the new one was made from; an object that has another one by now is left as it is.

        Raises:
            Conflict: another object has its name now, or it has another status.
            Missing: it is gone.

        """
        operations: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/uid", "value": uid}]
        operations += [{"op": "test", "path": "/status", "value": was}] if was else []
        operations += [{"op": "add", "path": f"/status/{name}", "value": value} for name, value in status.items()]
        return await self._write("status", "PATCH", f"{_resource(key)}/status", JSON_PATCH, operations)

    async def get_secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        """Read a Secret's data, decoded; None when it is not there. Nothing of it stands in any error."""
        try:
            secret = await self._read("secret", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except Missing:
            return None
        return {item: base64.b64decode(text or "") for item, text in (secret.get("data") or {}).items()}

    async def create_event(self, namespace: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write an Event of `v1`. A Conflict says that it is there already."""
        return await self._write("event", "POST", f"/api/v1/namespaces/{namespace}/events", JSON, body)

    async def patch_event(self, namespace: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a patch into an Event."""
        return await self._patch("event", f"/api/v1/namespaces/{namespace}/events/{name}", body)

    async def lease(
        self, method: str, namespace: str, name: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """GET, PUT or POST a Lease. Not fenced: the fence stands on it."""
        path = _leases(namespace) + ("" if method == "POST" else f"/{name}")
        data = json.dumps(body).encode() if body is not None else None
        return await self._call("lease", method, path, JSON if data is not None else None, data)

    async def lease_changed(self, namespace: str, name: str, resource_version: str) -> None:
        """Wait until a Lease is another one than at that version. The caller bounds the time."""
        query = {"watch": "1", "fieldSelector": f"metadata.name={name}", "resourceVersion": resource_version}
        url = URL(self._connection.server + _leases(namespace), encoded=True).with_query(query)
        try:
            async with self._connection.session.get(
                url, timeout=aiohttp.ClientTimeout(total=None, connect=TIMEOUT.total), allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise of_answer(response.status, {})
                await response.content.readline()
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"GET lease: {error or type(error).__name__}") from None

    async def _list(self, namespace: str | None, keep: Callable[[dict[str, Any]], Any]) -> ResourceList:
        place = f"/namespaces/{namespace}" if namespace else ""
        first = f"/apis/{names.API_VERSION}{place}/{names.PLURAL}?limit={CHUNK}"
        found, path, restarts = ResourceList(), first, 0
        while True:
            try:
                page = await self._read("list", path)
            except Missing as error:
                raise Missing(
                    f"the API server does not know {names.CRD_NAME}: is its CRD installed?", status=error.status
                ) from None
            except KubeError as error:
                if error.status != 410 or path == first or restarts == MOST_RESTARTS:
                    raise
                # The snapshot that the pages are of is gone. Pages of two snapshots do not make a list: begin again.
                found, path, restarts = ResourceList(), first, restarts + 1
                continue
            found += [keep(item) for item in page["items"]]
            found.resource_version = int(page["metadata"]["resourceVersion"])
            token = page["metadata"].get("continue")
            if not token:
                return found
            path = str(URL(first).update_query({"continue": token}))

    async def _read(self, kind: str, path: str) -> dict[str, Any]:
        return await self._call(kind, "GET", path, None, None)

    async def _patch(self, kind: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return await self._write(kind, "PATCH", path, MERGE_PATCH, body)

    async def _write(self, kind: str, method: str, path: str, content: str, body: object) -> dict[str, Any]:
        data = json.dumps(body, separators=(",", ":")).encode()
        self._fence()
        with self._trace(kind, method, self._connection.server + path) as span:
            try:
                answer = await self._call(kind, method, f"{path}?fieldManager={FIELD_MANAGER}", content, data)
            except KubeError as error:
                span.answered(type(error).__name__ if error.status is None else str(error.status))
                raise
            span.answered("200")
            return answer

    async def _call(self, kind: str, method: str, path: str, content: str | None, data: bytes | None) -> dict[str, Any]:
        started, code = time.monotonic(), "cancelled"
        try:
            async with self._connection.session.request(
                method,
                URL(self._connection.server + path, encoded=True),
                data=data,
                headers={"Content-Type": content} if content else None,
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as response:
                raw = await response.read()
            code = str(response.status)
        except TimeoutError:
            code = "timeout"
            raise Unavailable(f"{method} {kind}: the API server did not answer within {TIMEOUT.total:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            code = "unreachable"
            raise Unavailable(f"{method} {kind}: {error or type(error).__name__}") from None
        finally:
            self._observe(kind, code, time.monotonic() - started)
        return _answer(response.status, response.headers.get("Retry-After"), raw)


def _resource(key: Key) -> str:
    return f"/apis/{names.API_VERSION}/namespaces/{key.namespace}/{names.PLURAL}/{key.name}"


def _leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def _answer(status: int, retry_after: str | None, raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        value = None  # a proxy's own page, or an answer cut short
    if 200 <= status < 300:
        if isinstance(value, dict):
            return value
        raise Unavailable(f"the API server answered with HTTP {status} and no JSON object", status=status)
    wait = float(retry_after) if retry_after and retry_after.isdecimal() else None
    raise of_answer(status, value if isinstance(value, dict) else {}, retry_after=wait)
