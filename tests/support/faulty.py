"""A proxy to the API server that delays some requests, or answers them in the API server's place."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from nvcf_operator.api.names import PLURAL
from tests.support.lagging import LaggingApiServer

PLAIN_404: Final[dict[str, Any]] = {
    "status": 404,
    "body": "404 page not found\n",
    "content_type": "text/plain",
    "count": 1,
}
"""What an aggregator, a load balancer or a starting API server says once: it does not speak of the object."""

Match = Callable[[web.Request], bool]


@dataclass
class Rule:
    """What the requests that match meet.

    Attributes:
        match: whether the rule is about a request.
        delay: seconds before anything happens to it.
        status: the answer's HTTP status; None passes the request on after the delay.
        body: the answer's text.
        content_type: the answer's.
        count: how many requests meet it; later ones are passed on.
        headers: more headers of the answer.
        met: how many requests have met it so far.

    """

    match: Match
    delay: float = 0.0
    status: int | None = None
    body: str = ""
    content_type: str = "application/json"
    count: int = 10**9
    headers: dict[str, str] = field(default_factory=dict)
    met: int = 0


class FaultyApiServer(LaggingApiServer):
    """Passes everything on, watches too, unless a rule says otherwise. Of several rules the oldest open one counts."""

    def __init__(self, *given: Any) -> None:
        self.rules: list[Rule] = []
        super().__init__(*given)

    def rule(self, match: Match, **what: Any) -> Rule:
        """Put a rule in force; `what` are the attributes of `Rule`."""
        self.rules.append(made := Rule(match, **what))
        return made

    def object(self, method: str, part: str = "", *, name: str = "echo", **what: Any) -> Rule:
        """A rule about the resource of that name, in any namespace (`part="/status"`: about its status)."""
        return self.rule(lambda r: r.method == method and r.path.endswith(f"/{PLURAL}/{name}{part}"), **what)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        rule = next((rule for rule in self.rules if rule.met < rule.count and rule.match(request)), None)
        if rule is None:
            return await super()._handle(request)
        rule.met += 1
        await asyncio.sleep(rule.delay)
        if rule.status is None:
            return await super()._handle(request)
        await request.read()
        return web.Response(text=rule.body, status=rule.status, content_type=rule.content_type, headers=rule.headers)
