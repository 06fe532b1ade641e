"""The row of a function version: every writer reads it, changes a field and writes all of it.

There is no compare-and-set. Whatever was written between read and write is undone, and a version that was deleted
in between comes back.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Self

from nvcf_simulator.model.entities import Function, Status
from nvcf_simulator.model.world import World


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """A copy of the columns of a version, as a writer has read them."""

    function: Function
    status: Status
    details: dict[str, Any]
    has_secrets: bool
    shared_function: list[str]
    shared_version: list[str]

    @classmethod
    def read(cls, function: Function) -> Self:
        """Read the row of a version."""
        return cls(
            function,
            function.status,
            deepcopy(function.details),
            function.has_secrets,
            list(function.shared_function),
            list(function.shared_version),
        )

    def having(self, **changes: Any) -> "FunctionRow":
        """Return the row with these columns changed; a detail of None is removed."""
        details = self.details | changes.pop("details", {})
        kept = {name: value for name, value in details.items() if value is not None}
        return replace(self, details=kept, **changes)

    def save(self, world: World) -> None:
        """Write all columns, including empty ones."""
        self._write(world, self.details, self.shared_function, self.shared_version)

    def insert(self, world: World) -> None:
        """Write the columns that have a value, and keep the others as they are by then."""
        function = self.function
        there = world.function(function.version_id)
        if there is None:
            self.save(world)
            return
        self._write(
            world,
            there.details | self.details,
            self.shared_function or there.shared_function,
            self.shared_version or there.shared_version,
        )

    def _write(
        self, world: World, details: dict[str, Any], shared_function: list[str], shared_version: list[str]
    ) -> None:
        function = self.function
        world.remember(function.version_id)
        function.status, function.details, function.has_secrets = self.status, dict(details), self.has_secrets
        function.shared_function, function.shared_version = list(shared_function), list(shared_version)
        if world.function(function.version_id) is None:
            world.put_function(function)
        else:
            world.touch(function)
