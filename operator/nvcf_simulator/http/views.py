"""Entities as responses show them: NVCF's names, no nulls, times in ISO-8601."""

from typing import Any
from zlib import crc32

from nvcf_simulator.http.reply import json_bytes
from nvcf_simulator.model.clock import SECOND, exactly, instant
from nvcf_simulator.model.entities import Deployment, Function, GpuSpecification, Instance
from nvcf_simulator.model.world import World

_HIDDEN_FROM_OTHERS = (
    "inferenceUrl",
    "inferencePort",
    "containerArgs",
    "containerEnvironment",
    "containerImage",
    "models",
    "resources",
    "helmChart",
    "helmChartServiceName",
    "secrets",
    "rateLimit",
)
_UNKNOWN: dict[str, Any] = {"newerField": {"<since>": "2026 & später", "weights": [0.5, None, {}]}}
"""A field that no client knows, as newer servers send."""

_OLD_STATUS = {"DEGRADED": "ACTIVE", "DEGRADING": "ACTIVE"}


def shown_status(world: World, status: str) -> str:
    """Return a status by its name in this generation of the API."""
    return _OLD_STATUS.get(status, status) if world.behaviour.generation == "old" else status


def function_view(
    world: World,
    function: Function,
    nca_id: str | None = None,
    *,
    secrets: list[str] | None = None,
    sent: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Show a function version to an account (None: its own); other accounts see fewer fields.

    The names of its secrets are shown if they are given, and a rate limit as it was `sent` or, else, as it is stored.
    """
    view: dict[str, Any] = {
        "id": function.id,
        "ncaId": function.nca_id,
        "versionId": function.version_id,
        "name": function.name,
        "status": shown_status(world, function.status),
        **function.details,
        "createdAt": _odd_time(world, function.created_at, function.version_id),
        **_unknown(world),
    }
    if secrets is not None:
        view["secrets"] = secrets
    if isinstance(view.get("rateLimit"), dict) and "rateLimit" not in sent:
        view["rateLimit"] = view["rateLimit"] | {
            name: view["rateLimit"].get(name, empty) for name, empty in (("exemptedNcaIds", []), ("perNcaIdRate", {}))
        }
    if nca_id not in (None, function.nca_id):
        view["ownedByDifferentAccount"] = True
        for name in _HIDDEN_FROM_OTHERS:
            view.pop(name, None)
    return view | function.odd


def function_fragment(world: World, function: Function) -> bytes:
    """Return the JSON of a function in lists of its own account, cached until it changes."""
    if world.function(function.version_id) is not function:
        return json_bytes(function_view(world, function))  # a former value, in a list that lags behind
    known = world.fragments.get(function.version_id)
    if known is None:
        known = json_bytes(function_view(world, function))
        world.fragments[function.version_id] = known
    return known


def deployment_view(world: World, row: Deployment, function: Function, *, fresh: bool = False) -> dict[str, Any]:
    """Show a deployment. The response to POST (`fresh`) has finer times and a different order than later ones."""
    old = world.behaviour.generation == "old"
    specifications = sorted(row.specifications, key=lambda s: s.id)
    if fresh and world.behaviour.shuffle:
        specifications.reverse()
    finer = world.random.randrange(1_000_000) if fresh else 0
    created, updated = row.created_at + finer, row.updated_at + min(999_999, finer + 300) * fresh
    view: dict[str, Any] = {
        "functionId": row.function_id,
        "functionVersionId": row.version_id,
        "deploymentId": row.id,
        "functionName": function.name,
        "ncaId": row.nca_id,
        "functionStatus": shown_status(world, function.status),
        "deploymentSpecifications": [specification_view(world, s) for s in specifications],
        "createdAt": instant(created) if fresh else _odd_time(world, created, row.id),
        "lastUpdatedAt": instant(updated) if fresh else _odd_time(world, updated, row.id, cut=False),
        **_unknown(world),
    }
    if row.health:
        view["healthInfo"] = [_health_view(entry, old=old) | _unknown(world) for entry in row.health]
    if old:
        for name in ("deploymentId", "functionName", "lastUpdatedAt"):
            del view[name]
        view["requestQueueUrl"] = f"https://sqs.simulator.invalid/{row.nca_id}/{row.version_id}"
    view["deploymentSpecifications"] = [item | function.odd_specifications for item in view["deploymentSpecifications"]]
    return view | function.odd_deployment


def _health_view(entry: dict[str, str], *, old: bool) -> dict[str, str]:
    if not old:
        return entry
    return {"sisRequestId" if name == "icmsRequestId" else name: value for name, value in entry.items()}


def _unknown(world: World) -> dict[str, Any]:
    return {} if world.behaviour.plain or world.behaviour.generation == "old" else _UNKNOWN


def _odd_time(world: World, nanoseconds: int, owner: str, *, cut: bool = True) -> str:
    """Write a time with 0 to 9 fractional digits, the same number for one owner; without `cut` nothing is truncated."""
    if world.behaviour.plain:
        return instant(nanoseconds)
    digits = crc32(owner.encode()) % 10
    if not cut:
        digits = max(digits, len(f"{nanoseconds % SECOND:09}".rstrip("0")))
    return exactly(nanoseconds, digits)


def specification_view(world: World, specification: GpuSpecification) -> dict[str, Any]:
    """Show a GPU specification."""
    view: dict[str, Any] = {
        "gpuSpecificationId": specification.id,
        "gpu": specification.gpu,
        "instanceType": specification.instance_type,
        "minInstances": specification.min_instances,
        "maxInstances": specification.max_instances,
        "maxRequestConcurrency": specification.max_request_concurrency,
        "preferredOrder": specification.preferred_order,
        **specification.options,
        **_unknown(world),
    }
    if world.behaviour.generation == "old":
        del view["gpuSpecificationId"]
        return view
    for known in world.catalogue.types:
        if known.name == specification.instance_type and known.gpu == specification.gpu:
            view |= known.shown()
    return view


def instance_view(world: World, instance: Instance) -> dict[str, Any]:
    """Show an instance in a function's `activeInstances`."""
    created = _odd_time(world, instance.created_at, instance.id)
    return {
        "instanceId": instance.id,
        "functionId": instance.function_id,
        "functionVersionId": instance.version_id,
        "instanceType": instance.instance_type,
        "instanceStatus": instance.state.upper(),
        "icmsRequestId": instance.request_id,
        "ncaId": instance.nca_id,
        "gpu": instance.gpu,
        "backend": instance.backend,
        "location": instance.location,
        "instanceCreatedAt": created,
        "instanceUpdatedAt": created,
        **_unknown(world),
    }
