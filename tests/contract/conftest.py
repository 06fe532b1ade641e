"""Fixtures of the simulator's contract tests. Tests that need other behaviour override them in their module."""

from collections.abc import Iterator

import pytest

from tests.contract.simulator_client import Api
from tests.support.simulator import Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A simulator for the tests of one module."""
    with Simulator.start() as running:
        yield running


@pytest.fixture(scope="module")
def api(simulator: Simulator) -> Iterator[Api]:
    """A client of it, with the default key."""
    with Api(simulator) as client:
        yield client


@pytest.fixture
def echo(simulator: Simulator) -> tuple[str, str]:
    """A function of its own for each test: its id and version id."""
    return simulator.add_function()
