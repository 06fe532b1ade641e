"""The catalogue is read in the background, seldom, and whatever it answers nobody waits or fails."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest

from nvcf_client.client import AsyncClient
from nvcf_operator.accounts.catalogue_reader import EVERY, CatalogueReader
from nvcf_operator.core.catalogue.model import Catalogue
from nvcf_operator.metrics import Metrics

URL = "https://api.ngc.invalid/v2/orgs/acme/nvcf"
TYPES = json.dumps({"H100": [{"name": "größe_8x", "clusters": ["a"]}]}).encode()

Answer = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


class Served:
    """A reader of a catalogue that answers as it is set to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.paused = False
        self.paths: list[str] = []
        self.answer: Answer = lambda _: httpx.Response(200, content=TYPES)
        self.seen: list[Catalogue] = []
        self.metrics = Metrics()
        self.reader = CatalogueReader(self._client, self.metrics, paused=lambda: self.paused, clock=lambda: self.now)

    def _client(self) -> AsyncClient:
        return AsyncClient(
            api_key="nvapi-test", base_url=URL, max_retries=0, transport=httpx.MockTransport(self._handle)
        )

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        answer = self.answer(request)
        return answer if isinstance(answer, httpx.Response) else await answer

    def counted(self, result: str) -> float:
        return self.metrics.registry.get_sample_value("nvcf_operator_catalogue_reads_total", {"result": result}) or 0.0

    async def consulted(self) -> int:
        """Consult it, and let a read end; how often it was used in all."""
        self.reader.consult(self.seen.append)
        await self.reader.within(10.0)
        return len(self.seen)


def of_answer(answer: Answer) -> Served:
    served = Served()
    served.answer = answer
    return served


async def test_one_read_serves_all_and_another_comes_after_a_quarter_of_an_hour() -> None:
    served = Served()
    for _ in range(100):
        served.reader.consult(served.seen.append)
    assert served.seen == [], "nobody waits for it"
    assert await served.consulted() == 101
    assert served.paths == [
        "/v3/orgs/acme/ngc/nvcf/deployments/available/instanceTypes",
        "/v3/orgs/acme/ngc/nvcf/deployments/instanceTypes",
    ]
    served.now = EVERY - 1
    assert await served.consulted() == 102
    assert len(served.paths) == 2
    served.now = EVERY
    assert await served.consulted() == 103
    assert len(served.paths) == 4
    assert served.counted("success") == 4


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (lambda _: httpx.Response(403, json={"status": 403, "title": "Forbidden", "detail": "no"}), "refused"),
        (lambda _: httpx.Response(404, json={"requestStatus": {"statusCode": "NOT_FOUND"}}), "refused"),
        (lambda _: httpx.Response(401), "refused"),
        (lambda _: httpx.Response(500, content=b"<html>"), "failure"),
        (lambda _: httpx.Response(429, headers={"Retry-After": "9999"}), "failure"),
        (lambda _: httpx.Response(200, content=b"<html>"), "failure"),
        (lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.invalid"}), "failure"),
    ],
)
async def test_no_answer_is_anybodys_failure(answer: Answer, result: str) -> None:
    served = of_answer(answer)
    assert await served.consulted() == 0
    assert (len(served.paths), served.counted(result)) == (1, 1)
    assert await served.consulted() == 0
    assert len(served.paths) == 1, "it is not asked again at once"


async def test_the_capacity_may_be_missing() -> None:
    served = of_answer(lambda request: httpx.Response(200 if "available" in request.url.path else 500, content=TYPES))
    assert await served.consulted() == 1
    assert [offer.gpus for offer in served.seen[0].offers] == [8]
    assert (served.counted("success"), served.counted("failure")) == (1, 1)


async def test_what_was_known_stays_when_a_later_read_fails() -> None:
    served = Served()
    await served.consulted()
    served.now, served.answer = EVERY * 3, lambda _: httpx.Response(503)
    assert await served.consulted() == 2
    assert served.seen[0] is served.seen[1]


async def test_it_is_not_asked_while_nvcf_wants_a_pause() -> None:
    served = Served()
    served.paused = True
    assert await served.consulted() == 0
    assert served.paths == []
    served.paused = False
    assert await served.consulted() == 1


async def test_who_uses_it_wrongly_keeps_it_from_nobody_else() -> None:
    served = Served()

    def broken(_: Catalogue) -> None:
        raise RuntimeError("a bug")

    served.reader.consult(broken)
    assert await served.consulted() == 1


async def test_a_slow_one_is_waited_for_only_so_long_and_ends_with_the_account() -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    served = of_answer(never)
    served.reader.consult(served.seen.append)
    assert await served.reader.within(0.01) is None
    await served.reader.close()
    assert served.seen == []
