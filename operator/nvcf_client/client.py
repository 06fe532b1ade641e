"""The two clients of NVCF: thin shells, one waiting and one awaiting, around the same requests and the same tree."""

import asyncio
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from nvcf_client.answers import Answer
from nvcf_client.errors import NvcfError
from nvcf_client.http.transport import AsyncTransport, Transport
from nvcf_client.options import ClientOptions, Retries, from_environment
from nvcf_client.paths import KnownPaths
from nvcf_client.requests import Request
from nvcf_client.tree import Async, Sync, Tree

S = TypeVar("S")
T = TypeVar("T")


class _Shell(Tree[S]):
    """What both clients share: how they are made, and that they show no key."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        host_header: str | None = None,
        ca_file: str | None = None,
        timeout: float | None = None,
        max_connections: int = 10,
        max_retries: int = 2,
        user_agent: str | None = None,
        headers: Mapping[str, str] | None = None,
        trust_env: bool = True,
        propagate: Callable[[], Mapping[str, str]] | None = None,
        notice: Callable[[str], None] | None = None,
        transport: Any = None,
    ) -> None:
        self._notice = notice
        key, url = from_environment(api_key, base_url)
        self._options = ClientOptions(
            base_url=url,
            api_key=key,
            host_header=host_header,
            ca_file=ca_file,
            timeout=timeout,
            max_connections=max_connections,
            user_agent=user_agent,
            headers=headers,
            trust_env=trust_env,
            propagate=propagate,
        )
        self._retries = Retries(most=max_retries)
        self._paths = KnownPaths()
        self._open(transport)

    def _open(self, transport: Any) -> None:
        """Make the transport and the tree."""
        raise NotImplementedError

    def _received(self, answer: Answer) -> Answer:
        """Pass on what the gateway announces, whatever the answer is."""
        if self._notice is not None and (text := answer.notice(self._options.api_key)) is not None:
            self._notice(text)
        return answer

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._options.base_url}>"


class Client(_Shell[Sync]):
    """NVCF for synchronous code. Safe to share between threads.

    Args:
        api_key: an `nvapi-` key or a token; by default the variable `NGC_API_KEY`.
        base_url: base URL with its prefix; by default the variable `NVCF_BASE_URL`, else hosted NVCF.
        host_header: Host header to send, where a gateway needs another than the URL's host.
        ca_file: file of PEM certificates to trust in place of the usual ones.
        timeout: seconds for each call in all; by default 30, to create a function or a version 120, and to create a
            deployment 40, with 30 more for each further specification that asks for instances.
        max_connections: most calls at a time.
        max_retries: how often a call is made again where that can do no harm (`nvcf_client.options`).
        user_agent: how the client calls itself; by default `nvcf-operator/<version>`.
        headers: more headers for every call.
        trust_env: take proxies and CA bundles from the environment.
        propagate: gives more headers for each call, right before it is made, such as `traceparent`.
        notice: called with what NGC's gateway announces beside an answer, such as the end of a call; each time.
        transport: an httpx transport in place of the network, for tests.

    Raises:
        ValueError: an argument cannot be used, or there is no key.

    """

    def _open(self, transport: Any) -> None:
        self._transport = Transport(self._options, transport)
        self._grow(self)

    def send(self, request: Request[T], /) -> T:
        """Make a call of `nvcf_client.endpoints` and give its result.

        Raises:
            NvcfError: it failed, after the retries that are safe.

        """
        request = self._paths.chosen(request)
        failures, moved = 0, False
        while True:
            try:
                return request.parse(self._received(self._transport.send(request)), key=self._options.api_key)
            except NvcfError as error:
                if not moved and (other := self._paths.other(request, error)) is not None:
                    request, moved = other, True
                    continue
                failures += 1
                pause = self._retries.pause(request, error, failures)
                if pause is None:
                    raise
            time.sleep(pause)

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Shell[Async]):
    """NVCF for asyncio. Takes the arguments of `Client`; every call is awaited. Belongs to one event loop."""

    def _open(self, transport: Any) -> None:
        self._transport = AsyncTransport(self._options, transport)
        self._grow(self)

    async def send(self, request: Request[T], /) -> T:
        """Make a call of `nvcf_client.endpoints` and give its result.

        Raises:
            NvcfError: it failed, after the retries that are safe.

        """
        request = self._paths.chosen(request)
        failures, moved = 0, False
        while True:
            try:
                answer = self._received(await self._transport.send(request))
                return request.parse(answer, key=self._options.api_key)
            except NvcfError as error:
                if not moved and (other := self._paths.other(request, error)) is not None:
                    request, moved = other, True
                    continue
                failures += 1
                pause = self._retries.pause(request, error, failures)
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
