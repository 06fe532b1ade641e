"""What kopf sees of answers that would end it. Pauses take no time; the server is scripted."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from nvcf_operator.kube.connection import connect
from nvcf_operator.kube.steady_watch import SteadyWatch
from tests.unit.kube.kube_server import Act, ApiServer, kubeconfig, says, says_text, serving

OURS = "/apis/nvcf-operator.io/v1alpha1/functiondeployments"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SERVED = "/apis/nvcf-operator.io/v1alpha1"

Session = tuple[ApiServer, aiohttp.ClientSession]
Stager = Callable[..., Any]


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that were made; they take no time."""
    return []


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> Stager:
    async def passes(seconds: float) -> None:
        pauses.append(seconds)

    @asynccontextmanager
    async def staged(*acts: Act, sleep: Callable[[float], Awaitable[None]] = passes) -> AsyncIterator[Session]:
        async with serving(*acts) as server:
            path = kubeconfig(tmp_path / "kubeconfig", server.url, user={"token": "test-token"})
            monkeypatch.setenv("KUBECONFIG", str(path))
            connection = await connect(user_agent="nvcf-operator/test", outermost=(SteadyWatch(sleep=sleep),))
            try:
                yield server, connection.session
            finally:
                await connection.close()

    return staged


async def ask(staged: Session, path: str) -> int | str:
    """Give the status that kopf sees; for an error of the connection its name."""
    server, session = staged
    try:
        async with session.get(server.url + path) as response:
            await response.read()
            return response.status
    except aiohttp.ClientError as error:
        return type(error).__name__


ANSWERS: list[tuple[str, int, int | str]] = [
    (f"{OURS}?limit=500", 200, 200),
    (f"{OURS}?limit=500", 401, 401),
    (f"{OURS}?limit=500", 403, "ClientPayloadError"),
    (f"{OURS}?limit=500", 404, "ClientPayloadError"),
    (f"{OURS}?limit=500&continue=x", 410, "ClientPayloadError"),
    (f"{OURS}?watch=true", 404, "ClientPayloadError"),
    (f"{OURS}?watch=true", 429, "ClientPayloadError"),
    (f"{OURS}?watch=true", 503, "ClientPayloadError"),
    (f"{CRDS}?watch=true", 403, 403),
    (f"{CRDS}?watch=true", 404, "ClientPayloadError"),
]


@pytest.mark.parametrize(("path", "status", "seen"), ANSWERS)
async def test_kopf_sees_only_answers_that_it_does_not_give_up_at(
    stage: Stager, path: str, status: int, seen: int | str
) -> None:
    async with stage(says({"kind": "Status", "message": "so & so"}, status)) as staged:
        assert await ask(staged, path) == seen


async def test_the_pauses_grow_until_an_answer_is_of_use(stage: Stager, pauses: list[float]) -> None:
    gone, fine = says_text("404 page not found", 404), says({"items": []})
    async with stage(*[gone] * 7, fine, gone) as staged:
        for _ in range(7):
            await ask(staged, f"{OURS}?limit=500")
        assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]
        assert await ask(staged, f"{OURS}?limit=500") == 200
        await ask(staged, f"{OURS}?watch=true")
        assert pauses[7:] == [1.0]


@pytest.mark.parametrize(
    ("retry_after", "pause"), [("7", 7.0), ("0", 1.0), ("3600", 20.0), ("Fri, 01 Jan 2027 00:00:00 GMT", 1.0)]
)
async def test_a_server_that_asks_to_wait_is_waited_for(
    stage: Stager, pauses: list[float], retry_after: str, pause: float
) -> None:
    async with stage(says({}, 429, Retry_After=retry_after)) as staged:
        assert await ask(staged, f"{OURS}?watch=true") == "ClientPayloadError"
    assert pauses == [pause]


async def test_each_namespace_has_its_own_pauses(stage: Stager, pauses: list[float]) -> None:
    paths = [f"{SERVED}/namespaces/{name}/functiondeployments?limit=500" for name in ("one", "two")]
    async with stage(says_text("404 page not found", 404)) as staged:
        for path in [*paths, *paths]:
            await ask(staged, path)
    assert pauses == [1.0, 1.0, 2.0, 2.0]


async def test_one_plain_line_says_what_was_answered_and_repeats_no_page(
    stage: Stager, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "nvcf_operator"):
        async with stage(
            says_text("<html>Bearer test-token</html>", 404), says_text("404 page not found\n", 404)
        ) as on:
            await ask(on, f"{OURS}?watch=true")
            await ask(on, f"{OURS}?limit=500")
    assert [record.getMessage() for record in caplog.records] == [
        "the watch of functiondeployments was answered 404, retrying in 1 s: 30 bytes that are no Status",
        "the list of functiondeployments was answered 404, retrying in 2 s: 404 page not found",
    ]


async def test_what_is_served_is_asked_for_again_before_a_404_is_believed(stage: Stager, pauses: list[float]) -> None:
    gone = says_text("404 page not found", 404)
    async with stage(gone, gone, says({"resources": []})) as staged:
        assert await ask(staged, SERVED) == 200
    assert pauses == [1.0, 2.0]
    async with stage(gone) as staged:
        assert await ask(staged, SERVED) == 404
        assert len(staged[0].sent) == 4


async def test_a_pause_ends_with_its_task(stage: Stager) -> None:
    pausing = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pausing.set()
        await asyncio.Event().wait()

    async with stage(says_text("404 page not found", 404), sleep=sleep) as staged:
        task = asyncio.create_task(ask(staged, f"{OURS}?watch=true"))
        async with asyncio.timeout(5):
            await pausing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
