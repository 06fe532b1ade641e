"""Everything on one machine: control plane, simulator, and the operator under its own identity."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace
from tests.support.installation import install
from tests.support.process import Operator
from tests.support.simulator import KEY, Simulator


@dataclass(frozen=True)
class Environment:
    """The parts, running."""

    plane: ControlPlane
    simulator: Simulator
    operator: Operator
    identity: Path

    def namespace(self, name: str, *, key: str | None = KEY) -> Namespace:
        """Create a namespace, with the Secret that holds the API key."""
        self.plane.kubectl("create", "namespace", name)
        namespace = Namespace(self.plane, name)
        if key is not None:
            namespace.secret(key)
        return namespace


@contextmanager
def running_environment(
    root: Path,
    *,
    scenario: Mapping[str, Any] | None = None,
    behaviour: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Environment]:
    """Run all parts for the body; everything that they write goes below `root`."""
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane.start(root / "controlplane"))
        identity = install(plane)
        simulator = stack.enter_context(Simulator.start(scenario, fresh=True, **(behaviour or {})))
        log = root / "operator.log"
        operator = stack.enter_context(Operator.start(identity, simulator.url, log, fresh=True, **settings))
        yield Environment(plane, simulator, operator, identity)
