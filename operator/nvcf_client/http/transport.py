"""Sends requests, by httpx or straight: gives the answer, or raises one of the two errors of a call without one."""

import asyncio
import time
import weakref
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx

from nvcf_client.answers import Answer
from nvcf_client.errors import Obstacle, Unreachable
from nvcf_client.http.certificates import Trust, TrustProblem
from nvcf_client.http.direct import AioConnection
from nvcf_client.http.pool import ConnectionPool
from nvcf_client.http.progress import MAX_ANSWER, AnswerTooLongError, Progress
from nvcf_client.http.route import Route, route_to
from nvcf_client.options import ClientOptions
from nvcf_client.requests import Request

CONNECT_TIMEOUT = 5.0
"""Seconds to open a connection to an address, and again for TLS."""

RESOLVE_TIMEOUT = 15.0
"""Seconds more where a name is to be resolved first: a resolver waits 5 s for each nameserver that does not answer, and
takes two or three rounds."""

RESOLVE_CHECK = 1.0
"""Seconds for the check whether it was the name that kept a connection from being opened in time."""

POOL_TIMEOUT = 15.0
"""Seconds to wait for one of our own connections to become free."""

KEEP_UNUSED = 30.0
"""Seconds after which a connection that nobody needs may be closed."""


class Transport:
    """Sends requests and waits for the answers."""

    def __init__(self, options: ClientOptions, transport: httpx.BaseTransport | None = None) -> None:
        self._options = options
        self._route = _route(options)
        self._transport = transport
        self._clients: list[httpx.Client] = []
        self._open()

    def send(self, request: Request[Any]) -> Answer:
        """Send once. The time limit is checked between reads, so a call may overrun it by the length of one.

        Where TLS fails and the certificates to trust have changed meanwhile, it is sent with those.

        Raises:
            Unreachable, OutcomeUnknown: no usable answer came.

        """
        limit, used = request.limit or self._options.timeout or request.timeout, self._trusted
        deadline = time.monotonic() + limit
        try:
            return self._send(request, limit, deadline)
        except Unreachable as error:
            if error.obstacle != Obstacle.TLS:
                raise
            _reread(self._route.trust, error)
            if self._route.trust.context is used:
                raise
        if self._trusted is used:
            self._open()
        return self._send(request, limit, deadline)

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            client.close()

    def _open(self) -> None:
        """Have a new client; others may be at a call with the old one."""
        self._trusted = self._route.trust.context
        client = httpx.Client(transport=self._transport, **_httpx_options(self._options, self._route, self._transport))
        client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._clients.append(client)

    def _send(self, request: Request[Any], limit: float, deadline: float) -> Answer:
        progress = Progress()
        wire = _wire(self._options, self._route, request, limit)
        try:
            with self._clients[-1].stream(**wire, extensions={"trace": progress.note}) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    _check_length(body, MAX_ANSWER)
                    if time.monotonic() > deadline:
                        raise TimeoutError
                return _answer(response, body)
        except (httpx.HTTPError, TimeoutError, AnswerTooLongError, OSError) as error:
            raise progress.failure(self._options, request, error, self._route.proxy) from None


