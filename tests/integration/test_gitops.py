"""What `deploy/argocd` and `deploy/flux` ship, on a real API server: actions, self-heal, and what kustomize builds."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack import documents
from hack.argocd import ARGOCD, CONFIG_MAP, merge_patch, scripts, shipped
from hack.controlplane import ControlPlane
from nvcf_operator.api.names import (
    CLOUD_FUNCTION,
    FUNCTION_DEPLOYMENT,
    NEW_VERSION_REQUESTED_ANNOTATION,
    PAUSED_ANNOTATION,
    RECONCILE_REQUESTED_ANNOTATION,
    Kind,
)
from tests.support.cluster import condition_of, follower
from tests.support.functions import Functions
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

ROOT = ARGOCD.parents[1]
FUNCTIONS = ROOT / "deploy" / "examples" / "functions"

SYNCS = {
    "server-side": ("--server-side", "--force-conflicts", "--field-manager=argocd-controller"),
    "client-side": ("--field-manager=argocd-controller",),
}
"""How Argo CD applies what git holds, with the option ServerSideApply and without."""


def sync(tenant: Tenant, way: tuple[str, ...], manifest: Mapping[str, Any]) -> None:
    """Apply the manifest of git, as a sync and a self-heal do."""
    tenant.namespace.plane.kubectl("-n", tenant.namespace.name, "apply", *way, "-f", "-", input=json.dumps(manifest))


def click(tenant: Tenant, action: str, name: str = "echo", kind: Kind = FUNCTION_DEPLOYMENT) -> dict[str, Any]:
    """Run an action as Argo CD's API server does: the script, then a merge patch of what it changed."""
    found, shipped_for = replace(tenant.namespace, kind=kind).get(name), scripts(kind)
    (offered,) = [each for each in shipped_for.discover(found) if each["name"] == action]
    assert not offered["disabled"], f"{action} is not offered"
    patch = merge_patch(found, shipped_for.act(action, found))
    tenant.namespace.plane.kubectl(
        "-n", tenant.namespace.name, "patch", kind.crd_name, name, "--type=merge", "--field-manager=argocd-server",
        "-p", json.dumps(patch),
    )  # fmt: skip
    changed: dict[str, Any] = patch["metadata"]["annotations"]
    return changed


def wait_for_health(tenant: Tenant, status: str, saying: str) -> None:
    eventually(
        lambda: scripts().health(tenant.namespace.get("echo")),
        lambda health: health.status == status and saying in health.message,
        within=30,
        what=f"{status}, saying {saying!r}",
    )


@pytest.mark.parametrize("way", SYNCS.values(), ids=SYNCS)
def test_a_pause_by_argo_cds_action_survives_a_sync_and_is_resumed(tenant: Tenant, way: tuple[str, ...]) -> None:
    sync(tenant, way, tenant.manifest())
    wait_for_health(tenant, "Healthy", "ACTIVE as specified")
    assert click(tenant, "pause") == {PAUSED_ANNOTATION: "true"}
    wait_for_health(tenant, "Suspended", "The deployment is ACTIVE.")
    sync(tenant, way, tenant.manifest(gpu={"maxInstances": 5}))
    wait_for_health(tenant, "Suspended", "maxInstances: manifest 5, deployed 2")
    assert tenant.writes() == [("createDeployment", 200)]
    assert click(tenant, "resume") == {PAUSED_ANNOTATION: None}
    wait_for_health(tenant, "Healthy", "ACTIVE as specified")
    assert tenant.writes() == [("createDeployment", 200), ("updateGpuSpecification", 200)]


def test_reconcile_now_by_argo_cds_action_is_answered_and_survives_a_sync(tenant: Tenant) -> None:
    way = SYNCS["server-side"]
    sync(tenant, way, tenant.manifest())
    wait_for_health(tenant, "Healthy", "ACTIVE as specified")
    token = click(tenant, "reconcile-now")[RECONCILE_REQUESTED_ANNOTATION]
    tenant.namespace.wait_until(
        "echo", lambda found: found["status"].get("lastHandledReconcileAt") == token, what=f"answers {token}"
    )
    sync(tenant, way, tenant.manifest())
    assert tenant.namespace.get("echo")["metadata"]["annotations"][RECONCILE_REQUESTED_ANNOTATION] == token


def test_a_new_version_by_argo_cds_action_is_registered_rolled_out_and_survives_a_sync(tenant: Tenant) -> None:
    functions, way = Functions.of(tenant.namespace, tenant.simulator), SYNCS["server-side"]
    sync(tenant, way, functions.manifest("chat"))
    sync(tenant, way, follower("chat"))
    tenant.namespace.wait_for("chat", within=60)
    health = scripts(CLOUD_FUNCTION).health(functions.namespace.get("chat"))
    assert (health.status, "is registered with the template" in health.message) == ("Healthy", True)
    former = functions.latest("chat")
    token = click(tenant, "new-version", "chat", CLOUD_FUNCTION)[NEW_VERSION_REQUESTED_ANNOTATION]
    functions.namespace.wait_until(
        "chat", lambda found: found["status"].get("lastHandledNewVersionAt") == token, what=f"answers {token}"
    )
    sync(tenant, way, functions.manifest("chat"))
    newer = functions.latest("chat")
    assert newer != former
    tenant.namespace.wait_until(
        "chat", lambda found: found["status"]["functionVersionId"] == newer, what="rolled out", within=60
    )
    rollout = ["createVersion", "createDeployment", "deleteDeployment"]
    eventually(
        functions.operations,
        lambda asked: asked == ["createFunction", "createDeployment", *rollout],
        within=30,
        what="one more version, and its rollout",
    )


