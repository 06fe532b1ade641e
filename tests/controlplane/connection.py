"""The few requests that the control plane makes of its own API server."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from controlplane.certificates import KeyPair

_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """What came back: an HTTP status (0 when there was none) and a text."""

    status: int
    text: str

    def __str__(self) -> str:
        return f"{self.status or 'no answer'}: {self.text.strip()}"


class Connection:
    """One kept-alive connection to the API server, by a client certificate. Closed by leaving its ``with``."""

    def __init__(self, port: int, ca: Path, client: KeyPair) -> None:
        """Prepare; the first request connects."""
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(client.certificate, client.key)
        self._http = http.client.HTTPSConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS, context=context)
        self.last = Answer(0, "not asked")

    def get(self, path: str) -> Answer:
        """Make a GET request. A failure to connect is an answer as well."""
        try:
            self._http.request("GET", path)
            response = self._http.getresponse()
            self.last = Answer(response.status, response.read().decode(errors="replace"))
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            self.last = Answer(0, repr(error))
        return self.last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
