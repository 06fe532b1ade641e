"""The load: resources created and written as fast as the API server takes them, by a few concurrent clients."""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from nvcf_operator.api.names import API_VERSION, KINDS, PLURAL
from nvcf_operator.kube.connection import Connection, connect

CLIENTS = 16


class Cluster:
    """The API server as a load generator sees it."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = f"{connection.server}/apis/{API_VERSION}/namespaces/{namespace}"
        self._base = f"{self._namespace}/{PLURAL}"

    async def create(self, manifest: dict[str, Any]) -> None:
        """Create a resource of either kind."""
        kind = next(kind for kind in KINDS if kind.name == manifest["kind"])
        await self._send("POST", f"{self._namespace}/{kind.plural}", manifest, "application/json")

    async def write_status(self, name: str, status: dict[str, Any]) -> None:
        """Merge into a resource's status."""
        await self._send("PATCH", f"{self._base}/{name}/status", {"status": status}, "application/merge-patch+json")

    async def edit(self, name: str, spec: dict[str, Any]) -> None:
        """Merge into a resource's spec."""
        await self._send("PATCH", f"{self._base}/{name}", {"spec": spec}, "application/merge-patch+json")

    async def delete_all(self) -> None:
        """Delete every resource of the namespace."""
        await self._send("DELETE", self._base, {}, "application/json")

    async def _send(self, method: str, url: str, body: dict[str, Any], kind: str) -> None:
        async with self._connection.session.request(
            method, url, data=json.dumps(body), headers={"Content-Type": kind}
        ) as answer:
            if answer.status >= 300:
                raise RuntimeError(f"{method} {url}: {answer.status} {await answer.text()}")


async def each(items: Iterable[Any], work: Callable[[Any], Awaitable[None]]) -> None:
    """Work on all items, a few at a time."""
    left = iter(items)

    async def client() -> None:
        for item in left:
            await work(item)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


def run(kubeconfig: Path, namespace: str, work: Callable[[Cluster], Awaitable[None]]) -> float:
    """Run work against a cluster as its admin; give the seconds that it took."""

    async def within() -> float:
        os.environ["KUBECONFIG"] = str(kubeconfig)
        connection = await connect(limit=CLIENTS, user_agent="bench")
        try:
            started = time.monotonic()
            await work(Cluster(connection, namespace))
            return time.monotonic() - started
        finally:
            await connection.close()

    return asyncio.run(within())
