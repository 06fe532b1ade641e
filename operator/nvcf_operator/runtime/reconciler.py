"""One look at one resource, from top to bottom: read, observe, decide, write at most once to NVCF, tell, come again.

Any crash between two lines is repaired by the next run, because the next run observes first.
"""

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from nvcf_client.endpoints.deployments import create_timeout
from nvcf_operator import logs
from nvcf_operator.api.key import Key
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.clock import SteadyClock
from nvcf_operator.core import backoff
from nvcf_operator.core.actions import DropFinalizer, Purpose, TakeFinalizer, Undeploy
from nvcf_operator.core.decide import decide, unfinished
from nvcf_operator.core.decision import Decision
from nvcf_operator.core.deletion import released_by_force
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.record import ordered
from nvcf_operator.core.report import report
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Situation
from nvcf_operator.core.transitions import (
    EventNote,
    discovered,
    ignored_words,
    of_failure,
    seconds_to_ready,
    transitions,
)
from nvcf_operator.flowcontrol.priority import Caller, Priority
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import KubeError, Missing
from nvcf_operator.kube.events import Recorder
from nvcf_operator.kube.status import merge_patch
from nvcf_operator.metrics import Metrics
from nvcf_operator.runtime.account import Account
from nvcf_operator.runtime.accounts import Accounts
from nvcf_operator.runtime.actuator import Actuator, Outdated, Vanished
from nvcf_operator.runtime.cache import Cache, News
from nvcf_operator.runtime.local_state import LocalState, LocalStates
from nvcf_operator.runtime.observer import Observer, Saturated, deep_delay
from nvcf_operator.runtime.orphans import Orphans
from nvcf_operator.runtime.refusals import STATUS, WriteRefused, is_reported, may_be_refusal
from nvcf_operator.runtime.sent import Sent
from nvcf_operator.tracing import Tracer

log = logging.getLogger(__name__)

DEADLINE = 210.0
"""Seconds for one look, above the sum of all timeouts inside it but that of a POST."""

CONFLICTS = 5
"""Times that a status is written again because somebody else has written another part of the object meanwhile."""

Requeue = tuple[Priority, float]


class ReconcileResult(NamedTuple):
    """How a look at a resource has ended."""

    result: str
    """One of `metrics.metrics.RESULTS`."""
    requeue: Requeue | None
    """Lane and seconds after which to look again without being told."""


