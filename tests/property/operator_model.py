"""The operator without its I/O: the same loop as the runtime's around the pure decisions, against the two models.

Each outbound call is a boundary: before and after it the operator may die, and what it then knows is the cluster's
record alone. A call to NVCF may fail in the ways that a fault names.
"""

import dataclasses
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.core.actions import Action, Change, Create, DropFinalizer, TakeFinalizer, Undeploy
from nvcf_operator.core.changes import Patch, raises_minimum
from nvcf_operator.core.claims import other_holder
from nvcf_operator.core.decide import decide, unfinished
from nvcf_operator.core.decision import Decision
from nvcf_operator.core.deletion import needs_nvcf
from nvcf_operator.core.intent import Intent
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.report import report
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import (
    Absent,
    AccountView,
    FunctionSeen,
    Present,
    Proof,
    Sighting,
    Situation,
    Timing,
    Trouble,
    Unseen,
    Whose,
)
from nvcf_operator.core.versions import versions_of_interest
from nvcf_operator.runtime.memory import Memory, Sightings, Target
from property.cluster_model import START, Cluster, Stale
from property.nvcf_model import ACCOUNT, FUNCTION, Account, body_of

TIMING = Timing()
BASE_URL = "https://nvcf"
READS = ("500", "401", "403", "another account's key")
WRITES = ("lost, done", "lost, slow", "lost, not done", "refused")
FAULTS = (*READS, *WRITES)

TROUBLES = {
    "500": Trouble(Reason.NVCF_UNAVAILABLE, "NVCF answered with 500", Whose.SERVER),
    "401": Trouble(Reason.UNAUTHORIZED, "NVCF does not accept the key", Whose.CREDENTIAL),
    "403": Trouble(Reason.FORBIDDEN, "not for this function", Whose.RESOURCE),
    "lost": Trouble(Reason.NVCF_UNAVAILABLE, "the answer was lost", Whose.SERVER),
    "refused": Trouble(Reason.REJECTED, "NVCF refused the request", Whose.RESOURCE),
    "no key": Trouble(Reason.SECRET_NOT_FOUND, "the Secret is missing", Whose.CREDENTIAL),
}


class Crash(BaseException):
    """The operator's end, as by kill -9."""


@dataclass(slots=True)
class Chance:
    """What goes wrong in one step: a fault at one NVCF call, a crash at one boundary; both counted from its start."""

    fault: str | None = None
    fault_at: int = 0
    crash_at: int | None = None
    calls: int = 0
    boundaries: int = 0
    met: bool = False
    crashed: bool = False

    def boundary(self) -> None:
        """Pass one boundary, or die there."""
        if self.boundaries == self.crash_at:
            self.crashed = True
            raise Crash
        self.boundaries += 1

    def fault_of(self, kinds: tuple[str, ...]) -> str | None:
        """The fault of this call, if it has one of these kinds."""
        self.calls += 1
        if self.fault in kinds and self.calls > self.fault_at and not self.met:
            self.met = True
            return self.fault
        return None


@dataclass(slots=True)
class Write:
    """A change that was asked for in NVCF, and the resource as it really was then."""

    at: float
    kind: str
    version: str
    latest: dict[str, Any] | None
    action: Action
    status: str | None
    """NVCF's status of the version before it."""
    specifications: tuple[dict[str, Any], ...]
    """What the version's deployment had before it."""
    serving: frozenset[str]
    """Versions that were ACTIVE before it."""
    uid: str
    witnessed: bool
    """Whether the process that asked had seen the version deployed itself, since it was last gone for long."""
    may_still_come: bool
    """Whether an earlier POST of the version was still running."""
    gone_at: float | None
    """When the version's deployment went last."""


