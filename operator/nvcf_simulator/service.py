"""All parts of one simulated service, put together."""

from dataclasses import dataclass, field

from nvcf_simulator.access import Gate
from nvcf_simulator.availability import Availability
from nvcf_simulator.deployer import Deployer
from nvcf_simulator.http.faults import Faults
from nvcf_simulator.http.request_log import RequestLog
from nvcf_simulator.model.allocator import Allocator
from nvcf_simulator.model.clock import SECOND
from nvcf_simulator.model.loop import ServerLoop, StaleWrites
from nvcf_simulator.model.statuses import Statuses
from nvcf_simulator.model.world import World
from nvcf_simulator.problems import ProblemError


@dataclass
class Service:
    """The state and everything that reads or changes it."""

    world: World
    allocator: Allocator = field(init=False)
    statuses: Statuses = field(init=False)
    stale_writes: StaleWrites = field(init=False)
    loop: ServerLoop = field(init=False)
    gate: Gate = field(init=False)
    availability: Availability = field(init=False)
    deployer: Deployer = field(init=False)
    faults: Faults = field(init=False)
    request_log: RequestLog = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        self.allocator = Allocator(world)
        self.statuses = Statuses(world, self.allocator)
        self.stale_writes = StaleWrites(world)
        self.loop = ServerLoop(world, self.allocator, self.statuses, self.stale_writes)
        self.gate = Gate(world)
        self.availability = Availability(world)
        self.deployer = Deployer(world, self.allocator, self.statuses, self.stale_writes, self.availability)
        self.faults = Faults(world.random)
        self.request_log = RequestLog()
        self._buckets: dict[str, tuple[int, float]] = {}

    def limit_rate(self, nca_id: str) -> None:
        """Raise 429 when an account's requests come too fast: a bucket of one second's worth."""
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
