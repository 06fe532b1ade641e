"""Argo CD by the shipped script, and all others by kstatus, say the same of a resource."""

from collections.abc import Mapping
from typing import Any

from hack.argocd.lua import LuaError, Scripts, scripts
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, KINDS
from tests.support.kstatus import kstatus

BY_NAME = {kind.name: kind for kind in KINDS}

AGREE = {
    "Current": ("Healthy", "Suspended"),
    "InProgress": ("Progressing", "Suspended"),
    "Failed": ("Degraded",),
    "Terminating": ("Progressing",),
}
"""What Argo CD may show for each result of kstatus, which knows no pause."""


def disagreement(resource: Mapping[str, Any], by: Scripts | None = None) -> str | None:
    """Say where Argo CD would show another thing than kstatus; None where they agree.

    `by` are the scripts to ask; by default those that are shipped for its kind.
    """
    kind = BY_NAME.get(resource.get("kind", ""), FUNCTION_DEPLOYMENT)
    try:
        shown = (by or scripts(kind)).health(resource)
    except LuaError as error:
        return f"Argo CD's health script fails: {error}"
    result = kstatus(resource)
    if shown.status not in AGREE[result]:
        return f"kstatus says {result}, and Argo CD {shown.status}"
    if not shown.message:
        return f"Argo CD shows {shown.status} without a message"
    if result != "Terminating" and result != "Failed" and (shown.status == "Suspended") != _is_paused(resource):
        return f"Argo CD shows {shown.status}, and the resource is {'' if _is_paused(resource) else 'not '}paused"
    return None


def _is_paused(resource: Mapping[str, Any]) -> bool:
    status, metadata = resource["status"], resource["metadata"]
    if status.get("observedGeneration") != metadata["generation"]:
        return False  # of an older manifest nothing is known but that the operator is to reconcile the new one
    marked: bool = metadata.get("annotations", {}).get("nvcf-operator.io/paused", "").lower() == "true"
    return marked or bool(resource["spec"].get("suspend"))
