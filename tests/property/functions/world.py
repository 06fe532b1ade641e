"""One cluster, one account, one operator after another, and what holds at each moment of a story of functions."""

import random
from typing import Any

from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from tests.property import user_actions
from tests.property.both_kinds import BothKinds
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster, own_status
from tests.property.function_writes import FunctionWrite
from tests.property.functions import pictures
from tests.property.functions.oracle_of_deployments import of_deployment
from tests.property.functions.oracle_of_followers import following
from tests.property.nvcf_model import Account
from tests.property.oracle_of_versions import violations
from tests.property.registry_model import Registry
from tests.property.stories import tally
from tests.support.kstatus import kstatus

FUNCTIONS = [Key("team", "llama", CLOUD_FUNCTION), Key("team", "mistral", CLOUD_FUNCTION)]
COPY = Key("team-b", "llama", CLOUD_FUNCTION)
DEPLOYMENTS = [Key("team", "echo"), Key("team", "other")]


class World(RuleBasedStateMachine):
    """What a story is about, and how it goes on."""

    calm = False
    """Whether the chances of the steps are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.account = Account(random.Random(0), quiet=True)
        self.registry = Registry(self.account)
        self.operator = BothKinds(self.cluster, self.account, self.registry)
        self.violated = False
        """Whether something is wrong, so that the end would only hide it."""
        self.token = 0
        self.left: set[str] = set()
        """Uids of objects whose versions are left behind rightly."""
        self.latest: dict[str, dict[str, Any]] = {}
        """What each object's status has named as the latest version, by uid."""
        self.edited: dict[str, float] = {}
        """When each object's manifest was edited last, by uid."""
        self.values: list[str] = []
        """The values that secrets had."""

    def teardown(self) -> None:
        """Let faults end, and see that all becomes what the manifests say, unless a violation was found before."""
        try:
            if not self.violated:
                self._end()
        finally:
            self.operator.close()

    def _end(self) -> None:
        """Let faults end, and check what has become of everything."""

    def _function(self, which: int) -> Key:
        """A CloudFunction that is there, if there is any."""
        there = sorted(key for key in self.cluster.objects if key.kind == CLOUD_FUNCTION)
        return there[which % len(there)] if there else FUNCTIONS[0]

    def _now(self) -> None:
        self.cluster.now = self.account.now

    def _alive(self) -> dict[str, Key]:
        return {obj["metadata"]["uid"]: key for key, obj in self.cluster.objects.items()}

    def _restart(self) -> None:
        self.operator.restart()
        self._process_ended()

    def _process_ended(self) -> None:
        """With a process goes what it alone knew: the POSTs of objects that are gone."""
        alive = self._alive()
        self.left |= {item.made_for for item in self.registry.rows.values() if item.made_for not in alive}

    def _edit(self, key: Key, chance: Chance, **changes: Any) -> None:
        """A user's change of a manifest; None takes a member out."""
        obj = self.cluster.objects.get(key)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            return
        self._now()
        if self.cluster.set_spec(key, {n: value for n, value in (obj["spec"] | changes).items() if value is not None}):
            self.edited[obj["metadata"]["uid"]] = self.account.now
        self._step(f"edit {key}: {changes}", chance)

    def _does(self, key: Key, what: str) -> None:
        """A user's or a tool's doing, if the object is there."""
        self._now()
        obj = self.cluster.objects.get(key)
        if obj is None:
            return
        uid = obj["metadata"]["uid"]
        match what:
            case "delete":
                self.cluster.delete(key)
            case "strip":
                self.left.add(uid)
                held = [item for item in obj["metadata"]["finalizers"] if item != key.kind.finalizer]
                self.cluster.set_finalizers(key, held)
            case "force away":
                self.left.add(uid)
                user_actions.forced_away(self.cluster, key)
            case "wipe the status":
                self.left.add(uid)
                self.operator.tampered.add(uid)
                self.cluster.set_status(key, {"observedGeneration": -1})
            case "rotate a secret":
                self._rotate(0)

    def _rotate(self, which: int) -> None:
        """Change the value of a secret."""

    # How the world goes on.

    def _step(self, said: str, chance: Chance, seconds: float = 0.0, *, always: bool = False) -> None:
        chance = Chance() if self.calm and not always else chance
        chance.does = self._does
        note(f"{self.account.now:6.0f} s: {said}{chance.described}")
        writes = len(self.operator.function_writes) + len(self.operator.writes)
        self._live(seconds, chance)
        note(f"              {pictures.line(self)}")
        tally["steps"] += 1
        tally["wrote"] += len(self.operator.function_writes) + len(self.operator.writes) > writes
        tally["crashed"] += chance.crashed

    def _live(self, seconds: float, chance: Chance) -> None:
        end = self.account.now + seconds
        self._reconcile(chance, at_all=True)
        while self.account.now < end:
            self.account.advance(max(1.0, min(self.operator.due_in, end - self.account.now)))
            self._reconcile(chance, at_all=False)

    def _reconcile(self, chance: Chance, *, at_all: bool) -> None:
        self._now()
        for key, obj in self.cluster.objects.items():
            spec = obj["spec"]
            if key.kind == CLOUD_FUNCTION and (
                spec.get("deletionPolicy") == "Retain" or spec.get("managementPolicy") == "Observe"
            ):
                self.left.add(obj["metadata"]["uid"])
        versions, deployments = len(self.operator.function_writes), len(self.operator.writes)
        noted = len(self.operator.notes.taken)
        try:
            lives = self.operator.reconcile(chance, at_all=at_all)
        finally:  # what it writes in circles says more than that it goes round in circles
            self._check_writes(versions, deployments)
        if not lives:
            self._process_ended()
        for key, obj in self.cluster.objects.items():
            self._is_reported_well(obj)
            if key.kind == CLOUD_FUNCTION:
                self._follows_one(obj)
        self._shows_no_value([note.message for _, note in self.operator.notes.taken[noted:]])

    def _check_writes(self, versions: int, deployments: int) -> None:
        written = self.operator.function_writes
        for place in range(versions, len(written)):
            note(f"{written[place].at:6.0f} s:     {_described(written[place])}")
            wrong = violations(written[place], written[:place])
            assert not wrong, pictures.of(self, "; ".join(wrong))
        for place in range(deployments, len(self.operator.writes)):
            write, asked = self.operator.writes[place], self.operator.deployments_asked[place]
            note(f"{write.at:6.0f} s:     {write.kind} of the deployment of {write.version[-3:]}")
            wrong = [*following(write, self.registry), *of_deployment(write, asked, self.cluster.secrets)]
            assert not wrong, pictures.of(self, "; ".join(wrong))

    def _follows_one(self, obj: dict[str, Any]) -> None:
        """One version of a template is used, however many there are."""
        uid, latest = obj["metadata"]["uid"], own_status(obj).get("latest")
        if latest is None:
            return
        before = self.latest.get(uid)
        self.latest[uid] = latest
        if before is None or uid in self.operator.tampered or latest["versionId"] == before["versionId"]:
            return
        old = self.registry.there(before["versionId"])
        if old is None or old.mark is None:
            return
        same = [(item["hash"], item.get("revision")) for item in (before, latest)]
        assert same[0] != same[1], pictures.of(
            self, "another version of the same template takes the place of one in use"
        )

    def _is_reported_well(self, obj: dict[str, Any]) -> None:
        conditions = {item["type"]: item for item in obj["status"].get("conditions", [])}
        true = {kind for kind, item in conditions.items() if item["status"] == "True"}
        for pair in ({"Reconciling", "Stalled"}, {"Reconciling", "Ready"}, {"Stalled", "Ready"}):
            assert not pair <= true, pictures.of(self, " and ".join(sorted(pair)))
        if conditions:
            assert kstatus(obj) in ("Current", "InProgress", "Failed", "Terminating")

    def _shows_no_value(self, messages: list[str]) -> None:
        """The values of secrets are in no status and no Event."""
        if not self.values:
            return
        shown = str([obj["status"] for obj in self.cluster.objects.values()]) + str(messages)
        found = [value for value in self.values if value in shown]
        assert not found, pictures.of(self, f"the value {found[0]} is shown")


def _described(write: FunctionWrite) -> str:
    if write.version is not None:
        return f"{write.kind} of version {write.version.version_id[-3:]}: {write.body or ''}"
    return f"{write.kind} of a version"
