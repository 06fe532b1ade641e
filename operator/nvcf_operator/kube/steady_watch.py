"""Keeps kopf's lists and watches going over responses that would end kopf.

It ends with an exception at the first 404 to a list or a watch, whoever sent it, and at 5xx that last for a minute.
Restarting kopf is no solution: when it ends, it cancels every task of the process that is younger than itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp

from nvcf_client.text import shorten
from nvcf_operator.api import names
from nvcf_operator.backoff import Backoff
from nvcf_operator.kube.errors import message_of, parse
from nvcf_operator.kube.watched import TakeIn, TakenIn

log = logging.getLogger(__name__)

Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

PAUSES: Final = Backoff(1.0, 20.0)
"""Before a list or a watch is retried. Shorter than the 30 s that a list may take in total: a pause is part of it."""
DISCOVERY_PAUSES: Final = (1.0, 2.0, 4.0)
"""Seconds between the tries to discover the served versions, before a 404 to that is believed."""

_MOST_READ: Final = 16_384

_OURS: Final = frozenset(kind.plural for kind in names.KINDS)


class SteadyWatch:
    """A middleware of kopf's session, which only reads.

    Args:
        take_in: takes in the events of our watches before kopf.
        sleep: waits for the seconds of a pause.

    """

    def __init__(
        self,
        take_in: TakeIn = lambda kind, obj: False,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._take_in = take_in
        self._sleep = sleep
        self._tries: dict[str, int] = {}
        """The tries in a row of each path whose responses were of no use."""

    async def __call__(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Pass a request on, and hide responses to a list or a watch that would end kopf.

        Raises:
            ClientPayloadError: after a pause: kopf then lists again, or watches again from where it was.

        """
        if not {"limit", "watch"} & request.url.query.keys():
            return await self._discovered(request, handler)
        response = await handler(request)
        path, status = request.url.path, response.status
        # After 401 kopf logs in again. Without the right to list CRDs it does without; ours it cannot do without.
        if status < 400 or status == 401 or (status == 403 and path.rsplit("/", 1)[-1] not in _OURS):
            self._tries.pop(path, None)
            if status == 200 and "watch" in request.url.query and path.rsplit("/", 1)[-1] in _OURS:
                response.content = TakenIn(response.content, self._take_in)  # type: ignore[assignment]
            return response
        try:
            raw = await response.content.read(_MOST_READ)
        finally:
            response.close()
        tries = self._tries.get(path, 0)
        self._tries[path] = tries + 1
        pause = PAUSES.after(tries)
        if (wait := response.headers.get("Retry-After", "")).isdecimal():
            pause = max(pause, min(PAUSES.last, float(wait)))
        what = f"{'watch' if 'watch' in request.url.query else 'list'} of {path.rsplit('/', 1)[-1]}"
        said = shorten(message_of(parse(raw) or {}, raw), 200)
        log.warning("the %s was answered %d, retrying in %.0f s: %s", what, status, pause, said)
        await self._sleep(pause)
        raise aiohttp.ClientPayloadError(f"the {what} was answered {status}")

    async def _discovered(self, request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
        """Discover what is served. After a CRD is deleted, the API server keeps answering 404 for its version."""
        response = await handler(request)
        for pause in DISCOVERY_PAUSES:
            if response.status != 404:
                break
            response.close()
            await self._sleep(pause)
            response = await handler(request)
        return response
