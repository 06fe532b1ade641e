"""Out-of-band changes of one function version: by somebody else, or by the hardware."""

from dataclasses import asdict

from aiohttp import web

from nvcf_simulator.bodies.deployment import Update, read_post
from nvcf_simulator.control.bodies import Dependencies, Loss, Scaling, VersionChange, read, read_object
from nvcf_simulator.entries import InstanceBehaviourEntry
from nvcf_simulator.http.views import deployment_view, function_view
from nvcf_simulator.model.clock import DAY
from nvcf_simulator.model.entities import Deployment, Function, GpuSpecification
from nvcf_simulator.problems import not_found
from nvcf_simulator.service import Service


class VersionRoutes:
    """Routes for one version, whose id is in the path."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._world = service.world

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        version = "/versions/{version}"
        return [
            web.patch(version, self.change),
            web.delete(version, self.remove),
            web.post(f"{version}/deployment", self.deploy),
            web.patch(f"{version}/deployment", self.scale),
            web.delete(f"{version}/deployment", self.undeploy),
            web.delete(f"{version}/row", self.lose_row),
            web.post(f"{version}/lose", self.lose),
            web.post(f"{version}/serve", self.serve),
            web.put(f"{version}/weather", self.change_instance_behaviour),
            web.put(f"{version}/dependencies", self.dependencies),
        ]

    async def change(self, request: web.Request) -> web.Response:
        """Set its queue, the invocations in it, whether it is public, its status, tags, rate limit, sharing, the age of
        its deployment, or odd values in responses."""
        function, change = self._function(request), await read(request, VersionChange)
        self._world.remember(function.version_id)
        for name, field in (("tags", "tags"), ("rate_limit", "rateLimit")):
            if name in change.model_fields_set:
                details = function.details | {field: getattr(change, name) or None}
                function.details = {field: value for field, value in details.items() if value is not None}
        if change.shared_with is not None:
            function.shared_version = list(change.shared_with)
        if change.queue_depth is not None:
            function.queue_depth = change.queue_depth
        if change.requests is not None:
            function.requests = list(change.requests)
        if change.public is not None:
            function.public = change.public
        if change.status is not None:
            function.status = change.status
        for name in ("odd", "odd_deployment", "odd_specifications"):
            if (given := getattr(change, name)) is not None:
                setattr(function, name, given)
        row = self._world.row(function.version_id)
        if row and change.older_by_days:
            row.updated_at -= int(change.older_by_days * DAY)
        self._world.touch(function)
        return web.json_response({"function": function_view(self._world, function)})

    async def remove(self, request: web.Request) -> web.Response:
        """Delete the version and its deployment."""
        self._service.drop(self._function(request))
        return web.json_response({})

    async def deploy(self, request: web.Request) -> web.Response:
        """Deploy with the body of a POST."""
        function = self._function(request)
        specifications = read_post(await request.read(), self._world.behaviour)
        row = await self._service.deployer.create(function, specifications)
        return self._shown(row, function)

    async def scale(self, request: web.Request) -> web.Response:
        """Change the numbers of all specifications."""
        function, change = self._function(request), await read(request, Scaling)
        row = self._world.row(function.version_id)
        if row is None:
            raise not_found("the version is not deployed")
        updates = [_update(specification, change) for specification in row.specifications]
        return self._shown(await self._service.deployer.update(function, updates), function)

    async def undeploy(self, request: web.Request) -> web.Response:
        """Undeploy; ?graceful=true waits for the queue."""
        graceful = request.query.get("graceful") == "true"
        await self._service.deployer.delete(self._function(request), graceful=graceful)
        return web.json_response({})

    async def lose_row(self, request: web.Request) -> web.Response:
        """Remove its deployment, with row and instances, and set its status to ?status=, by default ACTIVE.

        This is the state that remains when the server's loop and a DELETE write concurrently.
        """
        function = self._function(request)
        change = VersionChange.model_validate({"status": request.query.get("status", "ACTIVE")})
        row = self._world.row(function.version_id)
        if row:
            self._service.allocator.remove_deployment(row)
        self._world.set_status(function, change.status or "ACTIVE")
        return web.json_response({"function": function_view(self._world, function)})

    async def lose(self, request: web.Request) -> web.Response:
        """Lose running instances."""
        gone = self._service.allocator.lose(self._function(request), (await read(request, Loss)).count)
        return web.json_response({"lost": gone})

    async def serve(self, request: web.Request) -> web.Response:
        """Provide the instances that were requested without capacity, as far as there is room."""
        given = self._service.allocator.serve_backlog(self._function(request).version_id)
        return web.json_response({"given": given})

    async def change_instance_behaviour(self, request: web.Request) -> web.Response:
        """Set how its instances behave; fields left out keep their values."""
        function, change = self._function(request), await read(request, InstanceBehaviourEntry)
        given = {name: getattr(change, name) for name in change.model_fields_set}
        behaviour = InstanceBehaviourEntry.model_validate(asdict(function.instance_behaviour) | given)
        self._service.allocator.change_instance_behaviour(function, behaviour.build())
        return web.json_response(behaviour.model_dump(by_alias=True))

    async def dependencies(self, request: web.Request) -> web.Response:
        """Set which dependencies fail for this version; the others work."""
        function = self._function(request)
        failures = Dependencies.model_validate({"dependencies": await read_object(request)}).dependencies
        self._world.failures[function.version_id] = failures
        self._world.unsettled.add(function.version_id)
        return web.json_response({})

    def _function(self, request: web.Request) -> Function:
        function = self._world.function(request.match_info["version"].lower())
        if function is None:
            raise not_found(f"unknown function version {request.match_info['version']!r}")
        return function

    def _shown(self, row: Deployment, function: Function) -> web.Response:
        return web.json_response({"deployment": deployment_view(self._world, row, function)})


def _update(specification: GpuSpecification, change: Scaling) -> Update:
    return Update(
        specification.id,
        specification.min_instances if change.min_instances is None else change.min_instances,
        specification.max_instances if change.max_instances is None else change.max_instances,
        change.max_request_concurrency or specification.max_request_concurrency,
        specification.options.get("backend", ""),
        frozenset(specification.options.get("clusters", ())),
    )
