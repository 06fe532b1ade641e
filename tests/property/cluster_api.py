"""The Kubernetes API in front of the model of a cluster, as the operator's own client: faulty, and slow at times."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.kube.client import ResourceList
from nvcf_operator.kube.errors import Denied, Invalid, Unavailable
from nvcf_operator.kube.stored_secret import StoredSecret
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster

SLOW = 6.0
"""Seconds that a slow admission takes: longer than the operator lets pass between an intent and its POST."""

READ_TAKES = 0.1
"""Seconds for a read of a Secret, so that what is read later is of a later time."""


class KubeApi:
    """What the runtime needs of `KubeClient`. Each write is a boundary before it and after it."""

    def __init__(
        self,
        cluster: Cluster,
        chance: Callable[[], Chance],
        wait: Callable[[float], None],
        wrote: Callable[[Key, str], None],
    ) -> None:
        self._cluster = cluster
        self._chance = chance
        self._wait = wait
        self._wrote = wrote
        self.writes = 0
        self.old_list: dict[Key, dict[str, Any]] | None = None
        """What the next list shows, as one that is served from an old cache does."""
        self.old_version = 0

    async def get_resource(self, key: Key) -> dict[str, Any] | None:
        self._chance().boundary()
        return self._cluster.read(key)

    async def get_secret(self, namespace: str, name: str) -> StoredSecret | None:
        self._chance().boundary()
        found = self._cluster.secrets.there.get((namespace, name))
        self._wait(READ_TAKES)
        if found is None:
            return None
        return StoredSecret(found.data, found.uid, found.resource_version, found.annotations)

    async def list_resources(
        self,
        namespaces: Sequence[str] = (),
        *,
        kind: Kind = FUNCTION_DEPLOYMENT,
        keep: Callable[[dict[str, Any]], Any] = lambda item: item,
    ) -> ResourceList:
        old, self.old_list = self.old_list, None
        objects = self._cluster.objects if old is None else old
        found = ResourceList(keep(objects[key]) for key in sorted(objects) if key.kind == kind)
        found.resource_version = self._cluster.version if old is None else self.old_version
        return found

    async def patch_metadata(
        self, key: Key, *, uid: str, resource_version: str, finalizers: Sequence[str]
    ) -> dict[str, Any]:
        return self._write(
            key, "finalizers", lambda: self._cluster.patch_finalizers(key, uid, resource_version, list(finalizers))
        )

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
        return self._write(
            key, kind, lambda: self._cluster.patch_status(key, uid, resource_version, status, kind, trial=trial)
        )

    def _write(self, key: Key, kind: str, write: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        chance = self._chance()
        chance.boundary()
        self.writes += 1
        fault = chance.fault_of_kube()
        if delay := max(SLOW if fault == "slow" else 0.0, self._cluster.slow):
            self._wait(delay)
        try:
            answer = write() if fault != "a stranger's 404, not done" else {}
        except (Denied, Invalid) as error:
            self._wrote(key, f"{kind}: {error.message}")
            raise
        self._wrote(key, "")
        chance.boundary()
        if fault is not None and fault != "slow":
            raise Unavailable("404 page not found, which does not speak of this resource", status=404)
        return answer
