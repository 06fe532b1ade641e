"""`deploy/base` and its overlays on a real API server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack import documents
from hack.controlplane import ControlPlane

ROOT = Path(__file__).parents[2]
CRDS = ROOT / "crds"
OVERLAYS = ROOT / "deploy" / "overlays"
COMPONENTS = ROOT / "deploy" / "components"

Objects = list[dict[str, Any]]


def deployment(objects: Objects) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == "Deployment"]
    return found


def dry_run(plane: ControlPlane, obj: dict[str, Any]) -> str:
    """Create an object without creating it; give what kubectl wrote to both outputs, warnings among it."""
    done = subprocess.run(
        [plane.assets / "kubectl", "--kubeconfig", plane.kubeconfig, "create", "--dry-run=server", "-f", "-"],
        input=json.dumps(obj),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def test_the_deployment_fits_the_restricted_profile_of_its_namespace(
    control_plane: ControlPlane, operator_identity: Path, base_objects: Objects
) -> None:
    said = dry_run(control_plane, deployment(base_objects))
    assert said.strip() == "deployment.apps/nvcf-operator created (server dry run)"


def test_a_laxer_deployment_is_warned_of(
    control_plane: ControlPlane, operator_identity: Path, base_objects: Objects
) -> None:
    lax = json.loads(json.dumps(deployment(base_objects)))
    del lax["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    assert "would violate PodSecurity" in dry_run(control_plane, lax)


def test_the_pod_is_admitted(control_plane: ControlPlane, operator_identity: Path, base_objects: Objects) -> None:
    template = deployment(base_objects)["spec"]["template"]
    metadata = template["metadata"] | {"name": "nvcf-operator", "namespace": "nvcf-operator-system"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    assert dry_run(control_plane, pod).strip() == "pod/nvcf-operator created (server dry run)"


def test_the_base_has_no_secret(base_objects: Objects) -> None:
    assert "Secret" not in {each["kind"] for each in base_objects}


@pytest.mark.parametrize("flag", ["-k", "-f"])
def test_the_crd_can_be_applied_alone(control_plane: ControlPlane, flag: str) -> None:
    said = control_plane.kubectl("apply", "--dry-run=server", flag, CRDS)
    assert "functiondeployments.nvcf-operator.io" in said


def overlay(plane: ControlPlane, folder: Path) -> Objects:
    """The objects of an overlay, after the API server has taken each that it knows, with no unknown field."""
    objects = documents.load_all(plane.kubectl("kustomize", folder))
    for each in objects:
        if each["apiVersion"].startswith("monitoring.coreos.com/"):
            continue
        said = plane.kubectl(
            "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-",
            input=json.dumps(each),
        )  # fmt: skip
        assert said.strip().endswith("serverside-applied (server dry run)")
    return objects


def test_the_overlay_for_zones_keeps_three_replicas_on_three_nodes(
    control_plane: ControlPlane, operator_identity: Path, base_objects: Objects
) -> None:
    objects = overlay(control_plane, OVERLAYS / "ha")
    spec = deployment(objects)["spec"]
    assert spec["replicas"] == 3
    spread = spec["template"]["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"]: each["whenUnsatisfiable"] for each in spread} == {
        "kubernetes.io/hostname": "DoNotSchedule",
        "topology.kubernetes.io/zone": "ScheduleAnyway",
    }
    assert all(each["labelSelector"] == spec["selector"] for each in spread)
    rest = [each for each in objects if each["kind"] != "Deployment"]
    assert rest == [each for each in base_objects if each["kind"] != "Deployment"]


def test_the_overlay_for_namespaces_has_no_right_in_the_cluster(
    control_plane: ControlPlane, operator_identity: Path
) -> None:
    objects = overlay(control_plane, OVERLAYS / "namespaced")
    assert not {each["kind"] for each in objects} & {"ClusterRole", "ClusterRoleBinding"}
    (container,) = deployment(objects)["spec"]["template"]["spec"]["containers"]
    assert "--namespaces=default" in container["args"]
    roles = {each["metadata"]["namespace"] for each in objects if each["kind"] == "Role"}
    assert roles == {"default", "nvcf-operator-system"}


def test_an_overlay_of_the_users_takes_the_components_it_wants(
    control_plane: ControlPlane, operator_identity: Path, base_objects: Objects, tmp_path: Path
) -> None:
    there = {folder: os.path.relpath(folder, tmp_path) for folder in (ROOT / "deploy" / "base", *COMPONENTS.iterdir())}
    base, *components = there.values()
    kustomization = {"resources": [base], "components": components}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    added = [each["kind"] for each in overlay(control_plane, tmp_path)]
    for each in base_objects:
        added.remove(each["kind"])
    assert sorted(set(added)) == [
        "ConfigMap",
        "NetworkPolicy",
        "PrometheusRule",
        "ServiceMonitor",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ]
