"""The state machine of a deployment: what each loop pass makes of a row and its instances."""

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.clock import DAY, SECOND
from nvcf_simulator.model.entities import BUSY, Deployment, Function, Instance, Status
from nvcf_simulator.model.rows import FunctionRow
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import ProblemError

_KEPT_IN_ERROR = 7 * DAY
_ZERO_ID = "00000000-0000-0000-0000-000000000000"

Health = list[dict[str, str]]
Instances = dict[str, list[Instance]]
"""Instances by the id of their specification."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the loop has read of one version. It works with that, whatever changes in the meantime."""

    function: Function
    status: Status
    row: Deployment
    version: FunctionRow | None = None
    """The version's row, if a transition writes it as it was read."""


class Statuses:
    """Updates the status of a deployment, its health and the instances requested for it."""

    def __init__(self, world: World, allocator: Allocator) -> None:
        self._world = world
        self._allocator = allocator
        self._late_health: list[tuple[int, str, Health]] = []

    def update(self, snapshot: Snapshot) -> bool:
        """Update one deployment; return whether it is settled until something changes it."""
        if self._world.row_by_id(snapshot.row.id) is None:
            self._overtaken(snapshot)
            return False
        match snapshot.status:
            case "DEPLOYING":
                return self._deploying(snapshot)
            case "ACTIVE" | "DEGRADING" | "DEGRADED":
                return self._running(snapshot)
            case "ERROR":
                return self._failed(snapshot)
            case "INACTIVE":
                return self._draining(snapshot)

    def write_late_health(self) -> None:
        """Write the health infos that are due."""
        now = self._world.clock.now()
        for entry in [entry for entry in self._late_health if entry[0] <= now]:
            self._late_health.remove(entry)
            row = self._world.row_by_id(entry[1])
            if row:
                row.health = entry[2]
                self._world.put_row(row)

    def _deploying(self, snapshot: Snapshot) -> bool:
        function, row = snapshot.function, snapshot.row
        try:
            instances = self._allocator.read(function, row)
        except ProblemError as problem:
            self._fail_unread(snapshot, problem)
            return False
        health = _failed_health(instances)
        if _all_met(row, instances):
            self._become(snapshot, "ACTIVE")
            if row.health:
                self._write_health(row, [entry for entry in health if entry in row.health])
            return False
        found = [instance for group in instances.values() for instance in group]
        if sum(s.min_instances for s in row.specifications) <= len(found) and all(i.state == "failed" for i in found):
            self._become(snapshot, "ERROR")
            self._end_instances(snapshot)
        elif all(_running(instances, s.id) for s in row.specifications):
            self._request_missing(snapshot, instances)
        if health:
            self._write_health(row, health)
        return False

    def _fail_unread(self, snapshot: Snapshot, problem: ProblemError) -> None:
        self._write_health(snapshot.row, _unread_health(snapshot.row, problem))
        self._become(snapshot, "ERROR")
        self._end_instances(snapshot)

    def _overtaken(self, snapshot: Snapshot) -> None:
        """Process a row that was deleted since it was read, and may have a successor.

        Its instances have ended with it, which counts as their failure: the row is written back with that health, over
        nothing while the version is INACTIVE, and over the new deployment while that is DEPLOYING.
        """
        function, row = snapshot.function, snapshot.row
        if snapshot.version is not None and snapshot.status in ("ACTIVE", "DEGRADING", "DEGRADED"):
            self._become(snapshot, "DEGRADED")  # without its instances, and over whatever has happened since
            return
        removed = self._world.function(row.version_id) is not function
        if removed or snapshot.status == "INACTIVE" or function.status not in ("INACTIVE", "DEPLOYING"):
            return
        try:
            if function.status == "DEPLOYING":
                self._world.depend("instances", row.version_id)
        except ProblemError as problem:
            self._fail_unread(snapshot, problem)
            return
        ended: Instances = defaultdict(list)
        for instance in self._allocator.current(row.id):
            ended[instance.specification_id].append(instance)
        health = _failed_health(ended)
        if health:
            row.health = health
            self._world.put_row(row)

    def _running(self, snapshot: Snapshot) -> bool:
        function, row = snapshot.function, snapshot.row
        instances: Instances = {}
        readable = True
        try:
            instances = self._allocator.read(function, row)
        except ProblemError:
            readable = False
        else:
            if row.health:
                self._write_health(row, [entry for entry in _failed_health(instances) if entry in row.health])
            self._request_missing(snapshot, instances)
        running = any(i.state == "running" for group in instances.values() for i in group)
        scaled_to_zero = snapshot.status == "ACTIVE" and any(s.min_instances == 0 for s in row.specifications)
        if not running and not scaled_to_zero:
            self._become(snapshot, "DEGRADED")
        elif not _all_met(row, instances):
            self._become(snapshot, "DEGRADING")
        else:
            self._become(snapshot, "ACTIVE")
        return readable and function.status == "ACTIVE" and _all_met(row, instances) and _none_too_many(row, instances)

    def _failed(self, snapshot: Snapshot) -> bool:
        now = self._world.clock.now()
        if snapshot.row.updated_at < now - _KEPT_IN_ERROR:
            self._world.set_status(snapshot.function, "INACTIVE")
            self._allocator.remove_deployment(snapshot.row)
        return False

    def _draining(self, snapshot: Snapshot) -> bool:
        if self.drained(snapshot.function):
            self._allocator.remove_deployment(snapshot.row)
        return False

    def drained(self, function: Function) -> bool:
        """Whether no request is queued, as far as the service knows: a failing message bus counts as empty."""
        try:
            self._world.depend("queue", function.version_id)
        except ProblemError:
            return True
        return function.queue_depth == 0

    def _request_missing(self, snapshot: Snapshot, instances: Instances) -> None:
        for specification in snapshot.row.specifications:
            requested = instances.get(specification.id, [])
            missing = specification.min_instances - sum(i.alive for i in requested)
            running = [i for i in requested if i.state == "running"]
            try:
                if missing > 0:
                    self._allocator.request(snapshot.function, snapshot.row.id, specification, missing)
                elif len(running) > specification.max_instances:
                    self._allocator.release_some(running, len(running) - specification.max_instances)
            except ProblemError:
                continue  # the server retries at its next pass

    def _become(self, snapshot: Snapshot, status: Status) -> None:
        allowed = ("DEPLOYING",) if status == "ERROR" else BUSY
        if snapshot.version is not None:
            if snapshot.version.status != status and snapshot.version.status in allowed:
                snapshot.version.having(status=status).insert(self._world)
            return
        if snapshot.function.status != status and snapshot.function.status in allowed:
            self._world.set_status(snapshot.function, status)

    def _end_instances(self, snapshot: Snapshot) -> None:
        with suppress(ProblemError):  # they keep running: a deployment in ERROR is not cleaned up
            self._allocator.release(snapshot.row.id, snapshot.row.version_id)

    def _write_health(self, row: Deployment, health: Health) -> None:
        """Write the whole row as it was read, with its new health: this undoes writes in between."""
        late = self._world.behaviour.races.late_health_info
        if late:
            self._late_health.append((self._world.clock.now() + int(late * SECOND), row.id, health))
            return
        row.health = health
        self._world.put_row(row)


