"""What the integration tests share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support import installation
from tests.support.cluster import Namespace
from tests.support.place import Place
from tests.support.process import Operator
from tests.support.simulator import KEY, Simulator
from tests.support.statuses import checking
from tests.support.team import Team

Objects = list[dict[str, Any]]


@pytest.fixture(scope="session")
def base_objects(control_plane: ControlPlane) -> Objects:
    """All objects of `deploy/base`, as kustomize renders them."""
    return installation.base_objects(control_plane)


@pytest.fixture(scope="session")
def operator_identity(control_plane: ControlPlane) -> Iterator[Path]:
    """The kubeconfig of the operator's ServiceAccount, with exactly the rights that `deploy/base` gives it.

    Installs all of the base but the Deployment: tests run the operator themselves. All statuses that were written by it
    are checked at the end.
    """
    with checking(control_plane.audit_log):
        yield installation.install(control_plane)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A simulator for the tests of a module; each test uses a function of its own."""
    with Simulator.start() as running:
        yield running


@pytest.fixture(scope="module")
def operator(
    operator_identity: Path, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """An operator for the tests of a module, under its own identity."""
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    with Operator.start(operator_identity, simulator.url, log) as running:
        yield running
        assert running.running, f"the operator has ended: {running.output()[-3000:]}"


@pytest.fixture
def team(control_plane: ControlPlane, namespace: str, simulator: Simulator, operator: Operator) -> Team:
    """A namespace with a good key, and a function that nobody else uses; the operator runs."""
    place = Namespace(control_plane, namespace)
    place.secret(KEY)
    function, version = simulator.add_function()
    return Team(place, simulator, function, version, simulator.cursor)


@pytest.fixture
def place(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Place]:
    """A world of its own."""
    with Place.made(control_plane, operator_identity, namespace, tmp_path) as made:
        yield made
