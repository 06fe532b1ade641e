"""A world of its own for one story: a namespace, a simulator, a function, and operators run one after another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace, manifest
from tests.support.process import Operator
from tests.support.simulator import KEY, Simulator


@dataclass(frozen=True)
class Place:
    """The parts of the story."""

    namespace: Namespace
    simulator: Simulator
    function: str
    version: str
    identity: Path
    log: Path

    @classmethod
    @contextmanager
    def made(cls, plane: ControlPlane, identity: Path, namespace: str, folder: Path) -> "Iterator[Place]":
        """Start the simulator, give the namespace a good key, and make a function."""
        team = Namespace(plane, namespace)
        team.secret(KEY)
        with Simulator.start() as simulator:
            function, version = simulator.add_function()
            yield cls(team, simulator, function, version, identity, folder / "operator.log")

    @contextmanager
    def operator(self, bug: str | None = None, **settings: Any) -> Iterator[Operator]:
        """Run the operator, with a planted bug or without.

        It watches this namespace only, unless told otherwise: others end with resources that their operators left.
        """
        settings.setdefault("namespaces", self.namespace.name)
        with Operator.start(self.identity, self.simulator.url, self.log, bug=bug, **settings) as running:
            yield running

    def manifest(self, **changes: Any) -> dict[str, Any]:
        """The manifest."""
        return manifest("echo", self.function, self.version, **changes)

    def writes(self) -> list[tuple[str, int | None]]:
        """Every change that was asked for in NVCF."""
        return [(entry["operation"], entry["status"]) for entry in self.simulator.log() if entry["mutating"]]

    def ready(self) -> None:
        """Wait until the resource is Ready."""
        self.namespace.wait_for("echo", within=40)
