"""The parts of one benchmark: a control plane, a simulator, and functions for a fleet."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace
from tests.support.installation import install
from tests.support.simulator import KEY, Simulator

DEPLOY_SECONDS = 5.0
"""Seconds that NVCF takes to bring a deployment up."""


@dataclass
class Environment:
    """One control plane, one simulator, and what is measured in them."""

    plane: ControlPlane
    identity: Path
    simulator: Simulator
    functions: list[tuple[str, str]]
    log: Path
    number: int

    def namespace(self, name: str) -> Namespace:
        """Make a namespace with the key."""
        self.plane.kubectl("create", "namespace", name)
        namespace = Namespace(self.plane, name)
        namespace.secret(KEY)
        return namespace


@contextmanager
def running_environment(number: int) -> Iterator[Environment]:
    """Start all parts but the operator."""
    with tempfile.TemporaryDirectory(prefix="nvcf-operator-bench-") as folder:
        root = Path(folder)
        with ControlPlane.start(root / "controlplane") as plane:
            scenario = {"capacity": {"NCP.GPU.L40S_1x": 4 * number + 200}}
            with Simulator.start(scenario, fresh=True, deploySeconds=DEPLOY_SECONDS, period=0.5) as simulator:
                made = simulator.add_functions("bench", number)
                yield Environment(plane, install(plane), simulator, made, root / "operator.log", number)
