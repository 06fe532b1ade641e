"""Bodies of POST, PUT and PATCH of deployments."""

from dataclasses import dataclass
from typing import Any

from nvcf_simulator.bodies.reader import Reader, parse_object, unreadable
from nvcf_simulator.model.clock import SECOND, write_duration
from nvcf_simulator.model.entities import GpuSpecification, parse_id, random_id
from nvcf_simulator.problems import ProblemError
from nvcf_simulator.settings import Behaviour

_HOUR = 3600 * SECOND
_LIST = "deploymentSpecifications"
_POLICIES = ("CUSTOM_CONFIGURATION", "PLATFORM_CONFIGURATION")


@dataclass(frozen=True, slots=True)
class Update:
    """The change of one specification in PUT."""

    specification_id: str | None
    min_instances: int
    max_instances: int
    max_request_concurrency: int | None
    backend: str
    clusters: frozenset[str]
    gpu: str = ""
    """Used by the old generation only, which has no ids."""


@dataclass(frozen=True, slots=True)
class Patch:
    """The change of one specification in PATCH."""

    min_instances: int | None
    max_instances: int | None
    autoscaling: dict[str, Any] | None
    policy: str | None

    @property
    def empty(self) -> bool:
        """Whether it has no known field."""
        return all(x is None for x in (self.min_instances, self.max_instances, self.autoscaling, self.policy))


def read_post(body: bytes, behaviour: Behaviour) -> list[GpuSpecification]:
    """Read the specifications to deploy. Raises `ProblemError`."""
    reader = Reader("functionDeploymentRequest", parse_object(body))
    specifications = [_specification(item, behaviour) for item in _items(reader)]
    _check_minimums(reader, [(s.min_instances, s.max_instances) for s in specifications])
    reader.finish()
    return specifications


def read_put(body: bytes, behaviour: Behaviour) -> list[Update]:
    """Read the changes of all specifications. Raises `ProblemError`."""
    reader = Reader("updateFunctionDeploymentRequest", parse_object(body))
    updates = [_update(item, behaviour) for item in _items(reader)]
    _check_minimums(reader, [(u.min_instances, u.max_instances) for u in updates])
    reader.finish()
    return updates


def read_patch(body: bytes) -> Patch:
    """Read the changes of one specification. Raises `ProblemError`."""
    reader = Reader("updateGpuSpecificationRequest", parse_object(body))
    patch = Patch(
        min_instances=reader.integer("minInstances", least=0),
        max_instances=reader.integer("maxInstances", least=1),
        autoscaling=_autoscaling(reader),
        policy=reader.choice("autoscalingConfigurationPolicy", _POLICIES),
    )
    reader.finish()
    return patch


def _items(reader: Reader) -> list[Reader]:
    items = reader.nested_items(_LIST)
    if not items:
        reader.complain(_LIST, items, "must not be empty")
        reader.finish()
    found = [item for item in items or [] if item is not None]
    if len(found) != len(items or []):
        raise ProblemError(500, "Internal server error", "framework")  # the real server fails on null as well
    return found


def _specification(reader: Reader, behaviour: Behaviour) -> GpuSpecification:
    old = behaviour.generation == "old"
    reader.text("gpuSpecificationId")
    backend = reader.text("backend", required=old)
    options: dict[str, Any] = {
        "backend": backend if backend and backend.strip() else None,
        "clusters": reader.texts("clusters"),
        "regions": reader.texts("regions"),
        "attributes": reader.texts("attributes"),
        "availabilityZones": reader.texts("availabilityZones"),
        "configuration": reader.mapping("configuration"),
        "autoscalingConfiguration": _autoscaling(reader),
        "helmValidationPolicy": _helm_policy(reader),
    }
    least, most = _numbers(reader)
    return GpuSpecification(
        id=random_id(),
        gpu=reader.text("gpu", required=True) or "",
        instance_type=reader.text("instanceType", required=not old) or "",
        min_instances=least,
        max_instances=most,
        max_request_concurrency=_concurrency(reader, behaviour) or 1,
        preferred_order=reader.integer("preferredOrder", least=1, most=99) or 1,
        options={name: value for name, value in options.items() if value is not None},
    )


