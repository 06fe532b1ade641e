"""The server's own loop: once a period it looks at every deployment that may change."""

import asyncio
from copy import deepcopy

from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.ghosts import Ghosts
from nvcf_simulator.model.statuses import Sight, Statuses
from nvcf_simulator.model.world import World


class ServerLoop:
    """Runs for as long as the server does. A pass reads rows first and works them off afterwards."""

    def __init__(self, world: World, allocator: Allocator, statuses: Statuses, ghosts: Ghosts) -> None:
        self._world = world
        self._allocator = allocator
        self._statuses = statuses
        self._ghosts = ghosts
        self._held: list[Sight] | None = None
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
        sights = self._begin(slow=bool(slow))
        if slow:
            await asyncio.sleep(self._world.clock.real(slow))
        self._work_off(sights, slow=bool(slow))

    def hold(self) -> None:
        """Begin a pass that lasts until `finish`: read all rows now. A pass that is held already stays as it is."""
        if self._held is None:
            self._held = self._begin(slow=True)

    def finish(self) -> None:
        """Work off what the pass that is held has read, if there is one."""
        held, self._held = self._held, None
        if held is not None:
            self._work_off(held, slow=True)

    def _begin(self, *, slow: bool) -> list[Sight]:
        self._ghosts.appear()
        if not self._world.behaviour.forget_unserved:
            self._allocator.serve_backlog()
        self.begun += 1
        return self._read(slow=slow)

    def _work_off(self, sights: list[Sight], *, slow: bool) -> None:
        for sight in sights:
            # What a slow pass finds settled may have been changed since it was read: the next pass looks again.
            if self._statuses.look(sight) and not slow:
                self._world.unsettled.discard(sight.function.version_id)
        self._statuses.write_late_health()
        self.passes += 1

    def _read(self, *, slow: bool) -> list[Sight]:
        """Read what there is to look at; a slow pass reads all of it, in copies that show later writes nothing."""
        sights = []
        for version_id in list(self._world.state.deployments if slow else self._world.unsettled):
            row, function = self._world.row(version_id), self._world.function(version_id)
            if row and function:
                sights.append(Sight(function, function.status, deepcopy(row) if slow else row))
            else:
                self._world.unsettled.discard(version_id)
        return sights
