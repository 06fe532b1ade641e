"""A story's world and what is checked in it after each step; its steps are in `story`."""

import random
from collections import Counter
from typing import Any

from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine

from nvcf_operator.api import names
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.decision import Purpose, Undeploy
from nvcf_operator.core.model.reasons import Reason
from tests.property import user_actions
from tests.property.books import Books
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster, has_our_finalizer, on_record
from tests.property.nvcf_model import Account
from tests.property.operator_process import SETTINGS, OperatorProcess
from tests.property.oracle_of_writes import violations
from tests.support.kstatus import kstatus

SQUATTERS = "squatters"
"""The Secret that squatters name."""

KEYS = [Key("team", "echo"), Key("team", "other"), Key("team-b", "echo")]

NEEDS_A_USER = {
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


class World(RuleBasedStateMachine):
    """One cluster, one account, one operator after another."""

    calm = False
    """Whether the chances of the steps are left out."""
    hindered = False
    """Whether pace and words are held against what a resource that cannot go on is owed."""

    settings = SETTINGS
    """Of the operator."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.account = Account(random.Random(0))
        self.operator = OperatorProcess(self.cluster, self.account, settings=self.settings)
        self.books = Books(self.cluster, self.account)
        self.saved: dict[Key, user_actions.Saved] = {}
        """Objects as somebody has saved them once."""
        self.requests: set[tuple[str, str]] = set()
        """Uid and token of each request that a user has made."""
        self.token = 0

    def teardown(self) -> None:
        """Let faults end, and see that the account becomes what the manifests say."""
        try:
            self._end()
        finally:
            self.operator.close()

    def _end(self) -> None:
        note("quiet from here on")
        self.operator.has_key, self.account.quiet = True, True
        self.cluster.refuses, self.cluster.slow = "", 0.0
        self.account.fates, self.account.queues, self.account.posts = {}, {}, {}
        self.account.odd, self.account.failing = {}, frozenset()
        self.operator.missing &= self._never_there()
        for _ in range(
            2 if self.hindered else 1
        ):  # again, for what a POST of long ago has written over another meanwhile
            for key in self.cluster.objects:
                self._ask(key, names.RECONCILE_REQUESTED_ANNOTATION)
            for _ in range(90):
                before, late = self._writes(), bool(self.account.running)
                self._live(40.0, Chance())
                if before == self._writes() and not self.operator.waits and not self.account.running:
                    break
            if not late:
                break
        before = self._writes()
        self._live(300.0, Chance())
        assert before == self._writes(), self._picture("not silent")
        self._is_as_the_manifests_say()

    def _writes(self) -> tuple[int, int]:
        return self.operator.kube_writes, len(self.operator.writes)

    def _is_as_the_manifests_say(self) -> None:
        wanted: set[str] = set()
        for key, obj in self.cluster.objects.items():
            assert "deletionTimestamp" not in obj["metadata"], self._picture(f"{key} is still there")
            status, spec = obj["status"], obj["spec"]
            ready = next(item for item in status["conditions"] if item["type"] == "Ready")
            if self.operator.lacks_a_key(key):
                known = {Reason.SECRET_NOT_FOUND, Reason.SUSPENDED, Reason.OBSERVING}
                assert ready["reason"] in known, self._picture(f"{key} has no key, and reports {ready['reason']}")
                continue
            if ready["reason"] == Reason.CONFLICT:
                assert self._has_a_rival(key), self._picture(f"{key} waits for nobody who could deploy")
            if ready["reason"] in NEEDS_A_USER:
                wanted |= {spec["functionVersionId"], *on_record(obj)}  # what it holds is left as it is
                continue
            assert ready["status"] == "True", self._picture(f"{key} is not Ready")
            row = self.account.rows[spec["functionVersionId"]]
            assert row.status == "ACTIVE", self._picture(str(key))
            assert not row.stale, self._picture(f"{key} takes an earlier deployment's row for its own")
            has = {item["instanceType"]: item for item in row.specifications}
            for wants in spec["deploymentSpecifications"]:
                found = has.get(wants["instanceType"], {})
                assert wants.items() <= found.items(), self._picture(f"{key} is not as specified")
            wanted.add(spec["functionVersionId"])
        leaked = self.books.leaked(wanted)
        assert not leaked, self._picture(f"{leaked} run for nobody")

    def _never_there(self) -> set[str]:
        """The squatters' Secret, where nobody who names it may hold anything: it stays away in the end as well."""
        squatters = [obj for key, obj in self.cluster.objects.items() if self.operator.lacks_a_key(key)]
        held = any(has_our_finalizer(obj) or on_record(obj) for obj in squatters)
        return set() if held or any("deletionTimestamp" in obj["metadata"] for obj in squatters) else {SQUATTERS}

    def _has_a_rival(self, key: Key) -> bool:
        version = self.cluster.objects[key]["spec"]["functionVersionId"]
        others = [(other, obj) for other, obj in self.cluster.objects.items() if other != key]
        able = [obj for other, obj in others if not self.operator.lacks_a_key(other)]
        return any(version in {obj["spec"]["functionVersionId"], *on_record(obj)} for obj in able)

    def _key(self, which: int) -> Key | None:
        there = sorted(self.cluster.objects)
        return there[which % len(there)] if there else None

    def _uid(self, key: Key) -> str:
        return str(self.cluster.objects[key]["metadata"]["uid"])

    def _deleting(self, key: Key) -> bool:
        return "deletionTimestamp" in self.cluster.objects[key]["metadata"]

    def _edited(self, key: Key, **changes: Any) -> None:
        if self.cluster.edit(key, **changes):
            self._asked(self._uid(key))

    def _ask(self, key: Key, annotation: str) -> None:
        self.token += 1
        self.cluster.annotate(key, annotation, str(self.token))
        self.requests.add((self._uid(key), str(self.token)))
        self._asked(self._uid(key))

    def _asked(self, uid: str) -> None:
        self.operator.asked_at[uid] = self.account.now
        self.operator.asks[uid] += 1

    def _does(self, key: Key, what: str) -> None:
        """A user's or a tool's doing, if it can be done to the object as it is."""
        self.cluster.now = self.account.now
        obj = self.cluster.objects.get(key)
        if obj is None:
            return
        uid = obj["metadata"]["uid"]
        match what:
            case "delete":
                self.cluster.delete(key)
            case "force away":
                self.books.let_go.add(uid)
                user_actions.forced_away(self.cluster, key)
            case "strip":
                self.books.let_go.add(uid)
                user_actions.stripped(self.cluster, key)
            case "replace" if not self._deleting(key):
                self.books.let_go.add(uid)
                user_actions.replaced(self.cluster, key)
            case "apply what was saved" if key in self.saved and not self._deleting(key):
                self.books.let_go.add(uid)
                saved = self.saved[key]
                user_actions.applied(self.cluster, key, saved)
                old = saved["metadata"]["annotations"].get(names.REDEPLOY_REQUESTED_ANNOTATION)
                if old is not None:
                    self.requests.add((uid, old))
                self._asked(uid)
            case "wipe the status":
                self.books.wiped(key)
                self.operator.tampered.add(uid)
                self.cluster.set_status(key, {"observedGeneration": -1})

    def _step(self, said: str, chance: Chance, seconds: float = 0.0, *, always: bool = False) -> None:
        writes = len(self.operator.writes)
        chance = Chance() if self.calm and not always else chance
        chance.does = self._does
        note(f"{self.account.now:6.0f} s: {said}{chance.described}")
        self._live(seconds, chance)
        note(f"              {self._record()}")
        tally["steps"] += 1
        eventful = len(self.operator.writes) > writes or chance.met or chance.crashed
        tally["wrote"] += len(self.operator.writes) > writes
        tally["met a fault"] += chance.met
        tally["crashed"] += chance.crashed
        tally["eventful"] += eventful

    def _live(self, seconds: float, chance: Chance) -> None:
        """Let time pass, and the operator reconcile as often as it wants to, and at each poll."""
        end = self.account.now + seconds
        self._reconcile(chance, at_all=True)
        self.operator.traffic.begins(self.account.now, self.operator.number)
        while self.account.now < end:
            self.account.advance(max(1.0, min(self.operator.due_in, end - self.account.now)))
            self._reconcile(chance, at_all=False)

    def _reconcile(self, chance: Chance, *, at_all: bool) -> None:
        self.cluster.now = self.account.now
        self.books.keep(self.operator)
        start, noted = len(self.operator.writes), len(self.operator.notes.taken)
        before = list(self.cluster.objects.values())
        if at_all:
            self.operator.traffic.forced()
        lives = self.operator.reconcile(chance, at_all=at_all)
        for place in range(start, len(self.operator.writes)):
            write = self.operator.writes[place]
            note(f"{write.at:6.0f} s:     {write.kind} {write.version[-1]} ({write.deployment_id})")
            wrong = violations(write, self.operator.writes[:place])
            if isinstance(write.action, Undeploy) and write.action.purpose == Purpose.REQUESTED and write.latest:
                token = write.latest["metadata"]["annotations"].get(names.REDEPLOY_REQUESTED_ANNOTATION)
                if (write.uid, token) not in self.requests:
                    wrong.append(f"DELETE of {write.version} by a request that was made of another object")
            assert not wrong, self._picture("; ".join(wrong))
            mends = isinstance(write.action, Undeploy) and write.action.purpose == Purpose.STALE
            if write.answered and lives and mends:
                notes = [item for _, item in self.operator.notes.taken[noted:]]
                assert any(n.reason == Reason.LEFT_BEHIND for n in notes), self._picture("a loss was not reported")
        if not lives:
            self.books.process_ended()
        self.books.keep(self.operator)
        alive = {obj["metadata"]["uid"] for obj in self.cluster.objects.values()}
        for obj in before:
            if obj["metadata"]["uid"] not in alive:
                left = self.books.released_too_early(obj)
                assert not left, self._picture(f"{obj['metadata']['name']} is released, and {left} run on")
        if not lives:
            self.operator.traffic.begins(self.account.now, self.operator.number)
        for obj in self.cluster.objects.values():
            self._is_reported_well(obj)
            if self.hindered:
                self._is_well_paced(obj)

    def _is_well_paced(self, obj: dict[str, Any]) -> None:
        traffic, uid = self.operator.traffic, obj["metadata"]["uid"]
        wrong = traffic.violations(uid, self.account.now)
        assert not wrong, self._picture("; ".join(wrong))
        refuses = self.cluster.refuses in ("status", "all", "everything")
        events = refuses and any(
            note.reason == Reason.WRITE_REFUSED and resource.uid == uid for resource, note in self.operator.notes.taken
        )
        reported = traffic.is_reported(obj, self.account.now, by_events=events)
        assert reported, self._picture(f"nothing reports what keeps {obj['metadata']['name']}")

    def _is_reported_well(self, obj: dict[str, Any]) -> None:
        conditions = {item["type"]: item for item in obj["status"].get("conditions", [])}
        if not conditions:
            return
        row = self.account.rows.get(obj["status"].get("functionVersionId", ""))
        own = row is not None and row.stale and row.deployment_id == obj["status"].get("deploymentId")
        if own and self.calm and conditions["Ready"]["reason"] in (Reason.ACTIVE, Reason.DEPLOYING):
            raise AssertionError(self._picture("an earlier deployment's row is taken for the one made since"))
        true = {kind for kind, item in conditions.items() if item["status"] == "True"}
        assert not {"Reconciling", "Stalled"} <= true, self._picture("Reconciling and Stalled")
        assert not {"Reconciling", "Ready"} <= true, self._picture("Reconciling and Ready")
        assert not {"Stalled", "Ready"} <= true, self._picture("Stalled and Ready")
        assert kstatus(obj) in ("Current", "InProgress", "Failed", "Terminating")

    def _record(self) -> str:
        """What NVCF has, and what each resource's record holds, in one line."""
        rows = self.account.rows.values()
        parts = [" ".join(f"{row.version[-1]}:{row.status}({row.deployment_id})" for row in rows)]
        parts += [f"{post.version[-1]} comes" for post in self.account.running]
        for key, obj in self.cluster.objects.items():
            status = obj["status"]
            main, coming = status.get("functionVersionId"), (status.get("incoming") or {}).get("functionVersionId")
            leaving = [item["functionVersionId"][-1] for item in status.get("retiring", [])]
            intent = status.get("intent")
            open_intent = intent is not None and not intent.get("answered")
            parts.append(
                f"{key}: {(main or '-')[-1]} {status.get('functionStatus')}({status.get('deploymentId')}), "
                f"incoming {(coming or '-')[-1]}, retiring {leaving}" + (", open intent" if open_intent else "")
            )
        return " | ".join(parts)

    def _picture(self, what: str) -> str:
        rows = {row.version[-1]: (row.deployment_id, row.status, row.made_for) for row in self.account.rows.values()}
        objects = {
            str(key): (obj["spec"]["functionVersionId"][-1], obj["status"], obj["metadata"])
            for key, obj in self.cluster.objects.items()
        }
        return f"{what}\n  NVCF: {rows}\n  cluster: {objects}"
