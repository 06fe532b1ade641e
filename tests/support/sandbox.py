"""A tenant with a simulator of its own, where a test runs its own operators, one after another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace
from tests.support.process import Operator
from tests.support.simulator import KEY, Simulator
from tests.support.tenant import Tenant


@dataclass(frozen=True)
class Sandbox(Tenant):
    """A namespace, a simulator, a function, and what an operator is started with."""

    simulator: Simulator
    identity: Path
    log: Path

    @classmethod
    @contextmanager
    def made(cls, plane: ControlPlane, identity: Path, namespace: str, folder: Path) -> "Iterator[Sandbox]":
        """Start the simulator, give the namespace a good key, and make a function."""
        own = Namespace(plane, namespace)
        own.secret(KEY)
        with Simulator.start() as simulator:
            function, version = simulator.add_function()
            yield cls(own, simulator, function, version, 0, identity, folder / "operator.log")

    @contextmanager
    def operator(self, bug: str | None = None, *, fresh: bool = False, **settings: Any) -> Iterator[Operator]:
        """Run the operator, with a planted bug or without. A `fresh` one has an interpreter of its own.

        It watches this namespace only, by default: others end with resources that their operators left.
        """
        settings.setdefault("namespaces", self.namespace.name)
        with Operator.start(self.identity, self.simulator.url, self.log, bug=bug, fresh=fresh, **settings) as running:
            yield running

    def writes(self) -> list[tuple[str, int | None]]:
        """Operation and status of every change that was asked for in NVCF, the oldest first."""
        return self._writes()

    def ready(self) -> None:
        """Wait until the resource is Ready."""
        self.namespace.wait_for("echo", within=40)
