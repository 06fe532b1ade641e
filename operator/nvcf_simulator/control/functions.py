"""Out-of-band changes of whole functions, of artifacts, and what is recorded of a version: operations and secrets."""

from itertools import combinations
from typing import Any

from aiohttp import web

from nvcf_simulator.control.bodies import Artifacts, Dependencies, read_object
from nvcf_simulator.http.request_log import Entry
from nvcf_simulator.http.views import function_view
from nvcf_simulator.model.entities import Function
from nvcf_simulator.model.secret_store import digest
from nvcf_simulator.problems import not_found
from nvcf_simulator.service import Service


class FunctionRoutes:
    """Routes for functions, artifacts, operations, tags and secrets."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._world = service.world

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        version = "/versions/{version}"
        return [
            web.delete("/functions/{function}", self.remove),
            web.put("/functions/{function}/dependencies", self.dependencies),
            web.put("/artifacts", self.artifacts),
            web.delete(f"{version}/tags", self.remove_tags),
            web.get(f"{version}/operations", self.operations),
            web.get(f"{version}/secrets", self.secrets),
            web.post(f"{version}/secrets", self.compare_secrets),
            web.put(f"{version}/secrets", self.set_secrets),
        ]

    async def remove(self, request: web.Request) -> web.Response:
        """Delete all versions of a function, with their deployments and secrets."""
        found = self._world.versions(request.match_info["function"].lower())
        for function in found:
            self._service.drop(function)
        return web.json_response({"removed": len(found)})

    async def dependencies(self, request: web.Request) -> web.Response:
        """Set which dependencies fail, or are slow, for all versions of a function, new ones included."""
        failures = Dependencies.model_validate({"dependencies": await read_object(request)}).dependencies
        self._world.failures[request.match_info["function"].lower()] = failures
        return web.json_response({})

    async def artifacts(self, request: web.Request) -> web.Response:
        """Set which artifacts are unavailable; null: it is there."""
        self._service.registries.set(Artifacts.model_validate({"artifacts": await read_object(request)}).artifacts)
        return web.json_response(self._service.registries.unavailable())

    async def remove_tags(self, request: web.Request) -> web.Response:
        """Remove the tags that begin with ?prefix=, or all."""
        function, prefix = self._function(request), request.query.get("prefix", "")
        self._world.remember(function.version_id)
        kept = [tag for tag in function.details.get("tags", ()) if not tag.startswith(prefix)]
        details = {name: value for name, value in function.details.items() if name != "tags"}
        function.details = details | ({"tags": kept} if kept else {})
        self._world.touch(function)
        return web.json_response({"function": function_view(self._world, function)})

    async def operations(self, request: web.Request) -> web.Response:
        """Return the writes of a version in their order, and which two of them were executed at the same time.

        Those of an operation given by ?except= are left out.
        """
        version_id, left_out = request.match_info["version"].lower(), request.query.getall("except", [])
        entries = [
            entry
            for entry in self._service.request_log.since()
            if entry.version_id == version_id and entry.mutating and entry.operation not in left_out
        ]
        overlapping = [[a.id, b.id] for a, b in combinations(entries, 2) if _overlap(a, b)]
        return web.json_response({"operations": [e.view() for e in entries], "overlapping": overlapping})

    async def secrets(self, request: web.Request) -> web.Response:
        """Return the keyed digests of a version's secrets by name, whether or not the version exists."""
        return web.json_response({"secrets": self._secrets(request)})

    async def compare_secrets(self, request: web.Request) -> web.Response:
        """Return which of these secrets, by name, have these values."""
        known, given = self._secrets(request), await read_object(request)
        matches = {name: known.get(name) == digest(self._world.state, value) for name, value in given.items()}
        return web.json_response({"matches": matches})

    async def set_secrets(self, request: web.Request) -> web.Response:
        """Set secrets, by name, to these values; the others stay, and null removes one."""
        function, state = self._function(request), self._world.state
        changed = {
            name: digest(state, value) if value is not None else None
            for name, value in (await read_object(request)).items()
        }
        merged = self._secrets(request) | changed
        state.secrets[function.version_id] = {name: value for name, value in merged.items() if value is not None}
        function.has_secrets = bool(state.secrets[function.version_id])
        self._world.touch(function)
        return web.json_response({"secrets": self._secrets(request)})

    def _secrets(self, request: web.Request) -> dict[str, Any]:
        return dict(self._world.state.secrets.get(request.match_info["version"].lower(), {}))

    def _function(self, request: web.Request) -> Function:
        function = self._world.function(request.match_info["version"].lower())
        if function is None:
            raise not_found(f"unknown function version {request.match_info['version']!r}")
        return function


def _overlap(first: Entry, second: Entry) -> bool:
    ended = first.ended
    return ended is None or second.started < ended
