"""The running operator without its outside: its own loop over objects in memory, and NVCF that is only read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nvcf_operator.accounts.registered import Interest
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.clock import SteadyClock
from nvcf_operator.commands.plan.loop.accounts import PlannedAccounts
from nvcf_operator.commands.plan.loop.channel import Reader
from nvcf_operator.commands.plan.loop.objects import MemoryApi
from nvcf_operator.commands.plan.loop.ports import Notes, PlannedSecretReader
from nvcf_operator.commands.plan.loop.watched import Decided, WatchedDeployments, WatchedFunctions
from nvcf_operator.core.functions.model.poll_rules import FunctionPollKey
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.core.model.references import FollowedFunction
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache
from nvcf_operator.informer.deployment_digests import DEPLOYMENTS
from nvcf_operator.informer.function_digests import functions
from nvcf_operator.metrics import Metrics
from nvcf_operator.reconcile.access import Access
from nvcf_operator.reconcile.act.actuator import Actuator
from nvcf_operator.reconcile.cluster import KubernetesCluster
from nvcf_operator.reconcile.context import Claims, Environment
from nvcf_operator.reconcile.functions.context import FunctionClaims, FunctionEnvironment
from nvcf_operator.reconcile.functions.observe import FunctionObserver
from nvcf_operator.reconcile.functions.orphans import FunctionOrphans
from nvcf_operator.reconcile.functions.secrets import SecretsDue
from nvcf_operator.reconcile.loop import Reconciler
from nvcf_operator.reconcile.observe import Observer
from nvcf_operator.reconcile.orphans import Orphans
from nvcf_operator.reconcile.ports import Credentials, SecretStore
from nvcf_operator.reconcile.references import References
from nvcf_operator.reconcile.requeue import ReconcileResult
from nvcf_operator.reconcile.stages import AnyStages
from nvcf_operator.settings import Settings
from nvcf_operator.state.deployments import PresenceHistory, Sent
from nvcf_operator.state.function_state import SentRegistrations
from nvcf_operator.state.version_writes import VersionWrites
from nvcf_operator.state.versions_up_to_date import VersionsUpToDate
from nvcf_operator.tracing import Tracer

RULES = {FUNCTION_DEPLOYMENT: DEPLOYMENTS, CLOUD_FUNCTION: functions(CloudFunction.read, FollowedFunction.read)}
"""What is cached of each kind, as in the running operator."""


class SkippedTime:
    """A clock that advances only when the plan says so: a wait takes no time, and nothing that was read is stale."""

    def __init__(self, began: float) -> None:
        self.seconds = 0.0
        self._began = began

    def monotonic(self) -> float:
        """Seconds that were let pass."""
        return 1000.0 + self.seconds

    def wall(self) -> float:
        """The time of day after them."""
        return self._began + self.seconds


class Operation:
    """The operator that a plan asks.

    Args:
        settings: of the operator that is planned for.
        credentials: where keys come from.
        secrets: where Secrets are read.
        connect: makes the client that reads NVCF with a credential.
        began: the time of day, in seconds since the epoch.

    """

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials,
        secrets: SecretStore,
        connect: Callable[[Credential], Reader],
        *,
        began: float,
    ) -> None:
        self.time = SkippedTime(began)
        self.clock = SteadyClock(self.time.monotonic, self.time.wall)
        self.api = MemoryApi()
        self.cache = Cache(rules=RULES)
        self.notes = Notes()
        self.decided = Decided()
        self.unborn: set[str] = set()
        """Ids of versions that would be registered by then."""
        metrics = Metrics()
        self.accounts = PlannedAccounts(connect, metrics, self._interests, self.time.monotonic, self.unborn)
        self.cluster = KubernetesCluster(
            self.api,
            self.cache,
            self.notes,
            gone=lambda known: self.reconciler.gone(known),
            listed=_is_listed,
            references=References(self.cache, settle=settings.reference_settle_seconds),
        )
        self.environment = Environment(
            self.cluster,
            self.clock,
            VersionWrites(self.clock.monotonic),
            Claims(self.cluster, self.accounts, credentials),
            PresenceHistory(settings.redeploy_settle_seconds, settings.nvcf_rate),
            Sent(),
            VersionsUpToDate(),
        )
        self.access = Access(self.cluster, credentials)
        self._stages: dict[Kind, AnyStages] = {
            FUNCTION_DEPLOYMENT: self._deployments(settings, credentials, metrics),
            CLOUD_FUNCTION: self._functions(settings, credentials, secrets, metrics),
        }
        self.reconciler = Reconciler(
            self.environment, self.accounts, self._stages, metrics, Tracer(), most_waiting=8, rate=settings.nvcf_rate
        )

    def apply(self, obj: Mapping[str, Any]) -> None:
        """Take in an object as the API server would have it."""
        self.cache.put(self.api.put(obj))

    def get(self, key: Key) -> AnyResource | None:
        """An object as it is by now, with what its reference leads to."""
        return self.cluster.get(key)

    def stages_of(self, key: Key) -> AnyStages:
        """The stages of a kind."""
        return self._stages[key.kind]

    async def reconcile(self, key: Key) -> ReconcileResult:
        """Reconcile a resource once.

        Raises:
            RefusedWrite: NVCF would be changed.

        """
        self.decided.forget()
        return await self.reconciler.reconcile(key, Priority.HIGH)

    def _interests(self) -> Iterator[Interest]:
        for poll_key in self.cache.poll_keys(CLOUD_FUNCTION):
            if isinstance(poll_key, FunctionPollKey):
                yield Interest(poll_key.mark_uid, poll_key.name, poll_key.function_id, poll_key.adopts)

    def _deployments(self, settings: Settings, credentials: Credentials, metrics: Metrics) -> WatchedDeployments:
        return WatchedDeployments(
            self.environment,
            Observer(settings, self.environment, self.accounts, credentials),
            Actuator(self.environment, redeploy_settle=settings.redeploy_settle_seconds),
            Orphans(
                self.environment,
                metrics,
                pause=settings.busy_poll_interval,
                settle=settings.redeploy_settle_seconds,
            ),
            metrics,
            deep_interval=settings.deep_resync_interval,
            redeploy_settle=settings.redeploy_settle_seconds,
            decided=self.decided,
        )

    def _functions(
        self, settings: Settings, credentials: Credentials, secrets: SecretStore, metrics: Metrics
    ) -> WatchedFunctions:
        environment = FunctionEnvironment(
            self.cluster,
            self.clock,
            self.environment.version_writes,
            FunctionClaims(self.cluster, self.accounts),
            self.environment.presence,
            PresenceHistory(settings.redeploy_settle_seconds, settings.nvcf_rate),
            SentRegistrations(),
            self.environment.up_to_date,
        )
        reader = PlannedSecretReader(secrets, SecretsDue(settings.secret_resync_interval))
        return WatchedFunctions(
            environment,
            FunctionObserver(settings, environment, self.accounts, credentials, reader),
            FunctionOrphans(environment, metrics, pause=settings.busy_poll_interval),
            reader,
            metrics,
            decided=self.decided,
        )


async def _is_listed(kind: Kind, seconds: float) -> bool:
    """All objects that there are were taken in at the beginning."""
    return True
