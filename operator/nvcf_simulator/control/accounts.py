"""Accounts, keys and functions, created and changed without credentials."""

from aiohttp import web

from nvcf_simulator.control.bodies import AccountChange, KeyChange, read
from nvcf_simulator.entries import AccountEntry, FunctionEntry, KeyEntry
from nvcf_simulator.http.views import function_view
from nvcf_simulator.problems import not_found
from nvcf_simulator.service import Service


class AccountRoutes:
    """Routes for accounts, keys and functions."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._world = service.world

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/accounts", self.add_account),
            web.patch("/accounts/{ncaId}", self.change_account),
            web.delete("/accounts/{ncaId}", self.remove_account),
            web.post("/keys", self.add_key),
            web.patch("/keys/{name}", self.change_key),
            web.post("/functions", self.add_function),
        ]

    async def add_account(self, request: web.Request) -> web.Response:
        """Create or replace an account."""
        self._world.put_account((await read(request, AccountEntry)).build())
        return web.json_response({})

    async def change_account(self, request: web.Request) -> web.Response:
        """Change the limits of an account."""
        account = self._world.state.accounts.get(request.match_info["ncaId"])
        if account is None:
            raise not_found(f"unknown account {request.match_info['ncaId']!r}")
        change = await read(request, AccountChange)
        if "max_functions_allowed" in change.model_fields_set:
            account.max_functions = change.max_functions_allowed
        if "requests_per_second" in change.model_fields_set:
            account.requests_per_second = change.requests_per_second
        self._world.changed = True
        return web.json_response({})

    async def remove_account(self, request: web.Request) -> web.Response:
        """Remove an account; its keys and functions remain."""
        self._world.state.accounts.pop(request.match_info["ncaId"], None)
        self._world.changed = True
        return web.json_response({})

    async def add_key(self, request: web.Request) -> web.Response:
        """Create or replace a key, by its name."""
        self._world.put_key((await read(request, KeyEntry)).build(self._world.clock.now()))
        return web.json_response({})

    async def change_key(self, request: web.Request) -> web.Response:
        """Revoke a key, or change its account, scopes or policy."""
        key = self._world.state.keys.get(request.match_info["name"])
        if key is None:
            raise not_found(f"unknown key {request.match_info['name']!r}")
        change = await read(request, KeyChange)
        for field in change.model_fields_set:
            setattr(key, field, getattr(change, field))
        self._world.changed = True
        return web.json_response({})

    async def add_function(self, request: web.Request) -> web.Response:
        """Create one function version, or many."""
        entry = await read(request, FunctionEntry)
        functions = entry.build(self._world.clock.now())
        for function in functions:
            self._world.put_function(function)
            self._service.deploy_entry(function, entry)
        return web.json_response({"functions": [function_view(self._world, function) for function in functions]})
