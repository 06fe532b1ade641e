"""`/_simulator/...`: read and change everything. No authentication: it listens on loopback."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from nvcf_simulator.bodies.deployment import Update, read_post
from nvcf_simulator.entries import AccountEntry, FunctionEntry, KeyEntry
from nvcf_simulator.http.faults import Fault
from nvcf_simulator.model.clock import DAY
from nvcf_simulator.model.entities import Function, Weather
from nvcf_simulator.problems import ProblemError
from nvcf_simulator.service import Service
from nvcf_simulator.settings import Behaviour, Failure
from nvcf_simulator.views import deployment_view, function_view

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_app(service: Service) -> web.Application:
    """The control API of a service."""
    app = web.Application(middlewares=[_explained])
    control = Control(service)
    app.add_routes(
        [
            web.get("/state", control.state),
            web.get("/log", control.log),
            web.delete("/log", control.clear_log),
            web.get("/allocations", control.allocations),
            web.get("/behaviour", control.behaviour),
            web.patch("/behaviour", control.change_behaviour),
            web.get("/faults", control.faults),
            web.post("/faults", control.add_fault),
            web.delete("/faults", control.remove_faults),
            web.post("/accounts", control.add_account),
            web.post("/keys", control.add_key),
            web.patch("/keys/{name}", control.change_key),
            web.post("/functions", control.add_function),
            web.put("/capacity", control.set_capacity),
            web.post("/clock", control.jump),
            web.post("/loop", control.look),
            web.post("/versions/{version}/deployment", control.deploy),
            web.patch("/versions/{version}/deployment", control.scale),
            web.delete("/versions/{version}/deployment", control.undeploy),
            web.delete("/versions/{version}", control.remove_version),
            web.patch("/versions/{version}", control.change_version),
            web.post("/versions/{version}/lose", control.lose),
            web.post("/versions/{version}/serve", control.serve),
            web.put("/versions/{version}/weather", control.weather),
            web.put("/versions/{version}/dependencies", control.dependencies),
        ]
    )
    return app


class Control:
    """The handlers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._world = service.world

    async def state(self, _: web.Request) -> web.Response:
        """Functions and deployments as their accounts see them, and all allocations."""
        world = self._world
        shown = {
            "functions": [function_view(world, function) for function in world.state.functions.values()],
            "deployments": [
                deployment_view(world, row, function)
                for row in world.state.deployments.values()
                if (function := world.function(row.version_id)) is not None
            ],
            "allocations": self._allocations(),
        }
        return web.json_response(shown)

    async def allocations(self, _: web.Request) -> web.Response:
        """All instances there ever were: they outlive rows that were lost or overwritten."""
        return web.json_response({"allocations": self._allocations()})

    def _allocations(self) -> list[dict[str, Any]]:
        known = {row.id for row in self._world.state.deployments.values()}
        return [
            {
                "instanceId": item.id,
                "deploymentId": item.deployment_id,
                "functionId": item.function_id,
                "functionVersionId": item.version_id,
                "ncaId": item.nca_id,
                "gpu": item.gpu,
                "instanceType": item.instance_type,
                "state": item.state,
                "alive": item.alive,
                "leaked": item.alive and item.deployment_id not in known,
                "createdAt": item.created_at,
                "endedAt": item.ended_at,
            }
            for item in self._service.allocator.everything()
        ]

    async def log(self, request: web.Request) -> web.Response:
        """Requests after a cursor, those that still run included."""
        journal = self._service.journal
        entries = [entry.view() for entry in journal.since(int(request.query.get("since", "0")))]
        return web.json_response({"entries": entries, "cursor": journal.cursor})

    async def clear_log(self, _: web.Request) -> web.Response:
        """Forget what has ended."""
        self._service.journal.clear()
        return web.json_response({"cursor": self._service.journal.cursor})

    async def behaviour(self, _: web.Request) -> web.Response:
        """How the server behaves."""
        return web.json_response(self._world.behaviour.model_dump(mode="json", by_alias=True))

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Merge into how the server behaves."""
        changes = await _object(request)
        merged = _merged(self._world.behaviour.model_dump(mode="json", by_alias=True), changes)
        self._world.behaviour = Behaviour.model_validate(merged)
        self._world.fragments.clear()
        return await self.behaviour(request)

    async def faults(self, _: web.Request) -> web.Response:
        """The faults in force."""
        return web.json_response({"faults": self._service.faults.rules()})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Put a fault in force."""
        return web.json_response({"name": self._service.faults.add(Fault.model_validate(await _object(request)))})

    async def remove_faults(self, request: web.Request) -> web.Response:
        """Take one fault away by ?name=, or all."""
        self._service.faults.remove(request.query.get("name"))
        return await self.faults(request)

    async def add_account(self, request: web.Request) -> web.Response:
        """Create or replace an account."""
        self._world.put_account(AccountEntry.model_validate(await _object(request)).made())
        return web.json_response({})

    async def add_key(self, request: web.Request) -> web.Response:
        """Create or replace a key."""
        self._world.put_key(KeyEntry.model_validate(await _object(request)).made(self._world.clock.now()))
        return web.json_response({})

    async def change_key(self, request: web.Request) -> web.Response:
        """Revoke a key, give it another account, other scopes or another policy."""
        key = self._world.state.keys.get(request.match_info["name"])
        if key is None:
            raise ProblemError(404, f"no key {request.match_info['name']}")
        fields = {"revoked": "revoked", "ncaId": "nca_id", "scopes": "scopes", "resources": "resources"}
        fields |= {"serviceStatus": "service_status"}
        for name, value in (await _object(request)).items():
            setattr(key, fields[name], value)
        self._world.changed = True
        return web.json_response({})

    async def add_function(self, request: web.Request) -> web.Response:
        """Create functions."""
        made = FunctionEntry.model_validate(await _object(request)).made(self._world.clock.now())
        for function in made:
            self._world.put_function(function)
        return web.json_response({"functions": [function_view(self._world, function) for function in made]})

    async def set_capacity(self, request: web.Request) -> web.Response:
        """Set most instances at once, by instance type."""
        self._world.state.capacity.update(await _object(request))
        return web.json_response(self._world.state.capacity)

    async def jump(self, request: web.Request) -> web.Response:
        """Move the clock forward by `seconds`."""
        self._world.clock.jump(float((await _object(request))["seconds"]))
        self._world.unsettled.update(self._world.state.deployments)
        return web.json_response({})

    async def look(self, _: web.Request) -> web.Response:
        """Have the server's loop look once, now."""
        await self._service.loop.look()
        return web.json_response({"passes": self._service.loop.passes})

    async def deploy(self, request: web.Request) -> web.Response:
        """Deploy as somebody else would, by the body of a POST."""
        function = self._function(request)
        specifications = read_post(await request.read(), self._world.behaviour)
        row = await self._service.deploying.create(function, specifications)
        return web.json_response({"deployment": deployment_view(self._world, row, function)})

    async def scale(self, request: web.Request) -> web.Response:
        """Change numbers of every specification as somebody else would."""
        function, change = self._function(request), await _object(request)
        row = self._world.row(function.version_id)
        if row is None:
            raise ProblemError(404, "not deployed")
        updates = [
            Update(
                item.id,
                int(change.get("minInstances", item.min_instances)),
                int(change.get("maxInstances", item.max_instances)),
                int(change.get("maxRequestConcurrency", item.max_request_concurrency)),
                item.options.get("backend", ""),
                frozenset(item.options.get("clusters", ())),
            )
            for item in row.specifications
        ]
        row = await self._service.deploying.update(function, updates)
        return web.json_response({"deployment": deployment_view(self._world, row, function)})

    async def undeploy(self, request: web.Request) -> web.Response:
        """Undeploy as somebody else would; ?graceful=true."""
        graceful = request.query.get("graceful") == "true"
        await self._service.deploying.delete(self._function(request), graceful=graceful)
        return web.json_response({})

    async def remove_version(self, request: web.Request) -> web.Response:
        """Delete a function version and its deployment."""
        function = self._function(request)
        row = self._world.row(function.version_id)
        if row is not None:
            self._service.deploying.remove(row)
        self._world.remove_function(function)
        return web.json_response({})

    async def change_version(self, request: web.Request) -> web.Response:
        """Set `queueDepth`, `public`, `status`, or make the last update `olderByDays`."""
        function, change = self._function(request), await _object(request)
        function.queue_depth = int(change.get("queueDepth", function.queue_depth))
        function.public = bool(change.get("public", function.public))
        if "status" in change:
            self._world.set_status(function, change["status"])
        row = self._world.row(function.version_id)
        if row is not None and "olderByDays" in change:
            row.updated_at -= int(float(change["olderByDays"]) * DAY)
        self._world.touch(function)
        return web.json_response({"function": function_view(self._world, function)})

    async def lose(self, request: web.Request) -> web.Response:
        """Have running instances vanish: `count` of them, or all."""
        count = (await _object(request)).get("count")
        gone = self._service.allocator.lose(self._function(request), None if count is None else int(count))
        return web.json_response({"lost": gone})

    async def serve(self, request: web.Request) -> web.Response:
        """Give the instances that were asked for in vain, as far as there is room now."""
        given = self._service.allocator.serve_backlog(self._function(request).version_id)
        return web.json_response({"given": given})

    async def weather(self, request: web.Request) -> web.Response:
        """Set how the instances of a version fare: fate, fates, supply, capacity, deploy_seconds, error."""
        function, change = self._function(request), await _object(request)
        weather = Weather(**{**asdict(function.weather), **change})
        self._service.allocator.change_weather(function, weather)
        return web.json_response(asdict(weather))

    async def dependencies(self, request: web.Request) -> web.Response:
        """Set which dependencies fail for a version, and how; the others work."""
        failures = {name: Failure.model_validate(item) for name, item in (await _object(request)).items()}
        self._world.failures[self._function(request).version_id] = failures
        self._world.unsettled.add(self._function(request).version_id)
        return web.json_response({})

    def _function(self, request: web.Request) -> Function:
        function = self._world.function(request.match_info["version"])
        if function is None:
            raise ProblemError(404, f"no version {request.match_info['version']}")
        return function


@web.middleware
async def _explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ProblemError as problem:
        return web.json_response({"error": problem.detail}, status=problem.status)
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)


async def _object(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    value = json.loads(text) if text else {}
    if not isinstance(value, dict):
        raise ValueError("an object is expected")
    return value


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in changes.items():
        inner = result.get(name)
        merge = isinstance(value, dict) and isinstance(inner, dict) and name != "dependencies"
        result[name] = _merged(inner, value) if merge and isinstance(inner, dict) else value
    return result
