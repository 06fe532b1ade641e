"""`nvcf-operator plan` under the read-only identity of docs/plan.md, beside a running operator on a real API server."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from hack.controlplane import ControlPlane
from tests.support.cluster import follower
from tests.support.functions import Functions
from tests.support.simulator import KEY, Simulator
from tests.support.tenant import Tenant

COMMAND = Path(sys.executable).with_name("nvcf-operator")
PAGE = Path(__file__).parents[2] / "docs" / "plan.md"


def role_of_the_page(*, without: str = "") -> list[dict[str, Any]]:
    """The rules of the page's ClusterRole, without those for a resource."""
    (block,) = re.findall(r"```yaml\n([^`]*kind: ClusterRole\n[^`]*)```", PAGE.read_text())
    role = next(item for item in yaml.safe_load_all(block) if item["kind"] == "ClusterRole")
    return [rule for rule in role["rules"] if without not in rule["resources"]]


def identity(plane: ControlPlane, namespace: str, name: str, rules: list[dict[str, Any]]) -> Path:
    """A ServiceAccount with exactly these rights, in all namespaces."""
    plane.kubectl("create", "serviceaccount", name, "--namespace", namespace)
    full = f"{namespace}-{name}"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": full}}
    binding = {
        **role,
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": full},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    plane.kubectl("apply", "-f", "-", input=f"{json.dumps({**role, 'rules': rules})}\n---\n{json.dumps(binding)}")
    return plane.kubeconfig_for(namespace, name)


def plan(tenant: Tenant, folder: Path, kubeconfig: Path, *objects: dict[str, Any], output: str = "json") -> Any:
    """Exit code and output of the command for these manifests, which nothing is written for."""
    (folder / "key").write_text(KEY)
    assert isinstance(tenant.simulator, Simulator)
    before = tenant.simulator.cursor
    done = subprocess.run(
        [
            *(COMMAND, "plan", "-f", "-", "-o", output, "--kubeconfig", kubeconfig),
            *("--nvcf-base-url", tenant.simulator.url, "--api-key-file", folder / "key"),
        ],
        input=yaml.safe_dump_all(objects),
        text=True,
        capture_output=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("NVCF_OPERATOR_")},
        timeout=120,
    )
    assert KEY not in done.stdout + done.stderr
    written = [entry for entry in tenant.simulator.log(before) if entry["mutating"]]
    assert written == []
    if output != "json" or not done.stdout:
        return done.returncode, done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_plans_of_what_the_operator_manages(control_plane: ControlPlane, tenant: Tenant, tmp_path: Path) -> None:
    reader = identity(control_plane, tenant.namespace.name, "reader", role_of_the_page())
    applied = tenant.manifest("echo", gpu={"maxInstances": 2}, rollout={"immutableChange": "Reject"})
    tenant.namespace.apply(applied)
    tenant.namespace.wait_for("echo", within=60)
    before = tenant.namespace.get("echo")

    code, found, _ = plan(tenant, tmp_path, reader, applied)
    (item,) = found["resources"]
    assert (code, item["action"], item["namespace"]) == (0, "unchanged", tenant.namespace.name)
    assert item["basis"] == "merged"

    larger = tenant.manifest("echo", gpu={"maxInstances": 7})
    code, found, _ = plan(tenant, tmp_path, reader, larger)
    (item,) = found["resources"]
    assert (code, item["action"]) == (2, "patch")
    assert item["fields"] == [{"path": "deploymentSpecifications[0].maxInstances", "before": 2, "after": 7}]
    assert (item["orders"]["now"]["maxInstances"], item["orders"]["then"]["maxInstances"]) == (2, 7)

    other = tenant.manifest("echo", gpu={"gpu": "A100", "instanceType": "NCP.GPU.A100_1x"})
    code, found, _ = plan(tenant, tmp_path, reader, other)
    (item,) = found["resources"]
    assert (code, item["action"], item["reason"]) == (1, "refuse", "ImmutableFieldChanged")
    assert item["waysOut"]

    version = tenant.another_version()
    rolled = tenant.manifest("echo", functionVersionId=version)
    code, found, _ = plan(tenant, tmp_path, reader, rolled)
    (item,) = found["resources"]
    assert (code, item["action"]) == (2, "rollout")
    assert item["orders"]["during"]["maxInstances"] == 4

    moved = {**applied, "spec": {**applied["spec"], "functionId": version}}
    code, out, err = plan(tenant, tmp_path, reader, moved)
    assert (code, out) == (1, "")
    assert "spec.functionId: functionId is immutable" in err

    # Another name for the same version: the cluster's resource holds it, though no manifest is about it.
    code, found, _ = plan(tenant, tmp_path, reader, tenant.manifest("twin"))
    assert (code, [item["action"] for item in found["resources"]]) == (1, ["conflict"])
    assert tenant.namespace.get("echo") == before


