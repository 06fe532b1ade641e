"""`nvcf-operator run`: builds the parts, starts them in order, and ends them in reverse."""

import asyncio
import logging
import socket
import uuid

from nvcf_client.options import default_user_agent
from nvcf_operator import logs, tracing
from nvcf_operator.accounts.account import Account
from nvcf_operator.accounts.credentials import Resolver
from nvcf_operator.accounts.queue_depths import QueueDepths
from nvcf_operator.accounts.registry import Accounts
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache
from nvcf_operator.informer.informer import Informer
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import Connection, connect
from nvcf_operator.kube.events import Recorder
from nvcf_operator.kube.leases import Leases
from nvcf_operator.kube.secrets import Secrets
from nvcf_operator.metrics import Metrics
from nvcf_operator.process.event_loop import new_event_loop
from nvcf_operator.process.memory import allow_deep_json, collect_seldom
from nvcf_operator.process.probes import Probes
from nvcf_operator.process.signals import Stop, Stopped
from nvcf_operator.process.watchdog import Background, Watchdogs
from nvcf_operator.queue.delay_queue import DelayQueue
from nvcf_operator.queue.workers import Workers
from nvcf_operator.reconcile.act.actuator import Actuator
from nvcf_operator.reconcile.cluster import KubernetesCluster
from nvcf_operator.reconcile.context import Claims, Environment
from nvcf_operator.reconcile.deployments import DeploymentStages
from nvcf_operator.reconcile.loop import Reconciler
from nvcf_operator.reconcile.observe import Observer
from nvcf_operator.reconcile.orphans import Orphans
from nvcf_operator.reconcile.references import References
from nvcf_operator.runtime import leadership
from nvcf_operator.runtime.crd_fields import CrdFields
from nvcf_operator.runtime.functions import CACHED, FunctionParts
from nvcf_operator.runtime.leadership import Leadership
from nvcf_operator.settings import Settings
from nvcf_operator.state.deployments import PresenceHistory, Sent
from nvcf_operator.state.version_writes import VersionWrites
from nvcf_operator.state.versions_up_to_date import VersionsUpToDate
from nvcf_operator.tracing import Tracer

log = logging.getLogger(__name__)

GRACE = 5.0
"""Seconds that work under way gets at the end."""

FLUSH = 1.0
"""Seconds that Events which are not written yet get at the end."""

NAMESPACE = "nvcf-operator-system"
"""Where the Lease is when neither a pod nor the kubeconfig's context names a namespace."""

SWEEP = 30.0
"""Seconds between two clean-ups of what nobody uses any more."""


def run(settings: Settings) -> int:
    """Run the operator until a signal comes; give the process's exit code."""
    collect_seldom()
    allow_deep_json()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_run(settings))


async def _run(settings: Settings) -> int:
    stop = Stop()
    stop.listen()
    try:
        return await _run_until(stop, settings)
    except Stopped:
        return 0


async def _run_until(stop: Stop, settings: Settings) -> int:
    identity = f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
    user_agent = f"{default_user_agent()} ({identity})"
    try:
        connection = await stop.before(connect(user_agent=user_agent))
    except Stopped:
        raise
    except Exception as error:
        log.error("cannot start: %s", error)
        return 1
    tracer = tracing.tracer(wanted=settings.tracing, identity=identity)
    try:
        operator = Operator(settings, connection, user_agent=user_agent, identity=identity, tracer=tracer)
        return await operator.run(stop)
    except OSError as error:
        log.error("cannot start: --metrics-address %s: %s", settings.metrics_address, error.strerror or error)
        return 1
    finally:
        await connection.close()
        tracer.close()


