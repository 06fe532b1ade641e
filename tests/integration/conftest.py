"""What the integration tests share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support import installation
from tests.support.cluster import Namespace, release
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY, Simulator
from tests.support.statuses import checking
from tests.support.tenant import Tenant

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
    control_plane: ControlPlane,
    operator_identity: Path,
    simulator: Simulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    """An operator for the tests of a module, under its own identity."""
    log = tmp_path_factory.mktemp("operator") / "operator.log"
    with Operator.start(operator_identity, simulator.url, log) as running:
        yield running
        assert running.running, f"the operator has ended: {running.output()[-3000:]}"
    release(control_plane)


@pytest.fixture
def tenant(control_plane: ControlPlane, namespace: str, simulator: Simulator, operator: Operator) -> Tenant:
    """A namespace with a good key, and a function that nobody else uses; the operator runs."""
    own = Namespace(control_plane, namespace)
    own.secret(KEY)
    function, version = simulator.add_function()
    return Tenant(own, simulator, function, version, simulator.cursor)


@pytest.fixture
def sandbox(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Sandbox]:
    """A namespace, a simulator and a function of its own; the test runs the operators."""
    with Sandbox.made(control_plane, operator_identity, namespace, tmp_path) as made:
        yield made
