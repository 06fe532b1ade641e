"""What can be deployed where: GPUs and instance types, their capacity, and the account's quota.

No published description has these answers, so nothing in them is taken for granted: every field is optional, a value of
another form than is known is None or empty, and a field that is not known is kept in `model_extra`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict

from nvcf_client.models.base import Model

MOST_NAMES = 10_000
"""So many entries of one list are read."""


def _text(value: Any) -> str | None:
    """The text, if it is one; a number as text."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    """The whole number that is not negative, also where it is text."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 16:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _names(value: Any) -> tuple[str, ...]:
    """The names in a list, in an object's keys, or in one text with commas; each once, in the order in which they come.

    Where the list holds objects, the names are theirs.
    """
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple | Mapping):
        return ()
    found: dict[str, None] = {}
    for item in list(value)[:MOST_NAMES]:
        named = item.get("name") if isinstance(item, Mapping) else item
        if (text := _text(named)) is not None:
            found[text] = None
    return tuple(found)


def entries(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in a list; an object that stands alone is a list of one. YAML's keys may be no text: as text."""
    items = [value] if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    yield from (
        {str(key): one for key, one in item.items()} for item in items[:MOST_NAMES] if isinstance(item, Mapping)
    )


def _objects(value: Any) -> tuple[Any, ...]:
    if isinstance(value, tuple) and all(isinstance(item, Model) for item in value):
        return value
    return tuple(entries(value))


Text = Annotated[str | None, BeforeValidator(_text)]
Count = Annotated[int | None, BeforeValidator(_count)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Objects = BeforeValidator(_objects)


class Lenient(Model):
    """An object of the catalogue."""

    model_config = ConfigDict(extra="allow")


class OfferedInstanceType(Lenient):
    """An instance type that can be deployed; `name`, not `value`, is what a GPU specification takes as `instance_type`.

    `clusters`, `regions` and `attributes` are those that have it.
    """

    name: Text = None
    value: Text = None
    description: Text = None
    gpu_name: Text = None
    gpu_count: Count = None
    gpu_memory: Text = None
    cpu_cores: Count = None
    cpu_arch: Text = None
    system_memory: Text = None
    storage: Text = None
    os: Text = None
    driver_version: Text = None
    defaultable: Flag = None
    cluster_group_name: Text = None
    clusters: Names = ()
    regions: Names = ()
    attributes: Names = ()
    max_instances: Count = None
    current_instances: Count = None


class Usage(Lenient):
    """How much of an instance type is in use on one cluster."""

    min_instances: Count = None
    max_instances: Count = None
    active_instances: Count = None
    available_instances: Count = None
    active_gpus: Count = None
    available_gpus: Count = None


def _usage(value: Any) -> Any:
    return value if isinstance(value, Usage) else next(entries(value), None)


class ClusterCapacity(Lenient):
    """One cluster that has an instance type."""

    cluster_id: Text = None
    cluster_name: Text = None
    cluster_group_name: Text = None
    usage: Annotated[Usage | None, BeforeValidator(_usage)] = None


class RegionCapacity(Lenient):
    """The clusters of a region that have an instance type."""

    region_name: Text = None
    clusters: Annotated[tuple[ClusterCapacity, ...], Objects] = ()


class InstanceTypeCapacity(Lenient):
    """An instance type with its capacity, region by region."""

    instance_name: Text = None
    value: Text = None
    gpu_count: Count = None
    regions: Annotated[tuple[RegionCapacity, ...], Objects] = ()


class ClusterQuota(Lenient):
    """How many GPUs an account may use on some clusters; `names` are theirs."""

    names: Names = ()
    limit: Count = None


class GpuQuota(Lenient):
    """How many of a GPU an account may use. A limit that is missing is not known; it does not mean that there is none.

    `limit` is for all clusters together, where the answer has one.
    """

    name: Text = None
    limit: Count = None
    clusters: Annotated[tuple[ClusterQuota, ...], Objects] = ()
