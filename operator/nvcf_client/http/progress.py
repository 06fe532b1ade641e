"""How far a call came, and so what its failure is called: certainly never received, or of unknown outcome."""

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from nvcf_client.answers import one_line
from nvcf_client.errors import Obstacle, OutcomeUnknown, Unreachable
from nvcf_client.http.proxies import Proxy
from nvcf_client.options import ClientOptions
from nvcf_client.requests import Request

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
    httpx.RemoteProtocolError: "the connection was closed before the answer was complete, or the answer broke HTTP",
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


class Progress:
    """Watches one call on its way, to distinguish "never sent" from "sent" whatever ends it.

    httpx names the steps of a request as they begin. A transport put in by a test names none; then the kind of the
    error decides.

    Attributes:
        has_connection: the pool has given one, or the room for one.
        sent: the request may be on its way.

    """

    def __init__(self) -> None:
        self.has_connection = False
        self.sent = False
        self._watched = False
        self._through = False

    def note(self, step: str, info: Mapping[str, Any]) -> None:
        """Take in a step of httpx."""
        self._watched = True
        if step.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True
        elif step == "proxy.start_tls.started":
            self._through = True

    def begin(self) -> None:
        """Have the call watched by whoever calls `connected`."""
        self._watched = True

    def connected(self) -> None:
        """Take in that the call has its connection, on which it is sent at once."""
        self.sent = True

    async def note_async(self, step: str, info: Mapping[str, Any]) -> None:
        """Take in a step of httpx."""
        self.note(step, info)

    def failure(
        self, options: ClientOptions, request: Request[Any], error: Exception, proxy: Proxy | None
    ) -> Unreachable | OutcomeUnknown:
        """The error of a call that got no usable answer.

        The cause's own words are kept only where nothing was sent: later ones may quote the answer.
        """
        never = not self.sent and (self._watched or isinstance(error, _NEVER_SENT))
        call: dict[str, Any] = {"operation": request.operation, "method": request.method, "path": request.path}
        if not never:
            return OutcomeUnknown(detail=_IN_WORDS.get(type(error)) or type(error).__name__, **call)
        if type(error) is TimeoutError:  # that of the whole call, which came before that of the connection
            error = httpx.ConnectTimeout("")
        words, obstacle = _IN_WORDS.get(type(error)) or _root_of(error), _obstacle(error)
        if proxy is not None and not self._through and not isinstance(error, httpx.PoolTimeout):
            words, obstacle = f"{proxy}: {words}", Obstacle.PROXY
        return Unreachable(obstacle=obstacle, detail=f"{options.base_url}: {words}", **call)


def _root_of(error: Exception) -> str:
    """The system's own words at the root of an error, "Connection refused", which the layers above replace."""
    words = str(error)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            words = f"certificate verify failed: {cause.verify_message}"
        elif isinstance(cause, ConnectionError) and cause.errno:
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
