"""A connection straight to the server, without a proxy: by aiohttp, which takes a tenth of httpx's CPU for a call.

Its errors are given as those of httpx, so that a call fails in the same words whichever way it went.
"""

import errno
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import httpx
from aiohttp.http_exceptions import ContentEncodingError
from multidict import CIMultiDict
from yarl import URL

from nvcf_client.answers import Answer
from nvcf_client.http.kept import BodyTooLongError, KeptConnection, head_of
from nvcf_client.http.progress import AnswerTooLongError, Progress

KEEP_ALIVE = 5.0
"""Seconds for which an unused connection to the server stays open, as with httpx."""


class AioConnection:
    """One connection, opened by the first call and again after it was closed.

    Args:
        headers: of every call.
        context: what TLS is made with.

    """

    def __init__(self, headers: Mapping[str, str], context: ssl.SSLContext) -> None:
        self._headers = {"Accept-Encoding": "gzip, deflate", "Connection": "keep-alive", **headers}
        self._context = context
        self._connector: aiohttp.TCPConnector | None = None
        self._kept: KeptConnection

    async def call(self, wire: Mapping[str, Any], progress: Progress, *, most: int) -> Answer:
        """Send a request, described by httpx's arguments, and read the answer.

        Raises:
            httpx.HTTPError: as httpx does.
            AnswerTooLongError: the body is longer than `most` bytes.

        """
        if self._connector is None:
            self._connector = self._opened()
            self._kept = KeptConnection(self._connector, keep=KEEP_ALIVE)
        query = f"?{httpx.QueryParams(wire['params'])}" if wire["params"] else ""
        url, connect, body = URL(f"{wire['url']}{query}", encoded=True), wire["timeout"].connect, wire["content"]
        headers = CIMultiDict(self._headers)
        headers.update(wire["headers"])
        try:
            head = head_of(wire["method"], url, headers, body=body)
        except ValueError as error:
            raise httpx.LocalProtocolError(str(error)) from None
        if url.scheme == "https":
            connect *= 2  # for TLS again
        progress.begin()
        try:
            reply = await self._kept.call(url, head, body, connect=connect, most=most, sending=progress.connected)
        except BodyTooLongError:
            raise AnswerTooLongError from None
        except (aiohttp.ClientError, ssl.SSLError) as error:
            raise _as_httpx(error, sent=progress.sent) from error.__cause__ or error
        except UnicodeError:  # a part of the host's name is empty, or longer than names may be
            raise httpx.ConnectError("") from socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found: dict[str, str] = {}
        for name, value in reply.headers.items():  # one that came several times has its values joined
            known = found.get(low := name.lower())
            found[low] = value if known is None else f"{known}, {value}"
        return Answer(status=reply.status, headers=found, body=reply.body)

    async def aclose(self) -> None:
        """Close the connection, that of a call under way, too."""
        if self._connector is not None:
            await self._connector.close()  # which waits until they are closed
            await self._kept.aclose()

    def abandon(self) -> None:
        """Give up the connection without a word; aiohttp itself complains on standard error."""
        connector, self._connector = self._connector, None
        if connector is not None:
            self._kept.abandon()

    def _opened(self) -> aiohttp.TCPConnector:
        self._context.set_alpn_protocols(["http/1.1"])
        return aiohttp.TCPConnector(
            limit=1,
            ssl=self._context,
            resolver=aiohttp.ThreadedResolver(),  # the system's own; the default is another one where aiodns is there
            use_dns_cache=False,
        )


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
