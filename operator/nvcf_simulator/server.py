"""One request from arrival to response: log, fault, identity, path, media type, endpoint, envelope."""

import asyncio
import logging
import socket
import struct
from contextlib import suppress
from typing import Any

from aiohttp import web

from nvcf_simulator.access import Caller
from nvcf_simulator.endpoints import ENDPOINTS, Call
from nvcf_simulator.http.faults import Fault
from nvcf_simulator.http.reply import JSON, Reply, gateway_reply, json_reply, problem_reply, unauthenticated_reply
from nvcf_simulator.http.request_log import Entry, readable_body
from nvcf_simulator.http.routing import Route, check_media_types, find_route
from nvcf_simulator.model.secret_store import mask
from nvcf_simulator.problems import ProblemError, UnauthenticatedError
from nvcf_simulator.service import Service

_POLL_SECONDS = 0.05


class BrokenError(Exception):
    """The connection is to be reset instead of a response."""


class Server:
    """Serves the API's requests."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._unfinished: set[asyncio.Task[Reply]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one request. Once started it is executed, whether or not the client still waits."""
        service = self._service
        behaviour = service.world.behaviour
        route = find_route(request.path, old=behaviour.generation == "old", put=behaviour.put)
        entry = self._logged(request, route)
        reply: Reply | None = None
        work: asyncio.Task[Reply] | None = None
        try:
            body = await request.read()
            entry.body = mask(service.world.state, readable_body(body))
            fault = service.faults.choose(entry)
            if fault is not None and fault.when == "during":
                work = self._started(request, route, body, entry)
                reply = await _early_response(fault, request, work)
            else:
                reply = await self._with_fault(fault, request, route, body, entry)
            if behaviour.notice is not None and self._gateway(route):
                reply.headers["nv-ngc-response-warning-message"] = behaviour.notice
            return await _sent(request, reply, truncate=fault is not None and fault.truncate)
        except BrokenError:
            reply = None
            reset_connection(request)
            return web.Response()
        except ConnectionError:  # the client disconnected before its request was complete
            return web.Response()
        finally:
            status = reply.status if reply is not None else None
            if work is None or work.done():
                service.request_log.end(entry, status)
            else:
                work.add_done_callback(lambda _: service.request_log.end(entry, status))

    def _started(self, request: web.Request, route: Route, body: bytes, entry: Entry) -> asyncio.Task[Reply]:
        """Execute a request independently of its response."""
        work = asyncio.create_task(self._executed(request, route, body, entry))
        self._unfinished.add(work)
        work.add_done_callback(self._unfinished.discard)
        return work

    def _logged(self, request: web.Request, route: Route) -> Entry:
        given, world = route.parameters, self._service.world
        deployment_id = given.get("deploymentId")
        version_id = given.get("functionVersionId") or world.version_of(deployment_id or "")
        function = world.function(version_id or "")
        return self._service.request_log.begin(
            method=request.method,
            path=request.path,
            query=request.query_string,
            operation=route.operation(request.method),
            function_id=given.get("functionId") or (function.id if function else None),
            version_id=version_id,
            deployment_id=deployment_id,
            key=self._service.authenticator.name(request.headers.get("Authorization")),
            user_agent=request.headers.get("User-Agent"),
            host=request.headers.get("Host"),
            traceparent=request.headers.get("traceparent"),
        )

    async def _with_fault(
        self, fault: Fault | None, request: web.Request, route: Route, body: bytes, entry: Entry
    ) -> Reply:
        if fault is None:
            return await self._executed(request, route, body, entry)
        if fault.when == "before":
            await asyncio.sleep(fault.delay)
            response = await _fault_response(fault, request, None)
            return response if response is not None else await self._executed(request, route, body, entry)
        reply = await self._executed(request, route, body, entry)
        await asyncio.sleep(fault.delay)
        return await _fault_response(fault, request, reply) or reply

    async def _executed(self, request: web.Request, route: Route, body: bytes, entry: Entry) -> Reply:
        gateway = self._gateway(route)
        try:
            return await self._respond(request, route, body, entry, gateway=gateway)
        except UnauthenticatedError as error:
            return unauthenticated_reply(error, gateway=gateway)
        except ProblemError as problem:
            return problem_reply(problem, request.path, gateway=gateway)
        except Exception:  # a bug of the simulator causes one 500 and a traceback in its log, not its end
            logging.exception("%s %s failed", request.method, request.path)
            unexpected = ProblemError(500, "Internal server error", "framework")
            return problem_reply(unexpected, request.path, gateway=gateway)

    async def _respond(self, request: web.Request, route: Route, body: bytes, entry: Entry, *, gateway: bool) -> Reply:
        caller = self._admitted(request, gateway=gateway)
        self._check_org(caller, route)
        if not route.operations:
            raise ProblemError(404, f"No static resource {request.path.lstrip('/')}.", "framework")
        operation = route.operation(request.method)
        if operation is None:
            allowed = ", ".join(sorted(route.operations))
            raise ProblemError(405, f"Method '{request.method}' is not supported.", "framework", {"Allow": allowed})
        check_media_types(request.method, request.headers.get("Content-Type"), request.headers.get("Accept"))
        call = Call(self._service, caller, route, request.query, body, entry)
        return await ENDPOINTS[operation](call)

    def _admitted(self, request: web.Request, *, gateway: bool) -> Caller:
        try:
            return self._service.authenticator.admit(request.headers.get("Authorization"))
        except ProblemError as problem:
            if gateway and problem.status == 403:
                raise UnauthenticatedError from None  # the gateway does not distinguish a bad key from none
            raise

    def _check_org(self, caller: Caller, route: Route) -> None:
        account = self._service.world.state.accounts.get(caller.nca_id)
        if route.org is not None and account and account.org not in (None, route.org):
            raise ProblemError(403, f"The credentials are not of organization '{route.org}'")

    def _gateway(self, route: Route) -> bool:
        envelope = self._service.world.behaviour.envelope
        return envelope == "gateway" or (envelope == "auto" and route.org is not None)