def _numbers(reader: Reader) -> tuple[int, int]:
    least = reader.integer("minInstances", least=0, required=True)
    most = reader.integer("maxInstances", least=1, required=True)
    # Missing numbers are violations already; these defaults do not violate min <= max in addition.
    return least or 0, 2**31 if most is None else most


def _concurrency(reader: Reader, behaviour: Behaviour) -> int | None:
    return reader.integer("maxRequestConcurrency", least=1, most=1024 if behaviour.generation == "old" else 16384)


def _helm_policy(parent: Reader) -> dict[str, Any] | None:
    reader = parent.nested("helmValidationPolicy")
    if reader is None:
        return None
    name = reader.choice("name", ("Default", "Unrestricted"))
    if name is None:
        reader.complain("name", None, "must not be null")
    shown: dict[str, Any] = {"name": name}
    types = reader.nested_items("extraKubernetesTypes")
    if types is not None:
        if not types:
            reader.complain("extraKubernetesTypes", [], "size must be at least 1")
        shown["extraKubernetesTypes"] = [_kubernetes_type(reader, item) for item in types]
    return shown


def _kubernetes_type(parent: Reader, reader: Reader | None) -> dict[str, str]:
    if reader is None:
        parent.complain("extraKubernetesTypes", None, "must not hold null")
        return {}
    return {name: reader.text(name, required=True) or "" for name in ("group", "version", "kind")}


def _update(reader: Reader, behaviour: Behaviour) -> Update:
    given = reader.text("gpuSpecificationId")
    specification_id = parse_id(given) if given and given.strip() else None
    if given and given.strip() and specification_id is None:
        raise unreadable("gpuSpecificationId", f"{given!r} is not a UUID")
    gpu = reader.text("gpu") or ""
    reader.text("instanceType")
    backend = reader.text("backend") or ""
    least, most = _numbers(reader)
    return Update(
        specification_id=specification_id,
        min_instances=least,
        max_instances=most,
        max_request_concurrency=_concurrency(reader, behaviour),
        backend=backend if backend.strip() else "",
        clusters=frozenset(reader.texts("clusters") or ()),
        gpu=gpu,
    )


def _check_minimums(reader: Reader, numbers: list[tuple[int, int]]) -> None:
    if any(least > most for least, most in numbers):
        reader.complain(_LIST, [list(pair) for pair in numbers], "minInstances must not exceed maxInstances")


def _autoscaling(parent: Reader, field: str = "autoscalingConfiguration") -> dict[str, Any] | None:
    """Read it as responses show it, with durations in ISO-8601; None if absent."""
    reader = parent.nested(field)
    if reader is None:
        return None
    shown: dict[str, Any] = {}
    for name in ("scaleUpDetails", "scaleDownDetails"):
        details = reader.nested(name)
        if details is not None:
            shown[name] = _details(details, up=name == "scaleUpDetails")
    return shown


def _details(reader: Reader, *, up: bool) -> dict[str, Any]:
    factor, threshold = reader.number("factor"), reader.integer("threshold", least=0, most=100, required=True)
    if factor is None:
        reader.complain("factor", None, "must not be null")
    elif up and factor <= 1:
        reader.complain("factor", factor, "scaling up needs a factor above 1.0")
    elif not up and not 0 < factor < 1:
        reader.complain("factor", factor, "scaling down needs a factor above 0 and below 1.0")
    shown: dict[str, Any] = {}
    metric = reader.text("metric")
    if metric and metric.strip():
        shown["metric"] = metric
    shown |= {"factor": factor, "threshold": threshold}
    window = reader.nested("stickiness")
    if window is not None:
        shown["stickiness"] = _stickiness(window)
    return shown


def _stickiness(reader: Reader) -> dict[str, str]:
    size, threshold = reader.duration("size"), reader.duration("threshold")
    for name, value in (("size", size), ("threshold", threshold)):
        if value is None:
            reader.complain(name, None, "must not be null")
    if size is not None and size > _HOUR:
        reader.complain("size", write_duration(size), "must not be longer than PT1H")
    if size is not None and threshold is not None and threshold >= size:
        reader.complain("threshold", write_duration(threshold), "must be less than size")
    return {"size": write_duration(size or 0), "threshold": write_duration(threshold or 0)}
