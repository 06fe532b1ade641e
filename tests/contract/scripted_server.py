"""A server for the client's tests that answers byte for byte what a test puts in, and keeps what it was sent."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Act = Callable[[socket.socket], None]
"""What to do with a connection whose request has been read."""


@dataclass
class Received:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """Speaks plain HTTP or TLS on loopback; each request meets the next act, the last one stays."""

    port: int
    acts: list[Act]
    received: list[Received] = field(default_factory=list)
    scheme: str = "http"
    arrived: threading.Event = field(default_factory=threading.Event)
    """Set once a request has come whole."""

    @property
    def url(self) -> str:
        """Base URL with a prefix."""
        return f"{self.scheme}://127.0.0.1:{self.port}/v2/nvcf"

    def serve(self, connection: socket.socket) -> None:
        """Read requests of one connection until it ends."""
        with connection, suppress(OSError), connection.makefile("rb") as stream:
            while line := stream.readline():
                headers = {}
                while (header := stream.readline().strip()) != b"":
                    name, _, value = header.decode().partition(": ")
                    headers[name.lower()] = value
                body = stream.read(int(headers.get("content-length", 0)))
                self.received.append(Received(line.decode().strip(), headers, body))
                self.arrived.set()
                act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                act(connection)


@contextmanager
def serving(*acts: Act, tls: ssl.SSLContext | None = None, greeting: bytes | None = None) -> Iterator[Server]:
    """A server for the time of a test; it ends with the process, too, being made of daemon threads.

    With a greeting, it says that to everyone who connects, hangs up, and reads nothing.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1], list(acts), scheme="https" if tls else "http")

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                if greeting is not None:
                    connection.sendall(greeting)
                    connection.close()
                    continue
                if tls:
                    try:
                        connection = tls.wrap_socket(connection, server_side=True)
                    except OSError:
                        continue
                threading.Thread(target=server.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def answer(status: int, body: bytes = b"", **headers: str) -> Act:
    """Answer in full; underscores in header names stand for hyphens."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(data: bytes) -> Act:
    """Send these bytes and leave the connection open."""
    return lambda connection: connection.sendall(data)


def reset(connection: socket.socket) -> None:
    """Break the connection at once."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionAbortedError


def hang_up(data: bytes = b"") -> Act:
    """Send these bytes and end the connection in good order."""

    def act(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return act


def silence(connection: socket.socket) -> None:
    """Say nothing."""


def drip(connection: socket.socket) -> None:
    """Send an answer so slowly that it never ends: a byte at a time, each well within any read timeout."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    pause = threading.Event()
    with suppress(OSError):
        while True:
            connection.sendall(b"x")
            pause.wait(0.02)


@contextmanager
def tunnelling(tls: ssl.SSLContext) -> Iterator[Server]:
    """A proxy whose tunnels all lead to a TLS server that is itself."""

    def act(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with suppress(OSError):
            tls.wrap_socket(connection, server_side=True).close()
        raise ConnectionAbortedError

    with serving(act) as server:
        yield server


@contextmanager
def full_listener() -> Iterator[int]:
    """A port whose queue is full, so that the kernel lets attempts to connect wait."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    waiting = []
    try:
        for _ in range(8):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            waiting.append(sock)
        yield port
    finally:
        for sock in (*waiting, listener):
            sock.close()
