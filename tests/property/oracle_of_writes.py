"""The invariants, held against every change that was asked for in NVCF, at the moment it was asked for."""

from collections.abc import Mapping
from typing import Any

from nvcf_operator.api import names
from nvcf_operator.core.actions import Change, Create, Purpose, Undeploy
from nvcf_operator.core.changes import Patch
from property.operator_model import TIMING, Write


def violations(write: Write) -> list[str]:
    """What is wrong with a change."""
    latest = write.latest
    if latest is None:
        return [f"{write.kind} of {write.version} for a resource that is gone"]
    spec, meta, status = latest["spec"], latest["metadata"], latest["status"]
    wrong = []
    deleting = "deletionTimestamp" in meta
    if spec.get("managementPolicy") == "Observe":
        wrong.append(f"{write.kind} under Observe")
    if (spec.get("suspend") or meta["annotations"].get(names.PAUSED_ANNOTATION) == "true") and not deleting:
        wrong.append(f"{write.kind} while suspended")
    if deleting and spec.get("deletionPolicy") == "Retain":
        wrong.append(f"{write.kind} after the deletion of a resource that retains")
    if isinstance(write.action, Create | Change):
        if spec["functionVersionId"] != write.version:
            wrong.append(f"{write.kind} of {write.version}, which the newest manifest does not want")
        if deleting:
            wrong.append(f"{write.kind} for a resource that is being deleted")
    if isinstance(write.action, Change):
        wrong += _idle(write, write.action, spec)
    if isinstance(write.action, Create):
        wrong += _hasty(write)
        finalizer = names.FINALIZER in meta["finalizers"]
        if not finalizer and spec.get("deletionPolicy", "Delete") == "Delete":
            wrong.append("POST without the finalizer")
    if isinstance(write.action, Undeploy) and not deleting:
        wrong += _unwanted(write, write.action, spec, status)
    return wrong


def _idle(write: Write, action: Change, spec: dict[str, Any]) -> list[str]:
    wanted, wrong = [item["maxInstances"] for item in spec["deploymentSpecifications"]], []
    assert isinstance(action.change, Patch), "the model's server has PATCH"
    if [action.change.max_instances] != wanted:
        wrong.append(f"PATCH to {action.change.describe()}, which the newest manifest does not say")
    if [item["maxInstances"] for item in write.specifications] == wanted:
        wrong.append(f"PATCH of {write.version} that changes nothing")
    return wrong


def _hasty(write: Write) -> list[str]:
    wrong = []
    if write.may_still_come:
        wrong.append(f"POST of {write.version} while another one may still be running")
    gone = write.gone_at
    # A process that did not see the version itself knows what the record says, and no more: named in the documentation.
    known = write.witnessed or write.version in on_record(write.latest or {})
    if gone is not None and known and write.at - gone < TIMING.redeploy_settle:
        wrong.append(f"POST of {write.version} {write.at - gone:.0f} s after it went")
    return wrong


def on_record(obj: Mapping[str, Any]) -> set[str]:
    """The versions that a resource's status holds."""
    status = obj.get("status", {})
    tracked = [status.get("incoming"), status.get("failed"), *status.get("retiring", [])]
    held = {item["functionVersionId"] for item in tracked if item}
    main = status.get("functionVersionId") if status.get("functionStatus") else None
    return held | ({main} if main else set())


def _unwanted(write: Write, action: Undeploy, spec: dict[str, Any], status: dict[str, Any]) -> list[str]:
    wrong = []
    wanted = spec["functionVersionId"] == write.version
    redeploys = action.purpose in (Purpose.REDEPLOY, Purpose.REQUESTED, Purpose.FAILED, Purpose.GIVEN_UP)
    draining = write.version in {item["functionVersionId"] for item in status.get("retiring", [])}
    if wanted and not redeploys and not draining:
        wrong.append(f"DELETE of {write.version}, which the manifest wants")
    serves = write.status == "ACTIVE"
    blue_green = spec.get("rollout", {}).get("versionChange", "BlueGreen") == "BlueGreen"
    if serves and blue_green and not redeploys and not draining and not write.serving - {write.version}:
        wrong.append(f"DELETE of {write.version}, the last version that serves")
    return wrong
