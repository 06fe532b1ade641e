"""HTTP. The only module that knows httpx: requests go out and answers, or the two errors without one, come back."""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx

from nvcf_operator.nvcf.answers import Answer, one_line
from nvcf_operator.nvcf.connection import Connection
from nvcf_operator.nvcf.errors import NvcfError, Obstacle, OutcomeUnknown, Unreachable
from nvcf_operator.nvcf.lanes import Lanes
from nvcf_operator.nvcf.requests import Request

CONNECT_TIMEOUT = 5.0
"""Seconds to open a connection, name resolution and TLS included."""

POOL_TIMEOUT = 15.0
"""Seconds to wait for one of our own connections to become free."""

KEEP_UNUSED = 30.0
"""Seconds after which a connection that nobody needs may be closed."""

MAX_ANSWER = 64 << 20
"""Longest body that is read, in bytes: a list of some 130,000 function versions."""


class AnswerTooLongError(Exception):
    """The body is longer than `MAX_ANSWER`."""


_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_IN_WORDS: dict[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection within the connect timeout",
    httpx.PoolTimeout: "all connections of this client stayed busy",
    httpx.ReadTimeout: "no answer within the timeout",
    httpx.WriteTimeout: "the request could not be sent within the timeout",
    TimeoutError: "no complete answer within the timeout",
    httpx.ReadError: "the connection broke while waiting for the answer",
    httpx.WriteError: "the connection broke while sending",
    httpx.RemoteProtocolError: "the connection was closed without a whole answer, or the answer broke HTTP",
    httpx.DecodingError: "the answer could not be decompressed",
    AnswerTooLongError: f"the answer is longer than {MAX_ANSWER >> 20} MiB",
}

_OBSTACLES: dict[type[BaseException], Obstacle] = {
    httpx.ProxyError: Obstacle.PROXY,
    httpx.ConnectTimeout: Obstacle.TIMEOUT,
    socket.gaierror: Obstacle.NAME,
    ssl.SSLError: Obstacle.TLS,
    ConnectionRefusedError: Obstacle.REFUSED,
}


class _Progress:
    """Watches one call on its way, to tell "never sent" from "sent" whatever ends it.

    httpx names the steps of a request as they begin. A transport put in by a test names none; then the kind of the
    error decides.
    """

    def __init__(self) -> None:
        self.has_lane = False
        self._watched = False
        self._sent = False

    def note(self, step: str, info: Mapping[str, Any]) -> None:
        self._watched = True
        if step.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self._sent = True

    async def note_async(self, step: str, info: Mapping[str, Any]) -> None:
        self.note(step, info)

    def failure(self, connection: Connection, request: Request[Any], error: Exception) -> NvcfError:
        """The error of a call that got no usable answer.

        The cause's own words are kept only where nothing was sent: later ones may quote the answer.
        """
        never = not self._sent and (self._watched or isinstance(error, _NEVER_SENT))
        words = _IN_WORDS.get(type(error), "")
        call: dict[str, Any] = {"operation": request.operation, "method": request.method, "path": request.path}
        if never:
            detail = f"{connection.base_url}: {words or _root_of(error)}"
            return Unreachable(obstacle=_obstacle(error), detail=detail, **call)
        return OutcomeUnknown(detail=words or type(error).__name__, **call)


class Transport:
    """Sends requests and waits for the answers."""

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        self._connection = connection
        self._client = httpx.Client(transport=transport, **_options(connection))
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def send(self, request: Request[Any]) -> Answer:
        """Send once. The time limit is looked at between reads, so a call may overrun it by the length of one.

        Raises:
            Unreachable, OutcomeUnknown: no usable answer came.

        """
        progress, limit = _Progress(), self._connection.timeout or request.timeout
        deadline = time.monotonic() + limit
        try:
            with self._client.stream(**_wire(self._connection, request, limit, progress.note)) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    _check_length(body)
                    if time.monotonic() > deadline:
                        raise TimeoutError
                return _answer(response, body)
        except (httpx.HTTPError, TimeoutError, AnswerTooLongError, OSError) as error:
            raise progress.failure(self._connection, request, error) from None

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


