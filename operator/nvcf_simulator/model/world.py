"""The state of the simulated service, with indexes for fast lookups."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from nvcf_simulator.model.catalogue import Catalogue, QuotaRule
from nvcf_simulator.model.clock import Clock
from nvcf_simulator.model.entities import Account, Deployment, Function, Instance, Key, State, Status
from nvcf_simulator.model.past import Past
from nvcf_simulator.problems import DependencyError
from nvcf_simulator.settings import Behaviour, DependencyName, Failure


class World:
    """State, clock, catalogue and behaviour. All writes of the state go through here."""

    def __init__(
        self, state: State, clock: Clock, catalogue: Catalogue, behaviour: Behaviour, seed: int | None = None
    ) -> None:
        self.state = state
        self.clock = clock
        self.catalogue = catalogue
        self.hidden: set[str] = set()
        """Instance types and GPUs that are currently missing from the catalogue."""
        self.quota: list[QuotaRule] = []
        """The quota rules of every account."""
        self.behaviour = behaviour
        self.random = random.Random(seed)
        self.failures: dict[str, dict[DependencyName, Failure]] = defaultdict(dict)
        """How dependencies fail for one version or function, by its id."""
        self.unsettled: set[str] = set()
        """Versions that the loop must process; the others do not change on their own."""
        self.unwritten: set[str] = set()
        """Deployments that a POST is creating: they may have instances, but have no row yet."""
        self.past = Past(clock)
        """Versions as they were, for reads that lag behind."""
        self.changed = False
        """Set by every change; the state file clears it when it saves."""
        self.fragments: dict[str, bytes] = {}
        """Cached JSON of functions in lists, by version id."""
        self._versions: dict[str, set[str]] = defaultdict(set)
        self._owned: dict[str, dict[str, Function]] = defaultdict(dict)
        self._offered: dict[str, Function] = {}
        self._tokens: dict[str, Key] = {}
        self._deployed: dict[str, str] = {}
        self._instances: dict[str, dict[str, Instance]] = defaultdict(dict)
        self.rebuild()

    def rebuild(self) -> None:
        """Rebuild the indexes from the state."""
        for index in (self.fragments, self._versions, self._owned, self._tokens, self._deployed, self._instances):
            index.clear()
        for function in self.state.functions.values():
            self._index_function(function)
        for key in self.state.keys.values():
            self._tokens[key.token] = key
        for row in self.state.deployments.values():
            self._deployed[row.id] = row.version_id
        for instance in self.state.instances.values():
            self._instances[instance.deployment_id][instance.id] = instance
        self.unsettled = set(self.state.deployments)

    # accounts and keys

    def put_account(self, account: Account) -> None:
        """Create or replace an account."""
        self.state.accounts[account.nca_id] = account
        self.changed = True

    def put_key(self, key: Key) -> None:
        """Create or replace a key, by its name."""
        old = self.state.keys.get(key.name)
        if old:
            self._tokens.pop(old.token, None)
        self.state.keys[key.name] = key
        self._tokens[key.token] = key
        self.changed = True

    def key_of(self, token: str) -> Key | None:
        """Return the key with this token, revoked ones included."""
        return self._tokens.get(token)

    # functions

    def remember(self, version_id: str) -> None:
        """Keep a version as it is before a change, for reads that lag behind. Every change calls this first."""
        self.past.remember(version_id, self.state.functions.get(version_id), self.behaviour.races)

    def put_function(self, function: Function) -> None:
        """Create or replace a function version."""
        self.remember(function.version_id)
        self.state.functions[function.version_id] = function
        self._index_function(function)
        self.touch(function)

    def _index_function(self, function: Function) -> None:
        self._versions[function.id].add(function.version_id)
        self._owned[function.nca_id][function.version_id] = function
        self._index_offer(function)

    def _index_offer(self, function: Function) -> None:
        stored = self.state.functions.get(function.version_id) is function
        if stored and (function.public or function.shared_function or function.shared_version):
            self._offered[function.version_id] = function
        else:
            self._offered.pop(function.version_id, None)

    def remove_function(self, function: Function) -> None:
        """Delete a function version, without its deployment."""
        self.remember(function.version_id)
        self.state.functions.pop(function.version_id, None)
        self._versions[function.id].discard(function.version_id)
        self._owned[function.nca_id].pop(function.version_id, None)
        self.failures.pop(function.version_id, None)
        self.touch(function)

    def function(self, version_id: str, function_id: str | None = None, nca_id: str | None = None) -> Function | None:
        """Return the version, if it belongs to that function and that account."""
        found = self.state.functions.get(version_id)
        if found is None or function_id not in (None, found.id) or nca_id not in (None, found.nca_id):
            return None
        return found

    def versions(self, function_id: str) -> list[Function]:
        """Return the versions of a function, the oldest first."""
        found = [self.state.functions[v] for v in self._versions.get(function_id, ())]
        return sorted(found, key=lambda function: function.created_at)

    def owned(self, nca_id: str) -> Iterable[Function]:
        """Return the functions of an account."""
        return self._owned.get(nca_id, {}).values()

    def listed(self, nca_id: str) -> Iterable[Function]:
        """Return the functions of an account as lists show them, which may lag behind."""
        return self._lagging(self.owned(nca_id), lambda function: function.nca_id == nca_id)

    def listed_versions(self, function_id: str) -> list[Function]:
        """Return the versions of a function as lists show them, which may lag behind."""
        return list(self._lagging(self.versions(function_id), lambda function: function.id == function_id))

    def _lagging(self, current: Iterable[Function], wanted: Callable[[Function], bool]) -> Iterable[Function]:
        lag = self.behaviour.races.list_lag
        if not lag:
            return current
        now = {function.version_id: function for function in current}
        seen = [self.past.seen(v, now.get(v), lag) for v in dict.fromkeys([*now, *self.past.versions()])]
        return [function for function in seen if function is not None and wanted(function)]

    def read(self, version_id: str, function_id: str) -> Function | None:
        """Return a version as GET shows it, which may lag behind."""
        found = self.past.seen(version_id, self.function(version_id), self.behaviour.races.read_lag)
        return found if found is not None and found.id == function_id else None

    def offered(self) -> Iterable[Function]:
        """Return the functions of all accounts that are public or shared with others."""
        return self._offered.values()

    def set_status(self, function: Function, status: Status) -> None:
        """Change the status of a version."""
        self.remember(function.version_id)
        function.status = status
        self.touch(function)

    def touch(self, function: Function) -> None:
        """Drop what is cached of a version, and have the loop process it."""
        self.fragments.pop(function.version_id, None)
        self._index_offer(function)
        self.unsettled.add(function.version_id)
        self.changed = True

    def unsettle(self) -> None:
        """Have the loop process every deployment."""
        self.unsettled.update(self.state.deployments)

    # deployments

    def put_row(self, row: Deployment) -> None:
        """Write the row of a deployment, over any other of the same version."""
        self.state.deployments[row.version_id] = row
        self._deployed[row.id] = row.version_id
        self.unsettled.add(row.version_id)
        self.changed = True

    def remove_row(self, version_id: str) -> None:
        """Delete the row of a version, if it has one."""
        self.state.deployments.pop(version_id, None)
        self.unsettled.add(version_id)
        self.changed = True

    def row(self, version_id: str) -> Deployment | None:
        """Return the row of a version."""
        return self.state.deployments.get(version_id)

    def row_by_id(self, deployment_id: str) -> Deployment | None:
        """Return the row of a deployment; overwritten and deleted ones are unknown."""
        row = self.state.deployments.get(self._deployed.get(deployment_id, ""))
        return row if row and row.id == deployment_id else None

    def version_of(self, deployment_id: str) -> str | None:
        """Return the version of a deployment, whether or not its row still exists."""
        return self._deployed.get(deployment_id)

    # instances

    def put_instance(self, instance: Instance) -> None:
        """Add an instance."""
        self.state.instances[instance.id] = instance
        self._instances[instance.deployment_id][instance.id] = instance
        self.changed = True

    def instances_of(self, deployment_id: str) -> Iterator[Instance]:
        """Iterate over all instances that a deployment ever had."""
        yield from self._instances.get(deployment_id, {}).values()

    # dependencies

    def depend(self, name: DependencyName, version_id: str | None = None, function_id: str | None = None) -> None:
        """Use a dependency of the service. Raises `DependencyError` if it is set to fail."""
        for failures in self._failures(version_id, function_id):
            failure = failures.get(name)
            if failure is None or failure.status is None:
                continue
            if failure.count == 1:
                del failures[name]
            elif failure.count:
                failures[name] = failure.model_copy(update={"count": failure.count - 1})
            raise DependencyError(name, failure.status)

    def delay_of(self, name: DependencyName, version_id: str, function_id: str) -> float:
        """Return how many simulated seconds a write of a dependency takes."""
        found = [f[name].seconds for f in self._failures(version_id, function_id) if name in f]
        return max(found, default=0.0)

    def _failures(self, version_id: str | None, function_id: str | None) -> list[dict[DependencyName, Failure]]:
        """Return what is set for a version, for its function and for everybody, in this order."""
        if function_id is None and (function := self.state.functions.get(version_id or "")) is not None:
            function_id = function.id
        own = [self.failures[one] for one in dict.fromkeys((version_id, function_id)) if one and one in self.failures]
        return [*own, self.behaviour.dependencies]
