"""Stories about CloudFunctions and the FunctionDeployments that refer to them: templates, pins, deletions in any order,
lost answers, crashes, and what others do to versions and objects."""

import random
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from nvcf_operator.api import names
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.core.functions.model.mark import compact
from nvcf_operator.core.model.decision import Purpose, Undeploy
from nvcf_operator.core.model.reasons import Reason
from tests.property import user_actions
from tests.property.both_kinds import BothKinds
from tests.property.chance import Chance, Write, chance_of
from tests.property.cluster_model import Cluster, own_status
from tests.property.nvcf_model import GPU, Account
from tests.property.operator_process import TIMING
from tests.property.oracle_of_versions import violations
from tests.property.registry_model import Registry, Version, content_of
from tests.property.stories import tally
from tests.property.telling import focused
from tests.support.kstatus import kstatus

FUNCTIONS = [Key("team", "llama", CLOUD_FUNCTION), Key("team", "mistral", CLOUD_FUNCTION)]
COPY = Key("team-b", "llama", CLOUD_FUNCTION)
DEPLOYMENTS = [Key("team", "echo"), Key("team", "other")]
IMAGES = tuple(f"nvcr.io/größe/llama:{tag}" for tag in ("1", "2", "3", "broken"))
TEMPLATE = {"inferenceUrl": "/v1/chat", "inferencePort": 8000}
TOOLS = ("delete", "strip", "wipe the status", "force away")

NEEDS_A_PERSON = {
    Reason.REVISION_REUSED,
    Reason.FUNCTION_GONE,
    Reason.ALREADY_EXISTS,
    Reason.CONFLICT,
    Reason.NOT_CONVERGING,
    Reason.SUSPENDED,
    Reason.OBSERVING,
    Reason.MASS_ABSENCE,
}
"""Reasons under which a quiet world is not as a CloudFunction's manifest says."""

chances = st.integers(0, 2**18).map(lambda number: chance_of(number, TOOLS))
which = st.integers(0, 1)
image = st.sampled_from([*IMAGES[:3], *IMAGES])
revision = st.sampled_from([None, None, None, "r1", "r2"])