def test_plans_of_functions_and_of_what_follows_them(
    control_plane: ControlPlane, tenant: Tenant, tmp_path: Path
) -> None:
    functions = Functions.of(tenant.namespace, tenant.simulator)
    functions.apply("llama")
    functions.namespace.wait_for("llama", within=60)
    blind = identity(control_plane, tenant.namespace.name, "blind", role_of_the_page(without="secrets"))
    # The CloudFunction is in the cluster alone, the FunctionDeployment in the input alone.
    code, found, _ = plan(tenant, tmp_path, blind, follower("llama"))
    (item,) = found["resources"]
    assert (code, item["action"], item["basis"], item["after"]) == (2, "deploy", "new", None)
    assert any("could not be read" in note and "--api-key-file was used" in note for note in found["notes"])
    code, found, _ = plan(tenant, tmp_path, blind, functions.manifest("llama"))
    assert (code, [item["action"] for item in found["resources"]]) == (0, ["unchanged"])
    changed = functions.manifest("llama", template={"containerImage": "nvcr.io/org/llama:2"})
    code, text, _ = plan(tenant, tmp_path, blind, changed, follower("llama"), output="text")
    assert code == 2
    assert f"+   CloudFunction {tenant.namespace.name}/llama: register\n" in text


def test_an_apply_is_tried_where_the_identity_may_patch(
    control_plane: ControlPlane, tenant: Tenant, tmp_path: Path
) -> None:
    rules = role_of_the_page()
    kinds = next(rule for rule in rules if "functiondeployments" in rule["resources"])
    rules.append({**kinds, "verbs": ["create", "patch"]})
    editor = identity(control_plane, tenant.namespace.name, "editor", rules)
    manifest = {**tenant.manifest("echo"), "spec": {**tenant.manifest("echo")["spec"], "suspend": False}}
    control_plane.kubectl(
        *("apply", "--server-side", "--field-manager=flux", "--namespace", tenant.namespace.name, "-f", "-"),
        input=json.dumps(manifest),
    )
    tenant.namespace.wait_for("echo", within=60)
    before = tenant.namespace.get("echo")
    del manifest["spec"]["suspend"]  # gone only for the manager that set it
    manifest["spec"]["deploymentSpecifications"] = [
        {**manifest["spec"]["deploymentSpecifications"][0], "maxRequestConcurrency": 3}
    ]
    code, found, _ = plan(tenant, tmp_path, editor, manifest)
    (item,) = found["resources"]
    assert (code, item["action"], item["basis"]) == (2, "put", "dry-run")
    reader = identity(control_plane, tenant.namespace.name, "reader", role_of_the_page())
    code, found, _ = plan(tenant, tmp_path, reader, manifest)
    (item,) = found["resources"]
    assert (code, item["action"], item["basis"]) == (2, "put", "merged")
    assert any(note.startswith("The identity may not patch functiondeployments in") for note in found["notes"])
    moved = {**manifest, "spec": {**manifest["spec"], "functionId": tenant.version}}
    code, out, err = plan(tenant, tmp_path, editor, moved, tenant.manifest("fresh"))
    assert (code, out) == (1, "")
    assert "the API server rejects it: " in err
    assert "functionId is immutable" in err
    assert tenant.namespace.get("echo") == before
    assert tenant.namespace.find("fresh") is None
    # What an administrator has set stays, whichever way it is found out, and so does what comes of it.
    edit = json.dumps({"spec": {"rollout": {"versionChange": "Recreate"}}})
    control_plane.kubectl(
        *("patch", "functiondeployment", "echo", "--namespace", tenant.namespace.name, "--type=merge", "-p", edit)
    )
    version = {"functionVersionId": tenant.another_version()}
    rolled = {**manifest, "spec": {**tenant.manifest("echo")["spec"], **version}}
    assert "rollout" not in rolled["spec"]
    for kubeconfig, basis in ((editor, "dry-run"), (reader, "merged")):
        code, found, _ = plan(tenant, tmp_path, kubeconfig, rolled)
        (item,) = found["resources"]
        assert (code, item["action"], item["basis"], item["downtime"]) == (2, "redeploy", basis, True)
