"""The server's own loop: once a period it updates every deployment that may change."""

import asyncio
from copy import deepcopy

from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.entities import Deployment
from nvcf_simulator.model.statuses import Snapshot, Statuses
from nvcf_simulator.model.world import World


class StaleWrites:
    """Keeps old rows until the next pass of the loop, where a switch asks for it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._undone: dict[str, Deployment] = {}
        self._returning: dict[str, Deployment] = {}

    def before_update(self, row: Deployment) -> None:
        """Note the row that PATCH or PUT is about to change."""
        races, function = self._world.behaviour.races, self._world.function(row.version_id)
        if races.undone_patch and function and function.status == "DEPLOYING":
            races.undone_patch -= 1
            self._undone[row.version_id] = deepcopy(row)

    def before_delete(self, row: Deployment) -> None:
        """Note the row that DELETE is about to delete."""
        races = self._world.behaviour.races
        if races.returning_row:
            races.returning_row -= 1
            self._returning[row.version_id] = deepcopy(row)

    def apply(self) -> None:
        """Write the noted rows: an undone one only over itself, a returning one over whatever is there."""
        for row in self._undone.values():
            if self._world.row_by_id(row.id):
                self._world.put_row(row)
        for row in self._returning.values():
            if self._world.function(row.version_id):
                self._world.put_row(row)
        self._undone.clear()
        self._returning.clear()


class ServerLoop:
    """Runs for as long as the server does. A pass reads rows first and works them off afterwards."""

    def __init__(self, world: World, allocator: Allocator, statuses: Statuses, stale_writes: StaleWrites) -> None:
        self._world = world
        self._allocator = allocator
        self._statuses = statuses
        self._stale_writes = stale_writes
        self._held: list[Snapshot] | None = None
        self.begun = 0
        """How often it has begun to look."""
        self.passes = 0
        """How often it has looked."""

    async def run(self) -> None:
        """Look once a period, for ever. There is one pass at a time: none begins while one is held."""
        while True:
            await asyncio.sleep(self._world.clock.real(self._world.behaviour.period))
            if self._world.behaviour.loop and self._held is None:
                await self.look()

    async def look(self) -> None:
        """Look at every deployment once, `slowLoop` between reading and writing."""
        slow = self._world.behaviour.races.slow_loop
        snapshots = self._begin(slow=bool(slow))
        if slow:
            await asyncio.sleep(self._world.clock.real(slow))
        self._work_off(snapshots, slow=bool(slow))

    def hold(self) -> None:
        """Begin a pass that lasts until `finish`: read all rows now. A pass that is held already stays as it is."""
        if self._held is None:
            self._held = self._begin(slow=True)

    def finish(self) -> None:
        """Work off what the pass that is held has read, if there is one."""
        held, self._held = self._held, None
        if held is not None:
            self._work_off(held, slow=True)

    def _begin(self, *, slow: bool) -> list[Snapshot]:
        self._stale_writes.apply()
        if not self._world.behaviour.forget_unserved:
            self._allocator.serve_backlog()
        self.begun += 1
        return self._read(slow=slow)

    def _work_off(self, snapshots: list[Snapshot], *, slow: bool) -> None:
        for snapshot in snapshots:
            # What a slow pass finds settled may have been changed since it was read: the next pass looks again.
            if self._statuses.look(snapshot) and not slow:
                self._world.unsettled.discard(snapshot.function.version_id)
        self._statuses.write_late_health()
        self.passes += 1

    def _read(self, *, slow: bool) -> list[Snapshot]:
        """Read what there is to look at; a slow pass reads all of it, in copies that show later writes nothing."""
        snapshots = []
        for version_id in list(self._world.state.deployments if slow else self._world.unsettled):
            row, function = self._world.row(version_id), self._world.function(version_id)
            if row and function:
                snapshots.append(Snapshot(function, function.status, deepcopy(row) if slow else row))
            else:
                self._world.unsettled.discard(version_id)
        return snapshots