class Reconciler:
    """Reconciles one key at a time; several may run side by side for different keys."""

    def __init__(
        self,
        kube: KubeClient,
        cache: Cache,
        local_states: LocalStates,
        accounts: Accounts,
        observer: Observer,
        actuator: Actuator,
        recorder: Recorder,
        metrics: Metrics,
        sent: Sent,
        orphans: Orphans,
        steady: SteadyClock,
        *,
        deep_interval: float,
        most_waiting: int,
        rate: float,
        redeploy_settle: float,
        tracer: Tracer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._local_states = local_states
        self._accounts = accounts
        self._observer = observer
        self._actuator = actuator
        self._recorder = recorder
        self._sent = sent
        self._orphans = orphans
        self._steady = steady
        self._metrics = metrics
        self._deep_interval = deep_interval
        self._most_waiting = most_waiting
        self._rate = rate
        self._redeploy_settle = redeploy_settle
        self._tracer = tracer
        self._clock = clock

    async def reconcile(self, key: Key, priority: Priority) -> ReconcileResult:
        """Look at a resource and do what is to be done; say how it went and when to look again without being told."""
        if (known := self._accounts.known(key)) is not None and self._saturated(known, key, priority):
            return ReconcileResult("crowded", (priority, self._turn(known)))
        found = self._cache.get(key)
        if found is None:
            self.forget(key)
            return ReconcileResult("done", None)
        if found.deleting and not found.has_finalizer:
            self.gone(found)
            return ReconcileResult("done", None)
        local = self._local_states.of(key, found.uid, lambda: self._recall(found))
        resource = local.view(found, self._steady)
        about = {
            "namespace": key.namespace,
            "name": key.name,
            "function": resource.function_id,
            "version": resource.wanted_version,
            "reconcile": uuid.uuid4().hex[:8],
        }
        with self._tracer.look(about) as span, logs.bind(**about, trace_id=span.trace_id):
            look = await self._look(resource, local, priority)
            span.ended(look.result)
            return self._guarded(key, local, look)

    def _guarded(self, key: Key, local: LocalState, look: ReconcileResult) -> ReconcileResult:
        """See to it that no look follows at once where nothing has changed, whatever this one wants."""
        if look.requeue is None:
            return look
        priority, delay = look.requeue
        return look._replace(requeue=(priority, local.guard.pause(delay, (self._cache.version(key), local.writes))))

    async def _look(self, resource: Resource, local: LocalState, priority: Priority) -> ReconcileResult:
        """Look at a resource that is there, and say what came of it."""
        try:
            async with asyncio.timeout(_deadline(resource)):
                return ReconcileResult("done", await self._reconcile(resource, local, priority))
        except Saturated as crowd:
            return ReconcileResult("crowded", (priority, self._turn(crowd.account)))
        except Outdated as reason:
            log.info("read again: %s", reason)
            pause = 0.0 if local.outdated == 0 else min(30.0, 0.1 * 2**local.outdated) * random.uniform(0.75, 1.25)
            local.outdated += 1
            return ReconcileResult("outdated", (priority, pause))
        except (Missing, Vanished):
            log.info("the resource is gone")
            self._cache.drop(resource.key, resource.uid)  # the watch will find nothing to bring the end of
            self.gone(resource)
            return ReconcileResult("outdated", (priority, 1.0))
        except WriteRefused as refused:
            return ReconcileResult("kube_error", (priority, self._refused(resource, local, str(refused))))
        except KubeError as error:
            log.warning("the Kubernetes API did not accept it: %s", error)
            wait = backoff.short(local.attempts) * random.uniform(0.75, 1.25)
            local.ended(self._clock(), wait=wait)
            return ReconcileResult("kube_error", (priority, wait))

    def _refused(self, resource: Resource, local: LocalState, told: str) -> float:
        """Tell that the status itself is refused, by what is left to tell it with; give the pause."""
        log.warning("%s", told)
        if told != local.reported_refusal:
            local.reported_refusal = told
            self._recorder.note(resource, EventNote(True, Reason.WRITE_REFUSED, told))
        wait = backoff.refused_by_cluster(local.attempts) * random.uniform(1.0, 1.3)
        local.ended(self._clock(), wait=wait)
        return wait

    def _recall(self, resource: Resource) -> LocalState:
        """Start remembering: a change of ours that status shows to be young is still to be read back."""
        local, last = LocalState.begun(resource, self._steady, self._clock()), resource.status.last_write
        if last is not None and resource.is_true("Available"):
            age = (self._steady.now() - last.since).total_seconds()
            if age < self._redeploy_settle:
                local.verify_at = self._clock() + self._redeploy_settle - max(0.0, age)
                local.raised_minimum = any(c.reason == Reason.SCALING_UP for c in resource.status.conditions)
        return local

    def _saturated(self, account: Account, key: Key, priority: Priority) -> bool:
        return account.saturated(self._most(priority), Caller(priority, key.namespace))

    def _most(self, priority: Priority) -> int:
        """How many may wait at an account's gate before one of that lane; what is nearly done passes a crowd."""
        return self._most_waiting * (2 if priority == Priority.IN_PROGRESS else 1)

    def _turn(self, account: Account) -> float:
        """Seconds after which a key that found its account's gate crowded comes back, by how many share that gate."""
        return random.uniform(0.1, 0.5) + random.uniform(0.0, self._accounts.sharing(account) / self._rate)

    def forget(self, key: Key) -> None:
        """Drop all that is remembered of a resource that is gone."""
        self._local_states.forget(key)
        self._metrics.resource_gone(key)
        self._accounts.leave(key)

    def gone(self, resource: Resource) -> None:
        """Deal with an object that is gone, or goes without our finalizer: with what it has left in NVCF, if anything.

        Args:
            resource: the object as it was known last.

        """
        local, account = self._local_states.known(resource.key, resource.uid), self._accounts.known(resource.key)
        first = self._local_states.ends(resource.uid)  # watch and workers may both hear of the end
        if local is not None and not local.released:
            self._orphans.vanished(local.view(resource, self._steady), account)
        elif local is None and first and resource.has_finalizer:  # no worker of this process had come to it yet
            self._orphans.vanished(resource, account)
        if local is None or not (local.released and resource.deleting and resource.finalizers):
            self.forget(resource.key)

    async def _reconcile(self, resource: Resource, local: LocalState, priority: Priority) -> Requeue | None:
        caller = Caller(priority, resource.key.namespace)
        if caller.is_urgent:
            local.asked_anew(self._clock())
        observation = await self._observer.observe(resource, local, caller, most_waiting=self._most(priority))
        situation, account = observation.situation, observation.account
        decision, situation = await self._decide_and_write(situation, account, local, caller)
        if isinstance(situation.wrote, DropFinalizer) and situation.resource.deleting:
            self.gone(situation.resource)
            return None
        edited = await self._tell(situation, decision, account, local)
        self._note_busy(account, resource.key, decision)
        requeue = self._next(local, decision, priority)
        return (Priority.HIGH, 0.0) if edited else requeue

    async def _decide_and_write(
        self, situation: Situation, account: Account | None, local: LocalState, caller: Caller
    ) -> tuple[Decision, Situation]:
        """Decide; write; decide again on what came of it. At most one write goes to NVCF."""
        released = False
        while True:
            decision = decide(situation)
            self._note_drift(situation, decision)
            action = decision.action
            if action is None:
                return decision, situation
            if released or (situation.wrote is not None and not isinstance(action, DropFinalizer)):
                # More is to be done than one write: tell how far it is, and come again at once.
                return unfinished(situation), situation
            situation = await self._actuator.carry_out(situation, action, account, local, caller)
            if situation.refused is not None:
                continue
            local.writes += situation.wrote is not None and not isinstance(situation.wrote, DropFinalizer)
            if isinstance(action, DropFinalizer):
                if situation.resource.deleting:
                    if released_by_force(situation.resource) and not situation.resource.keeps_deployment:
                        self._metrics.left_behind()
                    return Decision(), situation
                situation, released = replace(situation, wrote=None), True
            elif isinstance(action, Undeploy) and situation.failure is None and account is not None:
                version = action.function_version_id
                if action.purpose == Purpose.STALE:
                    self._metrics.left_behind()
                situation = await self._observer.observe_again(situation, account, local, version, caller)
            elif not isinstance(action, TakeFinalizer):
                self._metrics.reconciled_write(type(action).__name__.lower())

    async def _tell(self, situation: Situation, decision: Decision, account: Account | None, local: LocalState) -> bool:
        """Write status, once, and only if it differs.

        True when the answer shows a person's doing that the watch has not told yet: it will tell nothing new of it.
        """
        resource = situation.resource
        status = report(situation, decision)
        # Told before the write: from here on it is on record, in our own copy, and would not be told again.
        if (discovery := discovered(situation, status)) is not None:
            self._recorder.note(resource, discovery)
            log.info("%s: %s", discovery.reason, discovery.message)
        self._note_failure(situation, local)
        local.decided(resource, status)
        local.tells(resource, status, self._clock())
        self._metrics.resource_shows(resource.key, [(item.type, item.status) for item in status.conditions])
        self._metrics.resource_orders(resource.key, ordered(situation, status))
        if merge_patch(resource.recorded, status.to_dict()) is None:
            local.written(proven=False)
            return False
        edited = await self._write_status(resource, status, local)
        local.reported_refusal = ""
        local.written(proven=True)
        if status.intent is not None and status.intent.answered:
            self._sent.recorded(status.intent.token)
        for note in (*transitions(resource.status, status), *ignored_words(resource, status)):
            self._recorder.note(resource, note)
            log.log(logging.WARNING if note.warning else logging.INFO, "%s: %s", note.reason, note.message)
        self._note_mass_absence(resource, decision, account)
        if (seconds := seconds_to_ready(resource, status, situation.now)) is not None:
            self._metrics.became_ready(seconds)
        return edited

    async def _write_status(self, resource: Resource, status: FunctionDeploymentStatus, local: LocalState) -> bool:
        """Write a status in place of the very one that it was made from; say whether a person did something meanwhile.

        Another part of the object may have changed since, as by an edit of the manifest: the status is still true of
        the generation that it names.

        Raises:
            Outdated: the object has another status by now, which must not be lost.
            WriteRefused: the API server does not take it.
            Missing, Vanished: it is gone.

        """
        version, wanted, edited = resource.resource_version, status.to_dict(), False
        for _ in range(CONFLICTS):
            patch = merge_patch(resource.recorded, wanted)
            assert patch is not None, "there is something to write"
            try:
                obj = await self._kube.patch_status(
                    resource.key, uid=resource.uid, resource_version=version, status=patch
                )
            except KubeError as error:
                if not may_be_refusal(error):
                    raise
                reason, problem = str(error), error
            else:
                return self._cache.put(obj) == News.PERSON or edited
            fresh = await self._kube.get_resource(resource.key)
            if fresh is None:
                raise Missing(f"{resource.key} is gone", status=404)
            meta = fresh["metadata"]
            if meta.get("uid") != resource.uid:
                raise Vanished("another object has its name")
            edited = self._cache.put(fresh) == News.PERSON or edited
            if (fresh.get("status") or {}) != resource.recorded:
                local.found_current()
                raise Outdated(reason)
            local.proven = True
            if meta["resourceVersion"] == version:
                raise WriteRefused(STATUS, problem) if is_reported(problem, local.attempts) else problem
            version = meta["resourceVersion"]
        raise Outdated(f"it was written by others {CONFLICTS} times while its status was")

    def _note_drift(self, situation: Situation, decision: Decision) -> None:
        if not decision.drift or situation.wrote is not None:
            return
        fields = ", ".join(decision.drift)
        self._metrics.drifted(decision.drift)
        message = f"Somebody else changed the deployment: {fields}. The operator restores what the manifest specifies."
        self._recorder.note(situation.resource, EventNote(True, Reason.DRIFT, message))

    def _note_failure(self, situation: Situation, local: LocalState) -> None:
        """Tell once what NVCF answers to a write again and again, and once more when it says something else."""
        note = of_failure(situation.resource, situation.failure)
        if note is None or note.message == local.reported_failure:
            return
        local.reported_failure = note.message
        self._recorder.note(situation.resource, note)

    def _note_mass_absence(self, resource: Resource, decision: Decision, account: Account | None) -> None:
        """Tell a namespace once, though many of its resources may stand still for the same cause."""
        condition_set = decision.condition_set
        if account is None or condition_set is None or condition_set.reason != Reason.MASS_ABSENCE:
            return
        if account.mass_deletion.first_reported_in(resource.key.namespace):
            self._recorder.note(resource, EventNote(True, Reason.MASS_ABSENCE, condition_set.message))
            log.warning("%s", condition_set.message)

    def _note_busy(self, account: Account | None, key: Key, decision: Decision) -> None:
        if account is None:
            return
        if decision.busy:
            if key not in account.busy:
                account.busy.add(key)
                account.wake.set()
        else:
            account.busy.discard(key)

    def _next(self, local: LocalState, decision: Decision, priority: Priority) -> Requeue | None:
        now = self._clock()
        if local.deep_at <= 0.0:
            local.deep_at = now + deep_delay(self._deep_interval, first=local.last_get_at < 0.0)
        elif now >= local.deep_at:
            local.deep_at = now + deep_delay(self._deep_interval, first=False)
        delay = local.deep_at - now
        if local.verify_at is not None and local.verify_at > now:
            delay = min(delay, local.verify_at - now + 0.01)
        elif local.verify_at is not None:  # this look could not read it: something kept it from that
            delay = min(delay, self._redeploy_settle)
        if decision.requeue is not None:
            jitter = random.uniform(1.0, 1.3) if decision.backoff else 1.0
            delay = min(delay, decision.requeue * jitter)
        local.ended(now, wait=delay if decision.backoff else None)
        if delay > 1.0 and not decision.backoff:  # what waits for a failure to pass is still what a person asked for
            under_way = decision.busy or (decision.condition_set is not None and decision.condition_set.reconciling)
            priority = Priority.IN_PROGRESS if under_way else Priority.LOW
        return priority, max(0.0, delay)


def _deadline(resource: Resource) -> float:
    """Seconds for one look; a POST takes the longer, the more specifications it has."""
    count = len(resource.spec.deployment_specifications) if resource.spec is not None else 1
    return DEADLINE + create_timeout(count)
