"""Random manifests, edits, faults, crashes and changes by others: the invariants hold after each step, and at the end
the account is as the manifests say."""

import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from nvcf_operator.api import names
from nvcf_operator.core.reasons import Reason
from operating.kstatus import kstatus
from property.cluster_model import Cluster
from property.nvcf_model import FUNCTION, GPU, Account
from property.operator_model import FAULTS, Chance, Operator
from property.oracle_of_writes import on_record, violations

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "350"))
STEPS = 50
PHASES = [Phase.generate] if "PROPERTY_QUICK" in os.environ else [Phase.generate, Phase.shrink]
VERSIONS = [f"7c1e0000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3)]
NAMES = ["echo", "other"]

POLL = 60.0
"""Seconds between two polls, each of which may lead to a look."""

NEEDS_A_PERSON = {
    Reason.IMMUTABLE_FIELD_CHANGED,
    Reason.ALREADY_DEPLOYED,
    Reason.CONFLICT,
    Reason.NOT_CONVERGING,
    Reason.SUSPENDED,
    Reason.OBSERVING,
}
"""Reasons under which a quiet world is not as the manifest says."""

tally: Counter[str] = Counter()
"""Steps in all, and those that wrote to NVCF, met a fault, or crashed."""

chances = st.builds(
    Chance,
    fault=st.sampled_from([None, *FAULTS]),
    fault_at=st.integers(0, 2),
    crash_at=st.none() | st.integers(0, 11),
)
which = st.integers(0, 1)
"""The place of a resource among those that exist, so that no step falls into the void."""
version = st.sampled_from(VERSIONS)


class Story(RuleBasedStateMachine):
    """One cluster, one account, one operator after another."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.account = Account(random.Random(0))
        self.operator = Operator(self.cluster, self.account)
        self.token = 0
        self.left_alone: set[str] = set()
        """Versions that a resource was told to leave as they are, at some time."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.account.chance = random.Random(seed)
        self.create(VERSIONS[0], Chance())

    @rule(of=version, chance=chances)
    def create(self, of: str, chance: Chance) -> None:
        name = next((name for name in NAMES if name not in self.cluster.objects), None)
        if name is not None:
            spec = {"functionId": FUNCTION, "functionVersionId": of, "deploymentSpecifications": [dict(GPU)]}
            self.cluster.create(name, spec, self.account.now)
            self._step(f"create {name} for {of[-1]}", chance)

    @rule(which=which, of=version, chance=chances)
    def change_version(self, which: int, of: str, chance: Chance) -> None:
        self._edit(which, chance, functionVersionId=of)

    @rule(which=which, most=st.integers(4, 6), chance=chances)
    def scale(self, which: int, most: int, chance: Chance) -> None:
        self._edit(which, chance, deploymentSpecifications=[{**GPU, "maxInstances": most}])

    @rule(which=which, gpu=st.sampled_from(["L40S", "H100"]), chance=chances)
    def change_gpu(self, which: int, gpu: str, chance: Chance) -> None:
        self._edit(which, chance, deploymentSpecifications=[{**GPU, "gpu": gpu}])

    @rule(
        which=which,
        order=st.sampled_from(["BlueGreen", "Recreate"]),
        immutable=st.sampled_from(["Reject", "Redeploy"]),
        deadline=st.sampled_from([60, 3600]),
        chance=chances,
    )
    def change_rollout(self, which: int, order: str, immutable: str, deadline: int, chance: Chance) -> None:
        rollout = {"versionChange": order, "immutableChange": immutable, "progressDeadlineSeconds": deadline}
        self._edit(which, chance, rollout=rollout)

    @rule(
        which=which,
        change=st.sampled_from(
            [
                {"suspend": True},
                {"suspend": False},
                {"deletionPolicy": "Retain"},
                {"deletionPolicy": "Delete"},
                {"adoptionPolicy": "Refuse"},
                {"managementPolicy": "Observe"},
                {"managementPolicy": "Manage"},
            ]
        ),
        chance=chances,
    )
    def change_policy(self, which: int, change: dict[str, Any], chance: Chance) -> None:
        self._edit(which, chance, **change)

    @rule(
        which=which,
        request=st.sampled_from([names.RECONCILE_REQUESTED_ANNOTATION, names.REDEPLOY_REQUESTED_ANNOTATION]),
        chance=chances,
    )
    def request(self, which: int, request: str, chance: Chance) -> None:
        if (name := self._name(which)) is not None:
            self.token += 1
            self.cluster.annotate(name, request, str(self.token))
            self._step(f"{request.rsplit('/')[-1]} of {name}", chance)

    @rule(which=which, chance=chances)
    def delete(self, which: int, chance: Chance) -> None:
        if (name := self._name(which)) is not None:
            self.cluster.delete(name)
            self._step(f"delete {name}", chance)

    @rule(of=version, fate=st.sampled_from(["run", "fail", "stay"]), queue=st.integers(0, 2))
    def decide_fate(self, of: str, fate: str, queue: int) -> None:
        self.account.fates[of], self.account.queues[of] = fate, queue
        note(f"version {of[-1]} will {fate}, {queue} queued")

    @rule(which=which, chance=chances)
    def undeploy_outside(self, which: int, chance: Chance) -> None:
        if self.account.rows:
            of = sorted(self.account.rows)[which % len(self.account.rows)]
            self.account.undeploy_outside(of)
            self._step(f"somebody undeploys {of[-1]}", chance)

    @rule(which=which, most=st.integers(7, 9), chance=chances)
    def scale_outside(self, which: int, most: int, chance: Chance) -> None:
        if self.account.rows:
            of = sorted(self.account.rows)[which % len(self.account.rows)]
            for item in self.account.rows[of].specifications:
                item["maxInstances"] = most
            self._step(f"somebody scales {of[-1]}", chance)

    @rule(seconds=st.sampled_from([1, 5, 15, 30, 60, 80, 300]), chance=chances)
    def wait(self, seconds: float, chance: Chance) -> None:
        self._step(f"{seconds} s pass", chance, seconds)

    @rule(lost=st.booleans())
    def lose_or_restore_the_key(self, lost: bool) -> None:
        self.operator.has_key = not lost
        self._step("the Secret is gone" if lost else "the Secret is back", Chance())

    @rule(of=version, most=st.integers(4, 6), chance=chances)
    def restart_with_an_old_list(self, of: str, most: int, chance: Chance) -> None:
        old = {name: obj for name in self.cluster.objects if (obj := self.cluster.read(name)) is not None}
        for which in range(len(old)):
            specifications = [{**GPU, "maxInstances": most}]
            self._edit(which, Chance(), functionVersionId=of, deploymentSpecifications=specifications)
        self.operator.restart(stale=old)
        self._step("a restart, and its first list shows all as it was before that", chance)

    def teardown(self) -> None:
        """Let faults end, and see that the account becomes what the manifests say."""
        note("quiet from here on")
        self.operator.has_key, self.account.quiet = True, True
        self.account.fates, self.account.queues = {}, {}
        for name in self.cluster.objects:
            self.token += 1
            self.cluster.annotate(name, names.RECONCILE_REQUESTED_ANNOTATION, str(self.token))
        for _ in range(60):
            before = self.operator.kube_writes, len(self.operator.writes)
            self._live(40.0, Chance())
            if before == (self.operator.kube_writes, len(self.operator.writes)) and not self._waits():
                break
        self._is_silent()
        self._is_as_the_manifests_say()

    def _waits(self) -> bool:
        """Whether a decision waits for something that ends by itself within a settle or two."""
        decisions = [self.operator.last[name] for name in self.cluster.objects if name in self.operator.last]
        return any(item.busy or (item.requeue is not None and item.requeue <= 150.0) for item in decisions)

    def _is_silent(self) -> None:
        before = self.operator.kube_writes, len(self.operator.writes)
        self._live(300.0, Chance())
        assert before == (self.operator.kube_writes, len(self.operator.writes)), self._picture("not silent")

    def _is_as_the_manifests_say(self) -> None:
        wanted: set[str] = set()
        for name, obj in self.cluster.objects.items():
            assert "deletionTimestamp" not in obj["metadata"], self._picture(f"{name} is still there")
            status, spec = obj["status"], obj["spec"]
            ready = next(item for item in status["conditions"] if item["type"] == "Ready")
            if ready["reason"] in NEEDS_A_PERSON:
                wanted |= {spec["functionVersionId"], *on_record(obj)}  # what it holds is left as it is
                continue
            assert ready["status"] == "True", self._picture(f"{name} is not Ready")
            row = self.account.rows[spec["functionVersionId"]]
            assert row.status == "ACTIVE", self._picture(name)
            for has, wants in zip(row.specifications, spec["deploymentSpecifications"], strict=True):
                assert wants.items() <= has.items(), self._picture(f"{name} is not as specified")
            wanted.add(spec["functionVersionId"])
        left = set(self.account.rows) - wanted - self.left_alone
        assert not left, self._picture(f"{left} run for nobody")

    def _name(self, which: int) -> str | None:
        there = sorted(self.cluster.objects)
        return there[which % len(there)] if there else None

    def _edit(self, which: int, chance: Chance, **changes: Any) -> None:
        name = self._name(which)
        if name is not None and "deletionTimestamp" not in self.cluster.objects[name]["metadata"]:
            self.cluster.edit(name, **changes)
            self._step(f"edit {name}: {changes}", chance)

    def _step(self, told: str, chance: Chance, seconds: float = 0.0) -> None:
        writes = len(self.operator.writes)
        fault = f"; {chance.fault} at call {chance.fault_at}" if chance.fault else ""
        crash = f"; crash at boundary {chance.crash_at}" if chance.crash_at is not None else ""
        note(f"{self.account.now:6.0f} s: {told}{fault}{crash}")
        self._live(seconds, chance)
        note(f"              {self._record()}")
        tally["steps"] += 1
        eventful = len(self.operator.writes) > writes or chance.met or chance.crashed
        tally["wrote"] += len(self.operator.writes) > writes
        tally["met a fault"] += chance.met
        tally["crashed"] += chance.crashed
        tally["eventful"] += eventful

    def _live(self, seconds: float, chance: Chance) -> None:
        """Let time pass, and the operator look as often as its decisions ask for, and at each poll."""
        end = self.account.now + seconds
        self._look(chance)
        while self.account.now < end:
            waits = [item.requeue for item in self.operator.last.values() if item.requeue is not None]
            pause = max(1.0, min([POLL, end - self.account.now, *waits]))
            self.account.advance(pause)
            self._look(chance)

    def _look(self, chance: Chance) -> None:
        self._note_left_alone()
        start = len(self.operator.writes)
        self.operator.look_at_all(chance)
        for write in self.operator.writes[start:]:
            note(f"{write.at:6.0f} s:     {write.kind} {write.version[-1]}")
            wrong = violations(write)
            assert not wrong, self._picture("; ".join(wrong))
        for obj in self.cluster.objects.values():
            self._is_well_told(obj)

    def _note_left_alone(self) -> None:
        for obj in self.cluster.objects.values():
            policies = (obj["spec"].get("deletionPolicy"), obj["spec"].get("managementPolicy"))
            if "Retain" in policies or "Observe" in policies:
                self.left_alone |= {obj["spec"]["functionVersionId"], *on_record(obj)}

    def _is_well_told(self, obj: dict[str, Any]) -> None:
        conditions = {item["type"]: item for item in obj["status"].get("conditions", [])}
        if not conditions:
            return
        true = {kind for kind, item in conditions.items() if item["status"] == "True"}
        assert not {"Reconciling", "Stalled"} <= true, self._picture("Reconciling and Stalled")
        assert not {"Reconciling", "Ready"} <= true, self._picture("Reconciling and Ready")
        assert not {"Stalled", "Ready"} <= true, self._picture("Stalled and Ready")
        assert kstatus(obj) in ("Current", "InProgress", "Failed", "Terminating")

    def _record(self) -> str:
        """What NVCF has, and what each resource's record holds, in one line."""
        told = [" ".join(f"{row.version[-1]}:{row.status}" for row in self.account.rows.values())]
        for name, obj in self.cluster.objects.items():
            status = obj["status"]
            main, coming = status.get("functionVersionId"), (status.get("incoming") or {}).get("functionVersionId")
            leaving = [item["functionVersionId"][-1] for item in status.get("retiring", [])]
            shown = status.get("functionStatus")
            intent = obj["metadata"]["annotations"].get(names.INTENT_ANNOTATION)
            open_intent = intent is not None and json.loads(intent)["token"] != status.get("intent")
            told.append(
                f"{name}: {(main or '-')[-1]} {shown}, incoming {(coming or '-')[-1]}, retiring {leaving}"
                + (", open intent" if open_intent else "")
            )
        return " | ".join(told)

    def _picture(self, what: str) -> str:
        rows = {row.version[-1]: row.status for row in self.account.rows.values()}
        told = {
            name: (obj["spec"]["functionVersionId"][-1], obj["status"], obj["metadata"]["finalizers"])
            for name, obj in self.cluster.objects.items()
        }
        return f"{what}\n  NVCF: {rows}\n  cluster: {told}"


@pytest.fixture
def tallied() -> Iterator[None]:
    """Count from nothing, and print the count."""
    tally.clear()
    yield
    print(dict(tally))


def test_random_stories_end_as_the_manifests_say(tallied: None) -> None:
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="PROPERTY_EXAMPLES" not in os.environ,
            database=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert tally["steps"] >= 10_000 * EXAMPLES / 350, tally
    assert tally["eventful"] * 3 >= tally["steps"], tally
