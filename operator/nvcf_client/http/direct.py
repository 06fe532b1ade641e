"""A connection straight to the server, without a proxy: by aiohttp, which takes a tenth of httpx's CPU for a call.

Its errors are given as those of httpx, so that a call fails in the same words whichever way it went.
"""

import errno
import os
import select
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from nvcf_client.http.progress import Progress

KEEP_ALIVE = 5.0
"""Seconds for which an unused connection to the server stays open, as with httpx."""

LONGEST_LINE = 1 << 16
"""Bytes of a header that are read."""

MOST_HEADERS = 1 << 10
"""Headers of an answer that are read: those on the way add some, and httpx has no such limit."""


class AioResponse:
    """An answer whose body has not been read yet."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status_code = response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers by name; one that came several times has its values joined."""
        found: dict[str, str] = {}
        for name, value in self._response.headers.items():
            known = found.get(low := name.lower())
            found[low] = value if known is None else f"{known}, {value}"
        return found

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body as it arrives, decompressed."""
        return self._response.content.iter_any()


class AioConnection:
    """One connection, opened by the first call and again after it was closed.

    Args:
        headers: of every call.
        context: what TLS is made with.

    """

    def __init__(self, headers: Mapping[str, str], context: ssl.SSLContext) -> None:
        self._headers = {"Accept-Encoding": "gzip, deflate", "Connection": "keep-alive", **headers}
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self._connector: _Connector
        self._failure: aiohttp.ClientError | None = None
        """What the call under way has failed with, once it was sent."""

    @asynccontextmanager
    async def stream(self, wire: Mapping[str, Any], progress: Progress) -> AsyncIterator[AioResponse]:
        """Send a request, described by httpx's arguments, and give the answer for the length of the block.

        Raises:
            httpx.HTTPError: as httpx does.

        """
        if self._session is None:
            self._session = self._opened()
        query = f"?{httpx.QueryParams(wire['params'])}" if wire["params"] else ""
        url, connect = URL(f"{wire['url']}{query}", encoded=True), wire["timeout"].connect
        if url.scheme == "https":
            connect *= 2  # for TLS again
        self._failure = None
        self._connector.progress = progress
        progress.begin()
        try:
            async with self._session.request(
                wire["method"],
                url,
                data=wire["content"],
                headers=wire["headers"],
                timeout=aiohttp.ClientTimeout(connect=connect),
                allow_redirects=False,
            ) as response:
                yield AioResponse(response)
        except (aiohttp.ClientError, ssl.SSLError) as error:
            raise _as_httpx(error, sent=progress.sent) from error.__cause__ or error
        except UnicodeError:  # a part of the host's name is empty, or longer than names may be
            raise httpx.ConnectError("") from socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def aclose(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()

    def abandon(self) -> None:
        """Give up the connection without a word; aiohttp's own session complains on standard error."""
        session, self._session = self._session, None
        if session is not None and not session.closed:
            session.detach()
            self._connector.abandon()

    async def _once(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """Keep aiohttp from sending again what may have arrived: it repeats even a PUT after its connection broke."""
        if self._failure is not None:
            raise self._failure
        if request.method == "DELETE" and not request.body:
            request.headers.pop("Content-Length", None)
        try:
            return await handler(request)
        except aiohttp.ClientError as error:
            self._failure = error
            raise

    def _opened(self) -> aiohttp.ClientSession:
        self._context.set_alpn_protocols(["http/1.1"])
        self._connector = _Connector(
            limit=1,
            ssl=self._context,
            keepalive_timeout=KEEP_ALIVE,
            resolver=aiohttp.ThreadedResolver(),  # the system's own; the default is another one where aiodns is there
            use_dns_cache=False,
        )
        return aiohttp.ClientSession(
            connector=self._connector,
            headers=self._headers,
            skip_auto_headers=("Content-Type", "User-Agent"),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(self._once,),
            trust_env=False,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
        )


class _Connector(aiohttp.TCPConnector):
    """Notes when the call under way has its connection: what comes next is the request itself."""

    progress: Progress
    _last: ResponseHandler | None = None

    def abandon(self) -> None:
        """Have the connection closed by its event loop, unless that has ended."""
        transport = self._last.transport if self._last is not None else None
        if transport is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(transport.abort)

    def __del__(self) -> None:
        """Say nothing: what is not closed was abandoned."""

    async def connect(self, *arguments: Any, **options: Any) -> Connection:
        """Give a connection, kept or new.

        One on which anything has come since its last answer is not used again: its end, after which a request would get
        no answer, or an answer that nobody has asked for, which the next call would take for its own.
        """
        connection = await super().connect(*arguments, **options)
        if connection.protocol is self._last and _is_spoilt(connection):
            connection.close()
            connection = await super().connect(*arguments, **options)
        self._last = connection.protocol
        self.progress.connected()
        return connection


def _is_spoilt(connection: Connection) -> bool:
    """Whether something has come on an unused connection, taken in by aiohttp or not."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close:
        return True
    number = transport.get_extra_info("socket").fileno()
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([number], [], [], 0)[0])
    unread = select.poll()
    unread.register(number, select.POLLIN)
    return bool(unread.poll(0))


def _as_httpx(error: Exception, *, sent: bool) -> httpx.HTTPError:
    """The error that httpx raises where aiohttp raises this one."""
    if not sent:
        if isinstance(error, TimeoutError):
            return httpx.ConnectTimeout("")
        cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
        broken = isinstance(cause, ConnectionResetError) and not cause.args  # as uvloop says it
        return httpx.ConnectError(os.strerror(errno.ECONNRESET) if broken else str(cause))
    if isinstance(error.__cause__, ContentEncodingError):
        return httpx.DecodingError("")
    if isinstance(error, aiohttp.ClientOSError) and not isinstance(error, aiohttp.ServerDisconnectedError):
        return httpx.ReadError("")
    return httpx.RemoteProtocolError("")
