"""`/v3/orgs/{org}/ngc/nvcf/deployments/...` and `/v2/orgs/{org}/ngc/nvcf/gpu/quota/rules`: what can be deployed where.

The shapes are those that clients of the NGC gateway read; no description of them is published. A key needs its scopes
and a policy without restrictions.
"""

from typing import Any

import yaml

from nvcf_simulator.endpoints.call import Call, Endpoint
from nvcf_simulator.http.reply import Reply, json_reply
from nvcf_simulator.model.catalogue import InstanceType
from nvcf_simulator.model.entities import derived_id
from nvcf_simulator.problems import ProblemError, forbidden

CAPACITY, QUOTA = "gpu_capacity", "read_gpu_quota_rule"


async def available(call: Call) -> Reply:
    """GET of the instance types that can be deployed, by GPU."""
    return json_reply(_by_gpu(call, _available))


async def capacity(call: Call) -> Reply:
    """GET of the instance types with what is in use and free on each cluster, by GPU."""
    return json_reply(_by_gpu(call, _capacity))


async def quota(call: Call) -> Reply:
    """GET of how many of each GPU the account may use."""
    _admit(call, QUOTA)
    world = call.service.world
    rules: list[dict[str, Any]] = []
    for rule in world.quota:
        shown: dict[str, Any] = {"name": rule.name}
        if rule.limit is not None:
            shown["limit"] = rule.limit
        if rule.clusters:
            shown["clusters"] = [{"names": names, "limit": limit} for names, limit in rule.clusters.items()]
        rules.append(shown)
    if world.behaviour.quota_format == "json":
        return json_reply({"gpus": rules})
    text = yaml.safe_dump({"gpus": rules}, allow_unicode=True, sort_keys=False)
    return Reply(200, text.encode(), "text/plain")


def _admit(call: Call, scope: str) -> None:
    call.caller.require(scope)
    call.limit_rate()
    if not call.caller.unlimited:
        raise forbidden("Access denied: the key is limited to functions")
    if not call.service.world.behaviour.catalogue:
        raise ProblemError(404, "Not Found")


def _by_gpu(call: Call, view: Any) -> dict[str, list[dict[str, Any]]]:
    _admit(call, CAPACITY)
    world = call.service.world
    found: dict[str, list[dict[str, Any]]] = {}
    for item in world.catalogue.without(world.hidden).types:
        found.setdefault(item.gpu, []).append(view(call, item))
    return found


def _described(item: InstanceType) -> dict[str, Any]:
    value = item.value or f"{item.gpu.lower()}.{item.gpus}x"
    return {"value": value, "description": f"{item.gpus} {item.gpu} <{item.name}>", "gpuCount": item.gpus}


def _available(_: Call, item: InstanceType) -> dict[str, Any]:
    lists = {"clusters": item.clusters, "regions": item.regions, "attributes": item.attributes}
    return {"name": item.name, **_described(item), "gpuName": item.gpu, "cpuCores": 16, **item.shown(), **lists}


def _capacity(call: Call, item: InstanceType) -> dict[str, Any]:
    used, most = call.service.allocator.usage(item)
    places = item.places()
    count = sum(len(clusters) for _, clusters in places)
    shares = iter(_shares(1_000_000 if most is None else most, count))
    regions: list[dict[str, Any]] = []
    for region, clusters in places:
        shown = []
        for cluster in clusters:
            share = next(shares)
            here = min(used, share)
            used -= here
            usage = {
                "minInstances": 0,
                "maxInstances": share,
                "activeInstances": here,
                "availableInstances": share - here,
                "activeGpus": here * item.gpus,
                "availableGpus": (share - here) * item.gpus,
            }
            shown.append({"clusterId": derived_id("cluster", cluster), "clusterName": cluster, "usage": usage})
        if shown:
            regions.append({"regionName": region, "clusters": shown})
    return {"instanceName": item.name, **_described(item), "regions": regions}


def _shares(total: int, parts: int) -> list[int]:
    """Split a number into so many parts, the larger ones first."""
    return [total // parts + (index < total % parts) for index in range(parts)]


ENDPOINTS: dict[str, Endpoint] = {
    "listAvailableInstanceTypes": available,
    "listInstanceTypes": capacity,
    "listQuotaRules": quota,
}
