"""Taking a deployment down: its row, its queue and its instances."""

from contextlib import suppress

from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.entities import Deployment
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import ProblemError


def remove_deployment(world: World, allocator: Allocator, row: Deployment) -> None:
    """Delete the row of a version and end the deployment's instances.

    An allocator that fails is not told to the client and not asked again: the instances run on, known by nobody.
    """
    world.remove_row(row.version_id)
    function = world.function(row.version_id)
    if function:
        function.queue_depth = 0
    with suppress(ProblemError):  # the real server logs it and goes on
        allocator.release(row.id, row.version_id)
