"""The simulators that the commands read: each test has its own, and fails if it received a write."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.simulator import Simulator


@pytest.fixture(params=["current", "old"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulator of each generation of the API, without functions."""
    with _only_read(request.param) as running:
        yield running


@pytest.fixture
def current() -> Iterator[Simulator]:
    """A simulator of the current generation of the API, without functions."""
    with _only_read("current") as running:
        yield running


@contextmanager
def _only_read(generation: str) -> Iterator[Simulator]:
    with Simulator.start({"functions": []}, generation=generation) as running:
        yield running
        assert [entry for entry in running.log() if entry["mutating"]] == []
