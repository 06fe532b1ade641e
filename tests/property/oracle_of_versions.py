"""The invariants of versions, held against every registration and every deletion at the moment it was asked for."""

from collections.abc import Sequence
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT
from nvcf_operator.core.functions.model.mark import compact, mark_of
from tests.property.cluster_model import on_record, own_status
from tests.property.function_writes import IN_PLACE, FunctionWrite
from tests.property.functions import wanted
from tests.property.functions.oracle_in_place import in_place, registered_secrets
from tests.property.operator_process import TIMING
from tests.property.registry_model import Version, content_of, meaning_of_limit

HAS_SEEN = 10.0
"""Seconds within which an operator has listed a version that is there."""


def violations(write: FunctionWrite, earlier: Sequence[FunctionWrite]) -> list[str]:
    """What is wrong with a change."""
    if write.key is None or _is_of_an_orphan(write):
        return _of_an_orphan(write)
    if write.latest is None:
        return [f"{write.kind} for a CloudFunction that is gone"]
    wrong = _against_the_manifest(write, write.latest)
    if write.kind == "POST":
        wrong += _unmarked(write, write.latest) + _second(write, write.latest) + _address(write, write.latest)
        return wrong + _as_in_the_manifest(write, write.latest) + registered_secrets(write, write.latest)
    if write.kind in IN_PLACE:
        return wrong + in_place(write, write.latest)
    return wrong + _of_others(write, write.latest)


def _against_the_manifest(write: FunctionWrite, latest: dict[str, Any]) -> list[str]:
    spec, meta = latest["spec"], latest["metadata"]
    deleting, wrong = "deletionTimestamp" in meta, []
    if spec.get("managementPolicy") == "Observe":
        wrong.append(f"{write.kind} under Observe")
    if (spec.get("suspend") or meta["annotations"].get(names.PAUSED_ANNOTATION) == "true") and not deleting:
        wrong.append(f"{write.kind} while suspended")
    if deleting and spec.get("deletionPolicy") == "Retain":
        wrong.append(f"{write.kind} after the deletion of a CloudFunction that retains")
    if write.kind == "POST":
        if deleting:
            wrong.append("POST for a CloudFunction that is being deleted")
        if content_of(write.body) != content_of(spec["template"]):
            wrong.append("POST of a template that the newest manifest does not have")
        if CLOUD_FUNCTION.finalizer not in meta["finalizers"] and spec.get("deletionPolicy", "Delete") == "Delete":
            wrong.append("POST without the finalizer")
    return wrong


def _as_in_the_manifest(write: FunctionWrite, latest: dict[str, Any]) -> list[str]:
    """What is wrong with the tags and the rate limit of a POST."""
    spec, wrong = latest["spec"], []
    if wanted.foreign(write.body.get("tags") or ()) != frozenset(spec.get("tags") or ()):
        wrong.append("POST with other tags than the manifest's")
    if meaning_of_limit(write.body.get("rateLimit")) != wanted.limit_of(spec):
        wrong.append("POST with another rate limit than the manifest's")
    return wrong


def _unmarked(write: FunctionWrite, latest: dict[str, Any]) -> list[str]:
    """What is wrong with the mark and the intent of a POST."""
    mark, intent = mark_of(write.body.get("tags", ())), own_status(latest).get("intent") or {}
    if mark is None or mark.uid != compact(latest["metadata"]["uid"]):
        return ["POST without a mark of the object"]
    if (intent.get("token"), intent.get("uid")) != (mark.token, latest["metadata"]["uid"]) or intent.get("answered"):
        return ["POST without an open intent on record"]
    if mark.revision != latest["spec"].get("revision"):
        return ["POST whose mark has another revision than the manifest"]
    return []


def _second(write: FunctionWrite, latest: dict[str, Any]) -> list[str]:
    """A POST for what is there, or for what a POST may still register."""
    uid, mark = latest["metadata"]["uid"], mark_of(write.body.get("tags", ()))
    assert mark is not None
    secrets, wrong = {item["name"] for item in write.body.get("secrets", ())}, []
    for item in _own(write.rows, uid):
        there = write.at - item.visible_from > HAS_SEEN
        same = item.mark is not None and (item.mark.hash, item.mark.revision) == (mark.hash, mark.revision)
        same = same and _revision_on_record(latest, item) == mark.revision
        if same and there and item.function_id == (write.function_id or item.function_id) and not _leaves(latest, item):
            wrong.append(f"POST though {item.version_id[-3:]} has the template")
        current = (own_status(latest).get("latest") or {}).get("versionId") == item.version_id
        means_the_same = item.content == content_of(write.body) and set(item.secrets) == secrets
        if current and there and means_the_same and mark.revision is None:
            token = latest["metadata"]["annotations"].get(names.NEW_VERSION_REQUESTED_ANNOTATION)
            if token in (None, own_status(latest).get("lastHandledNewVersionAt")):
                wrong.append(f"POST though the latest version {item.version_id[-3:]} means the same")
    for item in write.coming:
        if item.made_for == uid and not write.tampered and write.at - item.asked_at < TIMING.register_settle:
            wrong.append(f"POST {write.at - item.asked_at:.0f} s after one that may still be running")
    return wrong


