"""Installs the operator's part of `deploy/base` into a control plane: CRDs, namespace, identity and rights."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hack import documents
from hack.controlplane import ControlPlane
from nvcf_operator.api.names import KINDS

BASE = Path(__file__).parents[2] / "deploy" / "base"
EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"
NAMESPACE, ACCOUNT = "nvcf-operator-system", "nvcf-operator"


def base_objects(plane: ControlPlane) -> list[dict[str, Any]]:
    """All objects of `deploy/base`, as kustomize renders them."""
    return documents.load_all(plane.kubectl("kustomize", str(BASE)))


def install(plane: ControlPlane, *, without: Collection[str] = ()) -> Path:
    """Install all of it but the Deployment, for the operator runs beside the cluster; give its kubeconfig.

    Args:
        plane: where.
        without: names of other objects that are left out.

    """
    items = [each for each in base_objects(plane) if each["kind"] != "Deployment"]
    items = [each for each in items if each["metadata"]["name"] not in without]
    plane.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    crds = [f"crd/{kind.crd_name}" for kind in KINDS if kind.crd_name not in without]
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)
    return plane.kubeconfig_for(NAMESPACE, ACCOUNT)