@dataclass(slots=True)
class Operator:
    """One operator process; `restart` makes the next one."""

    cluster: Cluster
    account: Account
    has_key: bool = True
    quiet: bool = False
    chance: Chance = field(default_factory=Chance)
    writes: list[Write] = field(default_factory=list)
    kube_writes: int = 0
    memories: dict[str, Memory] = field(default_factory=dict)
    sightings: Sightings = field(default_factory=lambda: Sightings(TIMING.redeploy_settle))
    stale: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Objects that an old list showed after a restart, until something newer of them is seen."""
    witnessed: set[str] = field(default_factory=set)
    """Versions that this process has seen deployed."""
    last: dict[str, Decision] = field(default_factory=dict)

    def restart(self, *, stale: dict[str, dict[str, Any]] | None = None) -> None:
        """Forget all; perhaps begin with an old list."""
        self.memories, self.last = {}, {}
        self.sightings = Sightings(TIMING.redeploy_settle)
        self.stale = stale or {}
        self.witnessed = set()

    def look_at_all(self, chance: Chance) -> None:
        """Look at each resource once."""
        self.chance = chance
        try:
            for name in sorted({*self.cluster.objects, *self.stale}):
                self.look(name)
            self.stale = {}  # by the next look the watch has caught up
        except Crash:
            self.restart()

    def look(self, name: str) -> None:
        """Look at one resource, again at once while the decision asks for that."""
        for _ in range(20):
            obj = self.stale.get(name) or self.cluster.read(name)
            if obj is None:
                return
            try:
                decision = self._reconcile(name, Resource.read(obj))
            except Stale:
                self.stale.pop(name, None)
                continue
            self.last[name] = decision
            if decision.requeue != 0.0:
                return
        raise AssertionError(f"{name}: the operator goes round in circles: {self.last[name]}")

    def _reconcile(self, name: str, resource: Resource) -> Decision:
        memory = self.memories.get(resource.uid) or Memory(uid=resource.uid)
        self.memories[resource.uid] = memory
        situation = self._observe(resource, memory)
        while True:
            decision = decide(situation)
            action = decision.action
            if action is None:
                break
            if situation.wrote is not None and not isinstance(action, DropFinalizer):
                decision = unfinished(situation)
                break
            situation = self._carry_out(name, situation, action, memory)
            if isinstance(action, DropFinalizer):
                if situation.resource.deleting:
                    return Decision()
                situation = dataclasses.replace(situation, wrote=None)
        memory.ended(self.account.now, wait=decision.requeue if decision.backoff else None)
        status = report(situation, decision).to_dict()
        was = dict(situation.resource.recorded)
        if status != was:
            self._kube(lambda: self.cluster.patch_status(name, resource.uid, was, status))
            self.stale.pop(name, None)
        return decision

    def _observe(self, resource: Resource, memory: Memory) -> Situation:
        base = Situation(resource=resource, now=START + timedelta(seconds=self.account.now), timing=TIMING)
        if resource.spec is None or (resource.deleting and not needs_nvcf(resource)):
            return base
        if not self.has_key:
            return dataclasses.replace(base, access=TROUBLES["no key"])
        intent = resource.open_intent
        if intent is None:
            memory.intent_seen = None
        elif memory.intent_seen is None or memory.intent_seen[0] != intent.token:
            memory.intent_seen = (intent.token, self.account.now)
        versions, holder = versions_of_interest(resource), None
        if not resource.deleting:
            others = [Resource.read(item) for item in self.cluster.objects.values()]
            rivals = [other for other in others if other.uid != resource.uid]
            holder = other_holder(resource, resource.wanted_version, rivals, base_url=BASE_URL, places={})
            if holder is not None:
                versions = tuple(version for version in versions if version != resource.wanted_version)
        proof = Proof.PROVEN if resource.status.account_id else Proof.NEVER_PINNED
        seen: dict[str, Sighting] = {}
        for version in versions:
            seen[version], doubt = self._get(version)
            if doubt:
                proof = Proof.MISMATCH if resource.status.account_id else Proof.NEVER_PINNED
        view = AccountView(proof, ACCOUNT if proof != Proof.MISMATCH else "other", f"print of {resource.uid}")
        situation = dataclasses.replace(base, sightings=seen, account=view, function=FunctionSeen.OURS, holder=holder)
        return self._remember(situation, memory)

    def _remember(self, situation: Situation, memory: Memory) -> Situation:
        now, target = self.account.now, self._target(situation.resource.wanted_version)
        lately = self.sightings.seen_lately(target, now)
        return dataclasses.replace(
            situation, memory=memory.recollection(now, patch_supported=True, version_seen_lately=lately)
        )

    def _target(self, version: str) -> Target:
        return (BASE_URL, FUNCTION, version)

    def _get(self, version: str) -> tuple[Sighting, bool]:
        """What GET says, and whether it was said to another account's key, which sees nothing."""
        self.chance.boundary()
        fault = self.chance.fault_of(READS)
        self.chance.boundary()
        if fault == "another account's key":
            return Absent(0.0), True
        if fault is not None:
            return Unseen(TROUBLES[fault]), False
        row = self.account.rows.get(version)
        if row is None:
            return Absent(self.sightings.missed(self._target(version), self.account.now)), False
        self.sightings.saw(self._target(version), self.account.now)
        self.witnessed.add(version)
        return Present(row.shown()), False

    def _carry_out(self, name: str, situation: Situation, action: Action, memory: Memory) -> Situation:
        resource = situation.resource
        match action:
            case TakeFinalizer():
                return self._patched(name, situation, [*resource.finalizers, names.FINALIZER], None)
            case DropFinalizer():
                left = [item for item in resource.finalizers if item != names.FINALIZER]
                return dataclasses.replace(self._patched(name, situation, left, None), wrote=action)
            case Create():
                return self._create(name, situation, action, memory)
            case _:
                self._prove_current(name, resource)
                memory.last_write_at = self.account.now
                if isinstance(action, Change):
                    return self._change(name, situation, action, memory)
                return self._undeploy(name, situation, action, memory)

    def _create(self, name: str, situation: Situation, action: Create, memory: Memory) -> Situation:
        resource, version = situation.resource, action.function_version_id
        intent = Intent(resource.uid, version, f"token-{self.cluster.version}")
        takes = action.take_finalizer and not resource.has_finalizer
        finalizers = [*resource.finalizers, names.FINALIZER] if takes else None
        situation = self._patched(name, situation, finalizers, intent.dump())
        self._asked("POST", version, name, action)
        self.chance.boundary()
        fault, body = self.chance.fault_of(WRITES), body_of(action.specifications)
        if fault == "lost, slow":
            self.account.post_later(version, body)
        made = self.account.post(version, body) if fault in (None, "lost, done") else None
        self.chance.boundary()
        memory.intent_seen = (intent.token, self.account.now)
        if fault is None and made is not None:
            self.sightings.saw(self._target(version), self.account.now)
            self.witnessed.add(version)
            seen = {**situation.sightings, version: Present(made.shown())}
            situation = self._remember(situation, memory)
            return dataclasses.replace(situation, sightings=seen, wrote=action, answered_intent=intent.token)
        refused = fault == "refused" or (fault is None and made is None)
        situation = dataclasses.replace(
            situation,
            failure=TROUBLES["refused" if refused else "lost"],
            answered_intent=intent.token if refused else None,
        )
        return self._again(situation, version, memory)

    def _change(self, name: str, situation: Situation, action: Change, memory: Memory) -> Situation:
        version = action.function_version_id
        seen = situation.sighting(version)
        assert isinstance(seen, Present)
        assert isinstance(action.change, Patch), "the model's server has PATCH, and concurrency is left out"
        self._asked("PATCH", version, name, action)
        self.chance.boundary()
        fault = self.chance.fault_of(WRITES)
        done = self.account.patch(version, action.change) if fault in (None, "lost, done") else False
        self.chance.boundary()
        if fault is not None or not done:
            return dataclasses.replace(situation, failure=TROUBLES["refused" if fault == "refused" else "lost"])
        memory.verify_at = self.account.now + TIMING.redeploy_settle
        raised = raises_minimum(action.change, tuple(seen.deployment.deployment_specifications))
        memory.raised_minimum = memory.raised_minimum or raised
        shown = self.account.rows[version].shown()
        after = dataclasses.replace(situation, sightings={**situation.sightings, version: Present(shown)}, wrote=action)
        return self._remember(after, memory)

    def _undeploy(self, name: str, situation: Situation, action: Undeploy, memory: Memory) -> Situation:
        version = action.function_version_id
        self._asked("DELETE", version, name, action)
        self.chance.boundary()
        fault = self.chance.fault_of(WRITES)
        if fault in (None, "lost, done"):
            self.account.delete(version, graceful=action.graceful)
        self.chance.boundary()
        if fault is not None:
            return dataclasses.replace(situation, failure=TROUBLES["refused" if fault == "refused" else "lost"])
        self.sightings.saw(self._target(version), self.account.now)
        memory.undeploys[version] = self.account.now
        return self._again(dataclasses.replace(situation, wrote=action), version, memory)

    def _again(self, situation: Situation, version: str, memory: Memory) -> Situation:
        seen, _ = self._get(version)
        return self._remember(dataclasses.replace(situation, sightings={**situation.sightings, version: seen}), memory)

    def _patched(self, name: str, situation: Situation, finalizers: list[str] | None, intent: str | None) -> Situation:
        known = situation.resource.resource_version
        obj = self._kube(lambda: self.cluster.patch_metadata(name, known, finalizers=finalizers, intent=intent))
        return dataclasses.replace(situation, resource=Resource.read(obj))

    def _prove_current(self, name: str, resource: Resource) -> None:
        self.chance.boundary()
        obj = self.cluster.read(name)
        if obj is None or obj["metadata"]["resourceVersion"] != resource.resource_version:
            raise Stale(name)

    def _kube(self, write: Any) -> Any:
        self.chance.boundary()
        self.kube_writes += 1
        answer = write()
        self.chance.boundary()
        return answer

    def _asked(self, kind: str, version: str, name: str, action: Action) -> None:
        row, latest = self.account.rows.get(version), self.cluster.read(name)
        self.writes.append(
            Write(
                at=self.account.now,
                kind=kind,
                version=version,
                latest=latest,
                action=action,
                status=row.status if row is not None else None,
                specifications=tuple(dict(item) for item in row.specifications) if row is not None else (),
                serving=frozenset(v for v, item in self.account.rows.items() if item.status == "ACTIVE"),
                uid=latest["metadata"]["uid"] if latest is not None else "",
                witnessed=version in self.witnessed,
                may_still_come=self.account.may_still_come(version),
                gone_at=self.account.gone_at.get(version),
            )
        )
