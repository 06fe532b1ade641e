"""Rows that the server's loop writes back although they were changed or deleted meanwhile: two of its races."""

from copy import deepcopy

from nvcf_simulator.model.entities import Deployment
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
