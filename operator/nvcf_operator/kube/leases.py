"""The Lease by which several replicas agree on one that leads: `coordination.k8s.io/v1`, as client-go writes it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import Conflict, KubeError, Missing

RELEASED = 1
"""Duration in seconds of a released Lease, as client-go writes it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What a Lease says. `holder` is empty when nobody leads; times are as the API writes them."""

    holder: str
    seconds: int
    acquired: str
    renewed: str
    transitions: int
    resource_version: str = ""

    @classmethod
    def read(cls, obj: Mapping[str, Any]) -> "Lease":
        """Read an object; missing fields mean that nobody leads."""
        spec = obj.get("spec") or {}
        return cls(
            holder=spec.get("holderIdentity") or "",
            seconds=int(spec.get("leaseDurationSeconds") or 0),
            acquired=spec.get("acquireTime") or "",
            renewed=spec.get("renewTime") or "",
            transitions=int(spec.get("leaseTransitions") or 0),
            resource_version=obj.get("metadata", {}).get("resourceVersion", ""),
        )

    def says_the_same_as(self, other: "Lease") -> bool:
        """Whether holder and times are the same, whatever else of the object has changed."""
        return replace(self, resource_version=other.resource_version) == other

    def taken(self, holder: str, seconds: int) -> "Lease":
        """The same Lease when `holder` takes or renews it now."""
        now = _now()
        if self.holder == holder:
            return replace(self, seconds=seconds, renewed=now)
        return replace(
            self, holder=holder, seconds=seconds, acquired=now, renewed=now, transitions=self.transitions + 1
        )

    def released(self) -> "Lease":
        """The same Lease when its holder releases it."""
        return replace(self, holder="", seconds=RELEASED, acquired=_now(), renewed=_now())

    def body(self, namespace: str, name: str) -> dict[str, Any]:
        """The object to write, with the resourceVersion that was read: one of two concurrent writes is refused."""
        metadata = {"name": name, "namespace": namespace}
        if self.resource_version:
            metadata["resourceVersion"] = self.resource_version
        spec = {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.seconds,
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


@dataclass(slots=True)
class Leases:
    """Reads and writes one Lease. Each call raises the `KubeError` that its failure means."""

    kube: KubeClient
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"Lease {self.namespace}/{self.name}"

    async def read(self) -> Lease | None:
        """Read it; None if it does not exist."""
        try:
            return Lease.read(await self.kube.lease("GET", self.namespace, self.name))
        except Missing:
            return None

    async def write(self, lease: Lease) -> Lease | None:
        """Update or create it; None if another replica was faster."""
        method = "PUT" if lease.resource_version else "POST"
        body = lease.body(self.namespace, self.name)
        try:
            return Lease.read(await self.kube.lease(method, self.namespace, self.name, body))
        except (Conflict, Missing):
            return None

    async def changed(self, lease: Lease, *, within: float) -> None:
        """Wait until it changes, for `within` seconds at most. A watch that fails is waited out."""
        try:
            async with asyncio.timeout(within):
                try:
                    await self.kube.lease_changed(self.namespace, self.name, lease.resource_version)
                except KubeError:
                    await asyncio.sleep(within)
        except TimeoutError:
            return


NOBODYS = Lease(holder="", seconds=0, acquired="", renewed="", transitions=-1)
"""Stands for a Lease that does not exist: its first holder's is transition 0."""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
