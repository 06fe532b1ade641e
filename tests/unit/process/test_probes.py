"""The probes over real sockets: /healthz fails only when we stand still, /readyz until we work, /metrics answers."""

import errno
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from nvcf_operator.metrics import Metrics
from nvcf_operator.process.probes import Probes
from nvcf_operator.process.watchdog import Watchdogs


@dataclass
class Served:
    """Probes that listen, and the reasons that they give."""

    healthy: list[str] = field(default_factory=list)
    ready: list[str] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        self.probes = Probes("127.0.0.1:0", self.metrics, healthy=lambda: self.healthy, ready=lambda: self.ready)

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session,
            session.request(method, f"http://127.0.0.1:{self.probes.port}{path}") as response,
        ):
            return response.status, await response.text()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    await served.probes.start()
    yield served
    await served.probes.stop()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_no_reason_against_it_is_ok(served: Served, path: str) -> None:
    assert await served.get(path) == (200, "ok\n")
    assert await served.get(path, "HEAD") == (200, "")


async def test_the_probes_say_why_not_each_for_itself(served: Served) -> None:
    served.healthy = ["worker 3 is stuck", "the event loop is stuck"]
    assert await served.get("/healthz") == (503, "worker 3 is stuck\nthe event loop is stuck\n")
    assert await served.get("/readyz") == (200, "ok\n")
    served.healthy, served.ready = [], ["the resources are not listed yet"]
    assert await served.get("/healthz") == (200, "ok\n")
    assert await served.get("/readyz") == (503, "the resources are not listed yet\n")


async def test_work_that_stands_still_is_seen_from_outside() -> None:
    now = 0.0
    beats = Watchdogs(clock=lambda: now)
    served = Served()
    served.probes = Probes("127.0.0.1:0", served.metrics, healthy=beats.overdue, ready=list)
    await served.probes.start()
    try:
        with beats.watch("worker 3 on ns/a", deadline=10.0):
            now = 11.0
            status, text = await served.get("/healthz")
            assert (status, text.partition(":")[0]) == (503, "worker 3 on ns/a is stuck")
        assert await served.get("/healthz") == (200, "ok\n")
    finally:
        await served.probes.stop()


async def test_metrics_are_served(served: Served) -> None:
    served.metrics.reconciled("done", 0.1)
    status, text = await served.get("/metrics")
    assert status == 200
    assert 'nvcf_operator_reconciles_total{result="done"} 1.0' in text


async def test_there_is_nothing_else(served: Served) -> None:
    assert (await served.get("/"))[0] == 404
    assert (await served.get("/healthz", "POST"))[0] == 405


async def test_the_free_port_that_was_taken_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    served = Served()
    with caplog.at_level(logging.INFO):
        await served.probes.start()
    port = served.probes.port
    await served.probes.stop()
    assert port
    assert f"http://127.0.0.1:{port}" in caplog.text


async def test_after_the_stop_nobody_listens(served: Served) -> None:
    port = served.probes.port
    await served.probes.stop()
    await served.probes.stop()
    assert served.probes.port is None
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize(
    ("family", "loopback"),
    [
        pytest.param(socket.AF_INET, "127.0.0.1", id="IPv4"),
        pytest.param(
            socket.AF_INET6,
            "::1",
            id="IPv6",
            marks=pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here"),
        ),
    ],
)
async def test_without_a_host_all_interfaces_are_served(family: socket.AddressFamily, loopback: str) -> None:
    probes = Probes(":0", Metrics(), healthy=list, ready=list)
    await probes.start()
    try:
        with socket.socket(family) as probe:
            assert probe.connect_ex((loopback, probes.port)) == 0
    finally:
        await probes.stop()


async def test_where_ipv6_is_switched_off_ipv4_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.create_server

    def without_ipv6(address: tuple[str, int], *, family: int = socket.AF_INET, **options: bool) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return create(address, family=family, **options)

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    probes = Probes(":0", Metrics(), healthy=list, ready=list)
    await probes.start()
    try:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", probes.port)) == 0
    finally:
        await probes.stop()


async def test_a_port_that_is_taken_everywhere_is_named() -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        probes = Probes(f":{port}", Metrics(), healthy=list, ready=list)
        with pytest.raises(OSError, match=r"(?i)already in use"):
            await probes.start()
        assert probes.port is None


async def test_zero_serves_nothing() -> None:
    probes = Probes("0", Metrics(), healthy=list, ready=list)
    await probes.start()
    assert probes.port is None
    await probes.stop()


async def test_an_address_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        probes = Probes(f"127.0.0.1:{port}", Metrics(), healthy=list, ready=list)
        with pytest.raises(OSError, match=f"{port}.*already in use"):
            await probes.start()
        assert probes.port is None
        await probes.stop()
