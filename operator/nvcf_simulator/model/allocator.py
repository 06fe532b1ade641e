"""The allocator: provides instances within the capacity, and releases them.

It knows deployments by id only: an instance whose deployment was lost keeps running until it is released.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress

from nvcf_simulator.model.catalogue import InstanceType
from nvcf_simulator.model.clock import SECOND
from nvcf_simulator.model.entities import (
    Backlog,
    Deployment,
    Function,
    GpuSpecification,
    Instance,
    InstanceBehaviour,
    InstanceState,
    Outcome,
    random_id,
)
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import ProblemError, bad_request

_ERROR = (
    "Inference container <main> exited with code 1 before it became healthy – Größe „{{n}}“ & more: "
    "https://logs.simulator.invalid/show?instance=<unknown>&since=-1h&level=err%20or&lang=日本語"
)
"""Odd on purpose, like real error logs: markup, quotes, a URL with parameters, non-ASCII letters."""


class Allocator:
    """Provides and ends the instances of all accounts."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._alive: Counter[str] = Counter(
            instance.instance_type.lower() for instance in world.state.instances.values() if instance.alive
        )

    def request(
        self, function: Function, deployment_id: str, specification: GpuSpecification, count: int, keep: bool = False
    ) -> None:
        """Request instances; fewer may be provided, or none. Raises `DependencyError` if the allocator fails.

        With `keep`, as POST does, the rest stays in the backlog, which only `serve_backlog` serves, and it is an error
        (`ProblemError`) if no cluster fits or has a free GPU.
        """
        self._world.depend("allocator", function.version_id)
        if keep:
            self._check_place(specification)
        provided = min(count, self._room(function, specification.instance_type))
        found = self._world.catalogue.find(specification.instance_type)
        wanted = {
            "gpu": specification.gpu,
            "instance_type": found.name if found else specification.instance_type,
            "backend": specification.options.get("backend") or (found.backends[0] if found else "NCP"),
            "location": (found.clusters or found.regions or [""])[0] if found else "",
        }
        request = Backlog(deployment_id, specification.id, function.version_id, count - provided, wanted)
        self._provide(function, request, provided)
        if keep and request.count:
            self._world.state.backlog.append(request)

    def serve_backlog(self, version_id: str | None = None) -> int:
        """Provide the instances of the backlog, as far as there is room; return how many were provided."""
        state, total = self._world.state, 0
        for request in list(state.backlog):
            function = self._world.function(request.version_id)
            if version_id not in (None, request.version_id):
                continue
            if function is None or self._world.row_by_id(request.deployment_id) is None:
                state.backlog.remove(request)
                continue
            provided = min(request.count, self._room(function, request.wanted["instance_type"]))
            self._provide(function, request, provided)
            total += provided
            request.count -= provided
            if not request.count:
                state.backlog.remove(request)
        return total

    def read(self, function: Function, deployment: Deployment) -> dict[str, list[Instance]]:
        """Return a deployment's instances by specification, without ended ones.

        Raises `ProblemError` if the instances cannot be read.
        """
        self._world.depend("instances", function.version_id)
        found: dict[str, list[Instance]] = defaultdict(list)
        for instance in self.current(deployment.id):
            if instance.state not in ("lost", "terminated"):
                found[instance.specification_id].append(instance)
        return found

    def current(self, deployment_id: str) -> Iterator[Instance]:
        """Iterate over a deployment's instances in their current state."""
        now = self._world.clock.now()
        for instance in list(self._world.instances_of(deployment_id)):
            if instance.state == "starting" and instance.ready_at <= now and instance.outcome != "wait":
                self._become(instance, "running" if instance.outcome == "run" else "failed")
            yield instance

    def everything(self) -> Iterator[Instance]:
        """Iterate over all instances that ever existed, in their current state."""
        for deployment_id in {instance.deployment_id for instance in self._world.state.instances.values()}:
            yield from self.current(deployment_id)

    def release(self, deployment_id: str, version_id: str) -> None:
        """End all instances of a deployment. Raises `ProblemError` if the allocator fails: they keep running."""
        self._world.depend("allocator", version_id)
        for instance in self.current(deployment_id):
            if instance.state not in ("lost", "terminated"):
                self._become(instance, "terminated")
        self._world.state.backlog = [b for b in self._world.state.backlog if b.deployment_id != deployment_id]

    def remove_deployment(self, row: Deployment) -> None:
        """Delete the row of a deployment and end its instances.

        If the allocator fails, the client does not learn of it and nothing retries: the instances leak.
        """
        self._world.remove_row(row.version_id)
        function = self._world.function(row.version_id)
        if function:
            function.queue_depth = 0
        with suppress(ProblemError):  # the real server logs it and continues
            self.release(row.id, row.version_id)

    def release_some(self, instances: list[Instance], count: int) -> None:
        """End this number of instances, the oldest first."""
        for instance in sorted(instances, key=lambda instance: instance.created_at)[:count]:
            self._become(instance, "terminated")

    def lose(self, function: Function, count: int | None = None) -> int:
        """Lose running instances of a version, as if preempted; return how many."""
        row = self._world.row(function.version_id)
        running = [i for i in self.current(row.id) if i.state == "running"] if row else []
        gone = running if count is None else running[:count]
        for instance in gone:
            self._become(instance, "lost")
        self._world.touch(function)
        return len(gone)

    def change_instance_behaviour(self, function: Function, behaviour: InstanceBehaviour) -> None:
        """Change how instances behave, including those that are starting."""
        function.instance_behaviour = behaviour
        row = self._world.row(function.version_id)
        ready = self._world.clock.now() + self._start_time(function)
        for instance in self.current(row.id) if row else ():
            if instance.state == "starting" and instance.outcome != behaviour.outcome:
                instance.outcome = self._outcome(behaviour, instance.instance_type)
                instance.ready_at = max(instance.ready_at, ready)
        self._world.touch(function)

    def _provide(self, function: Function, request: Backlog, count: int) -> None:
        now, behaviour = self._world.clock.now(), function.instance_behaviour
        request_id = random_id()
        for _ in range(count):
            instance = Instance(
                id=f"i-{random_id()}",
                deployment_id=request.deployment_id,
                specification_id=request.specification_id,
                function_id=function.id,
                version_id=function.version_id,
                nca_id=function.nca_id,
                request_id=request_id,
                created_at=now,
                ready_at=now + self._start_time(function),
                outcome=self._outcome(behaviour, request.wanted["instance_type"]),
                error=behaviour.error or _ERROR,
                gpu=request.wanted["gpu"],
                instance_type=request.wanted["instance_type"],
                backend=request.wanted["backend"],
                location=request.wanted["location"],
            )
            self._alive[instance.instance_type.lower()] += 1
            self._world.put_instance(instance)
        self._world.unsettled.add(function.version_id)

    def _start_time(self, function: Function) -> int:
        seconds = function.instance_behaviour.deploy_seconds
        return int((self._world.behaviour.deploy_seconds if seconds is None else seconds) * SECOND)

    @staticmethod
    def _outcome(behaviour: InstanceBehaviour, instance_type: str) -> Outcome:
        return behaviour.outcomes.get(instance_type, behaviour.outcome)

    def _room(self, function: Function, instance_type: str) -> int:
        """Return how many more instances of a type a function version can get."""
        behaviour = function.instance_behaviour
        if not behaviour.supply:
            return 0
        limits = [1_000_000]
        if behaviour.capacity is not None:
            row = self._world.row(function.version_id)
            limits.append(
                behaviour.capacity - sum(i.alive for i in self.current(row.id)) if row else behaviour.capacity
            )
        found = self._world.catalogue.find(instance_type) or InstanceType(name=instance_type, gpu="")
        limits.append(self._free(found))
        return max(0, min(limits))

    def _check_place(self, specification: GpuSpecification) -> None:
        """Raise `ProblemError` if no cluster fits, or none has a free GPU: 400, and 409 for a `backend`.

        The message names GPU and instance type only, not the field that no cluster fits.
        """
        found = self._world.catalogue.find(specification.instance_type)
        if found is None:
            return
        nowhere = self._world.behaviour.placement and not found.is_at(specification)
        full = self._world.behaviour.forget_unserved and self._free(found) <= 0
        if nowhere or full:
            what = f"GPU '{specification.gpu}' and instance type '{specification.instance_type}'"
            if specification.options.get("backend"):
                raise ProblemError(409, f"The backend has no ready cluster with {what}")
            raise bad_request(f"No cluster has {what} available")

    def usage(self, found: InstanceType) -> tuple[int, int | None]:
        """Return how many instances of a type there are, and how many there can be at most, for all accounts."""
        return self._alive[found.name.lower()], self._world.state.capacity.get(found.name, found.capacity)

    def _free(self, found: InstanceType) -> int:
        """Return how many more instances of a type there can be, for all accounts."""
        capacity = self._world.state.capacity.get(found.name, found.capacity)
        return 1_000_000 if capacity is None else capacity - self._alive[found.name.lower()]

    def _become(self, instance: Instance, state: InstanceState) -> None:
        if instance.alive and state not in ("starting", "running"):
            self._alive[instance.instance_type.lower()] -= 1
        instance.state = state
        if not instance.alive:
            instance.ended_at = self._world.clock.now()
        self._world.changed = True