class Operator:
    """All parts of one running operator."""

    def __init__(
        self, settings: Settings, connection: Connection, *, user_agent: str, identity: str, tracer: Tracer
    ) -> None:
        self._settings = settings
        self._user_agent = user_agent
        self.metrics = Metrics()
        self.beats = Watchdogs()
        self.queue: DelayQueue[Key] = DelayQueue(group=lambda key: key.namespace)
        self.cache = Cache(lambda key: self.queue.add(key, Priority.LOW), rules=CACHED)
        unfenced = KubeClient(connection, observe=self.metrics.kube_request)
        place = connection.default_namespace or NAMESPACE
        leases = Leases(unfenced, place, leadership.NAME) if settings.leader_election else None
        self.leadership = Leadership(leases, identity)
        self.kube = KubeClient(
            connection, observe=self.metrics.kube_request, fence=self.leadership.fence, trace=tracer.kubernetes
        )
        self.secrets = Secrets(self.kube)
        self.recorder = Recorder(self.kube, instance=identity, on_drop=self.metrics.event_dropped)
        self.resolver = Resolver(self.secrets, settings, redact=logs.redact)
        self.accounts = Accounts(
            settings,
            self.metrics,
            self.cache,
            self.queue,
            self.resolver,
            fence=self.leadership.fence,
            tracer=tracer,
            user_agent=user_agent,
            beats=self.beats,
        )
        self.crd_fields = CrdFields(unfenced, shown=self.metrics.crd_lacks)
        self.queue_depths = QueueDepths(
            self.accounts,
            self.cache,
            self.metrics,
            interval=settings.poll_interval,
            rate=settings.nvcf_rate,
        )
        references = References(self.cache, settle=settings.reference_settle_seconds)
        cluster = KubernetesCluster(
            self.kube,
            self.cache,
            self.recorder,
            gone=self._gone,
            references=references,
            listed=lambda kind, seconds: self.informer.is_listed(kind, within=seconds),
        )
        clock = SteadyClock()
        self.environment = Environment(
            cluster,
            clock,
            VersionWrites(clock.monotonic),
            Claims(cluster, self.accounts, self.resolver),
            PresenceHistory(settings.redeploy_settle_seconds, settings.nvcf_rate),
            Sent(),
            VersionsUpToDate(lambda key: self.queue.add(key, Priority.NORMAL)),
            self.queue_depths.of,
        )
        self.orphans = Orphans(
            self.environment,
            self.metrics,
            pause=settings.busy_poll_interval,
            settle=settings.redeploy_settle_seconds,
        )
        deployments = DeploymentStages(
            self.environment,
            Observer(settings, self.environment, self.accounts, self.resolver),
            Actuator(
                self.environment,
                redeploy_settle=settings.redeploy_settle_seconds,
                unrecorded=lambda: self.crd_fields.unrecorded,
                catalogue=lambda account: account.catalogue if isinstance(account, Account) else None,
            ),
            self.orphans,
            self.metrics,
            deep_interval=settings.deep_resync_interval,
            redeploy_settle=settings.redeploy_settle_seconds,
        )
        self.functions = FunctionParts(
            settings, self.environment, self.accounts, self.resolver, self.secrets, self.metrics, unfenced
        )
        self.reconciler = Reconciler(
            self.environment,
            self.accounts,
            {FUNCTION_DEPLOYMENT: deployments, CLOUD_FUNCTION: self.functions.stages},
            self.metrics,
            tracer,
            most_waiting=max(1, settings.workers // 4),
            rate=settings.nvcf_rate,
        )
        self.workers = Workers(
            self.queue,
            self.reconciler.reconcile,
            self.metrics,
            self.beats,
            settle=self._settle,
            begin=self.leadership.begun,
            count=settings.workers,
        )
        self.informer = Informer(
            self.kube,
            self.cache,
            self.queue,
            namespaces=tuple(settings.namespaces),
            gone=self._gone,
            ended=self._ended,
            user_agent=user_agent,
            served=self.metrics.listed,
        )
        self._warm = asyncio.Event()
        self.probes = Probes(
            settings.metrics_address,
            self.metrics,
            healthy=self.beats.overdue,
            ready=lambda: [] if self._warm.is_set() else ["the resources are not listed yet"],
        )
        self.metrics.watch_queue(self.queue)
        self.metrics.watch_accounts(self.accounts)
        self.metrics.watch_leader(lambda: self.leadership.leads)

    async def run(self, stop: Stop) -> int:
        """Run until `stop` says so; 0 then, 1 when a part of the operator has failed."""
        await self.probes.start()
        async with Background(stop.event) as background:
            background.start("heartbeat", self.beats.tick())
            background.start("Events", self.recorder.run())
            background.start("sweep", self._sweep())
            try:
                await stop.before(self.informer.prime())
                self.workers.start()
                background.start("list", self.informer.relist_for_ever())
                background.start("history", self.informer.follow_history())
                background.start("CRD", self.crd_fields.follow())
                background.start("CRD of CloudFunction", self.functions.crd_fields.follow())
                if self._settings.queue_depth:
                    background.start("queue depths", self.queue_depths.run())
                background.start("leader election", self.leadership.run())
                self._warm.set()
                log.info("running; NVCF at %s", self._settings.base_url)
                await self.informer.watch(stop=stop, ending=self._end_work)
            except Stopped:
                pass
            finally:
                log.info("stopping")
                await self._end_work()
                await self.probes.stop()
        return 1 if background.failed else 0

    async def _end_work(self) -> None:
        """End workers and pollers, then let another replica lead; once, though it is asked for on every way out."""
        await self.workers.stop(GRACE)
        await self.orphans.close()
        await self.functions.orphans.close()
        await self.accounts.close()
        await self.recorder.flush(FLUSH)
        await self.leadership.release()

    def _ended(self, uid: str, dropped: bool) -> None:
        """Note how an object of either kind has ended."""
        self.environment.sent.ended(uid, dropped)
        self.functions.environment.sent.ended(uid, dropped)

    def _settle(self, key: Key) -> bool:
        """At the end of a reconcile: whether somebody else has written to the resource meanwhile."""
        self.accounts.settle(key)
        return self.cache.settle(key)

    def _gone(self, resource: AnyResource) -> None:
        """Deal with an object that is gone. A replica that stands by knows nothing of what it left."""
        if self.leadership.leads:
            self.reconciler.gone(resource)
        else:
            self.reconciler.forget(resource.key)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            await self.accounts.sweep()
            now = asyncio.get_running_loop().time()
            self.environment.presence.prune(now)
            self.environment.sent.prune(now)
            self.environment.version_writes.prune()
            self.functions.prune(now)
