"""A proxy to the API server whose lists lag behind: for a client that stands behind it, and for nobody else.

A list may be old: a replica of the API server, or its watch cache, can be behind. Single objects are read and written
as they are.
"""

import asyncio
import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

from hack.controlplane import ControlPlane
from hack.controlplane.kubeconfigs import write_kubeconfig
from nvcf_operator.api.names import API_VERSION, PLURAL

_COLLECTION = re.compile(rf"/apis/{re.escape(API_VERSION)}/(namespaces/[^/]+/)?{PLURAL}")
_NOT_PASSED_ON = frozenset(
    {"accept-encoding", "connection", "content-encoding", "content-length", "host", "keep-alive", "transfer-encoding"}
)
"""Headers that are about one connection, or about the form of a body that is read and written again."""
_EXPIRED = {
    "type": "ERROR",
    "object": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410},
}
_LONGEST_LINE = 2**21


@dataclass(frozen=True)
class Asked:
    """One answered request."""

    method: str
    path: str
    status: int


class LaggingApiServer:
    """Passes everything on, until it is set to lag.

    Attributes:
        kubeconfig: of the same identity, through this proxy.
        asked: the requests for single objects of our kind, the oldest first.
        lists: how often the old list was given.
        relayed: type and name of each object that watches brought, the oldest first.

    """

    def __init__(self, plane: ControlPlane, identity: Path, namespace: str, folder: Path) -> None:
        self._plane = plane
        self._namespace = namespace
        self._target = URL(plane.url)
        self._remembered: bytes | None = None
        self._lagging = False
        self._watches: set[asyncio.Event] = set()
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._listening = threading.Event()
        self._port = 0
        self.asked: list[Asked] = []
        self.lists = 0
        self.relayed: list[tuple[str, str]] = []
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._listening.wait(20), "the proxy does not listen"
        user = yaml.safe_load(identity.read_text())["users"][0]["user"]
        self.kubeconfig = write_kubeconfig(
            folder / "lagging.kubeconfig", server=f"http://127.0.0.1:{self._port}", ca=plane.ca, token=user["token"]
        )

    @classmethod
    @contextmanager
    def start(cls, plane: ControlPlane, identity: Path, namespace: str, folder: Path) -> Iterator[Self]:
        """Run it for the body; `identity` is a kubeconfig with a token, and lists are of that namespace."""
        server = cls(plane, identity, namespace, folder)
        try:
            yield server
        finally:
            server._loop.call_soon_threadsafe(server._ended.set)
            server._thread.join(20)
            server._loop.close()

    def remember(self) -> None:
        """Take the list of our resources as it is at this moment."""
        path = f"/apis/{API_VERSION}/namespaces/{self._namespace}/{PLURAL}"
        self._remembered = self._plane.kubectl("get", "--raw", path).encode()

    def lag(self) -> None:
        """From now on lists are the remembered one, and watches bring nothing; those under way expire (410).

        What was asked before is forgotten.
        """
        assert self._remembered is not None, "nothing is remembered yet"
        self.asked.clear()
        self._lagging = True
        self._loop.call_soon_threadsafe(self._expire)

    def answered(self, method: str, status: int, *, name: str = "echo") -> list[Asked]:
        """The requests by a method for the object of that name that were answered so."""
        asked = [item for item in self.asked if (item.method, item.status) == (method, status)]
        return [item for item in asked if f"/{PLURAL}/{name}" in item.path]

    async def _serve(self) -> None:
        tls = ssl.create_default_context(cafile=str(self._plane.ca))
        application = web.Application(client_max_size=2**24)
        application.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1, access_log=None)
        connector = aiohttp.TCPConnector(ssl=tls, limit=0)
        async with aiohttp.ClientSession(connector=connector, read_bufsize=_LONGEST_LINE) as self._session:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self._port = int(runner.addresses[0][1])
            self._listening.set()
            await self._ended.wait()
            self._expire()
            await runner.cleanup()

    def _expire(self) -> None:
        for watch in self._watches:
            watch.set()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        collection = request.method == "GET" and _COLLECTION.fullmatch(request.path) is not None
        if collection and request.query.get("watch", "").lower() in ("1", "true"):
            return await self._watch(request)
        if collection and self._lagging:
            self.lists += 1
            return web.Response(body=self._remembered, content_type="application/json")
        async with self._passed_on(request) as answer:
            body = await answer.read()
        if PLURAL in request.path and not collection:
            self.asked.append(Asked(request.method, request.path, answer.status))
        return web.Response(body=body, status=answer.status, headers=_kept(answer.headers))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        expired = asyncio.Event()
        self._watches.add(expired)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        work = {
            asyncio.create_task(expired.wait()),
            asyncio.create_task(self._silence(request, response) if self._lagging else self._relay(request, response)),
        }
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            if expired.is_set() and response.prepared:
                with suppress(ConnectionError):
                    await response.write(json.dumps(_EXPIRED).encode() + b"\n")
        finally:
            self._watches.discard(expired)
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        return response

    async def _silence(self, request: web.Request, response: web.StreamResponse) -> None:
        await response.prepare(request)
        await asyncio.Event().wait()

    async def _relay(self, request: web.Request, response: web.StreamResponse) -> None:
        async with self._passed_on(request) as answer:
            response.set_status(answer.status)
            await response.prepare(request)
            try:
                async for line in answer.content:
                    await response.write(line)
                    event = json.loads(line)
                    self.relayed.append((event["type"], event["object"].get("metadata", {}).get("name", "")))
            finally:
                if answer.connection is not None and answer.connection.transport is not None:
                    answer.connection.transport.abort()  # TLS would say goodbye for longer than this loop runs

    def _passed_on(self, request: web.Request) -> Any:
        return self._session.request(
            request.method,
            self._target.join(URL(request.raw_path, encoded=True)),
            headers=_kept(request.headers),
            data=request.content if request.body_exists else None,
            timeout=aiohttp.ClientTimeout(total=None),
            allow_redirects=False,
        )


def _kept(headers: Any) -> dict[str, str]:
    return {name: text for name, text in headers.items() if name.lower() not in _NOT_PASSED_ON}
