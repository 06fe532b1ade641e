"""The server's own loop, which updates every deployment that may change once a period, and its stale writes."""

import asyncio
from copy import deepcopy

from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.entities import Deployment, Function
from nvcf_simulator.model.rows import FunctionRow
from nvcf_simulator.model.statuses import Snapshot, Statuses
from nvcf_simulator.model.world import World


class StaleWrites:
    """Rows that the loop writes back at its next pass, although they were changed or deleted: two of its races."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._undone: dict[str, Deployment] = {}
        self._returning: dict[str, Deployment] = {}
        self._versions: list[FunctionRow] = []

    def before_update(self, row: Deployment) -> None:
        """Record the row that PATCH or PUT is about to change."""
        races, function = self._world.behaviour.races, self._world.function(row.version_id)
        if races.undone_patch and function and function.status == "DEPLOYING":
            races.undone_patch -= 1
            self._undone[row.version_id] = deepcopy(row)

    def before_delete(self, row: Deployment) -> None:
        """Record the row that DELETE is about to delete."""
        races = self._world.behaviour.races
        if races.returning_row:
            races.returning_row -= 1
            self._returning[row.version_id] = deepcopy(row)

    def before_version_update(self, function: Function) -> None:
        """Record the row of a version whose tags or rate limit are about to change."""
        races = self._world.behaviour.races
        if races.undone_update:
            races.undone_update -= 1
            self._versions.append(FunctionRow.read(function))

    def before_version_delete(self, function: Function) -> None:
        """Record the row of a version that is about to be deleted."""
        races = self._world.behaviour.races
        if races.returning_version:
            races.returning_version -= 1
            self._versions.append(FunctionRow.read(function))

    def apply(self) -> None:
        """Write the recorded rows: an undone one only over itself, a returning one over whatever exists.

        The row of a version comes back without its deployment, and with the status of before.
        """
        for version in self._versions:
            there = self._world.function(version.function.version_id)
            version.having(status=there.status if there else version.status).save(self._world)
        self._versions.clear()
        for row in self._undone.values():
            if self._world.row_by_id(row.id):
                self._world.put_row(row)
        for row in self._returning.values():
            if self._world.function(row.version_id):
                self._world.put_row(row)
        self._undone.clear()
        self._returning.clear()


class ServerLoop:
    """Runs as long as the server. A pass first reads the rows, then processes them."""

    def __init__(self, world: World, allocator: Allocator, statuses: Statuses, stale_writes: StaleWrites) -> None:
        self._world = world
        self._allocator = allocator
        self._statuses = statuses
        self._stale_writes = stale_writes
        self._held: list[Snapshot] | None = None
        self.started = 0
        """Number of started passes."""
        self.finished = 0
        """Number of finished passes."""

    async def run(self) -> None:
        """Run a pass once a period, until cancelled. There is one at a time: none starts while one is held."""
        while True:
            await asyncio.sleep(self._world.clock.real(self._world.behaviour.period))
            if self._world.behaviour.loop and self._held is None:
                await self.run_pass()

    async def run_pass(self) -> None:
        """Update every deployment once, with `slowLoop` between reading and writing."""
        slow = self._world.behaviour.races.slow_loop
        snapshots = self._start(slow=bool(slow))
        if slow:
            await asyncio.sleep(self._world.clock.real(slow))
        self._process(snapshots, slow=bool(slow))

    def hold(self) -> None:
        """Start a pass that lasts until `finish`: read all rows now. No effect if one is held already."""
        if self._held is None:
            self._held = self._start(slow=True)

    def finish(self) -> None:
        """Process what the held pass has read, if there is one."""
        held, self._held = self._held, None
        if held is not None:
            self._process(held, slow=True)

    def _start(self, *, slow: bool) -> list[Snapshot]:
        self._stale_writes.apply()
        if not self._world.behaviour.forget_unserved:
            self._allocator.serve_backlog()
        self.started += 1
        return self._read(slow=slow)

    def _process(self, snapshots: list[Snapshot], *, slow: bool) -> None:
        for snapshot in snapshots:
            # What a slow pass finds settled may have changed since it was read: the next pass checks it again.
            if self._statuses.update(snapshot) and not slow:
                self._world.unsettled.discard(snapshot.function.version_id)
        self._statuses.write_late_health()
        self.finished += 1

    def _read(self, *, slow: bool) -> list[Snapshot]:
        """Read the unsettled rows; a slow pass reads all rows, as copies that later writes do not change."""
        snapshots = []
        for version_id in list(self._world.state.deployments if slow else self._world.unsettled):
            row, function = self._world.row(version_id), self._world.function(version_id)
            if row and function:
                version = FunctionRow.read(function) if slow and self._world.behaviour.races.stale_rows else None
                snapshots.append(Snapshot(function, function.status, deepcopy(row) if slow else row, version))
            else:
                self._world.unsettled.discard(version_id)
        return snapshots
