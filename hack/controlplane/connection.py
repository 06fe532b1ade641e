"""Requests of the API server over a kept connection."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from hack.controlplane.certificates import KeyPair

_TIMEOUT_SECONDS = 5.0
_READ_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back: an HTTP status (0 when there was none) and a text."""

    status: int
    text: str

    def __str__(self) -> str:
        return f"{self.status or 'no answer'}: {self.text.strip()}"


class Connection:
    """One kept-alive connection to the API server, by a client certificate. Closed by leaving its ``with``."""

    def __init__(self, port: int, ca: Path, client: KeyPair, *, timeout: float = _TIMEOUT_SECONDS) -> None:
        """Prepare; the first request connects. ``timeout`` is in seconds, of one step of a request."""
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(client.certificate, client.key)
        self._http = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
        self.last = Answer(0, "not asked")

    def get(self, path: str) -> Answer:
        """Make a GET request. A failure to connect is an answer as well."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Answer:
        """Make a request, with a JSON value as its body. A failure to connect is an answer as well."""
        content = None if body is None else json.dumps(body).encode()
        try:
            self._http.request(method, path, content, {} if content is None else {"Content-Type": content_type})
            response = self._http.getresponse()
            self.last = Answer(response.status, response.read().decode(errors="replace"))
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            self.last = Answer(0, repr(error))
        return self.last

    def close(self) -> None:
        """Close it; a request after that connects again."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client:
    """Reads and changes objects, each thread over a connection of its own."""

    def __init__(self, port: int, ca: Path, client: KeyPair) -> None:
        """Prepare; the first request of a thread connects."""
        self._port, self._ca, self._client = port, ca, client
        self._own = threading.local()
        self._all: list[Connection] = []

    def read(self, path: str) -> Any:
        """Return the JSON value at a path; None where there is nothing. Raises :class:`RuntimeError` for all else."""
        answer = self._send("GET", path)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer}")
        return json.loads(answer.text)

    def change(self, method: str, path: str, body: Any, content_type: str) -> bool:
        """Make a request; return whether it was accepted."""
        return 200 <= self._send(method, path, body, content_type).status < 300

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._all:
            connection.close()

    def _send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Answer:
        connection: Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = Connection(self._port, self._ca, self._client, timeout=_READ_TIMEOUT_SECONDS)
            self._own.connection = connection
            self._all.append(connection)
        kept = connection.last.status != 0
        answer = connection.send(method, path, body, content_type)
        if answer.status == 0 and kept:  # the API server closes idle connections, and may have been replaced
            answer = connection.send(method, path, body, content_type)
        return answer
