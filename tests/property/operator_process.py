"""The operator without its I/O: the runtime itself, its clients replaced by the two models, under virtual time.

Each outbound call is a boundary: before and after it the operator may die, and what it then knows is the cluster's
record alone. Only what feeds and wakes the runtime is written here: the watch is a list before each round.
"""

import asyncio
import selectors
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.registered import Interest
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core.model.decision import Action, Decision
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Timing
from nvcf_operator.core.report.events import EventNote
from nvcf_operator.core.rules.credentials import Credential, SecretName
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import ONLY_DEPLOYMENTS, Cache, News
from nvcf_operator.informer.digests import Digest, DigestRules
from nvcf_operator.informer.informer import Informer
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.metrics import Metrics
from nvcf_operator.queue.delay_queue import DelayQueue
from nvcf_operator.queue.schedule import Schedule
from nvcf_operator.reconcile.act.actuator import Actuator
from nvcf_operator.reconcile.cluster import KubernetesCluster
from nvcf_operator.reconcile.context import Claims, Context, Environment
from nvcf_operator.reconcile.deployments import DeploymentStages
from nvcf_operator.reconcile.loop import Reconciler
from nvcf_operator.reconcile.observe import Observer
from nvcf_operator.reconcile.orphans import Orphans
from nvcf_operator.reconcile.ports import CloudFunctions, Nvcf
from nvcf_operator.reconcile.references import References
from nvcf_operator.reconcile.stages import AnyStages, Outcome
from nvcf_operator.settings import Settings
from nvcf_operator.state.deployments import PresenceHistory, Sent
from nvcf_operator.state.version_writes import VersionWrites
from nvcf_operator.state.versions_up_to_date import VersionsUpToDate
from nvcf_operator.tracing import Tracer
from tests.property.chance import Chance, Crash, Write
from tests.property.cluster_api import KubeApi
from tests.property.cluster_model import START, Cluster
from tests.property.nvcf_api import BASE_URL, CREDENTIAL, LIMITERS, Door, Silent
from tests.property.nvcf_model import Account as Model
from tests.property.oracle_of_pace import Traffic

TIMING = Timing()
SETTINGS = Settings(nvcf_base_url=BASE_URL)
POLL = SETTINGS.poll_interval
ROUNDS = 20
"""Reconciles of one resource at one moment, after which it goes round in circles."""

NO_KEY = Failure(Reason.SECRET_NOT_FOUND, "the Secret is missing", Scope.CREDENTIAL)


class Instant(selectors.SelectSelector):
    """Never waits: time passes in the model alone."""

    def select(self, timeout: float | None = None) -> Any:
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop under virtual time."""

    def __init__(self, nvcf: Model) -> None:
        super().__init__(Instant())
        self._nvcf = nvcf
        self.set_exception_handler(lambda loop, context: None)  # of what the process leaves when it dies

    def time(self) -> float:
        return self._nvcf.now


class Watched(Actuator):
    """The actuator, saying what it is about to do."""

    process: "OperatorProcess"

    async def carry_out(self, context: Context, action: Action, asking: Decision | None = None) -> Outcome[Context]:
        self.process.action = action
        return await super().carry_out(context, action, asking)


class Read(Cache):
    """The cache, which reads each version of an object once."""

    functions: CloudFunctions | None = None

    def get(self, key: Key) -> AnyResource | None:
        digest = self._digests.get(key)
        known: tuple[Digest, AnyResource] | None = self.__dict__.setdefault("read", {}).get(key)
        if digest is None or (known is not None and known[0] is digest):
            return None if digest is None or known is None else known[1]
        found = super().get(key)
        if found is not None:
            self.__dict__["read"][key] = (digest, found)
        return found

    def function(self, key: Key) -> Any:
        """A CloudFunction, of those that the test has."""
        return self.functions.function(key) if self.functions is not None else super().function(key)

    def _take_in(self, key: Key, obj: Mapping[str, Any]) -> News:
        """Take in an object as the API server would have it: with a reference, a manifest has no ids."""
        if "functionRef" in obj["spec"]:
            spec = {
                name: value for name, value in obj["spec"].items() if name not in ("functionId", "functionVersionId")
            }
            obj = {**obj, "spec": spec}
        return super()._take_in(key, obj)


@dataclass(slots=True)
class Queue:
    """What the informer queues, at the models' time."""

    schedule: Schedule[Key]
    nvcf: Model

    def add(self, key: Key, priority: Priority, delay: float = 0.0) -> None:
        self.schedule.add(key, priority, self.nvcf.now + delay, self.nvcf.now)

    def discard(self, key: Key) -> None:
        self.schedule.discard(key)

    def works_on(self, key: Key) -> bool:
        return self.schedule.works_on(key)


@dataclass(slots=True)
class Notes:
    """The Events, as a recorder that writes none."""

    taken: list[tuple[AnyResource, EventNote]] = field(default_factory=list)

    def note(self, resource: AnyResource, note: EventNote) -> None:
        self.taken.append((resource, note))

    def ends(self, namespace: str) -> bool:
        return False