class FunctionStory(RuleBasedStateMachine):
    """What can happen to functions, versions, and what refers to them."""

    calm = False
    """Whether the chances of the steps are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.account = Account(random.Random(0), quiet=True)
        self.registry = Registry(self.account)
        self.operator = BothKinds(self.cluster, self.account, self.registry)
        self.token = 0
        self.left: set[str] = set()
        """Uids of objects whose versions are left behind rightly."""
        self.latest: dict[str, dict[str, Any]] = {}
        """What each object's status has named as the latest version, by uid."""

    def teardown(self) -> None:
        """Let faults end, and see that account and cluster become what the manifests say."""
        try:
            self._end()
        finally:
            self.operator.close()

    # The steps.

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.account.chance = random.Random(seed)
        self._create(0, IMAGES[0], None, 1, Chance())
        self._follow(0, 0, None, Chance())

    @rule(which=which, image=image, revision=revision, limit=st.integers(0, 2), chance=chances)
    def create_function(self, which: int, image: str, revision: str | None, limit: int, chance: Chance) -> None:
        self._create(which, image, revision, limit, chance)

    def _create(self, which: int, image: str, revision: str | None, limit: int, chance: Chance) -> None:
        key = FUNCTIONS[which]
        if key in self.cluster.objects:
            return
        spec: dict[str, Any] = {"name": key.name, "template": TEMPLATE | {"containerImage": image}}
        spec |= {"history": {"limit": limit}} | ({"revision": revision} if revision else {})
        self._now()
        self.cluster.create(key, spec)
        self._step(f"create {key} with {image}, revision {revision}, limit {limit}", chance)

    @rule(which=which, image=image, revision=revision, args=st.sampled_from([None, None, "--x"]), chance=chances)
    def change_template(self, which: int, image: str, revision: str | None, args: str | None, chance: Chance) -> None:
        template = TEMPLATE | {"containerImage": image} | ({"containerArgs": args} if args else {})
        if FUNCTIONS[which] not in self.cluster.objects:
            self._create(which, image, revision, 1, chance)
        else:
            self._edit(FUNCTIONS[which], chance, template=template, revision=revision)

    @rule(which=which, chance=chances)
    def write_a_default_out(self, which: int, chance: Chance) -> None:
        if (obj := self.cluster.objects.get(self._function(which))) is not None:
            self._edit(self._function(which), chance, template=obj["spec"]["template"] | {"functionType": "DEFAULT"})

    @rule(
        which=which,
        change=st.sampled_from(
            [
                {"suspend": True},
                {"suspend": False, "managementPolicy": "Manage"},
                {"deletionPolicy": "Retain"},
                {"deletionPolicy": "Delete"},
                {"managementPolicy": "Observe"},
                {"managementPolicy": "Manage", "suspend": False},
                {"history": {"limit": 0}},
            ]
        ),
        chance=chances,
    )
    def change_policy(self, which: int, change: dict[str, Any], chance: Chance) -> None:
        self._edit(self._function(which), chance, **change)

    @rule(
        which=which,
        annotation=st.sampled_from([names.RECONCILE_REQUESTED_ANNOTATION, names.NEW_VERSION_REQUESTED_ANNOTATION]),
        chance=chances,
    )
    def request(self, which: int, annotation: str, chance: Chance) -> None:
        if (key := self._function(which)) in self.cluster.objects:
            self.token += 1
            self.cluster.annotate(key, annotation, str(self.token))
            self._step(f"{annotation.rsplit('/')[-1]} of {key}", chance)

    @rule(which=which, of=which, pin=revision, chance=chances)
    def follow(self, which: int, of: int, pin: str | None, chance: Chance) -> None:
        self._follow(which, of, pin, chance)

    def _follow(self, which: int, of: int, pin: str | None, chance: Chance) -> None:
        key = DEPLOYMENTS[which]
        if key in self.cluster.objects:
            return
        ref = {"name": FUNCTIONS[of].name} | ({"revision": pin} if pin else {})
        self._now()
        rollout = {"immutableChange": "Redeploy"}
        self.cluster.create(key, {"functionRef": ref, "deploymentSpecifications": [GPU], "rollout": rollout})
        self._step(f"create {key}, which follows {ref}", chance)

    @rule(which=which, pin=revision, gpu=st.sampled_from(["L40S", "H100"]), chance=chances)
    def change_deployment(self, which: int, pin: str | None, gpu: str, chance: Chance) -> None:
        obj = self.cluster.objects.get(DEPLOYMENTS[which])
        if obj is None:
            self._follow(which, which, pin, chance)
            return
        ref = {"name": obj["spec"]["functionRef"]["name"]} | ({"revision": pin} if pin else {})
        self._edit(DEPLOYMENTS[which], chance, functionRef=ref, deploymentSpecifications=[GPU | {"gpu": gpu}])

    @rule(which=which, image=image, gpu=st.sampled_from(["L40S", "H100"]), first=st.booleans(), chance=chances)
    def change_both(self, which: int, image: str, gpu: str, first: bool, chance: Chance) -> None:
        """One commit that changes an image and a GPU, whose objects arrive in either order."""
        one, other = (self._change_image, self._change_gpu) if first else (self._change_gpu, self._change_image)
        one(which, image if first else gpu, chance)
        other(which, gpu if first else image, Chance())

    def _change_image(self, which: int, image: str, chance: Chance) -> None:
        self._edit(self._function(which), chance, template=TEMPLATE | {"containerImage": image}, revision=None)

    def _change_gpu(self, which: int, gpu: str, chance: Chance) -> None:
        key = DEPLOYMENTS[which] if DEPLOYMENTS[which] in self.cluster.objects else DEPLOYMENTS[0]
        self._edit(key, chance, deploymentSpecifications=[GPU | {"gpu": gpu}])

    @rule(which=st.integers(0, 5), chance=chances)
    def delete(self, which: int, chance: Chance) -> None:
        there = sorted(self.cluster.objects)
        if which < len(there):
            key = there[which]
            self._does(key, "delete")
            self._step(f"delete {key}", chance)

    @rule(which=which, what=st.sampled_from(TOOLS), chance=chances)
    def use_a_tool(self, which: int, what: str, chance: Chance) -> None:
        if (key := self._function(which)) in self.cluster.objects:
            self._does(key, what)
            self._step(f"{what}: {key}", chance)

    @rule(which=which, with_status=st.booleans(), chance=chances)
    def copy(self, which: int, with_status: bool, chance: Chance) -> None:
        """Make an object of another one, under another name."""
        if COPY not in self.cluster.objects and (obj := self.cluster.read(FUNCTIONS[which])) is not None:
            self._now()
            user_actions.copied(self.cluster, obj, COPY, with_status=with_status)
            self._step(f"{COPY} is made of {FUNCTIONS[which]} with{'' if with_status else 'out'} status", chance)

    @rule(
        lost=st.lists(st.sampled_from(["lost, runs on", "lost, runs on", "lost, not done", "lost, done"]), max_size=3)
    )
    def lose_answers(self, lost: list[str]) -> None:
        self.registry.lost = list(lost)
        note(f"the next POSTs of versions: {lost or 'answered'}")

    @rule(image=st.sampled_from(IMAGES[:3]), there=st.booleans())
    def push_or_remove_an_image(self, image: str, there: bool) -> None:
        (self.registry.unpushed.discard if there else self.registry.unpushed.add)(image)
        note(f"{image} is {'there' if there else 'not in its registry'}")

    @rule(place=st.integers(0, 7), chance=chances)
    def delete_a_version_outside(self, place: int, chance: Chance) -> None:
        there = [item.version_id for item in self.registry.visible]
        if there:
            version = there[place % len(there)]
            self.registry.delete(version)
            self._step(f"somebody deletes version {version[-3:]}", chance)

    @rule(place=st.integers(0, 7), chance=chances)
    def wipe_a_mark(self, place: int, chance: Chance) -> None:
        there = list(self.registry.visible)
        if there:
            item = there[place % len(there)]
            item.body["tags"] = ["somebody's"]
            self._step(f"somebody takes the mark off version {item.version_id[-3:]}", chance)

    @rule(refuses=st.sampled_from(["", "", "", "status", "finalizers"]), chance=chances)
    def refuse_writes(self, refuses: str, chance: Chance) -> None:
        self.cluster.refuses = refuses
        self._step(f"admission refuses: {refuses or 'nothing'}", chance)

    @rule(seconds=st.sampled_from([1, 5, 30, 80, 200, 600]), chance=chances)
    def wait(self, seconds: float, chance: Chance) -> None:
        self._step(f"{seconds} s pass", chance, seconds)

    @rule()
    def die(self) -> None:
        self._restart()
        self._step("a restart", Chance())

    # How the world goes on.

    def _function(self, which: int) -> Key:
        """A CloudFunction that is there, if there is any."""
        there = sorted(key for key in self.cluster.objects if key.kind == CLOUD_FUNCTION)
        return there[which % len(there)] if there else FUNCTIONS[0]

    def _now(self) -> None:
        self.cluster.now = self.account.now

    def _restart(self) -> None:
        self.operator.restart()
        self._process_ended()

    def _process_ended(self) -> None:
        """With a process goes what it alone knew: the POSTs of objects that are gone."""
        alive = self._alive()
        self.left |= {item.made_for for item in self.registry.rows.values() if item.made_for not in alive}

    def _alive(self) -> dict[str, Key]:
        return {obj["metadata"]["uid"]: key for key, obj in self.cluster.objects.items()}

    def _edit(self, key: Key, chance: Chance, **changes: Any) -> None:
        obj = self.cluster.objects.get(key)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            return
        self.cluster.edit(key, **changes)
        if changes.get("revision", "") is None:
            obj["spec"].pop("revision", None)
        self._step(f"edit {key}: {changes}", chance)

    def _does(self, key: Key, what: str) -> None:
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

    def _step(self, told: str, chance: Chance, seconds: float = 0.0) -> None:
        chance = Chance() if self.calm else chance
        chance.does = self._does
        note(f"{self.account.now:6.0f} s: {told}{chance.told}")
        writes = len(self.operator.function_writes) + len(self.operator.writes)
        self._live(seconds, chance)
        note(f"              {self._record()}")
        tally["steps"] += 1
        tally["wrote"] += len(self.operator.function_writes) + len(self.operator.writes) > writes
        tally["crashed"] += chance.crashed

    def _live(self, seconds: float, chance: Chance) -> None:
        end = self.account.now + seconds
        self._look(chance, at_all=True)
        while self.account.now < end:
            self.account.advance(max(1.0, min(self.operator.due_in, end - self.account.now)))
            self._look(chance, at_all=False)

    def _look(self, chance: Chance, *, at_all: bool) -> None:
        self._now()
        for key, obj in self.cluster.objects.items():
            spec = obj["spec"]
            if key.kind == CLOUD_FUNCTION and (
                spec.get("deletionPolicy") == "Retain" or spec.get("managementPolicy") == "Observe"
            ):
                self.left.add(obj["metadata"]["uid"])
        versions, deployments = len(self.operator.function_writes), len(self.operator.writes)
        lives = self.operator.look(chance, at_all=at_all)
        written = self.operator.function_writes
        for place in range(versions, len(written)):
            note(f"{written[place].at:6.0f} s:     {self._told(written[place])}")
            wrong = violations(written[place], written[:place])
            assert not wrong, self._picture("; ".join(wrong))
        for write in self.operator.writes[deployments:]:
            note(f"{write.at:6.0f} s:     {write.kind} of the deployment of {write.version[-3:]}")
            wrong = self._wrong_with(write)
            assert not wrong, self._picture("; ".join(wrong))
        if not lives:
            self._process_ended()
        for key, obj in self.cluster.objects.items():
            self._is_well_told(obj)
            if key.kind == CLOUD_FUNCTION:
                self._follows_one(obj)

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
        assert same[0] != same[1], self._picture("another version of the same template takes the place of one in use")

    def _told(self, write: Any) -> str:
        return f"{write.kind} of {'a version' if write.version is None else 'version ' + write.version.version_id[-3:]}"

    def _wrong_with(self, write: Write) -> list[str]:
        """What is wrong with a change of a deployment that a reference leads to."""
        latest = write.latest
        if write.key is None or latest is None or "deletionTimestamp" in latest["metadata"]:
            return []
        ref = latest["spec"]["functionRef"]
        place = {"namespace": write.key.namespace, "name": ref["name"]}
        functions = [obj for obj in write.others if "template" in obj["spec"]]  # as they were at that moment
        function = next((obj for obj in functions if place.items() <= obj["metadata"].items()), None)
        if function is None:
            return [f"POST of {write.version[-3:]} without a CloudFunction"] if write.kind == "POST" else []
        status = own_status(function)
        current = status.get("latest") or {}
        at_once = content_of(function["spec"]["template"]) == self._content(current.get("versionId"))
        if write.kind == "POST" and "revision" in ref:
            entries = {item["versionId"]: item.get("revision") for item in status.get("versions", [])}
            if entries.get(write.version) != ref["revision"]:
                return [f"POST of {write.version[-3:]}, which is not of revision {ref['revision']}"]
        elif write.kind == "POST" and current.get("versionId") != write.version:
            return [f"POST of {write.version[-3:]}, which is not the latest"]
        redeploys = isinstance(write.action, Undeploy) and write.action.purpose == Purpose.REDEPLOY
        unregistered = "revision" not in ref and current.get("generation") != function["metadata"]["generation"]
        if redeploys and unregistered and not at_once and write.status == "ACTIVE":
            return [f"redeployment of {write.version[-3:]} while another template is registered"]
        return []

    def _content(self, version: str | None) -> dict[str, Any] | None:
        found = self.registry.rows.get(version or "")
        return found.content if found is not None else None

    def _is_well_told(self, obj: dict[str, Any]) -> None:
        conditions = {item["type"]: item for item in obj["status"].get("conditions", [])}
        true = {kind for kind, item in conditions.items() if item["status"] == "True"}
        for pair in ({"Reconciling", "Stalled"}, {"Reconciling", "Ready"}, {"Stalled", "Ready"}):
            assert not pair <= true, self._picture(" and ".join(sorted(pair)))
        if conditions:
            assert kstatus(obj) in ("Current", "InProgress", "Failed", "Terminating")

    # The end.

    def _end(self) -> None:
        note("quiet from here on")
        self.cluster.refuses, self.registry.lost, self.registry.unpushed = "", [], set()
        for key in list(self.cluster.objects):
            self.token += 1
            self.cluster.annotate(key, names.RECONCILE_REQUESTED_ANNOTATION, str(self.token))
        for _ in range(90):
            before = self._writes()
            self._live(60.0, Chance())
            if before == self._writes() and not self.operator.waits and not self.registry.coming:
                break
        self._live(1300.0, Chance())  # for what waits with long pauses, and duplicates that came late
        written, statuses = self._nvcf_writes(), self._statuses()
        self._live(600.0, Chance())
        moved = [str(key) for key, status in self._statuses().items() if statuses.get(key) != status]
        assert not moved, self._picture(f"{moved} do not come to rest")
        assert written == self._nvcf_writes(), self._picture("NVCF is written to without end")
        for key, obj in self.cluster.objects.items():
            if key.kind == CLOUD_FUNCTION:
                self._function_is_as_the_manifest_says(key, obj)
            else:
                self._deployment_is_as_the_manifest_says(key, obj)
        self._nothing_is_left()

    def _writes(self) -> tuple[int, tuple[int, int]]:
        return self.operator.kube_writes, self._nvcf_writes()

    def _nvcf_writes(self) -> tuple[int, int]:
        return len(self.operator.writes), len(self.operator.function_writes)

    def _statuses(self) -> dict[Key, dict[str, Any]]:
        """What the objects report, but for the count of attempts."""
        return {key: {**obj["status"], "retry": None} for key, obj in self.cluster.objects.items()}

    def _ready(self, obj: dict[str, Any]) -> tuple[bool, str]:
        found = next(item for item in obj["status"]["conditions"] if item["type"] == "Ready")
        return found["status"] == "True", found["reason"]

    def _function_is_as_the_manifest_says(self, key: Key, obj: dict[str, Any]) -> None:
        ready, reason = self._ready(obj)
        if "deletionTimestamp" in obj["metadata"]:
            assert reason in (Reason.IN_USE, Reason.VERSION_DEPLOYED), self._picture(f"{key} is still there: {reason}")
            return
        if reason in NEEDS_A_PERSON:
            return
        assert ready, self._picture(f"{key} is not Ready: {reason}")
        status, spec = own_status(obj), obj["spec"]
        version = self.registry.there(status["latest"]["versionId"])
        assert version is not None, self._picture(f"the latest version of {key} is not there")
        assert version.content == content_of(spec["template"]), self._picture(
            f"the latest of {key} is another template"
        )
        assert status["latest"].get("revision") == spec.get("revision") or "revision" not in spec, self._picture(key)
        recorded = {item["versionId"] for item in status["versions"]}
        stray = [item for item in self._own(obj) if item.version_id not in recorded]
        assert not stray, self._picture(f"{key} does not know of {[item.version_id[-3:] for item in stray]}")
        held = self._held()
        kept = [item for item in self._own(obj) if item.version_id not in held | {version.version_id}]
        limit = spec.get("history", {}).get("limit", 1)
        assert len(kept) <= limit, self._picture(f"{key} keeps {len(kept)} former versions")

    def _own(self, obj: dict[str, Any]) -> list[Version]:
        uid = compact(obj["metadata"]["uid"])
        return [item for item in self.registry.visible if item.mark is not None and item.mark.uid == uid]

    def _held(self) -> set[str]:
        """The versions that FunctionDeployments have on record."""
        found: set[str] = set()
        for key, obj in self.cluster.objects.items():
            if key.kind == FUNCTION_DEPLOYMENT:
                status = own_status(obj)
                tracked = [status, status.get("incoming"), status.get("failed"), *status.get("retiring", [])]
                found |= {item["functionVersionId"] for item in tracked if item and item.get("functionVersionId")}
        return found

    def _deployment_is_as_the_manifest_says(self, key: Key, obj: dict[str, Any]) -> None:
        ready, reason = self._ready(obj)
        assert "deletionTimestamp" not in obj["metadata"], self._picture(f"{key} is still there")
        ref = obj["spec"]["functionRef"]
        function = self.cluster.objects.get(Key(key.namespace, ref["name"], CLOUD_FUNCTION))
        if function is None or not self._ready(function)[0] or "deletionTimestamp" in function["metadata"]:
            return
        status = own_status(function)
        wanted = status["latest"]["versionId"]
        if "revision" in ref:
            wanted = next((v["versionId"] for v in status["versions"] if v.get("revision") == ref["revision"]), None)
            if wanted is None:
                assert reason == Reason.REVISION_MISSING, self._picture(f"{key} is told {reason}")
                return
        if not ready:
            known = {Reason.CONFLICT, Reason.ROLLOUT_FAILED, Reason.IMMUTABLE_FIELD_CHANGED, Reason.NOT_CONVERGING}
            if own_status(obj).get("functionId") not in (None, status["functionId"]):
                known.add(Reason.INVALID_SPEC)  # its CloudFunction was made again, with another function
            broken = self.account.fates.get(wanted) == "fail"
            assert broken or reason in known, self._picture(f"{key} is not Ready: {reason}")
            return
        row = self.account.rows.get(wanted)
        assert row is not None, self._picture(f"{key} runs nothing")
        assert row.status == "ACTIVE", self._picture(f"{key} does not run what is wanted")

    def _nothing_is_left(self) -> None:
        alive = {compact(uid) for uid in self._alive()}
        left = {compact(uid) for uid in self.left if "-" in uid and len(uid) == 36}
        lost = [
            item.version_id[-3:]
            for item in self.registry.visible
            if item.mark is not None and item.mark.uid not in alive | left and not _is_late(item)
        ]
        assert not lost, self._picture(f"{lost} are nobody's")

    def _record(self) -> str:
        told = [
            " ".join(
                f"{item.version_id[-3:]}:{item.body.get('containerImage', '').rsplit(':')[-1]}"
                + (f"({self.account.rows[item.version_id].status})" if item.version_id in self.account.rows else "")
                for item in self.registry.visible
            )
        ]
        told += [f"{item.version_id[-3:]} comes at {item.visible_from:.0f}" for item in self.registry.coming]
        for key, obj in self.cluster.objects.items():
            status = obj["status"]
            ready = next((item for item in status.get("conditions", []) if item["type"] == "Ready"), None)
            current = (status.get("latest") or {}).get("versionId") or status.get("functionVersionId") or "-"
            told.append(f"{key}: {current[-3:]} {ready and ready['reason']}")
        return " | ".join(told)

    def _picture(self, what: object) -> str:
        told = {str(key): (obj["spec"], obj["status"], obj["metadata"]) for key, obj in self.cluster.objects.items()}
        return f"{what}\n  NVCF: {self._record()}\n  cluster: {told}"


