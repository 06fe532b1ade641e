"""HTTP clients for tests that act from many threads."""

import threading
from collections.abc import Callable

import httpx


class ThreadClients:
    """One client for each thread: a pool that threads share may close a connection that another is about to use."""

    def __init__(self, make: Callable[[], httpx.Client]) -> None:
        self._make = make
        self._own = threading.local()
        self._all: list[httpx.Client] = []

    def mine(self) -> httpx.Client:
        """This thread's."""
        client: httpx.Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = self._make()
            self._all.append(client)
        return client

    def close(self) -> None:
        """Close the connections of all threads."""
        for client in self._all:
            client.close()
