"""The available GPUs: instance types, and the backends and clusters that provide them."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from nvcf_simulator.model.entities import GpuSpecification, derived_id
from nvcf_simulator.settings import Model

_COUNT = re.compile(r"_(\d+)x$")


class QuotaRule(Model):
    """How many of a GPU an account may use, as the catalogue shows it. Nothing is refused by it."""

    name: str
    """The GPU."""
    limit: int | None = Field(None, ge=0)
    """On all clusters together."""
    clusters: dict[str, int] = Field(default_factory=dict)
    """By the names of clusters, with commas between several."""


class InstanceType(Model):
    """An instance type of one GPU."""

    name: str
    gpu: str
    backends: list[str] = Field(default_factory=lambda: ["NCP"])
    clusters: list[str] = Field(default_factory=list)
    regions: list[str] = Field(default_factory=list)
    attributes: list[str] = Field(default_factory=list)
    """Attributes of its clusters. An empty list of clusters, regions or attributes accepts any."""
    capacity: int | None = Field(None, ge=0)
    """Maximum number of concurrent instances; None: no limit."""
    value: str | None = None
    """Its name in the provider's words, in the catalogue only; None: derived from its name."""
    gpu_count: int | None = Field(None, ge=1)
    """GPUs of an instance; None: by a name like `..._8x`, else 1."""
    cpu_arch: str | None = None
    os: str | None = None
    driver_version: str | None = None
    storage: str | None = None
    system_memory: str | None = None
    gpu_memory: str | None = None

    def is_at(self, specification: GpuSpecification) -> bool:
        """Whether a cluster fits a specification: one of its clusters, in one of its regions, with all of its
        attributes, ignoring case."""
        wanted, here = (
            [{name.lower() for name in names} for names in lists]
            for lists in (
                [specification.options.get(name, []) for name in ("clusters", "regions", "attributes")],
                [self.clusters, self.regions, self.attributes],
            )
        )
        somewhere = all(not want or not has or want & has for want, has in zip(wanted[:2], here[:2], strict=True))
        return somewhere and (not here[2] or wanted[2] <= here[2])

    @property
    def gpus(self) -> int:
        """GPUs of an instance."""
        found = _COUNT.search(self.name)
        return self.gpu_count or (int(found[1]) if found else 1)

    def places(self) -> list[tuple[str, list[str]]]:
        """Its regions, each with the clusters there: the first cluster is in the first region, and so on around."""
        regions = self.regions or ["default"]
        clusters = self.clusters or [f"{backend.lower()}-cluster" for backend in self.backends]
        return [(region, clusters[index :: len(regions)]) for index, region in enumerate(regions)]

    def shown(self) -> dict[str, str]:
        """Return the fields that responses show in addition to those of the request."""
        names = {"cpu_arch", "os", "driver_version", "storage", "system_memory", "gpu_memory"}
        return self.model_dump(by_alias=True, exclude_none=True, include=names)


def _standard(name: str, gpu: str, memory: str, *, backend: str = "NCP", capacity: int = 64) -> InstanceType:
    clusters = [f"{backend.lower()}-cluster-1", *(["research-east"] if backend == "NCP" else [])]
    return InstanceType(
        name=name,
        gpu=gpu,
        backends=[backend],
        clusters=clusters,
        regions=["us-east-1", "us-west-1"],
        attributes=["KATA"],
        capacity=capacity,
        cpu_arch="amd64",
        gpu_memory=memory,
    )


DEFAULT_TYPES = (
    _standard("NCP.GPU.H100_1x", "H100", "80G"),
    _standard("NCP.GPU.H100_8x", "H100", "640G", capacity=8),
    _standard("NCP.GPU.A100_1x", "A100", "80G"),
    _standard("NCP.GPU.L40S_1x", "L40S", "48G"),
    _standard("ga10g_1.br20_2xlarge", "A10G", "24G", backend="GFN"),
    _standard("g6.full", "L40G", "24G", backend="GFN"),
    _standard("gl40_1.br20_2xlarge", "L40", "48G", backend="GFN"),
    _standard("g4.tiny", "T10", "16G", backend="GFN"),
)


class Catalogue:
    """Finds GPUs, instance types and backends, ignoring case."""

    def __init__(self, types: Iterable[InstanceType]) -> None:
        self.types = tuple(types)
        self._by_name = {t.name.lower(): t for t in self.types}

    def find(self, name: str) -> InstanceType | None:
        """Return the instance type with this name."""
        return self._by_name.get(name.lower())

    def without(self, names: Iterable[str]) -> "Catalogue":
        """Return the catalogue without these instance types or GPUs."""
        hidden = {name.lower() for name in names}
        return Catalogue(t for t in self.types if not {t.name.lower(), t.gpu.lower()} & hidden)

    def has_backend(self, backend: str) -> bool:
        """Whether this backend (cluster group) exists."""
        return any(backend.lower() == b.lower() for t in self.types for b in t.backends)

    def of_gpu(self, gpu: str, backend: str | None) -> list[InstanceType]:
        """Return the instance types of a GPU, in one backend or all."""
        return [
            t
            for t in self.types
            if t.gpu.lower() == gpu.lower() and (not backend or backend.lower() in (b.lower() for b in t.backends))
        ]

    def cluster_groups(self) -> list[dict[str, Any]]:
        """Return the backends as `GET /clusterGroups` shows them."""
        groups = []
        for backend in sorted({b for t in self.types for b in t.backends}):
            types = [t for t in self.types if backend in t.backends]
            clusters = sorted({c for t in types for c in t.clusters})
            groups.append(
                {
                    "id": derived_id("cluster-group", backend),
                    "name": backend,
                    "ncaId": "simulated-provider",
                    "authorizedNcaIds": ["*"],
                    "gpus": [_gpu(gpu, types) for gpu in sorted({t.gpu for t in types})],
                    "clusters": [{"id": derived_id("cluster", c), "name": c} for c in clusters],
                }
            )
        return groups


def _gpu(gpu: str, types: list[InstanceType]) -> dict[str, Any]:
    of_gpu = [t for t in types if t.gpu == gpu]
    return {
        "name": gpu,
        "instanceTypes": [
            {"name": t.name, "description": f"One worker with {t.gpu}", "default": t is of_gpu[0]} for t in of_gpu
        ],
    }
