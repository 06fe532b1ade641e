"""The resource customizations in upstream's layout, and the ConfigMap that is made of it."""

from pathlib import Path
from typing import Any

import yaml

from hack import documents
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT, GROUP, KINDS, Kind

ARGOCD = Path(__file__).parents[2] / "deploy" / "argocd"
CONFIG_MAP = ARGOCD / "argocd-cm.yaml"

HEAD = """\
# Made of resource_customizations by `make argocd`; change that, not this. It holds no other key of Argo CD's settings:
#   kubectl apply --server-side --field-manager=nvcf-operator -f deploy/argocd/argocd-cm.yaml
"""

APPLICATION_HEALTH = """\
-- An Application is as healthy as it says. Without this, a wave does not wait for the Applications of the one before.
-- In the middle of a sync it calls itself Healthy when all that is there so far is: then, and until it was compared
-- after the sync, it is Progressing.
local status = obj.status or {}
local health = status.health
if health == nil or health.status == nil then
  return {status = "Progressing", message = "Waiting for Argo CD to see the Application"}
end

local sync = status.operationState or {}
local outOfSync = status.sync ~= nil and status.sync.status == "OutOfSync"
local compared, finished = status.reconciledAt, sync.finishedAt
local stale = compared ~= nil and finished ~= nil
  and (compared < finished or (compared == finished and outOfSync))
if health.status == "Healthy" and (obj.operation ~= nil or sync.phase == "Running" or stale) then
  return {status = "Progressing", message = "A sync is under way"}
end
return {status = health.status, message = health.message or ""}
"""

IGNORED = {
    "jsonPointers": ["/status", "/metadata/finalizers"],
}
"""What the operator itself writes: no reason to compare an Application with git again. A change of health still is."""


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, so that scripts stay readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _dump(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=120)


def customization(kind: Kind = FUNCTION_DEPLOYMENT) -> Path:
    """Folder of a kind's scripts, laid out as in Argo CD's own repository."""
    return ARGOCD / "resource_customizations" / GROUP / kind.name


def group_kind(kind: Kind = FUNCTION_DEPLOYMENT) -> str:
    """How the settings of Argo CD name a kind."""
    return f"{GROUP}_{kind.name}"


def config_map() -> str:
    """Make the ConfigMap's text of the scripts."""
    data: dict[str, str] = {}
    for kind in KINDS:
        data |= _settings(kind)
    data["resource.customizations.health.argoproj.io_Application"] = APPLICATION_HEALTH
    metadata = {
        "name": "argocd-cm",
        "namespace": "argocd",
        "labels": {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"},
    }
    return HEAD + _dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _settings(kind: Kind) -> dict[str, str]:
    folder, named = customization(kind), group_kind(kind)
    actions = folder / "actions"
    definitions = [
        {"name": path.parent.name, "action.lua": path.read_text()} for path in sorted(actions.glob("*/action.lua"))
    ]
    return {
        f"resource.customizations.health.{named}": (folder / "health.lua").read_text(),
        f"resource.customizations.actions.{named}": _dump(
            {"discovery.lua": (actions / "discovery.lua").read_text(), "definitions": definitions}
        ),
        f"resource.customizations.ignoreResourceUpdates.{named}": _dump(IGNORED),
    }


def shipped() -> dict[str, str]:
    """Read the data of the ConfigMap that is committed."""
    found: dict[str, Any] = documents.load(CONFIG_MAP.read_text())
    return dict(found["data"])
