"""A connection that is kept for many calls, used without aiohttp's session.

For each call, a session makes a request, a response, a timer and, for a body, a task, and it looks for cookies and
redirects: half of the CPU of a call. Here a request is written as the bytes that it consists of. Connections are still
opened by aiohttp's connector, and responses are read by its parser, so names, TLS, limits and errors are a session's.
"""

import asyncio
import re
import select
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDictProxy
from yarl import URL

LONGEST_LINE = 1 << 16
"""Bytes of a header that are read."""

MOST_HEADERS = 1 << 10
"""Headers of an answer that are read: those on the way add some, and httpx has no such limit."""

READ_AHEAD = 1 << 21
"""Bytes of a body that may wait to be taken before reading pauses."""

_BREAKS = re.compile(r"[\r\n\0]")


class BodyTooLongError(Exception):
    """The body is longer than the caller takes."""


class Reply(NamedTuple):
    """A response with its whole body, decompressed."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


def head_of(method: str, url: URL, headers: Mapping[str, str], *, body: bytes | None) -> bytes:
    """The bytes of a request up to its body.

    Args:
        method: the method.
        url: where it goes; path and query are sent as they are.
        headers: all headers but those about the body's length; `Host` may be among them.
        body: what follows; a request without one names no length if its method does without a body.

    Raises:
        ValueError: a part of it is not one line.

    """
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1"]
    if "Host" not in headers:
        lines.append(f"Host: {url.host_port_subcomponent}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body or b'')}")
    if _BREAKS.search("".join(lines)):
        raise ValueError("a request's path and headers must each be one line")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class KeptConnection:
    """One connection, opened by the first call and again after it was closed. It makes one call at a time.

    It is not used again if anything has come on it since its last response: its end, after which a request would get
    no response, or a response that nobody has asked for, which the next call would take for its own.

    Args:
        connector: opens connections; closing it closes this one, too.
        keep: seconds after which an unused connection is not used again.

    """

    def __init__(self, connector: aiohttp.BaseConnector, *, keep: float) -> None:
        self._connector = connector
        self._keep = keep
        self._kept: Connection | None = None
        self._loop: asyncio.AbstractEventLoop
        self._used = 0.0

    async def call(
        self,
        url: URL,
        head: bytes,
        body: bytes | None,
        *,
        connect: float | None = None,
        server_hostname: str | None = None,
        most: int | None = None,
        sending: Callable[[], None] = lambda: None,
    ) -> Reply:
        """Make one call. How long it may take is the caller's to bound; a cancelled one closes the connection.

        Args:
            url: where it goes, of the same server each time.
            head: the request up to its body, as of `head_of`.
            body: the rest.
            connect: seconds to open a connection.
            server_hostname: name on the server's certificate, if it is another than the URL's.
            most: bytes of a body, decompressed, of which a longer one is not read to its end.
            sending: called when there is a connection, right before the request is written.

        Raises:
            aiohttp.ClientError: as a session raises it.
            BodyTooLongError: see `most`.

        """
        connection = self._reused() or await self._opened(url, connect, server_hostname)
        try:
            _send(connection, head, body, sending)
            reply = await _received(connection, most)
        except BaseException:  # a cancelled call, too, leaves a connection on which its response may still come
            connection.close()
            raise
        if _is_ended(connection):
            connection.close()
        else:
            self._kept, self._used = connection, time.monotonic()
        return reply

    async def aclose(self) -> None:
        """Close the connection if no call uses it."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def abandon(self) -> None:
        """Have the connection closed by its event loop, unless that has ended."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(kept.close)

    def _reused(self) -> Connection | None:
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        if time.monotonic() - self._used <= self._keep and not _is_spoilt(kept):
            return kept
        kept.close()
        return None

    async def _opened(self, url: URL, connect: float | None, server_hostname: str | None) -> Connection:
        self._loop = asyncio.get_running_loop()
        target = aiohttp.ClientRequest("GET", url, loop=self._loop, server_hostname=server_hostname)
        try:
            return await self._connector.connect(target, [], aiohttp.ClientTimeout(connect=connect))
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {url.origin()}") from error


def _send(connection: Connection, head: bytes, body: bytes | None, sending: Callable[[], None]) -> None:
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or transport.is_closing():
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    protocol.set_response_params(
        read_until_eof=True,
        read_bufsize=READ_AHEAD,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
        max_headers=MOST_HEADERS,
    )
    sending()
    transport.write(head + body if body else head)


async def _received(connection: Connection, most: int | None) -> Reply:
    protocol = connection.protocol
    assert protocol is not None, "it has just taken the request"
    try:
        message, content = await protocol.read()
        while 100 <= message.code < 200 and message.code != 101:
            message, content = await protocol.read()
    except HttpProcessingError as error:
        raise aiohttp.ClientPayloadError("the response breaks HTTP") from error
    body = b"" if content.at_eof() else await content.readany()
    if not content.at_eof():  # it comes in several pieces
        longer = bytearray(body)
        while not content.at_eof() and (most is None or len(longer) <= most):
            longer += await content.readany()
        body = bytes(longer)
    if most is not None and len(body) > most:
        raise BodyTooLongError
    return Reply(message.code, message.headers, body)


def _is_ended(connection: Connection) -> bool:
    """Whether a connection ends with its call: it was closed, or the server has not taken the whole request."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close or transport.is_closing():
        return True
    return transport.get_write_buffer_size() > 0


def _is_spoilt(connection: Connection) -> bool:
    """Whether something has come on an unused connection, taken in by aiohttp or not."""
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or protocol.should_close or transport.is_closing():
        return True
    sock = transport.get_extra_info("socket")
    # TLS that has lost its connection has no socket any more; the protocol hears of it a turn of the event loop later.
    if sock is None or (number := sock.fileno()) < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([number], [], [], 0)[0])
    unread = select.poll()
    unread.register(number, select.POLLIN)
    return bool(unread.poll(0))
