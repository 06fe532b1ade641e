"""The server's behaviour: switches, dependencies, faults, capacity, catalogue, clock and loop."""

from typing import Any

from aiohttp import web

from nvcf_simulator.control.bodies import Capacity, Hidden, Jump, Quota, read, read_object
from nvcf_simulator.http.faults import Fault
from nvcf_simulator.service import Service
from nvcf_simulator.settings import Behaviour


class BehaviourRoutes:
    """Routes for what affects every client."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._world = service.world

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/behaviour", self.behaviour),
            web.patch("/behaviour", self.change_behaviour),
            web.get("/faults", self.faults),
            web.post("/faults", self.add_fault),
            web.delete("/faults", self.remove_faults),
            web.put("/capacity", self.set_capacity),
            web.post("/serve", self.serve),
            web.put("/catalogue", self.hide),
            web.put("/quota", self.set_quota),
            web.post("/clock", self.jump),
            web.post("/loop", self.run_pass),
            web.post("/loop/hold", self.hold),
            web.post("/loop/finish", self.finish),
        ]

    async def behaviour(self, _: web.Request) -> web.Response:
        """Return the behaviour."""
        return web.json_response(self._world.behaviour.model_dump(mode="json", by_alias=True))

    async def change_behaviour(self, request: web.Request) -> web.Response:
        """Merge into the behaviour; `dependencies` is replaced as a whole."""
        merged = _merged(self._world.behaviour.model_dump(mode="json", by_alias=True), await read_object(request))
        self._world.behaviour = Behaviour.model_validate(merged)
        self._world.fragments.clear()
        self._world.unsettle()
        return await self.behaviour(request)

    async def faults(self, _: web.Request) -> web.Response:
        """Return the faults, and how often each applied."""
        return web.json_response({"faults": self._service.faults.rules()})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Add a fault."""
        return web.json_response({"name": self._service.faults.add(await read(request, Fault))})

    async def remove_faults(self, request: web.Request) -> web.Response:
        """Remove the fault given by ?name=, or all."""
        self._service.faults.remove(request.query.get("name"))
        return await self.faults(request)

    async def set_capacity(self, request: web.Request) -> web.Response:
        """Set the maximum number of concurrent instances by instance type. The backlog stays unserved."""
        changes = Capacity(capacity=await read_object(request)).capacity
        self._world.state.capacity |= {name: limit for name, limit in changes.items() if limit is not None}
        for name in [name for name, limit in changes.items() if limit is None]:
            self._world.state.capacity.pop(name, None)
        self._world.changed = True
        return web.json_response(self._world.state.capacity)

    async def serve(self, _: web.Request) -> web.Response:
        """Provide the instances that were requested without capacity, as far as there is room."""
        return web.json_response({"given": self._service.allocator.serve_backlog()})

    async def hide(self, request: web.Request) -> web.Response:
        """Hide instance types or GPUs from the catalogue; an empty list restores all."""
        self._world.hidden = set((await read(request, Hidden)).hidden)
        return web.json_response({"hidden": sorted(self._world.hidden)})

    async def set_quota(self, request: web.Request) -> web.Response:
        """Replace the quota rules of every account. They are shown, and nothing is refused by them."""
        self._world.quota = (await read(request, Quota)).quota
        return web.json_response({"quota": [rule.model_dump(mode="json", by_alias=True) for rule in self._world.quota]})

    async def jump(self, request: web.Request) -> web.Response:
        """Move the clock forward."""
        self._world.clock.jump((await read(request, Jump)).seconds)
        self._world.unsettle()
        return web.json_response({})

    async def run_pass(self, _: web.Request) -> web.Response:
        """Run one pass of the server's loop immediately."""
        await self._service.loop.run_pass()
        return web.json_response({"passes": self._service.loop.finished})

    async def hold(self, _: web.Request) -> web.Response:
        """Have the server's loop read all rows now and process them at `finish`; no other pass starts in between."""
        self._service.loop.hold()
        return web.json_response({"passes": self._service.loop.finished})

    async def finish(self, _: web.Request) -> web.Response:
        """Finish the held pass of the server's loop, if there is one."""
        self._service.loop.finish()
        return web.json_response({"passes": self._service.loop.finished})


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in changes.items():
        inner = result.get(name)
        if isinstance(value, dict) and isinstance(inner, dict) and name != "dependencies":
            result[name] = _merged(inner, value)
        else:
            result[name] = value
    return result
