"""One request from arrival to answer: log, fault, identity, path, media type, endpoint, envelope."""

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
from nvcf_simulator.problems import ProblemError, UnauthenticatedError
from nvcf_simulator.service import Service

_LOOK_SECONDS = 0.05


class BrokenError(Exception):
    """The connection is to break instead of an answer."""


class Server:
    """Answers the API's requests."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._left: set[asyncio.Task[Reply]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request. Once begun it is carried out, whether the client still waits or not."""
        service = self._service
        behaviour = service.world.behaviour
        route = find_route(request.path, old=behaviour.generation == "old", put=behaviour.put)
        entry = self._logged(request, route)
        reply: Reply | None = None
        work: asyncio.Task[Reply] | None = None
        try:
            body = await request.read()
            entry.body = readable_body(body)
            fault = service.faults.choose(entry)
            if fault is not None and fault.when == "during":
                work = self._begun(request, route, body, entry)
                reply = await _early(fault, request, work)
            else:
                reply = await self._with_fault(fault, request, route, body, entry)
            if behaviour.notice is not None and self._gateway(route):
                reply.headers["nv-ngc-response-warning-message"] = behaviour.notice
            return await _sent(request, reply, truncate=fault is not None and fault.truncate)
        except BrokenError:
            reply = None
            break_off(request)
            return web.Response()
        except ConnectionError:  # the client has gone before all of its request was there
            return web.Response()
        finally:
            status = reply.status if reply is not None else None
            if work is None or work.done():
                service.request_log.end(entry, status)
            else:
                work.add_done_callback(lambda _: service.request_log.end(entry, status))

    def _begun(self, request: web.Request, route: Route, body: bytes, entry: Entry) -> asyncio.Task[Reply]:
        """Carry a request out beside its answer."""
        work = asyncio.create_task(self._carried_out(request, route, body, entry))
        self._left.add(work)
        work.add_done_callback(self._left.discard)
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
            return await self._carried_out(request, route, body, entry)
        if fault.when == "before":
            await asyncio.sleep(fault.delay)
            answer = await _instead(fault, request, None)
            return answer if answer is not None else await self._carried_out(request, route, body, entry)
        reply = await self._carried_out(request, route, body, entry)
        await asyncio.sleep(fault.delay)
        return await _instead(fault, request, reply) or reply

    async def _carried_out(self, request: web.Request, route: Route, body: bytes, entry: Entry) -> Reply:
        gateway = self._gateway(route)
        try:
            return await self._answered(request, route, body, entry, gateway=gateway)
        except UnauthenticatedError as error:
            return unauthenticated_reply(error, gateway=gateway)
        except ProblemError as problem:
            return problem_reply(problem, request.path, gateway=gateway)
        except Exception:  # a fault of the simulator is one answer of 500 and a traceback in its log, not its end
            logging.exception("%s %s failed", request.method, request.path)
            unexpected = ProblemError(500, "Internal server error", "framework")
            return problem_reply(unexpected, request.path, gateway=gateway)

    async def _answered(self, request: web.Request, route: Route, body: bytes, entry: Entry, *, gateway: bool) -> Reply:
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
                raise UnauthenticatedError from None  # the gateway does not tell a bad key from none
            raise

    def _check_org(self, caller: Caller, route: Route) -> None:
        account = self._service.world.state.accounts.get(caller.nca_id)
        if route.org is not None and account and account.org not in (None, route.org):
            raise ProblemError(403, f"The credentials are not of organization '{route.org}'")

    def _gateway(self, route: Route) -> bool:
        envelope = self._service.world.behaviour.envelope
        return envelope == "gateway" or (envelope == "auto" and route.org is not None)


def break_off(request: web.BaseRequest) -> None:
    """Break the connection by a reset, as a proxy that dies would."""
    if request.transport is None:
        return
    connection = request.transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()


async def _instead(fault: Fault, request: web.BaseRequest, reply: Reply | None) -> Reply | None:
    """What is answered instead; None: what would be answered anyhow. Raises `BrokenError` to break the connection."""
    if fault.hang:
        await _client_gone(request)
    if fault.reset or fault.hang:
        raise BrokenError
    if fault.status is None and fault.body is None:
        return None
    answer = _fault_reply(fault, request.path) if fault.status is not None else Reply(reply.status if reply else 200)
    if fault.body is not None:
        answer.body, answer.content_type = fault.body.encode(), fault.content_type or answer.content_type or JSON
    if fault.content_type is not None:
        answer.content_type = fault.content_type
    answer.headers |= fault.headers
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer


async def _early(fault: Fault, request: web.BaseRequest, work: asyncio.Task[Reply]) -> Reply:
    """Answer a request by its fault while it is carried out, which goes on. Raises `BrokenError`."""
    await asyncio.sleep(fault.delay)
    answer = await _instead(fault, request, None)
    return answer if answer is not None else await work


async def _client_gone(request: web.BaseRequest) -> None:
    """Wait until the client has given up."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
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
    with suppress(ConnectionError):  # the client may have gone meanwhile, which is all the same here
        await response.prepare(request)
        await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
