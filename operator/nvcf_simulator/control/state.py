"""What the control API reads: state, allocations, the request log."""

from typing import Any

from aiohttp import web

from nvcf_simulator.http.request_log import Entry
from nvcf_simulator.http.views import deployment_view, function_view
from nvcf_simulator.model.clock import instant
from nvcf_simulator.model.entities import Instance
from nvcf_simulator.service import Service


class StateRoutes:
    """Read-only routes, and clearing the log."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._world = service.world

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/state", self.state),
            web.get("/allocations", self.allocations),
            web.get("/log", self.log),
            web.delete("/log", self.clear_log),
        ]

    async def state(self, request: web.Request) -> web.Response:
        """Return the complete state; ?alive=true leaves ended instances out. Keys come without their tokens."""
        world, state = self._world, self._world.state
        shown = {
            "time": instant(world.clock.now()),
            "loopPasses": self._service.loop.finished,
            "loopIsLooking": self._service.loop.started > self._service.loop.finished,
            "inFlight": self._service.request_log.in_flight,
            "accounts": [
                {
                    "ncaId": a.nca_id,
                    "org": a.org,
                    "requestsPerSecond": a.requests_per_second,
                    "maxFunctionsAllowed": a.max_functions,
                }
                for a in state.accounts.values()
            ],
            "keys": [
                {
                    "name": k.name,
                    "ncaId": k.nca_id,
                    "kind": k.kind,
                    "scopes": k.scopes,
                    "resources": k.resources,
                    "revoked": k.revoked,
                }
                for k in state.keys.values()
            ],
            "functions": [function_view(world, function) for function in state.functions.values()],
            "deployments": [
                deployment_view(world, row, function)
                for row in state.deployments.values()
                if (function := world.function(row.version_id))
            ],
            "allocations": self._allocations(request.query.get("alive") == "true"),
            "hidden": sorted(world.hidden),
            "capacity": state.capacity,
        }
        return web.json_response(shown)

    async def allocations(self, request: web.Request) -> web.Response:
        """Return all instances that ever existed, including those of lost rows; ?alive=true for live ones only."""
        return web.json_response({"allocations": self._allocations(request.query.get("alive") == "true")})

    def _allocations(self, alive_only: bool) -> list[dict[str, Any]]:
        known = {row.id for row in self._world.state.deployments.values()} | self._world.unwritten
        found = self._service.allocator.everything()
        return [_allocation(item, known) for item in found if item.alive or not alive_only]

    async def log(self, request: web.Request) -> web.Response:
        """Return the requests after ?since=, including running ones.

        The filters are ?version=, ?operation=, ?method=, ?key= and ?mutating=true.
        """
        query = request.query
        entries = [
            entry.view()
            for entry in self._service.request_log.since(int(query.get("since", "0")))
            if _wanted(entry, query)
        ]
        return web.json_response({"entries": entries, "cursor": self._service.request_log.cursor})

    async def clear_log(self, _: web.Request) -> web.Response:
        """Clear the requests that have ended."""
        self._service.request_log.clear()
        return web.json_response({"cursor": self._service.request_log.cursor})


def _wanted(entry: Entry, query: Any) -> bool:
    pairs = (
        ("version", entry.version_id),
        ("operation", entry.operation),
        ("method", entry.method),
        ("key", entry.key),
    )
    return all(query.get(name, value) == value for name, value in pairs) and (
        query.get("mutating") != "true" or entry.mutating
    )


def _allocation(instance: Instance, known: set[str]) -> dict[str, Any]:
    return {
        "instanceId": instance.id,
        "deploymentId": instance.deployment_id,
        "gpuSpecificationId": instance.specification_id,
        "functionId": instance.function_id,
        "functionVersionId": instance.version_id,
        "ncaId": instance.nca_id,
        "gpu": instance.gpu,
        "instanceType": instance.instance_type,
        "state": instance.state,
        "alive": instance.alive,
        "leaked": instance.alive and instance.deployment_id not in known,
        "createdAt": instant(instance.created_at),
        "endedAt": None if instance.ended_at is None else instant(instance.ended_at),
    }