def _address(write: FunctionWrite, latest: dict[str, Any]) -> list[str]:
    """A POST of another function although there is one: its id is the address that clients use."""
    named = (latest["spec"].get("functionId") or "").lower()
    if named and write.function_id != named:
        return [f"POST of another function than that of the manifest, {named}"]
    if write.function_id is not None and not named and _is_taken(write, latest):
        return [f"POST of a version of {write.function_id}, which is somebody else's, under Refuse"]
    if write.function_id is not None or write.tampered:
        return []
    if latest["metadata"]["annotations"].get(names.NEW_FUNCTION_REQUESTED_ANNOTATION) is not None:
        return []
    known = own_status(latest).get("functionId")
    own = _own(write.rows, latest["metadata"]["uid"])
    there = [item.function_id for item in own if write.at - item.visible_from > HAS_SEEN]
    return [f"POST of another function than {found}" for found in {known, *there} - {None}]


def _is_taken(write: FunctionWrite, latest: dict[str, Any]) -> bool:
    """Whether a function is neither the object's nor adopted."""
    if write.tampered or latest["spec"].get("adoptionPolicy") == "Adopt":
        return False
    known = own_status(latest).get("functionId")
    own = {item.function_id for item in (*write.rows, *write.coming) if item.made_for == latest["metadata"]["uid"]}
    return write.function_id not in {known, *own}


def _of_others(write: FunctionWrite, latest: dict[str, Any]) -> list[str]:
    version = write.version
    if version is None:
        return []  # it is gone since the operator has seen it
    uid, what = latest["metadata"]["uid"], f"DELETE of {version.version_id[-3:]}"
    wrong = [*_held(write, version, what)]
    if version.mark is None or version.mark.uid != compact(uid):
        wrong.append(f"{what}, which does not bear the object's mark")
    status = own_status(latest)
    current = (status.get("latest") or {}).get("versionId") == version.version_id
    if current and "deletionTimestamp" not in latest["metadata"]:
        wrong.append(f"{what}, which is the latest")
    return wrong


def _held(write: FunctionWrite, version: Version, what: str) -> list[str]:
    wrong = [f"{what}, which is deployed"] if write.deployed else []
    for key, obj in write.objects:
        if key.kind == FUNCTION_DEPLOYMENT and version.version_id in on_record(obj):
            wrong.append(f"{what}, which {key} holds")
    return wrong


def _is_of_an_orphan(write: FunctionWrite) -> bool:
    """Whether a version was made for an object that is gone: it is deleted beside what is reconciled meanwhile."""
    version, alive = write.version, {obj["metadata"]["uid"] for _, obj in write.objects}
    if write.kind != "DELETE" or version is None or version.mark is None or not version.made_for:
        return False
    return version.made_for not in alive and version.mark.uid == compact(version.made_for)


def _of_an_orphan(write: FunctionWrite) -> list[str]:
    if write.kind != "DELETE":
        return [f"{write.kind} for a CloudFunction that is gone"]
    if write.version is None:
        return []
    what = f"DELETE of {write.version.version_id[-3:]} as if it were of an object that is gone"
    alive = {compact(obj["metadata"]["uid"]) for _, obj in write.objects}
    wrong = _held(write, write.version, what)
    if write.version.mark is None or write.version.mark.uid in alive:
        wrong.append(what)
    return wrong


def _own(rows: Sequence[Version], uid: str) -> list[Version]:
    return [item for item in rows if item.mark is not None and item.mark.uid == compact(uid)]


def _leaves(latest: dict[str, Any], item: Version) -> bool:
    """Whether the record says that the deletion of a version was sent."""
    recorded = own_status(latest).get("versions", [])
    return any(entry["versionId"] == item.version_id and entry.get("leaving") for entry in recorded)


def _revision_on_record(latest: dict[str, Any], item: Version) -> str | None:
    """The revision that a version stands for: a later manifest may have given it one."""
    recorded = {entry["versionId"]: entry.get("revision") for entry in own_status(latest).get("versions", [])}
    return recorded.get(item.version_id, item.mark.revision if item.mark is not None else None)
