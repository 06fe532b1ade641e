"""What can happen in a story: each rule is a step. Some are kept for stories about one thing."""

import random
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from nvcf_operator.api import names
from tests.property import user_actions
from tests.property.chance import Chance, chance_of
from tests.property.nvcf_model import FUNCTION, VERSIONS, specifications_of
from tests.property.stories import KEYS, World
from tests.property.story_runs import focused

TOOLS = ("force away", "strip", "replace", "apply what was saved", "wipe the status")

chances = st.integers(0, 2**18).map(lambda number: chance_of(number, ("delete", *TOOLS)))
"""Drawn as one number, since drawing costs as much time as the operator itself."""
which = st.integers(0, 2)
"""The place of a resource among those that exist, so that no step falls into the void."""
version = st.sampled_from(VERSIONS)


class Story(World):
    """What can happen."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.account.chance = random.Random(seed)
        self.create(VERSIONS[0], 1, False, Chance())

    @rule(of=version, count=st.sampled_from([1, 1, 2, 4]), idle=st.booleans(), chance=chances)
    def create(self, of: str, count: int, idle: bool, chance: Chance) -> None:
        key = next((key for key in KEYS[:2] if key not in self.cluster.objects), None)
        if key is not None:
            spec = {"functionId": FUNCTION, "functionVersionId": of}
            self.cluster.now = self.account.now
            self.cluster.create(key, spec | {"deploymentSpecifications": specifications_of(count, idle=idle)})
            self._step(f"create {key} for {of[-1]} with {count} specifications", chance)

    @rule(which=which, of=version, chance=chances)
    def change_version(self, which: int, of: str, chance: Chance) -> None:
        self._edit(which, chance, functionVersionId=of)

    @rule(which=which, most=st.integers(4, 6), chance=chances)
    def scale(self, which: int, most: int, chance: Chance) -> None:
        self._edit_specifications(which, chance, maxInstances=most)

    @rule(which=which, gpu=st.sampled_from(["L40S", "H100"]), chance=chances)
    def change_gpu(self, which: int, gpu: str, chance: Chance) -> None:
        self._edit_specifications(which, chance, gpu=gpu)

    @rule(
        which=which,
        order=st.sampled_from(["BlueGreen", "Recreate"]),
        immutable=st.sampled_from(["Reject", "Redeploy"]),
        deadline=st.sampled_from([60, 3600]),
        chance=chances,
    )
    def change_rollout(self, which: int, order: str, immutable: str, deadline: int, chance: Chance) -> None:
        rollout = {"versionChange": order, "immutableChange": immutable, "progressDeadlineSeconds": deadline}
        self._edit(which, chance, rollout=rollout, undeploy={"drainTimeoutSeconds": deadline})

    @rule(
        which=which,
        change=st.sampled_from(
            [
                {"suspend": True},
                {"suspend": False, "managementPolicy": "Manage"},
                {"deletionPolicy": "Retain"},
                {"deletionPolicy": "Delete"},
                {"adoptionPolicy": "Refuse"},
                {"adoptionPolicy": "Adopt"},
                {"managementPolicy": "Observe"},
                {"managementPolicy": "Manage", "suspend": False},
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
        if (key := self._key(which)) is not None:
            self._ask(key, request)
            self._step(f"{request.rsplit('/')[-1]} of {key}", chance)

    @rule(which=which, chance=chances)
    def delete(self, which: int, chance: Chance) -> None:
        if (key := self._key(which)) is not None:
            self._does(key, "delete")
            self._step(f"delete {key}", chance)

    @rule(which=which, chance=chances)
    def ask_for_force(self, which: int, chance: Chance) -> None:
        if (key := self._key(which)) is not None:
            self.cluster.now = self.account.now
            self.cluster.annotate(key, names.FORCE_DELETE_ANNOTATION, "true")
            if self._deleting(key):
                self.books.let_go.add(self._uid(key))
            self._step(f"force-delete of {key}", chance)

    @rule(which=which, what=st.sampled_from(TOOLS), chance=chances)
    def use_a_tool(self, which: int, what: str, chance: Chance) -> None:
        if (key := self._key(which)) is not None:
            self._does(key, what)
            self._step(f"{what}: {key}", chance)

    @rule(which=which)
    def save(self, which: int) -> None:
        if (key := self._key(which)) is not None:
            obj = self.cluster.read(key)
            assert obj is not None, "it is there"
            self.saved[key] = obj
            note(f"somebody saves {key}")

    @rule(which=which, place=st.integers(0, 2), with_status=st.booleans(), away=st.booleans(), chance=chances)
    def copy_or_restore(self, which: int, place: int, with_status: bool, away: bool, chance: Chance) -> None:
        """Make an object of a saved one, or of one that is there, under its own name or another one."""
        saved = sorted(self.saved) or sorted(self.cluster.objects)
        if not saved:
            return
        of, key = saved[which % len(saved)], KEYS[place]
        if key in self.cluster.objects:
            return
        obj = self.saved.get(of) or self.cluster.objects[of]
        self.cluster.now = self.account.now
        user_actions.copied(self.cluster, obj, key, with_status=with_status)
        line = f"{key} is made of {of} with{'' if with_status else 'out'} status"
        if away:  # before the operator sees it
            self.operator.restart()
            self.books.process_ended()
            self._does(key, "delete")
            line += " and deleted while no operator runs"
        self._step(line, chance)

    @rule(which=which, of=version, scope=st.sampled_from(["nothing", "another's", "some"]), chance=chances)
    def forge_a_drain(self, which: int, of: str, scope: str, chance: Chance) -> None:
        key = self._key(which)
        if key is None:
            return
        others = [obj["status"] for other, obj in self.cluster.objects.items() if other != key]
        theirs = [s.get("deploymentId") for s in others if s.get("functionVersionId") == of]
        named = {"nothing": None, "some": "d0", "another's": next(iter(theirs), None)}[scope]
        self.operator.tampered.add(self._uid(key))
        user_actions.drain_forged(self.cluster, key, of, named)
        self._step(f"a drain of {of[-1]} ({named}) is put into the status of {key}", chance)

    @rule(which=which, of=version, chance=chances)
    def forge_an_intent(self, which: int, of: str, chance: Chance) -> None:
        if (key := self._key(which)) is not None:
            text = f'{{"uid":"{self._uid(key)}","functionVersionId":"{of}","token":"abc"}}'
            self.cluster.annotate(key, f"{names.GROUP}/intent", text)
            self._step(f"an intent for {of[-1]} is written into the annotations of {key}", chance)

    @rule(refuses=st.sampled_from(["", "", "", "status", "status", "all", "finalizers", "everything"]), chance=chances)
    def refuse_writes(self, refuses: str, chance: Chance) -> None:
        self.cluster.refuses = refuses
        self._step(f"admission refuses: {refuses or 'nothing'}", chance)

    @rule(
        of=version,
        fate=st.sampled_from(["run", "fail", "stay"]),
        queue=st.integers(0, 2),
        post=st.sampled_from(["", "lost, runs on", "refused"]),
    )
    def decide_fate(self, of: str, fate: str, queue: int, post: str) -> None:
        self.account.fates[of], self.account.queues[of] = fate, queue
        self.account.posts.pop(of, None)
        if post:
            self.account.posts[of] = post
        note(f"version {of[-1]} will {fate}, {queue} queued; its POST: {post or 'answered'}")

    @rule(of=version, chance=chances)
    def deploy_outside(self, of: str, chance: Chance) -> None:
        if of not in self.account.rows and not any(post.version == of for post in self.account.running):
            self.account.post(of, specifications_of(1), made_for=None)
            self._step(f"somebody deploys {of[-1]}", chance)

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

    @rule(lost=st.sampled_from([False, False, True]))
    def lose_or_restore_the_key(self, lost: bool) -> None:
        self.operator.has_key = not lost
        self._step("the Secret is gone" if lost else "the Secret is back", Chance())

    @rule(by=st.sampled_from([-3600.0, 3600.0, 7200.0]), between=st.booleans())
    def set_the_clock(self, by: float, between: bool) -> None:
        """Set the clock of the operator's machine, while it runs or between two processes."""
        for _ in range(5):
            before = len(self.operator.writes)
            self._reconcile(Chance(), at_all=True)
            if len(self.operator.writes) == before:
                break
        before = len(self.operator.writes)
        self.operator.wall_is_ahead += by
        if between:
            self.operator.restart()
            self.books.process_ended()
        self._step(f"the clock is set by {by:.0f} s{' between two operators' if between else ''}", Chance())
        if not between:
            assert len(self.operator.writes) == before, self._picture("a jump of the clock leads to a write")

    @rule(of=version, most=st.integers(4, 6), chance=chances)
    def restart_with_an_old_list(self, of: str, most: int, chance: Chance) -> None:
        old = {key: obj for key in self.cluster.objects if (obj := self.cluster.read(key)) is not None}
        at = self.cluster.version
        for which in range(len(old)):
            self._edit_specifications(which, Chance(), functionVersionId=of, maxInstances=most)
        self.operator.restart(old_list=old, old_version=at)
        self.books.process_ended()
        self._step("a restart, and its first list shows all as it was before that", chance)

    @rule(which=which)
    def force_away(self, which: int) -> None:
        if (key := self._key(which)) is not None:
            self._does(key, "force away")
            self._step(f"force away: {key}", Chance())

    @rule()
    def die(self) -> None:
        self.operator.restart()
        self.books.process_ended()
        self._step("a restart", Chance())

    @rule(at=st.integers(0, 2))
    def mistake_the_key(self, at: int) -> None:
        self.operator.has_key = True
        self._step("the key is another account's", Chance(fault="another account's key", fault_at=at), always=True)

    def _edit(self, which: int, chance: Chance, **changes: Any) -> None:
        key = self._key(which)
        if key is not None and not self._deleting(key):
            self._edited(key, **changes)
            self._step(f"edit {key}: {changes}", chance)

    def _edit_specifications(self, which: int, chance: Chance, functionVersionId: str = "", **first: Any) -> None:  # noqa: N803
        key = self._key(which)
        if key is None or self._deleting(key):
            return
        wanted = self.cluster.objects[key]["spec"]["deploymentSpecifications"]
        changes: dict[str, Any] = {"deploymentSpecifications": [wanted[0] | first, *wanted[1:]]}
        self._edit(which, chance, **changes | ({"functionVersionId": functionVersionId} if functionVersionId else {}))


