"""The server's own loop: once a period it looks at every deployment that may change."""

import asyncio
from copy import deepcopy

from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.ghosts import Ghosts
from nvcf_simulator.model.statuses import Sight, Statuses
from nvcf_simulator.model.world import World


class ServerLoop:
    """Runs for as long as the server does."""

    def __init__(self, world: World, allocator: Allocator, statuses: Statuses, ghosts: Ghosts) -> None:
        self._world = world
        self._allocator = allocator
        self._statuses = statuses
        self._ghosts = ghosts
        self.begun = 0
        """How often it has begun to look."""
        self.passes = 0
        """How often it has looked."""

    async def run(self) -> None:
        """Look once a period, for ever."""
        while True:
            await asyncio.sleep(self._world.clock.real(self._world.behaviour.period))
            if self._world.behaviour.loop:
                await self.look()

    async def look(self) -> None:
        """Look at every deployment once."""
        self._ghosts.appear()
        if not self._world.behaviour.forget_unserved:
            self._allocator.serve_backlog()
        slow = self._world.behaviour.races.slow_loop
        sights = self._read(copied=bool(slow))
        self.begun += 1
        if slow:
            await asyncio.sleep(self._world.clock.real(slow))
        for sight in sights:
            if self._statuses.look(sight):
                self._world.unsettled.discard(sight.function.version_id)
        self._statuses.write_late_health()
        self.passes += 1

    def _read(self, copied: bool) -> list[Sight]:
        """Read what there is to look at. Copies show later writes nothing: what the loop writes is old then."""
        sights = []
        for version_id in list(self._world.unsettled):
            row, function = self._world.row(version_id), self._world.function(version_id)
            if row and function:
                sights.append(Sight(function, function.status, deepcopy(row) if copied else row))
            else:
                self._world.unsettled.discard(version_id)
        return sights
