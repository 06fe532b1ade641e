"""The simulators that the commands ask: each test has its own, and fails if anything was changed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from nvcf_client.endpoints.deployments import NOWHERE
from tests.support.simulator import Simulator


@pytest.fixture(params=["current", "old"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A simulator of each generation of the API, without functions."""
    with unchanged(request.param) as running:
        yield running


@pytest.fixture
def current() -> Iterator[Simulator]:
    """A simulator of the current generation of the API, without functions."""
    with unchanged("current") as running:
        yield running


@contextmanager
def unchanged(generation: str) -> Iterator[Simulator]:
    """A simulator of a generation of the API, without functions, in which nothing may be changed by calls."""
    with Simulator.start({"functions": []}, generation=generation) as running:
        yield running
        log = running.log()
        assert [entry for entry in log if entry["mutating"] and NOWHERE not in entry["path"]] == []
        assert [entry for entry in log if entry["committed"] is not None] == []