class AsyncTransport:
    """Sends requests and awaits the answers. Every connection is an httpx client of its own, see `lanes`."""

    def __init__(self, connection: Connection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._connection = connection
        options = _options(connection)

        def client() -> httpx.AsyncClient:
            made = httpx.AsyncClient(transport=transport, **options)
            made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            return made

        self._lanes = Lanes(client, most=connection.max_connections, keep=KEEP_UNUSED)

    async def send(self, request: Request[Any]) -> Answer:
        """Send once, within the time limit.

        Raises:
            Unreachable, OutcomeUnknown: no usable answer came.

        """
        progress, limit = _Progress(), self._connection.timeout or request.timeout
        deadline = asyncio.get_running_loop().time() + limit
        try:
            async with self._lanes.one(min(POOL_TIMEOUT, limit)) as client:
                progress.has_lane = True
                async with (
                    asyncio.timeout_at(deadline),
                    client.stream(**_wire(self._connection, request, limit, progress.note_async)) as response,
                ):
                    body = bytearray()
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        _check_length(body)
                    return _answer(response, body)
        except (httpx.HTTPError, TimeoutError, AnswerTooLongError, OSError) as error:
            cause = error if progress.has_lane else httpx.PoolTimeout("")
            raise progress.failure(self._connection, request, cause) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._lanes.aclose()


def _options(connection: Connection) -> dict[str, Any]:
    most = connection.max_connections
    return {
        "headers": connection.all_headers,
        "limits": httpx.Limits(max_connections=most, max_keepalive_connections=most),
        "follow_redirects": False,
        "trust_env": connection.trust_env,
        "verify": _trusted(connection),
    }


def _wire(connection: Connection, request: Request[Any], limit: float, trace: object) -> dict[str, Any]:
    headers = {} if connection.propagate is None else dict(connection.propagate())
    return {
        "method": request.method,
        "url": connection.base_url + request.path,
        "params": request.query or None,
        "content": request.body,
        "headers": headers if request.body is None else {**headers, "Content-Type": "application/json"},
        "timeout": httpx.Timeout(limit, connect=min(CONNECT_TIMEOUT, limit), pool=min(POOL_TIMEOUT, limit)),
        "extensions": {"trace": trace},
    }


def _answer(response: httpx.Response, body: bytearray) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=bytes(body))


def _check_length(body: bytearray) -> None:
    if len(body) > MAX_ANSWER:
        raise AnswerTooLongError


def _root_of(error: Exception) -> str:
    """The system's own words at the root of an error, "Connection refused", which the layers above replace."""
    words = str(error)
    for cause in _causes(error):
        if isinstance(cause, ConnectionError) and cause.errno:
            words = os.strerror(cause.errno)  # asyncio's own text leaves out why
        elif isinstance(cause, OSError) and cause.strerror:
            words = cause.strerror
    return one_line(words)


def _obstacle(error: Exception) -> Obstacle:
    """What kept a request from being sent, by the first kind of error that is one of these."""
    for cause in _causes(error):
        for kind, obstacle in _OBSTACLES.items():
            if isinstance(cause, kind):
                return obstacle
    return Obstacle.OTHER


def _causes(error: Exception) -> Iterator[BaseException]:
    """The error, what led to it, and so on down to the root."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        group = cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
        cause = group[0] if group else cause.__cause__ or cause.__context__


def _trusted(connection: Connection) -> ssl.SSLContext:
    if connection.ca_file is None:
        return _usual_trust(connection.trust_env)
    try:
        return _trust_in(connection.ca_file, Path(connection.ca_file).stat().st_mtime_ns)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"the CA bundle {connection.ca_file} cannot be used: {error}") from None


@lru_cache(maxsize=2)
def _usual_trust(trust_env: bool) -> ssl.SSLContext:
    """Made once for all clients: reading the certificates takes longer than a call."""
    return httpx.create_ssl_context(trust_env=trust_env)


@lru_cache(maxsize=4)
def _trust_in(ca_file: str, _changed: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
