"""What the integration tests share."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane import ControlPlane
from nvcf_operator.api.names import CRD_NAME

BASE = Path(__file__).parents[2] / "deploy" / "base"

Objects = list[dict[str, Any]]


@pytest.fixture(scope="session")
def base_objects(control_plane: ControlPlane) -> Objects:
    """All objects of `deploy/base`, as kustomize renders them."""
    return list(yaml.safe_load_all(control_plane.kubectl("kustomize", BASE)))


@pytest.fixture(scope="session")
def operator_identity(control_plane: ControlPlane, base_objects: Objects) -> Path:
    """The kubeconfig of the operator's ServiceAccount, with exactly the rights that `deploy/base` gives it.

    Installs all of the base but the Deployment: tests run the operator themselves.
    """
    installed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [each for each in base_objects if each["kind"] != "Deployment"],
    }
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(installed))
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{CRD_NAME}")
    return control_plane.kubeconfig_for("nvcf-operator-system", "nvcf-operator")
