"""The simulators of the contract tests, and what most of them need beside."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.simulator_client import Api
from tests.support.simulator import Simulator


@pytest.fixture(scope="module")
def simulator_options() -> dict[str, Any]:
    """The arguments of `Simulator.start`. A module that needs others overrides this fixture."""
    return {}


@pytest.fixture(scope="module")
def running(simulator_options: dict[str, Any]) -> Iterator[Simulator]:
    """The simulator of a module."""
    with Simulator.start(**simulator_options) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    """The simulator of a module. A module whose tests change its behaviour overrides this fixture to reset it."""
    return running


@pytest.fixture
def api(simulator: Simulator) -> Iterator[Api]:
    """A plain HTTP client of the simulator, with the default key."""
    with Api(simulator) as client:
        yield client


@pytest.fixture
def echo(simulator: Simulator) -> tuple[str, str]:
    """A new function of one version: both ids."""
    return simulator.add_function()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for requests that are in flight at the same time."""
    with ThreadPoolExecutor(8) as executor:
        yield executor


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out the variables by which HTTP clients find proxies and certificates."""
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
