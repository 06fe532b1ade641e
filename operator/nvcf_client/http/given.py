"""Sends requests through an httpx client that the caller has made: its proxies, certificates, limits and hooks apply.

Redirects are not followed here either, for a key goes to no host but its own. The client stays the caller's: it is
never closed here.
"""

import asyncio
import time
from typing import Any

import httpx

from nvcf_client.answers import Answer
from nvcf_client.call_options import key_in
from nvcf_client.http.progress import MAX_ANSWER, AnswerTooLongError, Progress
from nvcf_client.options import ClientOptions
from nvcf_client.requests import Request

HttpxClient = httpx.Client
HttpxAsyncClient = httpx.AsyncClient

_FAILURES = (httpx.HTTPError, TimeoutError, AnswerTooLongError, OSError)


class GivenTransport:
    """Sends requests through an `httpx.Client` and waits for the answers."""

    def __init__(self, options: ClientOptions, client: httpx.Client) -> None:
        if not isinstance(client, httpx.Client):
            raise TypeError(f"httpx_client: must be an httpx.Client, not {type(client).__name__}")
        self._options = options
        self._client = client

    def send(self, request: Request[Any]) -> Answer:
        """Send once.

        Raises:
            Unreachable, OutcomeUnknown: no usable answer came.

        """
        progress, limit = Progress(), request.limit or self._options.timeout
        deadline = time.monotonic() + limit if limit else None
        try:
            with self._client.stream(**_wire(self._options, self._client, request, limit, progress.note)) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise AnswerTooLongError
                    if deadline is not None and time.monotonic() > deadline:
                        raise TimeoutError
                return _answer(response, body)
        except _FAILURES as error:
            raise progress.failure(self._options, request, error, None) from None

    def close(self) -> None:
        """Leave the client open: it is the caller's."""


class AsyncGivenTransport:
    """Sends requests through an `httpx.AsyncClient` and awaits the answers."""

    def __init__(self, options: ClientOptions, client: httpx.AsyncClient) -> None:
        if not isinstance(client, httpx.AsyncClient):
            raise TypeError(f"httpx_client: must be an httpx.AsyncClient, not {type(client).__name__}")
        self._options = options
        self._client = client

    async def send(self, request: Request[Any]) -> Answer:
        """Send once.

        Raises:
            Unreachable, OutcomeUnknown: no usable answer came.

        """
        progress, limit = Progress(), request.limit or self._options.timeout
        wire = _wire(self._options, self._client, request, limit, progress.note_async)
        try:
            async with asyncio.timeout(limit), self._client.stream(**wire) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise AnswerTooLongError
                return _answer(response, body)
        except _FAILURES as error:
            raise progress.failure(self._options, request, error, None) from None

    async def aclose(self) -> None:
        """Leave the client open: it is the caller's."""


def authorization_of(client: httpx.Client | httpx.AsyncClient) -> str | None:
    """The key that a client is already set up to send; empty if it cannot be read, None if there is none."""
    if (header := client.headers.get("authorization")) is not None:
        return key_in(header)
    return "" if client.auth is not None else None


def _wire(
    options: ClientOptions,
    client: httpx.Client | httpx.AsyncClient,
    request: Request[Any],
    limit: float | None,
    trace: object,
) -> dict[str, Any]:
    headers = httpx.Headers(options.all_headers)
    if options.user_agent is None and not client.headers.get("user-agent", "").startswith("python-httpx/"):
        del headers["user-agent"]
    if request.body is not None:
        headers["content-type"] = "application/json"
    headers.update(options.propagate() if options.propagate is not None else {})
    headers.update(dict(request.headers))
    given: dict[str, Any] = {"timeout": httpx.Timeout(limit)} if limit else {}
    return {
        "method": request.method,
        "url": options.url_of(request),
        "params": request.query or None,
        "content": request.body,
        "headers": headers,
        "follow_redirects": False,
        "extensions": {"trace": trace},
        **given,
    }


def _answer(response: httpx.Response, body: bytearray) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status=response.status_code, headers=headers, body=bytes(body))
