"""The invariants, held against every change that was asked for in NVCF, at the moment it was asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.core.branches.not_deployed import LONGEST_PAUSE
from nvcf_operator.core.model.decision import Change, Create, Patch, Purpose, Undeploy
from nvcf_operator.core.rules.flap_guard import LIMIT
from nvcf_operator.core.rules.record import LEAST_SEEN
from tests.property.chance import Write
from tests.property.cluster_model import deployments_named, has_our_finalizer, on_record, own_status
from tests.property.operator_process import TIMING

REDEPLOYS = (Purpose.REDEPLOY, Purpose.REQUESTED, Purpose.FAILED, Purpose.GIVEN_UP, Purpose.STALE)
HOUR = 3600.0
FIRST_RETRY = 60.0
BEFORE_POST = 30.0
"""Seconds that a reconcile with a POST may take before it, on a cluster that takes 20 s for the intent."""
ROUNDING = 1.0
"""Seconds: times on record have no fractions."""


def violations(write: Write, earlier: Sequence[Write]) -> list[str]:
    """What is wrong with a change."""
    if write.key is None:
        return _of_an_orphan(write)
    latest = write.latest
    if latest is None:
        return [f"{write.kind} of {write.version} for a resource that is gone"]
    spec = latest["spec"]
    wrong = _against_the_manifest(write, latest)
    match write.action:
        case Change() as change:
            wrong += _idle(write, change, spec) + _repeated(write, earlier)
            if spec.get("adoptionPolicy") == "Refuse" and not _is_ours(write, latest):
                wrong.append(f"PATCH of {write.deployment_id}, which somebody else has made")
        case Create():
            wrong += _hasty(write, latest) + _refused_before(write, earlier) + _unpaced(write, earlier)
            if not has_our_finalizer(latest) and spec.get("deletionPolicy", "Delete") == "Delete":
                wrong.append("POST without the finalizer")
        case Undeploy() as undeploy:
            wrong += _of_others(write, latest) + _cut_short(write, undeploy, spec)
            if "deletionTimestamp" not in latest["metadata"]:
                wrong += _unwanted(write, undeploy, latest)
    return wrong


def _against_the_manifest(write: Write, latest: dict[str, Any]) -> list[str]:
    """What the newest manifest forbids."""
    spec, meta = latest["spec"], latest["metadata"]
    wrong = []
    deleting = "deletionTimestamp" in meta
    if spec.get("managementPolicy") == "Observe":
        wrong.append(f"{write.kind} under Observe")
    if (spec.get("suspend") or meta["annotations"].get(names.PAUSED_ANNOTATION) == "true") and not deleting:
        wrong.append(f"{write.kind} while suspended")
    if deleting and spec.get("deletionPolicy") == "Retain":
        wrong.append(f"{write.kind} after the deletion of a resource that retains")
    if isinstance(write.action, Create | Change):
        meanwhile = _follows(latest) and isinstance(write.action, Change)
        if spec["functionVersionId"] != write.version and not meanwhile:
            wrong.append(f"{write.kind} of {write.version}, which the newest manifest does not want")
        if deleting:
            wrong.append(f"{write.kind} for a resource that is being deleted")
    return wrong


def _follows(latest: Mapping[str, Any]) -> bool:
    """Whether the manifest follows a CloudFunction: what it took last may be changed in place before it takes more."""
    return "functionRef" in latest["spec"] and "revision" not in latest["spec"]["functionRef"]


def _of_an_orphan(write: Write) -> list[str]:
    wrong = [] if write.kind == "DELETE" else [f"{write.kind} for a resource that is gone"]
    alive = {obj["metadata"]["uid"] for obj in write.others}
    if write.deployment_id is not None and (write.made_for is None or write.made_for in alive):
        wrong.append(f"DELETE of {write.deployment_id} as if it were of a resource that is gone")
    return wrong + [f"DELETE of {write.deployment_id}, which {key} holds" for key in _holders(write)]


def _idle(write: Write, action: Change, spec: dict[str, Any]) -> list[str]:
    assert isinstance(action.change, Patch), "the model's server has PATCH"
    found = [item for item in write.specifications if item["gpuSpecificationId"] == write.specification_id]
    if not found:
        return []  # it is gone since the operator has read it
    wanted = [_numbers(w) for w in spec["deploymentSpecifications"] if w["instanceType"] == found[0]["instanceType"]]
    wrong = []
    if [(action.change.min_instances, action.change.max_instances)] != wanted:
        wrong.append(f"PATCH to {action.change.describe()}, which the newest manifest does not say")
    if [_numbers(found[0])] == wanted:
        wrong.append(f"PATCH of {write.version} that changes nothing")
    return wrong


def _numbers(specification: Mapping[str, Any]) -> tuple[int, int]:
    return specification["minInstances"], specification["maxInstances"]


def _repeated(write: Write, earlier: Sequence[Write]) -> list[str]:
    """The same change more often than thrice within an hour, of which the process itself knows."""
    count = 0
    for before in reversed(earlier):
        if before.uid != write.uid:
            continue
        if before.digest != write.digest or before.process != write.process or before.at < write.at - HOUR:
            break
        if before.asks != write.asks:
            break
        count += before.answered
    return [f"PATCH of {write.version} for the {count + 1}th time"] if count >= LIMIT and not write.tampered else []


def _refused_before(write: Write, earlier: Sequence[Write]) -> list[str]:
    """A POST soon after NVCF has refused it to this very process, though nobody has asked for it again."""
    posts = (before for before in reversed(earlier) if before.uid == write.uid and before.kind == "POST")
    last = next(posts, None)
    if last is None or not last.refused or last.process != write.process or last.version != write.version:
        return []
    passed = write.at - last.at
    again = passed < FIRST_RETRY - ROUNDING and write.asked_since < last.at and not write.tampered
    return [f"POST of {write.version} {passed:.0f} s after it was refused"] if again else []


def _unpaced(write: Write, earlier: Sequence[Write]) -> list[str]:
    """A POST too soon after others of which NVCF left open what became of them, though nobody has asked for it."""
    last, count = None, 0
    for before in reversed(earlier):
        if before.uid != write.uid:
            continue
        same = before.kind == "POST" and before.version == write.version and before.failed
        if not same or before.process != write.process or before.asks != write.asks:
            break
        last, count = last or before, count + 1
    came_and_went = last is not None and write.gone_at is not None and write.gone_at > last.at
    if last is None or write.tampered or came_and_went:
        return []
    passed, least = write.at - last.at, min(LONGEST_PAUSE, TIMING.create_settle * 2.0 ** (count - 1))
    return [f"POST of {write.version} {passed:.0f} s after {count} in vain"] if passed < least - BEFORE_POST else []


def _hasty(write: Write, latest: dict[str, Any]) -> list[str]:
    wrong = []
    known = {(uid, process) for uid, process in write.running_for if process == write.process}
    if not write.tampered:  # with its record, a process loses what its predecessors have sent
        known |= {(uid, process) for uid, process in write.running_for if uid == write.uid}
    if known:
        wrong.append(f"POST of {write.version} while another one may still be running")
    if write.seen_there and write.made_for == write.uid:
        wrong.append(f"POST of {write.version}, which is deployed, as this process has seen")
    if _holders(write, version=True):
        wrong.append(f"POST of {write.version}, which another resource holds")
    gone = write.gone_at
    # A process that did not see the version itself knows what the record says, and no more: named in the documentation.
    without_intent = {**latest, "status": {**latest["status"], "intent": None}}
    witnessed = write.witnessed or write.version in on_record(without_intent)
    if gone is not None and witnessed and write.at - gone < TIMING.redeploy_settle:
        wrong.append(f"POST of {write.version} {write.at - gone:.0f} s after it went")
    return wrong


def _holders(write: Write, *, version: bool = False) -> list[str]:
    """The other resources whose record says that the deployment, or the version, is theirs."""
    found = []
    for obj in write.others:
        status, spec, meta = own_status(obj), obj["spec"], obj["metadata"]
        leaves = "deletionTimestamp" in meta and (spec.get("deletionPolicy") == "Retain" or not meta["finalizers"])
        if leaves or spec.get("managementPolicy") == "Observe" or not status.get("functionStatus"):
            continue
        same = status.get("functionVersionId") == write.version
        if same and (version or status.get("deploymentId") == write.deployment_id is not None):
            found.append(meta["name"])
    return found


def _of_others(write: Write, latest: dict[str, Any]) -> list[str]:
    if write.deployment_id is None:
        return []
    wrong = [f"DELETE of {write.deployment_id}, which {name} holds" for name in _holders(write)]
    spec, status = latest["spec"], own_status(latest)
    adopts = spec.get("adoptionPolicy", "Adopt") == "Adopt"
    managed = adopts and write.version in (spec["functionVersionId"], status.get("functionVersionId"))
    if not (managed or _is_ours(write, latest)):
        wrong.append(f"DELETE of {write.deployment_id}, which nobody of ours has made or adopted")
    return wrong


def _is_ours(write: Write, latest: dict[str, Any]) -> bool:
    """Whether a POST of the resource has made the deployment, or may have as far as it knows, or it is on record."""
    intent = own_status(latest).get("intent") or {}
    awaited = intent.get("functionVersionId") == write.version and not intent.get("answered")
    awaited = awaited or latest["status"].get("observedGeneration", -1) < 0  # the finalizer says that a POST may be out
    return awaited or write.made_for == write.uid or write.deployment_id in deployments_named(latest)


def _cut_short(write: Write, action: Undeploy, spec: dict[str, Any]) -> list[str]:
    """What is forced or given up before its time, by the only clock that is right."""
    wrong = []
    whole = not write.tampered and write.process_since <= write.since
    if action.purpose == Purpose.FAILED and write.error_since is not None and not write.tampered:
        seen, before = write.at - write.error_since, max(write.process_since, write.asked_since)
        if seen < FIRST_RETRY - ROUNDING and before < write.error_since:
            wrong.append(f"DELETE of {write.version} {seen:.0f} s after its ERROR")
    if action.purpose == Purpose.GIVEN_UP and write.status != "ERROR" and write.made_for == write.uid:
        limit = spec.get("rollout", {}).get("progressDeadlineSeconds", HOUR)
        wrong += _before_its_time("rollout", write, write.since, limit, whole=whole)
    if not write.graceful and write.status == "INACTIVE" and write.drains_since is not None:
        limit = spec.get("undeploy", {}).get("drainTimeoutSeconds", HOUR)
        # A process that began in that very moment may have found the drain under way.
        whole = not write.tampered and write.process_since < write.drains_since
        wrong += _before_its_time("drain", write, write.drains_since, limit, whole=whole)
    if not write.graceful and write.status in ("ACTIVE", "DEPLOYING") and not write.stale:
        wrong.append(f"DELETE of {write.version} by force, which is {write.status}")
    return wrong


def _before_its_time(what: str, write: Write, since: float, limit: float, *, whole: bool) -> list[str]:
    least = limit if whole else min(LEAST_SEEN, limit / 2)
    seen = write.at - (since if whole else max(since, write.process_since))
    return [f"{what} of {write.version} cut short after {seen:.0f} of {least:.0f} s"] if seen < least - ROUNDING else []


def _unwanted(write: Write, action: Undeploy, latest: dict[str, Any]) -> list[str]:
    wrong, spec = [], latest["spec"]
    wanted = spec["functionVersionId"] == write.version
    redeploys = action.purpose in REDEPLOYS
    draining = write.version in {item["functionVersionId"] for item in own_status(latest).get("retiring", [])}
    if wanted and not redeploys and not draining:
        wrong.append(f"DELETE of {write.version}, which the manifest wants")
    serves = write.status == "ACTIVE"
    blue_green = spec.get("rollout", {}).get("versionChange", "BlueGreen") == "BlueGreen"
    if serves and blue_green and not redeploys and not draining and not write.serving - {write.version}:
        wrong.append(f"DELETE of {write.version}, the last version that serves")
    return wrong
