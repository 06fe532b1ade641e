"""Reads the answers about the catalogue, whatever their shape: what is readable is given, and the rest is passed over.

Only an answer that is no JSON at all (for quota rules: neither JSON nor YAML) is refused, as a proxy's page is.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic_core import from_json

from nvcf_client.models.catalogue import GpuQuota, InstanceTypeCapacity, Lenient, OfferedInstanceType, entries
from nvcf_client.responses import Answered

E = TypeVar("E", bound=Lenient)

MOST_JSON, MOST_YAML = 4 << 20, 1 << 18
"""No longer text is read, in bytes: reading takes the time of whatever runs beside it, and YAML's parser is slow."""

_WRAPPERS = ("gpus", "Gpus", "instanceTypes")
_OF_A_GPU = ("instanceTypes", "instances", "types")
_GPU_NAMES = ("gpuName", "gpu", "name")


class AvailableInstanceTypesResponse(Answered):
    """The instance types that can be deployed, by GPU."""

    gpus: Mapping[str, tuple[OfferedInstanceType, ...]]


class InstanceTypesResponse(Answered):
    """The instance types with their capacity, by GPU."""

    gpus: Mapping[str, tuple[InstanceTypeCapacity, ...]]


class QuotaRulesResponse(Answered):
    """The account's quota, GPU by GPU."""

    gpus: tuple[GpuQuota, ...]


def read_available(body: bytes) -> AvailableInstanceTypesResponse:
    """Read what can be deployed. Raises ValueError where the body is not JSON."""
    return AvailableInstanceTypesResponse(gpus=_by_gpu(_json(body), OfferedInstanceType, ("name", "instanceName")))


def read_capacity(body: bytes) -> InstanceTypesResponse:
    """Read the capacity. Raises ValueError where the body is not JSON."""
    return InstanceTypesResponse(gpus=_by_gpu(_json(body), InstanceTypeCapacity, ("instanceName", "name")))


def read_quota(body: bytes) -> QuotaRulesResponse:
    """Read the quota, from JSON or YAML. Raises ValueError where the body is neither."""
    value = _json_or_yaml(body)
    inner: Any = value
    if isinstance(value, Mapping):
        inner = next((value[name] for name in (*_WRAPPERS, "rules", "gpuQuotas") if name in value), value)
    if isinstance(inner, Mapping) and not any(name in inner for name in _GPU_NAMES):  # by the names of GPUs
        inner = [
            {"name": str(name), **item} if isinstance(item, Mapping) else {"name": str(name), "limit": item}
            for name, item in inner.items()
        ]
    found = []
    for item in entries(inner):
        named = {"name": next((item[key] for key in _GPU_NAMES if key in item), None), **item}
        quota = GpuQuota.model_validate(named)
        if quota.name is not None:
            found.append(quota)
    return QuotaRulesResponse(gpus=tuple(found))


def _by_gpu(value: Any, model: type[E], names: tuple[str, str]) -> dict[str, tuple[E, ...]]:
    """The types of each GPU: under its name, or in a list of GPUs, with or without a wrapper around them."""
    if isinstance(value, Mapping):
        value = next((value[name] for name in _WRAPPERS if isinstance(value.get(name), Mapping | list)), value)
    found: dict[str, tuple[E, ...]] = {}
    for gpu, types in _gpus(value):
        read = tuple(_type(item, model, names) for item in _types(types, names))
        found[gpu] = (*found.get(gpu, ()), *read)
    return found


def _gpus(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((str(name).strip(), types) for name, types in value.items() if str(name).strip())
        return
    for item in entries(value):
        gpu = next((item[name] for name in _GPU_NAMES if isinstance(item.get(name), str)), "").strip()
        types = next((item[name] for name in _OF_A_GPU if name in item), None)
        if gpu:
            yield gpu, types


def _types(value: Any, names: tuple[str, str]) -> Iterator[Mapping[str, Any]]:
    """The types of one GPU: in a list, or by their names."""
    if isinstance(value, Mapping) and not any(isinstance(value.get(name), str) for name in names):
        inner = next((value[name] for name in _OF_A_GPU if isinstance(value.get(name), list)), None)
        if inner is not None:
            yield from _types(inner, names)
            return
        yield from ({names[0]: name, **item} for name, item in value.items() if isinstance(item, Mapping))
        return
    if isinstance(value, list):
        value = [{names[0]: item} if isinstance(item, str) else item for item in value]
    yield from entries(value)


def _type(item: Mapping[str, Any], model: type[E], names: tuple[str, str]) -> E:
    first, second = names
    return model.model_validate({first: item[second], **item} if first not in item and second in item else dict(item))


def _json(body: bytes) -> Any:
    if len(body) > MOST_JSON:
        raise ValueError(f"a catalogue of more than {MOST_JSON >> 20} MiB")
    return _checked(from_json(body))


def _json_or_yaml(body: bytes) -> Any:
    try:
        return _json(body)
    except ValueError:
        pass
    if len(body) > MOST_YAML:
        raise ValueError("neither JSON nor a YAML text of reasonable length")
    import yaml

    try:
        value = yaml.safe_load(body.decode("utf-8", "replace"))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ValueError("neither JSON nor YAML") from None
    return _checked(value)


def _checked(value: Any) -> Any:
    """The value, unless it is bare text: YAML takes any page for one."""
    if isinstance(value, str):
        raise ValueError("a text, where an object was expected")
    return value