def reset_connection(request: web.BaseRequest) -> None:
    """Reset the connection, as a dying proxy does."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


async def _fault_response(fault: Fault, request: web.BaseRequest, reply: Reply | None) -> Reply | None:
    """Return the fault's response; None for the regular one. Raises `BrokenError` to reset the connection."""
    if fault.hang:
        await _client_gone(request)
    if fault.reset or fault.hang:
        raise BrokenError
    if fault.status is None and fault.body is None:
        return None
    response = _fault_reply(fault, request.path) if fault.status is not None else Reply(reply.status if reply else 200)
    if fault.body is not None:
        response.body, response.content_type = fault.body.encode(), fault.content_type or response.content_type or JSON
    if fault.content_type is not None:
        response.content_type = fault.content_type
    response.headers |= fault.headers
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


async def _early_response(fault: Fault, request: web.BaseRequest, work: asyncio.Task[Reply]) -> Reply:
    """Respond with the fault while the request is executed, which continues. Raises `BrokenError`."""
    await asyncio.sleep(fault.delay)
    response = await _fault_response(fault, request, None)
    return response if response is not None else await work


async def _client_gone(request: web.BaseRequest) -> None:
    """Wait until the client has disconnected."""
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        if request.transport is None or request.transport.is_closing():
            return


def _fault_reply(fault: Fault, path: str) -> Reply:
    status = fault.status or 500
    match fault.envelope:
        case "service" | "framework":
            return problem_reply(ProblemError(status, fault.detail, fault.envelope), path)
        case "gateway":
            return gateway_reply(status, fault.detail)
        case "message":
            return json_reply({"message": fault.detail}, status)
        case "issue":
            return json_reply({"issue": {"detail": fault.detail}}, status)
        case "empty":
            return Reply(status)


async def _sent(request: web.Request, reply: Reply, *, truncate: bool) -> web.StreamResponse:
    headers: dict[str, Any] = dict(reply.headers)
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    if not truncate:
        return web.Response(status=reply.status, body=reply.body or None, headers=headers)
    response = web.StreamResponse(status=reply.status, headers={**headers, "Content-Length": str(len(reply.body) + 64)})
    with suppress(ConnectionError):  # the client may have disconnected, which does not matter here
        await response.prepare(request)
        await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
