"""Asking for the instances of a new deployment, as POST does."""

import asyncio

from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.entities import Function, GpuSpecification
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import DependencyError, ProblemError

TRIES = 3
"""How often one call is tried while the allocator answers 5xx."""


class Allocation:
    """Asks the allocator once for each specification with minInstances > 0, one after the other.

    Each call has its own time limit; nothing limits their sum. A call that is answered 5xx is tried again, one that is
    cut by the limit is not.
    """

    def __init__(self, world: World, allocator: Allocator) -> None:
        self._world = world
        self._allocator = allocator

    async def ask(self, function: Function, deployment_id: str, specifications: list[GpuSpecification]) -> None:
        """Ask for the least instances of every specification. Raises `ProblemError`; what was given is kept then."""
        self._world.unwritten.add(deployment_id)
        try:
            for specification in specifications:
                if specification.min_instances:
                    await self._ask_for(function, deployment_id, specification)
        finally:
            self._world.unwritten.discard(deployment_id)

    async def _ask_for(self, function: Function, deployment_id: str, specification: GpuSpecification) -> None:
        for left in reversed(range(TRIES)):
            await self._wait(function)
            try:
                self._allocator.ask(function, deployment_id, specification, specification.min_instances, keep=True)
            except DependencyError as error:
                if error.answered < 500 or not left:
                    raise
            else:
                return

    async def _wait(self, function: Function) -> None:
        slow: float | tuple[float, float] | None = function.instance_behaviour.allocation_seconds
        if slow is None:
            slow = self._world.behaviour.races.slow_post
        seconds = slow if isinstance(slow, int | float) else self._world.random.uniform(*slow)
        limit = self._world.behaviour.allocation_timeout
        if seconds:
            await asyncio.sleep(self._world.clock.real(min(seconds, limit)))
        if seconds > limit:
            raise ProblemError(500, "the allocator did not answer", "framework")
