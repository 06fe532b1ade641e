"""The two clients of NVCF: thin shells, one waiting and one awaiting, around the same requests and the same tree."""

import asyncio
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from nvcf_client.answers import Answer
from nvcf_client.calls import Async, Sync
from nvcf_client.errors import NvcfError
from nvcf_client.http.given import (
    AsyncGivenTransport,
    GivenTransport,
    HttpxAsyncClient,
    HttpxClient,
    authorization_of,
)
from nvcf_client.http.transport import AsyncTransport, Transport
from nvcf_client.options import NO_KEY, ClientOptions, Environment, from_environment
from nvcf_client.requests import Request
from nvcf_client.retries import Attempts, KnownPaths, Retries
from nvcf_client.tree import Tree
from nvcf_client.urls import PREFIX, completed

S = TypeVar("S")
T = TypeVar("T")
H = TypeVar("H", HttpxClient, HttpxAsyncClient)


class _Shell(Tree[S], Generic[S, H]):
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
        httpx_client: H | None = None,
        environment: Environment | None = None,
        default_path: str = PREFIX,
        transport: Any = None,
    ) -> None:
        self._notice = notice
        key, url = from_environment(api_key, base_url or (environment and environment.value))
        self._own_key: str | None = None
        if httpx_client is not None:
            if ca_file is not None:
                raise ValueError(
                    "ca_file has no effect beside httpx_client: give that client its certificates (verify)"
                )
            self._own_key = authorization_of(httpx_client)
            key = key if self._own_key is None or api_key is not None else None
        self._options = ClientOptions(
            base_url=completed(url, default_path),
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
        self._open(httpx_client, transport)

    def _open(self, httpx_client: H | None, transport: Any) -> None:
        """Make the transport and the tree."""
        raise NotImplementedError

    def _key(self, request: Request[Any]) -> str:
        """The key that the call is made with; empty where a caller's httpx client has one that cannot be seen."""
        key = request.key or self._options.api_key or self._own_key
        if key is None:
            raise ValueError(NO_KEY)
        return key

    def _received(self, answer: Answer, key: str) -> Answer:
        """Pass on what the gateway announces, whatever the answer is."""
        if self._notice is not None and (text := answer.notice(key)) is not None:
            self._notice(text)
        return answer

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._options.base_url}>"


class Client(_Shell[Sync, HttpxClient]):
    """NVCF for synchronous code. Safe to share between threads.

    Args:
        api_key: an `nvapi-` key or a token; by default the variable `NGC_API_KEY`.
        base_url: base URL with its prefix; by default the variable `NVCF_BASE_URL`, else hosted NVCF.
        host_header: Host header to send, where a gateway needs another than the URL's host.
        ca_file: file of PEM certificates to trust in place of the usual ones.
        timeout: seconds for each call in all; by default 30, to create a function or a version 120, and to create a
            deployment 40, with 30 more for each further specification that asks for instances.
        max_connections: most calls at a time.
        max_retries: how often a call is made again where that can do no harm (`nvcf_client.retries`).
        user_agent: how the client calls itself; by default `nvcf-operator/<version>`.
        headers: more headers for every call.
        trust_env: take proxies and CA bundles from the environment.
        propagate: gives more headers for each call, right before it is made, such as `traceparent`.
        notice: called with what NGC's gateway announces beside an answer, such as the end of a call; each time.
        httpx_client: sends the calls, with its own headers, proxies, certificates and timeouts. Stays the caller's.
        environment: where NVCF is; `base_url` comes before it.
        default_path: path of a base URL that has none.
        transport: an httpx transport in place of the network, for tests.

    Raises:
        ValueError: an argument cannot be used.

    """

    def _open(self, httpx_client: HttpxClient | None, transport: Any) -> None:
        self._transport: Transport | GivenTransport = (
            Transport(self._options, transport) if httpx_client is None else GivenTransport(self._options, httpx_client)
        )
        self._grow(self)

    def send(self, request: Request[T], /) -> T:
        """Make a call of `nvcf_client.endpoints` and give its result.

        Raises:
            NvcfError: it failed, after the retries that are safe.
            ValueError: there is no key.

        """
        key, attempts = self._key(request), Attempts(request, self._paths, self._retries)
        while True:
            try:
                answer = self._received(self._transport.send(attempts.request), key)
                return attempts.request.parse(answer, key=key)
            except NvcfError as error:
                if (pause := attempts.pause(error)) is None:
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


class AsyncClient(_Shell[Async, HttpxAsyncClient]):
    """NVCF for asyncio. Takes the arguments of `Client`; every call is awaited. Belongs to one event loop at a time."""

    def _open(self, httpx_client: HttpxAsyncClient | None, transport: Any) -> None:
        self._transport: AsyncTransport | AsyncGivenTransport = (
            AsyncTransport(self._options, transport)
            if httpx_client is None
            else AsyncGivenTransport(self._options, httpx_client)
        )
        self._grow(self)

    async def send(self, request: Request[T], /) -> T:
        """Make a call of `nvcf_client.endpoints` and give its result.

        Raises:
            NvcfError: it failed, after the retries that are safe.
            ValueError: there is no key.

        """
        key, attempts = self._key(request), Attempts(request, self._paths, self._retries)
        while True:
            try:
                answer = self._received(await self._transport.send(attempts.request), key)
                return attempts.request.parse(answer, key=key)
            except NvcfError as error:
                if (pause := attempts.pause(error)) is None:
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
