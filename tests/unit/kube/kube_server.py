"""An API server that answers what a test puts in, and keeps what it was sent."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

Act = Callable[["Sent"], Awaitable[web.StreamResponse]]

Pod = Callable[..., Path]
"""The type of the fixture `pod`."""


@dataclass(frozen=True)
class Sent:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    request: web.Request = field(repr=False)

    @property
    def authorization(self) -> str | None:
        """The identity that was shown."""
        return self.headers.get("Authorization")


@dataclass
class ApiServer:
    """Each request meets the next act; the last one stays."""

    url: str
    acts: list[Act]
    sent: list[Sent] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the first request."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Keep the request and answer it."""
        raw = await request.read()
        body = json.loads(raw) if raw else None
        sent = Sent(request.method, request.path, dict(request.query), dict(request.headers), body, request)
        self.sent.append(sent)
        self.asked.set()
        return await (self.acts.pop(0) if len(self.acts) > 1 else self.acts[0])(sent)


@asynccontextmanager
async def serving(*acts: Act, tls: ssl.SSLContext | None = None) -> AsyncIterator[ApiServer]:
    """A server on loopback for the time of a test."""
    server = ApiServer("", list(acts))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"{'https' if tls else 'http'}://{host}:{port}"
        yield server
    finally:
        await runner.cleanup()


def says(answer: Any, status: int = 200, **headers: str) -> Act:
    """Answer with JSON."""

    async def act(sent: Sent) -> web.StreamResponse:
        return web.json_response(answer, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return act


def says_text(text: str, status: int = 200) -> Act:
    """Answer with something that is no JSON, as proxies do."""

    async def act(sent: Sent) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type="text/html")

    return act


async def breaks_off(sent: Sent) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert sent.request.transport is not None
    sent.request.transport.close()
    return web.Response()


async def says_nothing(sent: Sent) -> web.StreamResponse:
    """Let the caller wait."""
    await asyncio.sleep(60)
    return web.Response()


def kubeconfig(path: Path, server: str, *, user: dict[str, Any] | None = None, **cluster: Any) -> Path:
    """Write a kubeconfig for that server and user."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "here"}}],
        "clusters": [{"name": "test", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "test", "user": user or {}}],
    }
    path.write_text(yaml.safe_dump(content))
    return path
