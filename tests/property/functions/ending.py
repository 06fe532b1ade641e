"""How a story of functions ends: faults are over, and account and cluster become what the manifests say."""

from typing import Any

from hypothesis import note

from nvcf_operator.api import names
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.core.functions.model.mark import compact
from nvcf_operator.core.model.reasons import Reason
from tests.property.chance import Chance
from tests.property.cluster_model import on_record, own_status
from tests.property.function_writes import RowAsItWas
from tests.property.functions import pictures, wanted
from tests.property.functions.world import World
from tests.property.operator_process import TIMING
from tests.property.registry_model import Version, content_of

NEEDS_A_USER = {
    Reason.REVISION_REUSED,
    Reason.FUNCTION_GONE,
    Reason.ALREADY_EXISTS,
    Reason.AMBIGUOUS,
    Reason.CONFLICT,
    Reason.NOT_CONVERGING,
    Reason.SUSPENDED,
    Reason.OBSERVING,
    Reason.MASS_ABSENCE,
}
"""Reasons under which a quiet world is not as a CloudFunction's manifest says."""

NEEDS_A_SECRET = {Reason.SECRET_MISSING, Reason.SECRET_NOT_CONSENTING}
"""The same, where a Secret is missing or does not consent."""


class Ending(World):
    """What has to be true in the end."""

    def _end(self) -> None:
        note("quiet from here on")
        self.cluster.refuses, self.registry.lost, self.registry.unpushed = "", [], set()
        self.registry.slow, self.registry.races.quiet, self.account.posts = [], True, {}
        for key in list(self.cluster.objects):
            self.token += 1
            self.cluster.annotate(key, names.RECONCILE_REQUESTED_ANNOTATION, str(self.token))
        for _ in range(90):
            before = self._writes()
            self._live(60.0, Chance())
            under_way = self.operator.waits or self.registry.coming or self.registry.races.running
            if before == self._writes() and not under_way:
                break
        self._live(1300.0, Chance())  # for what waits with long pauses, and duplicates that came late
        written, statuses = self._nvcf_writes(), self._statuses()
        self._live(600.0, Chance())
        moved = [str(key) for key, status in self._statuses().items() if statuses.get(key) != status]
        assert not moved, pictures.of(self, f"{moved} do not come to rest")
        assert written == self._nvcf_writes(), pictures.of(self, "NVCF is written to without end")
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
            known = (Reason.IN_USE, Reason.VERSION_DEPLOYED)
            assert reason in known, pictures.of(self, f"{key} is still there: {reason}")
            return
        if reason in NEEDS_A_USER or (reason == Reason.INVALID_SPEC and self._names_another(obj)):
            return
        if reason in NEEDS_A_SECRET:
            held = wanted.values_of(obj, self.cluster.secrets)
            assert held is None, pictures.of(self, f"{key} waits for a Secret that is there")
            return
        assert ready, pictures.of(self, f"{key} is not Ready: {reason}")
        status, spec = own_status(obj), obj["spec"]
        version = self.registry.there(status["latest"]["versionId"])
        assert version is not None, pictures.of(self, f"the latest version of {key} is not there")
        same = version.content == content_of(spec["template"])
        assert same, pictures.of(self, f"the latest of {key} is another template")
        names_of = {item["name"] for item in spec.get("secrets") or ()}
        assert set(version.secrets) == names_of, pictures.of(self, f"the latest of {key} has other secrets")
        assert status["latest"].get("revision") == spec.get("revision") or "revision" not in spec, pictures.of(
            self, key
        )
        recorded = {item["versionId"] for item in status["versions"]}
        stray = [item for item in self._own(obj) if item.version_id not in recorded]
        assert not stray, pictures.of(self, f"{key} does not know of {[item.version_id[-3:] for item in stray]}")
        held_by = self._held()
        kept = [item for item in self._own(obj) if item.version_id not in held_by | {version.version_id}]
        limit = spec.get("history", {}).get("limit", 1)
        assert len(kept) <= limit, pictures.of(self, f"{key} keeps {len(kept)} former versions")
        self._versions_in_use_are_up_to_date(key, obj)

    def _versions_in_use_are_up_to_date(self, key: Key, obj: dict[str, Any]) -> None:
        """Tags, rate limit and values of secrets are in force wherever a version is in use."""
        status = own_status(obj)
        used = {status["latest"]["versionId"]} | {version for version in self._held() if version in self.account.rows}
        for item in status["versions"]:
            version = self.registry.there(item["versionId"])
            if version is None or item["versionId"] not in used:
                continue
            wrong = wanted.differs(RowAsItWas.of(version), obj, self.cluster.secrets)
            assert not wrong, pictures.of(
                self, f"{' and '.join(wrong)} of {version.version_id[-3:]} of {key} are not up to date"
            )

    def _names_another(self, obj: dict[str, Any]) -> bool:
        """Whether the manifest names another function than the one that the resource has."""
        named, known = obj["spec"].get("functionId"), own_status(obj).get("functionId")
        return named is not None and named.lower() != known

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
        assert "deletionTimestamp" not in obj["metadata"], pictures.of(self, f"{key} is still there")
        ref = obj["spec"]["functionRef"]
        function = self.cluster.objects.get(Key(key.namespace, ref["name"], CLOUD_FUNCTION))
        if function is None or not self._ready(function)[0] or "deletionTimestamp" in function["metadata"]:
            return
        status = own_status(function)
        version = status["latest"]["versionId"]
        if "revision" in ref:
            version = next((v["versionId"] for v in status["versions"] if v.get("revision") == ref["revision"]), None)
            if version is None:
                assert reason == Reason.REVISION_MISSING, pictures.of(self, f"{key} reports {reason}")
                return
        if not ready:
            known = {Reason.CONFLICT, Reason.ROLLOUT_FAILED, Reason.IMMUTABLE_FIELD_CHANGED, Reason.NOT_CONVERGING}
            if own_status(obj).get("functionId") not in (None, status["functionId"]):
                known.add(Reason.INVALID_SPEC)  # its CloudFunction was made again, with another function
            row = self.account.rows.get(version)
            if row is not None and row.made_for is None:
                known.add(Reason.ALREADY_DEPLOYED)
            broken = self.account.fates.get(version) == "fail"
            assert broken or reason in known, pictures.of(self, f"{key} is not Ready: {reason}")
            return
        row = self.account.rows.get(version)
        assert row is not None, pictures.of(self, f"{key} runs nothing")
        assert row.status == "ACTIVE", pictures.of(self, f"{key} does not run what is wanted")

    def _nothing_is_left(self) -> None:
        alive = self._alive()
        marks = {compact(uid) for uid in alive}
        left = {compact(uid) for uid in self.left if "-" in uid and len(uid) == 36}
        lost = [
            item.version_id[-3:]
            for item in self.registry.visible
            if item.mark is not None and item.mark.uid not in marks | left and not _is_late(item)
        ]
        assert not lost, pictures.of(self, f"{lost} are nobody's")
        held = set().union(
            *(on_record(obj) for key, obj in self.cluster.objects.items() if key.kind == FUNCTION_DEPLOYMENT)
        )
        running = [
            row.version[-3:]
            for row in self.account.rows.values()
            if row.made_for is not None and row.made_for not in self.left and row.version not in held
        ]
        assert not running, pictures.of(self, f"{running} run for nobody")


def _is_late(item: Version) -> bool:
    """Whether a version showed after the settle: of an object that was gone by then, nobody searches for it."""
    return item.visible_from - item.asked_at > TIMING.register_settle
