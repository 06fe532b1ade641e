"""What is written for a call, and when a connection is not used again; the rest is in the contract tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp.connector import Connection
from multidict import CIMultiDict
from yarl import URL

from nvcf_client.http.kept import BodyTooLongError, KeptConnection, _is_spoilt, head_of

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[Callable[..., Coroutine[Any, Any, bytes]]]:
    """Gives what makes a call over one kept connection to a server on loopback."""
    tasks: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await serve(reader, writer)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(task := asyncio.create_task(handle(reader, writer)))
        task.add_done_callback(lambda _: writer.transport.abort())

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server, aiohttp.TCPConnector(limit=1) as connector:
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
        kept = KeptConnection(connector, keep=15.0)

        async def call(body: bytes | None = None, **options: Any) -> bytes:
            async with asyncio.timeout(20):
                reply = await kept.call(url, head_of("POST", url, {}, body=body), body, **options)
            return reply.body

        try:
            yield call
        finally:
            await connector.close()
            await kept.aclose()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)  # the transports end in the next turn


@pytest.mark.parametrize("text", ["a\r\nb: c", "a\nb", "a\rb", "a\0b"])
def test_a_header_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        head_of("GET", URL("http://server/x"), {"Accept": text}, body=None)


@pytest.mark.parametrize(
    ("method", "body", "said"),
    [
        ("GET", None, b""),
        ("DELETE", None, b""),
        ("DELETE", b"{}", b"Content-Length: 2\r\n"),
        ("POST", None, b"Content-Length: 0\r\n"),
        ("PATCH", b"{}", b"Content-Length: 2\r\n"),
    ],
)
def test_a_request_tells_the_length_of_its_body_if_it_may_have_one(
    method: str, body: bytes | None, said: bytes
) -> None:
    head = head_of(method, URL("http://server:1/a%2Fb?c=d", encoded=True), {}, body=body)
    assert head == method.encode() + b" /a%2Fb?c=d HTTP/1.1\r\nHost: server:1\r\n" + said + b"\r\n"


def test_the_callers_host_is_the_only_one() -> None:
    head = head_of("GET", URL("http://server/"), CIMultiDict({"host": "other"}), body=None)
    assert head == b"GET / HTTP/1.1\r\nhost: other\r\n\r\n"


async def test_interim_responses_are_passed_over() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK)
        await reader.read()

    async with served(serve) as call:
        assert await call() == b"ok"


async def test_a_connection_whose_server_has_not_taken_the_whole_request_is_not_used_again() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(OK)
        await asyncio.Event().wait()

    async with served(serve) as call:
        assert await call(b" " * (64 << 20)) == b"ok"
        assert await call() == b"ok"
    assert connections == 2


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b" " * 1001)
        await reader.read()

    async with served(serve) as call:
        with pytest.raises(BodyTooLongError):
            await call(most=1000)


async def test_what_is_no_http_is_an_error_that_does_not_repeat_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"nvapi-test-echoed-key\r\n\r\n")
        await reader.read()

    async with served(serve) as call:
        with pytest.raises(aiohttp.ClientPayloadError, match="breaks HTTP") as caught:
            await call()
    assert "nvapi" not in str(caught.value)


def test_a_connection_whose_tls_has_just_been_lost_is_not_used_again() -> None:
    transport = SimpleNamespace(is_closing=lambda: False, get_extra_info=lambda name: None)
    connection = SimpleNamespace(protocol=SimpleNamespace(should_close=False), transport=transport)
    assert _is_spoilt(cast(Connection, connection)), "its protocol hears of it a turn of the event loop later"
