"""The CRDs and manifests for trying them: a small one, a complete one, and ways to change them field by field."""

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from hack import documents
from hack.controlplane import ControlPlane
from nvcf_operator.api.names import API_VERSION, FUNCTION_DEPLOYMENT, GROUP, KINDS, Kind

ROOT = Path(__file__).parents[2]
CRD_FILES: Mapping[Kind, Path] = {kind: ROOT / "crds" / f"{GROUP}_{kind.plural}.yaml" for kind in KINDS}
FUNCTION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"

MEMBER = "acme"
"""The member of a mapping that complete manifests have."""

REMOVED: Final = object()
"""As a value of a change: the field is taken out."""

SMALL: Mapping[str, Any] = {
    "functionId": FUNCTION,
    "functionVersionId": FUNCTION,
    "deploymentSpecifications": [{"gpu": "L40S", "minInstances": 1, "maxInstances": 2}],
}

COMPLETE: Mapping[str, Any] = {
    "functionId": FUNCTION,
    "functionVersionId": FUNCTION,
    "deploymentSpecifications": [
        {
            "gpu": "L40S",
            "instanceType": "NCP.GPU.L40S_1x",
            "minInstances": 1,
            "maxInstances": 4,
            "maxRequestConcurrency": 8,
            "backend": "",
            "clusters": ["a"],
            "regions": ["b"],
            "attributes": ["c"],
            "availabilityZones": ["d"],
            "preferredOrder": 1,
            "configuration": {"replicas": 2, "nested": {"list": [1, {"x": "y"}], "none": None}},
            "helmValidationPolicy": {
                "name": "Default",
                "extraKubernetesTypes": [{"group": "batch", "version": "v1", "kind": "Job"}],
            },
            "autoscalingConfiguration": {
                "scaleUpDetails": {
                    "metric": "m",
                    "threshold": 80,
                    "factor": 1.5,
                    "stickiness": {"size": "PT10M", "threshold": "PT1M"},
                },
                "scaleDownDetails": {
                    "metric": "m",
                    "threshold": 20,
                    "factor": 0.5,
                    "stickiness": {"size": "PT1H", "threshold": "PT1M"},
                },
            },
            "autoscalingConfigurationPolicy": "CUSTOM_CONFIGURATION",
        }
    ],
    "credentials": {"secretRef": {"name": "nvcf-credentials", "key": "NGC_API_KEY"}},
    "rollout": {"versionChange": "BlueGreen", "immutableChange": "Reject", "progressDeadlineSeconds": 3600},
    "undeploy": {"graceful": True, "drainTimeoutSeconds": 3600, "onDrainTimeout": "Force"},
    "deletionPolicy": "Delete",
    "adoptionPolicy": "Adopt",
    "managementPolicy": "Manage",
    "suspend": False,
}
"""A manifest that sets every field, so that any one of them can be spoilt."""


BY_REFERENCE: Mapping[str, Any] = {
    "functionId": REMOVED,
    "functionVersionId": REMOVED,
    "functionRef": {"name": "llama", "revision": "1-4-2"},
}
"""What makes a manifest with ids one that refers to a CloudFunction."""


def install_crds(control_plane: ControlPlane) -> None:
    """Apply the shipped CRDs and wait until the API server serves them."""
    for file in CRD_FILES.values():
        control_plane.kubectl("apply", "-f", file)
        control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", file)


def changed(spec: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `spec` with the fields at paths like `deploymentSpecifications[0].gpu` set, or taken out."""
    found: dict[str, Any] = copy.deepcopy(dict(spec))
    for path, value in changes.items():
        *parents, last = _parts(path)
        holder = _value(found, parents)
        if value is REMOVED:
            del holder[last]
        else:
            holder[last] = value
    return found


def value_at(spec: Mapping[str, Any], path: str) -> Any:
    """What is in `spec` at a path like `deploymentSpecifications[0].gpu`."""
    return _value(spec, _parts(path))


def _parts(path: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]


def _value(holder: Any, parts: list[str | int]) -> Any:
    for part in parts:
        holder = holder[part]
    return holder


def manifest(name: str, spec: Mapping[str, Any], kind: Kind = FUNCTION_DEPLOYMENT) -> dict[str, Any]:
    """A resource of that name and spec."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind.name,
        "metadata": {"name": name},
        "spec": dict(spec),
    }


def spec_fields(kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of the shipped CRD's spec, the spec itself first, by the path that it has in a complete manifest."""
    versions = documents.load(CRD_FILES[kind].read_text())["spec"]["versions"]
    yield from _walk("", versions[0]["schema"]["openAPIV3Schema"]["properties"]["spec"])


def _walk(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from _walk(f"{path}.{name}".removeprefix("."), field)
    if "items" in schema:
        yield from _walk(f"{path}[0]", schema["items"])
    if "additionalProperties" in schema:
        yield from _walk(f"{path}.{MEMBER}", schema["additionalProperties"])