Lost = focused(
    "Lost",
    ("create", "delete", "change_version", "wait", "decide_fate", "request", "force_away", "set_the_clock", "die"),
    Story,
)
"""POSTs whose answer is lost, and what becomes of their objects meanwhile."""

Rows = focused("Rows", ("create", "request", "wait", "change_version"), Story)
"""Redeployments, and a server whose loop writes old rows back."""

Limits = focused("Limits", ("create", "wait", "decide_fate", "refuse_writes", "scale", "scale_outside"), Story)
"""What is refused or fails again and again, while what the operator knows of it cannot be written."""

Hands = focused(
    "Hands",
    (
        "create",
        "save",
        "copy_or_restore",
        "use_a_tool",
        "forge_a_drain",
        "delete",
        "change_version",
        "wait",
        "request",
        "deploy_outside",
        "undeploy_outside",
        "change_policy",
    ),
    Story,
)
"""Copies, restored objects and forged records, beside objects that hold something."""

Deletions = focused(
    "Deletions",
    ("create", "delete", "ask_for_force", "lose_or_restore_the_key", "wait", "decide_fate", "mistake_the_key", "die"),
    Story,
)
"""Deletions that are blocked, and what a 404 is worth meanwhile."""

Policies = focused("Policies", ("create", "change_policy", "scale", "change_version", "wait"), Story)
"""Resources that only observe, are suspended, or retain and refuse, while manifest and account go on changing."""

FOCUSED = (Lost, Rows, Limits, Hands, Deletions, Policies)
