"""The invariants of a FunctionDeployment's reference, held against each change of a deployment."""

from typing import Any

from nvcf_operator.core.model.decision import Purpose, Undeploy
from tests.property.chance import Write
from tests.property.cluster_model import own_status
from tests.property.registry_model import Registry, content_of


def following(write: Write, registry: Registry) -> list[str]:
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
    at_once = content_of(function["spec"]["template"]) == _content(registry, current.get("versionId"))
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


def _content(registry: Registry, version: str | None) -> dict[str, Any] | None:
    found = registry.rows.get(version or "")
    return found.content if found is not None else None
