"""The few calls to the Kubernetes API that the operator makes, in plain JSON: models of all kinds would cost memory."""

import json
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final, cast

import aiohttp
from yarl import URL

from nvcf_operator.api import names
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.api.status import CONDITION_TYPES
from nvcf_operator.kube.calls import JSON, JSON_PATCH, TIMEOUT, Calls
from nvcf_operator.kube.errors import (
    NO_FIELD_BLAMED,
    Conflict,
    Invalid,
    KubeError,
    Missing,
    NotServed,
    RequestTarget,
    Unavailable,
    of_response,
)
from nvcf_operator.kube.stored_secret import StoredSecret

CHUNK: Final = 500
"""Objects per page of a list."""
MOST_RESTARTS: Final = 3
"""Most restarts of a list whose snapshot has expired."""


class ResourceList(list[Any]):
    """Resources, or what `keep` returned for each.

    Attributes:
        resource_version: the version of the list; the lowest one of several lists.

    """

    resource_version: int = 0


class KubeClient(Calls):
    """Reads and writes resources of each kind, reads Secrets, writes Events and the Lease.

    An object is missing only if a `Status` says so by its name: any other 404 is `Unavailable`.
    """

    async def get_resource(self, key: Key) -> dict[str, Any] | None:
        """Read a resource; None if it does not exist."""
        try:
            return await self._read("get", resource_path(key))
        except Missing:
            return None

    async def list_resources(
        self,
        namespaces: Sequence[str] = (),
        *,
        kind: Kind = FUNCTION_DEPLOYMENT,
        keep: Callable[[dict[str, Any]], Any] = lambda item: item,
    ) -> ResourceList:
        """List all resources of a kind in these namespaces, or in the cluster when none is named.

        `keep` is called with each one as its page arrives, and what it returns is listed: thousands of whole resources
        in memory at once would cost more than all else. It may be called again for one when the list restarts.

        Raises:
            NotServed: the API server does not know the kind.

        """
        places: list[str | None] = [*dict.fromkeys(namespaces)] or [None]
        pages = [await self._list(kind, namespace, keep) for namespace in places]
        found = ResourceList(item for page in pages for item in page)
        found.resource_version = min(page.resource_version for page in pages)
        return found

    async def current_version(self, namespaces: Sequence[str] = (), *, kind: Kind = FUNCTION_DEPLOYMENT) -> int:
        """The current resourceVersion of a kind in the cluster, from a consistent list, not from a cache."""
        page = await self._read("list", f"{_collection(kind, next(iter(namespaces), None))}?limit=1")
        return int(page["metadata"]["resourceVersion"])

    async def served_schema(self, kind: Kind = FUNCTION_DEPLOYMENT) -> Mapping[str, Any]:
        """The schema of a kind as the API server publishes it (OpenAPI v3); it may lag by seconds.

        Raises:
            KubeError: it publishes none, or did not respond.

        """
        document = await self._read("schema", f"/openapi/v3/apis/{names.API_VERSION}")
        ours = {"group": names.GROUP, "version": names.VERSION, "kind": kind.name}
        components = document.get("components")
        schemas = components.get("schemas") if isinstance(components, dict) else None
        for schema in schemas.values() if isinstance(schemas, dict) else ():
            kinds = schema.get("x-kubernetes-group-version-kind") if isinstance(schema, dict) else None
            if isinstance(kinds, list) and ours in kinds:
                return cast("Mapping[str, Any]", schema)
        raise Unavailable(f"the API server publishes no schema for {kind}")

    async def patch_metadata(
        self, key: Key, *, uid: str, resource_version: str, finalizers: Sequence[str]
    ) -> dict[str, Any]:
        """Set all finalizers of exactly the object and version that was read. No other metadata is ever written.

        Raises:
            Conflict: it has changed since, or another object has its name now.
            Invalid: a finalizer was to be added and deletion has begun.
            Missing: it is gone.

        """
        metadata = {"uid": uid, "resourceVersion": resource_version, "finalizers": list(finalizers)}
        return await self._patch("finalizer", resource_path(key), {"metadata": metadata})

    async def patch_status(
        self,
        key: Key,
        *,
        uid: str,
        resource_version: str,
        status: Mapping[str, Any],
        kind: str = "status",
        trial: bool = False,
    ) -> dict[str, Any]:
        """Set members of the status (`kube.status.merge_patch`; None removes one) of exactly that object and version.

        A JSON patch that sets resourceVersion is refused if the object has another one by now. The content of the
        status is not compared: the API server compares JSON by bytes, and escapes text differently. A merge patch
        would merge members instead of setting them, and at the status subresource the API server ignores a uid in it.
        Null removes a member because the API server prunes it where the schema does not declare a field nullable.

        Args:
            key: the object's name.
            uid: the object's own.
            resource_version: the version that the status is based on.
            status: the members to set.
            kind: what metrics and traces call the write.
            trial: dry run; the API server stores nothing.

        Raises:
            Conflict: it has changed since, or another object has its name now.
            Invalid: the API server rejects such a status.
            Missing: it is gone.

        """
        exact_version: list[dict[str, Any]] = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/metadata/resourceVersion", "value": resource_version},
        ]
        members = [{"op": "add", "path": f"/status/{name}", "value": value} for name, value in status.items()]
        path = f"{resource_path(key)}/status" + ("?dryRun=All" if trial else "")
        try:
            return await self._write(kind, "PATCH", path, JSON_PATCH, exact_version + members)
        except Invalid as error:
            if error.message != NO_FIELD_BLAMED:
                raise
            refused = error
        found = await self.get_resource(key)
        if found is None:
            raise Missing(f"{key} is gone", status=404)
        if found["metadata"].get("uid") != uid:
            raise Conflict("another object has this name now", status=refused.status)
        if isinstance(found.get("status"), dict):
            raise refused
        # No member can be set in a status that does not exist, as under a CRD without a default for it.
        whole = {"op": "add", "path": "/status", "value": {k: v for k, v in status.items() if v is not None}}
        return await self._write(kind, "PATCH", path, JSON_PATCH, [*exact_version, whole])

    async def get_secret(self, namespace: str, name: str) -> StoredSecret | None:
        """Read a Secret; None if it does not exist. No error contains any of it."""
        try:
            stored = await self._read("secret", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except Missing:
            return None
        try:
            return StoredSecret.of(stored)
        except (AttributeError, TypeError, ValueError):  # they may repeat the data
            raise Unavailable(f"GET Secret {namespace}/{name}: the answer's data cannot be read") from None

    async def create_event(self, namespace: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an Event of `v1`. A Conflict means that it exists already."""
        return await self._write("event", "POST", f"/api/v1/namespaces/{namespace}/events", JSON, body)

    async def patch_event(self, namespace: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a patch into an Event."""
        return await self._patch("event", f"/api/v1/namespaces/{namespace}/events/{name}", body)

    async def lease(
        self, method: str, namespace: str, name: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """GET, PUT or POST a Lease. Not fenced: the fence depends on it."""
        path = _leases(namespace) + ("" if method == "POST" else f"/{name}")
        data = json.dumps(body).encode() if body is not None else None
        return await self._call("lease", method, path, JSON if data is not None else None, data)

    async def lease_changed(self, namespace: str, name: str, resource_version: str) -> None:
        """Wait until a Lease differs from that version. The caller bounds the time."""
        query = {"watch": "1", "fieldSelector": f"metadata.name={name}", "resourceVersion": resource_version}
        url = URL(self._connection.server + _leases(namespace), encoded=True).with_query(query)
        try:
            async with self._connection.session.get(
                url, timeout=aiohttp.ClientTimeout(total=None, connect=TIMEOUT.total), allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise of_response(response.status, {}, target=RequestTarget.of("GET", _leases(namespace)))
                await response.content.readline()
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"GET lease: {error or type(error).__name__}") from None

    async def _list(self, kind: Kind, namespace: str | None, keep: Callable[[dict[str, Any]], Any]) -> ResourceList:
        first = f"{_collection(kind, namespace)}?limit={CHUNK}"
        found, path, restarts = ResourceList(), first, 0
        while True:
            try:
                page = await self._read("list", path)
            except KubeError as error:
                if error.status == 404:
                    raise NotServed(
                        f"the API server serves no {kind.plural} of {names.API_VERSION}: is the CRD installed, and "
                        f"does it serve {names.VERSION}? Check kubectl get crd {kind.crd_name}",
                        status=404,
                    ) from None
                if error.status != 410 or path == first or restarts == MOST_RESTARTS:
                    raise
                # The snapshot of the pages has expired. Pages of two snapshots do not make a list: restart.
                found, path, restarts = ResourceList(), first, restarts + 1
                continue
            found += [keep({"kind": kind.name, **item}) for item in page["items"]]
            found.resource_version = int(page["metadata"]["resourceVersion"])
            token = page["metadata"].get("continue")
            if not token:
                return found
            path = str(URL(first).update_query({"continue": token}))


def _collection(kind: Kind, namespace: str | None) -> str:
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{names.API_VERSION}{place}/{kind.plural}"


def resource_path(key: Key) -> str:
    """The path of a resource."""
    return f"/apis/{names.API_VERSION}/namespaces/{key.namespace}/{key.kind.plural}/{key.name}"


def _leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def merge_patch(
    old: Mapping[str, Any], new: Mapping[str, Any], *, ours: Container[str] = CONDITION_TYPES
) -> dict[str, Any] | None:
    """What `KubeClient.patch_status` needs to make `new` of `old`; None if they are equal.

    The members that differ, each as a whole, and None for those that go: a patch of one level, since a status has few
    members and small ones. A member that is None counts as absent. Values are compared as Python does (1, 1.0 and True
    are equal), which is right here: the schema fixes the type of each field.

    Conditions of types that are not `ours` belong to other controllers: they stay in `old` as they are.
    """
    new = _with_conditions_of_others(old, new, ours)
    patch = {name: value for name, value in new.items() if value is not None and value != old.get(name)}
    gone = {name: None for name, value in old.items() if value is not None and new.get(name) is None}
    return (patch | gone) or None


def _with_conditions_of_others(
    old: Mapping[str, Any], new: Mapping[str, Any], ours: Container[str]
) -> Mapping[str, Any]:
    stored = old.get("conditions") or ()
    foreign = [item for item in stored if item["type"] not in ours]
    if not foreign:
        return new
    wanted = [*(new.get("conditions") or ()), *foreign]
    # The same conditions in another order, as other tools merge them, are no reason to write.
    same = sorted(wanted, key=_type) == sorted(stored, key=_type)
    return {**new, "conditions": list(stored) if same else wanted}


def _type(condition: Mapping[str, Any]) -> str:
    return str(condition["type"])
