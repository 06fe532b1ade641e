"""Deployer, changing and undeploying a function version: the rules behind POST, PUT, PATCH and DELETE."""

import asyncio
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass

from nvcf_simulator.access import Caller
from nvcf_simulator.availability import Availability
from nvcf_simulator.bodies.deployment import Patch, Update
from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.clock import milliseconds
from nvcf_simulator.model.entities import BUSY, Deployment, Function, GpuSpecification, random_id
from nvcf_simulator.model.loop import StaleWrites
from nvcf_simulator.model.registries import Registries
from nvcf_simulator.model.rows import FunctionRow
from nvcf_simulator.model.statuses import Statuses
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import (
    DependencyError,
    ProblemError,
    bad_request,
    forbidden,
    not_found,
    unknown_function,
)
from nvcf_simulator.updates import apply_patch, apply_updates

_TRIES = 3
"""Attempts of one call while the allocator returns 5xx."""

_LOOK_SECONDS = 0.05
"""How soon a change of the behaviour ends a wait."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What is checked before a deployment."""

    availability: Availability
    registries: Registries


class Deployer:
    """Deploys, changes and undeploys. All methods raise `ProblemError`."""

    def __init__(
        self,
        world: World,
        allocator: Allocator,
        statuses: Statuses,
        stale_writes: StaleWrites,
        checks: Checks,
    ) -> None:
        self._world = world
        self._allocator = allocator
        self._allocation = _Allocation(world, allocator)
        self._statuses = statuses
        self._stale_writes = stale_writes
        self._checks = checks

    def owned(self, caller: Caller, function_id: str, version_id: str, verb: str) -> Function:
        """Return a function version of the caller's account that the key may change."""
        function = self._world.function(version_id, function_id, caller.nca_id)
        if function is None:
            raise unknown_function(caller.nca_id, function_id, version_id)
        if not caller.may_use(function):
            raise forbidden(f"{function.label}: Forbidden to {verb} deployment")
        return function

    async def create(self, function: Function, specifications: list[GpuSpecification]) -> Deployment:
        """Deploy. Nothing is visible before the allocator has responded for every specification."""
        self._check_undeployed(function)
        self._checks.availability.check(function, specifications)
        self._checks.registries.check(function)
        read = FunctionRow.read(function)
        deployment_id = random_id()
        try:
            await self._allocation.request(function, deployment_id, specifications)
        except ProblemError as problem:
            self._roll_back(read, deployment_id)
            detail = f"{function.label}: Failed to deploy: {problem.detail}"
            raise ProblemError(problem.status, detail, problem.origin) from None
        now = milliseconds(self._world.clock.now())
        row = Deployment(deployment_id, function.id, function.version_id, function.nca_id, now, now, specifications)
        self._world.put_row(row)
        await self.gap()
        idle = all(specification.min_instances == 0 for specification in specifications)
        # As it was read at the start: this undoes what has changed since, and a version deleted since comes back.
        read.having(status="ACTIVE" if idle else "DEPLOYING").insert(self._world)
        return row

    def _check_undeployed(self, function: Function) -> None:
        row = self._world.row(function.version_id)
        match function.status:
            case "INACTIVE" if row:
                raise bad_request(
                    f"{function.label}: A deployment is there although the function is INACTIVE: "
                    "wait until it has drained and is gone"
                )
            case "INACTIVE":
                return
            case "ERROR":
                raise bad_request(f"{function.label}: There is a deployment in ERROR already, delete it first")
            case status if row:
                raise bad_request(f"{function.label}: Status {status}, change the specifications by PATCH instead")
            case _:
                raise ProblemError(500, f"{function.label}: Missing deployment", "framework")

    def _roll_back(self, read: FunctionRow, deployment_id: str) -> None:
        """Undo a POST by its version, as the real server does: the row of another POST is deleted as well."""
        for instance in self._allocator.current(deployment_id):
            self._allocator.release_some([instance], 1)
        self._world.remove_row(read.function.version_id)
        read.insert(self._world)

    async def update(self, function: Function, updates: list[Update]) -> Deployment:
        """Change minimum, maximum and concurrency of all specifications, as PUT does."""
        self._check_busy(function)
        row = self._world.row(function.version_id)
        if row is None:
            raise not_found(f"Function version '{function.version_id}': Deployment not found")
        fresh = deepcopy(row)
        if not apply_updates(fresh, function, updates, old=self._world.behaviour.generation == "old"):
            return row
        self._checks.registries.check(function)
        return await self._write(row, fresh)

    async def patch(self, row: Deployment, caller: Caller, specification_id: str, patch: Patch) -> GpuSpecification:
        """Change one specification. As in the real server, the caller's account is not checked."""
        function = self._world.function(row.version_id, row.function_id, row.nca_id)
        if function is None:
            raise unknown_function(row.nca_id, row.function_id, row.version_id)
        if not caller.may_use(function, row.nca_id):
            raise forbidden(f"{function.label}: Forbidden to update deployment")
        self._check_busy(function)
        if patch.empty:
            raise bad_request(f"{function.label}: the update is empty, at least one field must be given")
        fresh = deepcopy(row)
        changed = next((s for s in fresh.specifications if s.id == specification_id), None)
        if changed is None:
            raise not_found(f"Deployment id '{row.id}': GPU specification '{specification_id}': Not found")
        if apply_patch(changed, patch):
            await self._write(row, fresh, changed)
        return changed

    async def delete(self, function: Function, *, graceful: bool) -> None:
        """Undeploy, immediately or, if graceful, once the queue is empty."""
        row = self._world.row(function.version_id)
        if row is None:
            raise not_found(f"Function version '{function.version_id}': Deployment not found")
        self._world.set_status(function, "INACTIVE")
        await self.gap()
        if not graceful or self._statuses.drained(function):
            self._stale_writes.before_delete(row)
            with suppress(ProblemError):  # the real server logs it: the loop deletes the row later
                self.undeploy(function.version_id)

    def _check_busy(self, function: Function) -> None:
        if function.status not in BUSY:
            raise bad_request(f"{function.label}: Invalid status '{function.status}'")

    async def _write(self, row: Deployment, fresh: Deployment, only: GpuSpecification | None = None) -> Deployment:
        """Write the changed row, or only one of its specifications."""
        slow = self._world.behaviour.races.slow_patch
        if slow:
            await asyncio.sleep(self._world.clock.real(slow))
        self._stale_writes.before_update(row)
        if only:
            fresh = deepcopy(self._world.row_by_id(row.id) or fresh)
            fresh.specifications = [only if s.id == only.id else s for s in fresh.specifications]
        # Strictly later than before, in the stored precision, so that every change is visible in it.
        fresh.updated_at = max(milliseconds(self._world.clock.now()), row.updated_at + 1_000_000)
        self._world.put_row(fresh)
        return fresh

    def undeploy(self, version_id: str) -> None:
        """Delete the deployment of a version immediately, if it has one.

        If the row cannot be deleted, the instances end all the same, and the result is 500.
        """
        row = self._world.row(version_id)
        if row is None:
            return
        try:
            self._world.depend("deployments", version_id, row.function_id)
        except ProblemError as problem:
            with suppress(ProblemError):
                self._allocator.release(row.id, version_id)
            raise ProblemError(500, problem.detail, "framework") from None
        self._allocator.remove_deployment(row)

    async def gap(self) -> None:
        """Wait between the two writes of a request, as `writeGap` says."""
        await self._wait(self._world.behaviour.races.write_gap)

    async def update_gap(self) -> None:
        """Wait between read and write of a version's row, as `slowUpdate` says, also where it changes meanwhile."""
        now = asyncio.get_running_loop().time
        began = now()

        def left() -> float:
            return began + self._world.clock.real(self._world.behaviour.races.slow_update) - now()

        while left() > 0:  # noqa: ASYNC110  the behaviour notifies nobody
            await asyncio.sleep(min(max(0.0, left()), _LOOK_SECONDS))

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await asyncio.sleep(self._world.clock.real(seconds))


class _Allocation:
    """Calls the allocator once for each specification with minInstances > 0, one after the other.

    Each call has its own time limit; nothing limits their sum. A call that returns 5xx is retried, one that exceeds the
    limit is not.
    """

    def __init__(self, world: World, allocator: Allocator) -> None:
        self._world = world
        self._allocator = allocator

    async def request(self, function: Function, deployment_id: str, specifications: list[GpuSpecification]) -> None:
        """Request the minimum of every specification. Raises `ProblemError`; instances provided before it are kept."""
        self._world.unwritten.add(deployment_id)
        try:
            for specification in specifications:
                if specification.min_instances:
                    await self._request_for(function, deployment_id, specification)
        finally:
            self._world.unwritten.discard(deployment_id)

    async def _request_for(self, function: Function, deployment_id: str, specification: GpuSpecification) -> None:
        for left in reversed(range(_TRIES)):
            await self._wait(function)
            try:
                self._allocator.request(function, deployment_id, specification, specification.min_instances, keep=True)
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