Registrations = focused("Registrations", ("change_template", "lose_answers", "wait", "die", "request"), FunctionStory)
"""POSTs whose answer is lost, and what becomes of them."""

Duplicates = focused("Duplicates", ("change_template", "lose_answers", "wait", "die", "follow"), FunctionStory)
"""The same, where no version is asked for besides."""

Owners = focused(
    "Owners",
    ("change_template", "follow", "wipe_a_mark", "delete", "wait", "change_policy", "change_deployment"),
    FunctionStory,
)
"""Versions that are not ours when others are deleted."""

Users = focused("Users", ("change_template", "follow", "delete"), FunctionStory)
"""CloudFunctions that are deleted while FunctionDeployments follow them."""


class Failures(FunctionStory):
    """What can happen, and rollouts that fail."""

    @rule(which=which, pin=revision)
    def roll_out_what_fails(self, which: int, pin: str | None) -> None:
        """Leave a version that is on record and not deployed."""
        self.change_template(which, IMAGES[3], pin, None, Chance())
        self.change_deployment(which, pin, "L40S", Chance())
        self._step("600 s pass", Chance(), 600)


Failed = focused("Failed", ("roll_out_what_fails", "change_template", "change_deployment", "wait"), Failures)
"""Versions in use that nothing is deployed of."""

Templates = focused(
    "Templates", ("write_a_default_out", "change_template", "change_both", "wait", "change_policy"), FunctionStory
)
"""What makes another version, and when a FunctionDeployment takes it."""

Commits = focused("Commits", ("lose_answers", "change_both", "wait"), FunctionStory)
"""An image and a GPU in one commit, also while the registration is slow."""

Losses = focused("Losses", ("delete_a_version_outside", "change_template", "wait", "delete"), FunctionStory)
"""Versions that somebody else deletes."""


def _is_late(item: Version) -> bool:
    """Whether a version showed after the settle: of an object that was gone by then, nobody looks for it."""
    return item.visible_from - item.asked_at > TIMING.register_settle
