"""One test's share of an operator and a simulator: a namespace, a key and a function that nobody else uses."""

from dataclasses import dataclass
from typing import Any

from tests.support.cluster import Namespace, manifest
from tests.support.control import Control


@dataclass(frozen=True)
class Tenant:
    """One test's namespace, with a key, and a function of its own."""

    namespace: Namespace
    simulator: Control
    function: str
    version: str
    cursor: int

    def manifest(self, name: str = "echo", **changes: Any) -> dict[str, Any]:
        """A manifest for the function."""
        return manifest(name, self.function, self.version, **changes)

    def writes(self) -> list[tuple[str, int | None]]:
        """Operation and status of every change that was asked for in NVCF for the function, the oldest first."""
        return self._writes(functionVersionId=self.version)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The requests of an operation for the function."""
        return self.simulator.log(self.cursor, functionVersionId=self.version, operation=operation)

    def another_version(self) -> str:
        """Add a version to the function."""
        return self.simulator.add_function(functionId=self.function)[1]

    def all_asked(self, operation: str | None = None) -> list[dict[str, Any]]:
        """The requests for any version of the function."""
        wanted = {"operation": operation} if operation is not None else {}
        return self.simulator.log(self.cursor, functionId=self.function, **wanted)

    def mine(self) -> list[str]:
        """The version of each running instance of the function."""
        return [i["functionVersionId"] for i in self.simulator.allocations() if i["functionId"] == self.function]

    def _writes(self, **wanted: Any) -> list[tuple[str, int | None]]:
        log = self.simulator.log(self.cursor, **wanted)
        return [(entry["operation"], entry["status"]) for entry in log if entry["mutating"]]