def test_a_broken_manifest_is_degraded_with_the_operators_words_and_heals_by_the_next(tenant: Tenant) -> None:
    way = SYNCS["server-side"]
    sync(tenant, way, tenant.manifest())
    wait_for_health(tenant, "Healthy", "ACTIVE as specified")
    sync(tenant, way, tenant.manifest(gpu={"instanceType": "NCP.GPU.L40S_2x"}))
    wait_for_health(tenant, "Degraded", "NVCF cannot change this in place: deploymentSpecifications[0].instanceType")
    sync(tenant, way, tenant.manifest())
    wait_for_health(tenant, "Healthy", "ACTIVE as specified")


def test_what_is_new_is_progressing_before_the_operator_has_seen_it(
    control_plane: ControlPlane, tenant: Tenant
) -> None:
    unseen = json.loads(
        control_plane.kubectl(
            "-n", tenant.namespace.name, "create", "--dry-run=server", "-o", "json", "-f", "-",
            input=json.dumps(tenant.manifest()),
        )
    )  # fmt: skip
    assert condition_of(unseen, "Ready") == {}
    assert scripts().health(unseen).status == "Progressing"


def test_a_deletion_is_progressing_until_the_deployment_is_gone_and_a_pause_does_not_stop_it(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    wait_for_health(tenant, "Healthy", "ACTIVE as specified")
    click(tenant, "pause")
    wait_for_health(tenant, "Suspended", "The deployment is ACTIVE.")
    tenant.simulator.change(tenant.version, queueDepth=2)
    tenant.namespace.delete("echo")
    tenant.namespace.wait_until("echo", lambda found: found["status"]["phase"] == "Draining", what="Draining")
    found = tenant.namespace.get("echo")
    assert scripts().health(found).status == "Progressing"
    assert [each["name"] for each in scripts().discover(found) if not each["disabled"]] == ["reconcile-now", "resume"]
    tenant.simulator.change(tenant.version, queueDepth=0)
    tenant.namespace.wait_gone("echo")
    assert tenant.simulator.deployments().get(tenant.version) is None


def test_the_settings_go_beside_those_that_argo_cd_has(control_plane: ControlPlane, namespace: str) -> None:
    theirs = {
        "resource.customizations.ignoreResourceUpdates.all": "jsonPointers: [/status]",
        "url": "https://argocd.example",
    }
    existing = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "labels": {"app.kubernetes.io/part-of": "argocd"}},
        "data": theirs,
    }
    control_plane.kubectl("-n", namespace, "apply", "-f", "-", input=json.dumps(existing))
    ours = documents.load(CONFIG_MAP.read_text())
    ours["metadata"]["namespace"] = namespace
    command = ("apply", "--server-side", "--field-manager=nvcf-operator", "-f", "-")
    control_plane.kubectl("-n", namespace, *command, input=json.dumps(ours))
    control_plane.kubectl("-n", namespace, "apply", "-f", "-", input=json.dumps(existing))
    found = json.loads(control_plane.kubectl("-n", namespace, "get", "configmap", "argocd-cm", "-o", "json"))
    assert found["data"] == theirs | shipped()


def kustomize(plane: ControlPlane, folder: Path) -> list[dict[str, Any]]:
    return [each for each in documents.load_all(plane.kubectl("kustomize", str(folder))) if each]


def test_the_settings_are_a_component_for_an_argo_cd_by_kustomize(control_plane: ControlPlane, tmp_path: Path) -> None:
    existing = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": "argocd"},
        "data": {"url": "https://argocd.example"},
    }
    (tmp_path / "argocd-cm.yaml").write_text(yaml.safe_dump(existing))
    overlay = {"resources": ["argocd-cm.yaml"], "components": [os.path.relpath(ARGOCD, tmp_path.resolve())]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    (found,) = kustomize(control_plane, tmp_path)
    assert found["data"] == {"url": "https://argocd.example"} | shipped()


def test_the_folder_of_functions_is_what_both_tools_apply(control_plane: ControlPlane, tenant: Tenant) -> None:
    namespace, *functions = kustomize(control_plane, FUNCTIONS)
    assert namespace["kind"] == "Namespace"
    waves = {CLOUD_FUNCTION.name: "0", FUNCTION_DEPLOYMENT.name: "10"}
    assert {each["kind"] for each in functions} == set(waves)
    for each in functions:
        assert each["metadata"]["namespace"] == namespace["metadata"]["name"]
        assert each["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] == waves[each["kind"]]
        each["metadata"]["namespace"] = tenant.namespace.name
        control_plane.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", input=json.dumps(each))


def test_fluxs_folders_can_be_built(control_plane: ControlPlane) -> None:
    kinds = [each["kind"] for each in kustomize(control_plane, ROOT / "deploy" / "flux")]
    assert sorted(kinds) == ["GitRepository", "Kustomization", "Kustomization"]
    assert [each["kind"] for each in kustomize(control_plane, ROOT / "deploy" / "flux" / "operator")] == ["HelmRelease"]
