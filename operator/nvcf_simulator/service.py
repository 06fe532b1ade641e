"""One simulated service, assembled from its parts."""

import json
from dataclasses import dataclass, field
from typing import Self

from nvcf_simulator.access import Authenticator
from nvcf_simulator.availability import Availability
from nvcf_simulator.bodies.deployment import read_post
from nvcf_simulator.deployer import Checks, Deployer
from nvcf_simulator.entries import FunctionEntry
from nvcf_simulator.http.faults import Faults
from nvcf_simulator.http.request_log import RequestLog
from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.clock import SECOND, milliseconds
from nvcf_simulator.model.entities import Deployment, Function, State, random_id
from nvcf_simulator.model.loop import ServerLoop, StaleWrites
from nvcf_simulator.model.registries import Registries
from nvcf_simulator.model.secret_store import SecretStore
from nvcf_simulator.model.statuses import Statuses
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import ProblemError
from nvcf_simulator.scenario import Scenario, ScenarioError


@dataclass
class Service:
    """The state, and everything that reads or changes it."""

    world: World
    allocator: Allocator = field(init=False)
    statuses: Statuses = field(init=False)
    stale_writes: StaleWrites = field(init=False)
    loop: ServerLoop = field(init=False)
    authenticator: Authenticator = field(init=False)
    availability: Availability = field(init=False)
    registries: Registries = field(init=False)
    secret_store: SecretStore = field(init=False)
    deployer: Deployer = field(init=False)
    faults: Faults = field(init=False)
    request_log: RequestLog = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        self.allocator = Allocator(world)
        self.statuses = Statuses(world, self.allocator)
        self.stale_writes = StaleWrites(world)
        self.loop = ServerLoop(world, self.allocator, self.statuses, self.stale_writes)
        self.authenticator = Authenticator(world)
        self.availability = Availability(world)
        self.registries = Registries(world)
        self.secret_store = SecretStore(world)
        checks = Checks(self.availability, self.registries)
        self.deployer = Deployer(world, self.allocator, self.statuses, self.stale_writes, checks)
        self.faults = Faults(world.random)
        self.request_log = RequestLog()
        self._buckets: dict[str, tuple[int, float]] = {}

    @classmethod
    def start(cls, scenario: Scenario, saved: State | None = None) -> Self:
        """Build the service of a scenario, with its deployments and faults. Raises `ScenarioError`.

        A saved state replaces the scenario's accounts, keys, functions and deployments.
        """
        service = cls(scenario.world(saved))
        if saved is None:
            functions = iter(service.world.state.functions.values())
            for entry in scenario.functions:
                for _ in range(entry.count or 1):
                    try:
                        service.deploy_entry(next(functions), entry)
                    except ProblemError as problem:
                        where = f"function {entry.name!r}: deploymentSpecifications"
                        raise ScenarioError(f"{where}: {problem.detail}") from None
        for fault in scenario.faults:
            service.faults.add(fault)
        return service

    def deploy_entry(self, function: Function, entry: FunctionEntry) -> None:
        """Deploy a function as its entry says, with running instances. Raises `ProblemError`."""
        if entry.deployment_specifications is None:
            return
        world = self.world
        body = json.dumps({"deploymentSpecifications": entry.deployment_specifications}).encode()
        specifications = read_post(body, world.behaviour)
        self.availability.check(function, specifications)
        now = milliseconds(world.clock.now())
        row = Deployment(random_id(), function.id, function.version_id, function.nca_id, now, now, specifications)
        world.put_row(row)
        for specification in specifications:
            self.allocator.request(function, row.id, specification, specification.min_instances)
        for instance in world.instances_of(row.id):
            instance.ready_at = now
        world.set_status(function, "ACTIVE")

    def drop(self, function: Function) -> None:
        """Delete a version with its deployment and secrets, as an outside change."""
        row = self.world.row(function.version_id)
        if row:
            self.allocator.remove_deployment(row)
        self.world.remove_function(function)
        self.world.state.secrets.pop(function.version_id, None)

    def limit_rate(self, nca_id: str) -> None:
        """Raise 429 if an account exceeds its rate: a token bucket that holds one second's requests."""
        account = self.world.state.accounts.get(nca_id)
        if account is None or account.requests_per_second is None:
            return
        rate = account.requests_per_second
        now = self.world.clock.now()
        last, tokens = self._buckets.get(nca_id, (now, rate))
        tokens = min(rate, tokens + (now - last) / SECOND * rate)
        if tokens < 1:
            self._buckets[nca_id] = (now, tokens)
            raise ProblemError(429, f"Account '{nca_id}': too many requests")
        self._buckets[nca_id] = (now, tokens - 1)