def _all_met(row: Deployment, instances: Instances) -> bool:
    return all(_running(instances, s.id) >= s.min_instances for s in row.specifications)


def _none_too_many(row: Deployment, instances: Instances) -> bool:
    return all(_running(instances, s.id) <= s.max_instances for s in row.specifications)


def _running(instances: Instances, specification_id: str) -> int:
    return sum(i.state == "running" for i in instances.get(specification_id, ()))


def _failed_health(instances: Instances) -> Health:
    """Return an entry for each specification whose instances all failed; `gpu` is the instance type, as in NVCF."""
    entries = []
    for group in instances.values():
        if group and not any(i.alive for i in group):
            one = group[0]
            entries.append(
                {
                    "icmsRequestId": _ZERO_ID,
                    "gpu": one.instance_type,
                    "backend": one.backend,
                    "instanceType": one.instance_type,
                    "error": one.error or "No reason was given",
                }
            )
    return entries


def _unread_health(row: Deployment, problem: ProblemError) -> Health:
    """Return an entry for each specification of a deployment whose instances cannot be read."""
    return [
        {
            "icmsRequestId": _ZERO_ID,
            "gpu": specification.gpu,
            "backend": specification.options.get("backend") or "UNKNOWN",
            "instanceType": specification.instance_type,
            "error": f"Function id '{row.function_id}', version '{row.version_id}', deployment id '{row.id}': "
            f"the state of the instances could not be read: {problem.detail}",
        }
        for specification in row.specifications
    ]
