"""TLS before a server that speaks plain HTTP, with certificates of the test's own authority."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from hack.controlplane.certificates import Authority

START_SECONDS = 10.0


@contextmanager
def secured(url: str, authority: Authority, port: int) -> Iterator[str]:
    """Serve a plain URL by https on a port of loopback for the body; gives the secured URL."""
    pair = authority.server(f"front-{port}", dns=["localhost"], addresses=["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    behind = urlsplit(url)
    loop, listening = asyncio.new_event_loop(), threading.Event()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            onward_reader, onward = await asyncio.open_connection(behind.hostname, behind.port)
            writers.append(onward)
            await asyncio.gather(_carry(reader, onward), _carry(onward_reader, writer))
        except OSError:
            pass  # whoever asks finds out
        finally:
            for each in writers:
                each.transport.abort()

    async def serve() -> None:
        async with await asyncio.start_server(join, "127.0.0.1", port, ssl=context):
            listening.set()
            await asyncio.Event().wait()

    def run() -> None:
        asyncio.set_event_loop(loop)
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        for other in asyncio.all_tasks(loop):
            other.cancel()
            with suppress(asyncio.CancelledError):
                loop.run_until_complete(other)
        loop.run_until_complete(asyncio.sleep(0))  # connections that were aborted are closed in the next turn
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    task = loop.create_task(serve())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert listening.wait(START_SECONDS), "the TLS front does not listen"
        yield f"https://127.0.0.1:{port}{behind.path}"
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(START_SECONDS)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()