class OperatorProcess:
    """One operator process; `restart` makes the next one."""

    kube: KubeApi
    rules: ClassVar[Mapping[Kind, DigestRules]] = ONLY_DEPLOYMENTS
    """What is cached of each kind."""

    def __init__(
        self,
        cluster: Cluster,
        nvcf: Model,
        functions: CloudFunctions | None = None,
        *,
        settings: Settings = SETTINGS,
    ) -> None:
        self.cluster, self.nvcf, self.functions, self.settings = cluster, nvcf, functions, settings
        self.loop = Loop(nvcf)
        self.has_key = True
        self.missing: set[str] = set()
        """Secrets, by name, that do not exist."""
        self.unrecorded: tuple[str, ...] = ()
        """Fields that the CRD is known to lack."""
        self.number = 0
        self.wall_is_ahead = 0.0
        """Seconds by which this machine's clock differs from the right time."""
        self.chance = Chance()
        self.writes: list[Write] = []
        self.notes = Notes()
        self.reconciling: Key | None = None
        self.action: Action | None = None
        self.asked_at: dict[str, float] = {}
        self.asks: Counter[str] = Counter()
        self.traffic = Traffic()
        self.due: dict[Key, float] = {}
        self.tampered: set[str] = set()
        self.restart()

    @property
    def kube_writes(self) -> int:
        """Writes to the cluster, of all processes."""
        return self.kube.writes

    def restart(self, *, old_list: dict[Key, dict[str, Any]] | None = None, old_version: int = 0) -> None:
        """Forget all; perhaps begin with an old list."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        before = self.kube.writes if self.number else 0
        self.number += 1
        self.since, self.polled_at = self.nvcf.now, self.nvcf.now
        self.reconciling, self.action, self.due = None, None, {}
        self.witnessed: set[str] = set()
        """Deployments that this process has seen."""
        self.kube = KubeApi(self.cluster, lambda: self.chance, self.nvcf.advance, self._wrote)
        self.kube.writes, self.kube.old_list, self.kube.old_version = before, old_list, old_version
        self.schedule: Schedule[Key] = Schedule(lambda key: key.namespace)
        self.account = Account(
            CREDENTIAL,
            self._open_door,
            LIMITERS,
            cast(Metrics, Silent()),
            clock=lambda: self.nvcf.now,
            interests=self._interests,
        )
        self._build()

    def _interests(self) -> Iterable[Interest]:
        """What CloudFunctions ask of a list: there are none."""
        return ()

    def _other_stages(self, metrics: Metrics) -> dict[Kind, AnyStages]:
        """Stages of other kinds than FunctionDeployment."""
        return {}

    def _open_door(self, account: Account) -> Door:
        self.door = Door(account, self.nvcf, self.cluster, self)
        return self.door

    def _build(self) -> None:
        clock = lambda: self.nvcf.now  # noqa: E731
        steady = SteadyClock(clock, lambda: START.timestamp() + self.nvcf.now + self.wall_is_ahead)
        queue = Queue(self.schedule, self.nvcf)
        self.cache = Read(lambda key: queue.add(key, Priority.LOW), rules=self.rules)
        self.cache.functions = self.functions
        metrics = cast(Metrics, Silent())
        cluster = KubernetesCluster(
            self.kube,
            self.cache,
            self.notes,
            gone=lambda known: self.reconciler.gone(known),
            listed=lambda kind, seconds: self.informer.is_listed(kind, within=seconds),
            references=References(self.functions or self.cache, settle=SETTINGS.reference_settle_seconds),
        )
        self.environment = Environment(
            cluster,
            steady,
            VersionWrites(steady.monotonic),
            Claims(cluster, self, self),
            PresenceHistory(SETTINGS.redeploy_settle_seconds),
            Sent(),
            VersionsUpToDate(lambda key: queue.add(key, Priority.NORMAL)),
        )
        self.orphans = Orphans(self.environment, metrics, pause=TIMING.busy_poll, settle=TIMING.redeploy_settle)
        actuator = Watched(
            self.environment, redeploy_settle=SETTINGS.redeploy_settle_seconds, unrecorded=lambda: self.unrecorded
        )
        actuator.process = self
        self.stages = DeploymentStages(
            self.environment,
            Observer(self.settings, self.environment, self, self),
            actuator,
            self.orphans,
            metrics,
            deep_interval=SETTINGS.deep_resync_interval,
            redeploy_settle=SETTINGS.redeploy_settle_seconds,
        )
        stages: dict[Kind, AnyStages] = {FUNCTION_DEPLOYMENT: self.stages, **self._other_stages(metrics)}
        self.reconciler = Reconciler(self.environment, self, stages, metrics, Tracer(), most_waiting=8, rate=50.0)
        self.informer = Informer(
            cast(KubeClient, self.kube),
            self.cache,
            cast("DelayQueue[Key]", queue),
            namespaces=(),
            gone=self.reconciler.gone,
            ended=self.environment.sent.ended,
            user_agent="stories",
        )

    # What the runtime asks of its accounts and of its resolver: there is one key, and all resources use it.

    def of(self, key: Key, credential: Credential) -> Nvcf:
        self.account.keys.add(key)
        return self.account

    def known(self, key: Key) -> Nvcf | None:
        return self.account if key in self.account.keys else None

    def leave(self, key: Key) -> None:
        self.account.keys.discard(key)
        self.account.busy.discard(key)

    def sharing(self, key: Key) -> int:
        return 0

    async def resolve(self, secret: SecretName, *, max_age: float = float("inf")) -> Credential | Failure:
        return self.account.credential if self.has_key and secret.name not in self.missing else NO_KEY

    def called(self) -> None:
        """Count a call to NVCF."""
        if (uid := self._uid(self.reconciling)) is not None:
            self.traffic.called(uid, self.nvcf.now)

    def _wrote(self, key: Key, refusal: str) -> None:
        if (uid := self._uid(key)) is not None:
            self.traffic.wrote(uid, self.nvcf.now, self.cluster.objects[key], refusal)

    def _uid(self, key: Key | None) -> str | None:
        obj = self.cluster.objects.get(key) if key is not None else None
        return obj["metadata"]["uid"] if obj is not None else None

    def lacks_a_key(self, key: Key) -> bool:
        """Whether the Secret that a resource names does not exist."""
        credentials = self.cluster.objects[key]["spec"].get("credentials") or {}
        return credentials.get("secretRef", {}).get("name") in self.missing

    def _stands_without_key(self, key: Key) -> bool:
        """Whether a resource lacks its key and that is reported for good: it only looks for the key."""
        conditions = self.cluster.objects[key]["status"].get("conditions", [])
        return self.lacks_a_key(key) and any(c["type"] == "Stalled" and c["status"] == "True" for c in conditions)

    # The rounds.

    def reconcile(self, chance: Chance, *, at_all: bool) -> bool:
        """Take in what has changed, and reconcile what is due, or all; says whether the process is still alive."""
        self.chance = chance
        try:
            self.loop.run_until_complete(self._round(at_all=at_all))
        except Crash:
            chance.crashed = True
        if chance.crashed:
            self.restart()
        return not chance.crashed

    @property
    def due_in(self) -> float:
        """Seconds until something wants a reconcile, a poll or an orphan."""
        now = self.nvcf.now
        deadline = self.schedule.next_deadline()
        waits = [self.polled_at + POLL - now, *([deadline - now] if deadline is not None else [])]
        return max(0.0, min([*waits, *([TIMING.busy_poll] if self.account.followed else [])]))

    @property
    def waits(self) -> bool:
        """Whether something is under way that ends within a settle or two."""
        objects = self.cluster.objects
        waiting = [at for key, at in self.due.items() if key in objects and not self._stands_without_key(key)]
        return any(at - self.nvcf.now <= 150.0 for at in waiting) or bool(self.account.busy or self.account.followed)

    async def _round(self, *, at_all: bool) -> None:
        self.cluster.now = self.nvcf.now
        first = not self.cache
        await self.informer.relist(first=first)
        if self.nvcf.now >= self.polled_at + POLL:
            await self._poll()
        if at_all:
            for key in self.cache:
                self.schedule.add(key, Priority.LOW, self.nvcf.now, self.nvcf.now)
        reconciles: dict[Key, int] = {}
        for _ in range(20):
            await asyncio.sleep(0)  # the orphans' turn
            if not self.account.followed:
                break
        while (item := self.schedule.take(tuple(Priority), self.nvcf.now)) is not None:
            key, priority = item
            reconciles[key] = reconciles.get(key, 0) + 1
            assert reconciles[key] <= ROUNDS, f"{key}: the operator goes round in circles"
            await self._reconcile(key, priority)
        self.environment.presence.prune(self.nvcf.now)
        self.environment.sent.prune(self.nvcf.now)

    async def _reconcile(self, key: Key, priority: Priority) -> None:
        self.reconciling, requeue = key, None
        try:
            requeue = (await self.reconciler.reconcile(key, priority)).requeue
        finally:
            if (uid := self._uid(key)) is not None:
                self.traffic.reconciled(uid)
            self.due.pop(key, None)
            if requeue is not None:
                self.due[key] = self.nvcf.now + requeue[1]
            self.reconciling, self.action = None, None
            self.door.reconcile_ends()
            self.cluster.now = now = self.nvcf.now
            if self.cache.settle(key):
                self.schedule.add(key, Priority.LOW, now, now)
            self.schedule.done(key, requeue and (requeue[0], now + requeue[1]), now)

    async def _poll(self) -> None:
        self.polled_at = self.nvcf.now
        listing = await self.account.fresh_listing(0.0)
        if isinstance(listing, Failure):
            return
        for key in tuple(self.account.keys):
            poll_key = self.cache.poll_key(key)
            if poll_key is not None and (poll_key.is_news(listing) or poll_key.credentials_refused):
                self.schedule.add(key, Priority.LOW, self.nvcf.now, self.nvcf.now)

    def close(self) -> None:
        """End the process, and its loop."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
