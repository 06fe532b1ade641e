"""The control API, `/_simulator/...`: read everything, change anything, as tests and demos need it.

It is not part of NVCF and requires no credentials: loopback only.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import ValidationError

from nvcf_simulator.control import accounts, behaviour, functions, state, versions
from nvcf_simulator.problems import ProblemError
from nvcf_simulator.scenario import explain
from nvcf_simulator.service import Service

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def control_app(service: Service) -> web.Application:
    """Return the control API of a service."""
    app = web.Application(middlewares=[_explain_errors])
    for routes in (
        state.StateRoutes,
        behaviour.BehaviourRoutes,
        accounts.AccountRoutes,
        functions.FunctionRoutes,
        versions.VersionRoutes,
    ):
        app.add_routes(routes(service).routes())
    return app


@web.middleware
async def _explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ProblemError as problem:
        return web.json_response({"error": problem.detail}, status=problem.status)
    except ValidationError as error:
        return web.json_response({"error": "; ".join(line.strip() for line in explain(error))}, status=400)
    except ValueError as error:
        return web.json_response({"error": str(error)}, status=400)