class _HttpxConnection:
    """An httpx client in the part of one connection."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.aclose = client.aclose

    async def call(self, wire: dict[str, Any], progress: Progress, *, most: int) -> Answer:
        """Send a request, and read the answer; `AnswerTooLongError` if its body is longer than `most` bytes."""
        async with self._client.stream(**wire, extensions={"trace": progress.note_async}) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                _check_length(body, most)
            return _answer(response, body)

    def abandon(self) -> None:
        """Nothing is to be done: httpx does not complain."""


class AsyncTransport:
    """Sends requests and awaits the answers. Every connection is a client of its own, see `pool`.

    It goes straight, see `direct`, but through a proxy or a given transport by httpx.
    """

    def __init__(self, options: ClientOptions, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._options = options
        self._route = route = _route(options)
        self._trusted = self._route.trust.context
        self._real = transport is None
        self._loop: asyncio.AbstractEventLoop | None = None

        def client() -> AioConnection | _HttpxConnection:
            if transport is None and route.proxy is None:
                return AioConnection(options.all_headers, route.trust.context)
            made = httpx.AsyncClient(transport=transport, **_httpx_options(options, route, transport))
            made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            return _HttpxConnection(made)

        self._client = client
        self._open()

    def _open(self) -> None:
        """Make a pool, whose connections are given up with the last reference to this, if nobody closes them."""
        self._pool: ConnectionPool[AioConnection | _HttpxConnection]
        self._pool = ConnectionPool(self._client, most=self._options.max_connections, keep=KEEP_UNUSED)
        self._abandon = weakref.finalize(self, self._pool.abandon)

    async def send(self, request: Request[Any]) -> Answer:
        """Send once, within the time limit.

        Where TLS fails and the certificates to trust have changed meanwhile, it is sent with those.

        Raises:
            Unreachable, OutcomeUnknown: no usable answer came.
            RuntimeError: it is in use in another event loop.

        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._enter(loop)
        limit, used = request.limit or self._options.timeout or request.timeout, self._trusted
        deadline = loop.time() + limit
        try:
            return await self._send(request, limit, deadline)
        except Unreachable as error:
            if error.obstacle != Obstacle.TLS:
                raise await self._named(error) from None
            _reread(self._route.trust, error)
            if self._route.trust.context is used:
                raise
        if self._trusted is used:
            self._trusted = self._route.trust.context
            await self._pool.renew()
        return await self._send(request, limit, deadline)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._loop in (None, asyncio.get_running_loop()):
            await self._pool.aclose()
        else:
            self._abandon()

    def _enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on in another event loop where the former one has ended: its connections have ended with it."""
        if self._loop is not None and not self._pool.closed:
            if not self._loop.is_closed():
                raise RuntimeError(
                    "this AsyncClient is in use in another event loop, which is still open: make one for each loop"
                )
            self._abandon()
            self._open()
        self._loop = loop

    async def _send(self, request: Request[Any], limit: float, deadline: float) -> Answer:
        progress = Progress()
        wire = _wire(self._options, self._route, request, limit)
        try:
            async with self._pool.one(min(POOL_TIMEOUT, limit)) as client:
                progress.has_connection = True
                async with asyncio.timeout_at(deadline):
                    return await client.call(wire, progress, most=MAX_ANSWER)
        except (httpx.HTTPError, TimeoutError, AnswerTooLongError, OSError) as error:
            cause = error if progress.has_connection else httpx.PoolTimeout("")
            raise progress.failure(self._options, request, cause, self._route.proxy) from None

    async def _named(self, error: Unreachable) -> Unreachable:
        """The error, telling where a connection was not opened in time because the name was not resolved in time."""
        if error.obstacle != Obstacle.TIMEOUT or not self._real or not self._route.resolves:
            return error
        try:
            async with asyncio.timeout(RESOLVE_CHECK):
                await asyncio.get_running_loop().getaddrinfo(self._route.host, self._route.port)
        except (TimeoutError, OSError):
            error.obstacle = Obstacle.NAME
            error.detail = f"{self._options.base_url}: the name {self._route.host} was not resolved in time"
        return error


def _route(options: ClientOptions) -> Route:
    return route_to(options.base_url, options.ca_file, trust_env=options.trust_env)


def _reread(trust: Trust, error: Unreachable) -> None:
    """Check whether the certificates to trust have changed; if they are unusable now, the error says so as well."""
    try:
        trust.reread()
    except TrustProblem as problem:
        error.detail = f"{error.detail.rstrip('. ')}, and {problem}"


def _httpx_options(options: ClientOptions, route: Route, transport: object) -> dict[str, Any]:
    most, context = options.max_connections, route.trust.context
    given: dict[str, Any] = {
        "headers": options.all_headers,
        "limits": httpx.Limits(max_connections=most, max_keepalive_connections=most),
        "follow_redirects": False,
        "trust_env": False,
        "verify": context,
    }
    if route.proxy is not None and transport is None:
        secure = route.proxy.url.startswith("https:")
        given["proxy"] = httpx.Proxy(route.proxy.url, ssl_context=context if secure else None)
    return given


def _wire(options: ClientOptions, route: Route, request: Request[Any], limit: float) -> dict[str, Any]:
    overridden = {name.lower() for name, _ in request.headers}
    headers = {} if request.body is None else {"Content-Type": "application/json"}
    headers |= {} if options.propagate is None else dict(options.propagate())
    headers = {name: value for name, value in headers.items() if name.lower() not in overridden}
    connect = CONNECT_TIMEOUT + RESOLVE_TIMEOUT if route.resolves else CONNECT_TIMEOUT
    return {
        "method": request.method,
        "url": options.url_of(request),
        "params": request.query or None,
        "content": request.body,
        "headers": {**headers, **dict(request.headers)},
        "timeout": _timeout(limit, connect),
    }


@lru_cache(maxsize=64)
def _timeout(limit: float, connect: float) -> httpx.Timeout:
    return httpx.Timeout(limit, connect=min(connect, limit), pool=min(POOL_TIMEOUT, limit))


def _answer(response: httpx.Response, body: bytearray) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=bytes(body))


def _check_length(body: bytearray, most: int) -> None:
    if len(body) > most:
        raise AnswerTooLongError
