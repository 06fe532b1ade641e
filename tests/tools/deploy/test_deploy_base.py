"""What the files of `deploy/base` say, without a cluster. tests/integration asks the real API server about them."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hack import documents
from nvcf_operator.api import names
from nvcf_operator.cli import main
from nvcf_operator.runtime.leadership import NAME as LEASE
from nvcf_operator.runtime.operator import NAMESPACE as LEASE_NAMESPACE
from nvcf_operator.settings import Settings, unknown_variables

ROOT = Path(__file__).parents[3]
BASE = ROOT / "deploy" / "base"
NAMESPACE = "nvcf-operator-system"


def load(path: Path) -> list[dict[str, Any]]:
    return [document for document in documents.load_all(path.read_text()) if document]


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    (kustomization,) = load(BASE / "kustomization.yaml")
    files = [BASE / name for name in kustomization["resources"] if name.endswith(".yaml")]
    files.append(ROOT / "deploy" / "namespace" / "namespace.yaml")
    return [document for file in files for document in load(file)]


def one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The only one of a kind; the roles that are added to those of users are not the operator's."""
    (found,) = [each for each in objects if each["kind"] == kind and not is_for_users(each)]
    return found


def is_for_users(each: dict[str, Any]) -> bool:
    return any("aggregate-to" in label for label in each["metadata"].get("labels", {}))


@pytest.fixture(scope="module")
def pod(objects: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = one(objects, "Deployment")["spec"]["template"]["spec"]
    return found


@pytest.fixture(scope="module")
def container(pod: dict[str, Any]) -> dict[str, Any]:
    containers: list[dict[str, Any]] = pod["containers"]
    (found,) = containers
    return found


def test_every_file_is_part_of_the_base() -> None:
    (kustomization,) = load(BASE / "kustomization.yaml")
    listed = {name for name in kustomization["resources"] if name.endswith(".yaml")}
    assert {path.name for path in BASE.iterdir()} == listed | {"kustomization.yaml"}


def test_the_base_brings_the_generated_crds_themselves() -> None:
    (kustomization,) = load(BASE / "kustomization.yaml")
    folders = [(BASE / name).resolve() for name in kustomization["resources"] if not name.endswith(".yaml")]
    crds = ROOT / "crds"
    assert folders == [crds, ROOT / "deploy" / "namespace"]
    (inner,) = load(crds / "Kustomization")
    assert [load(crds / name)[0]["metadata"]["name"] for name in inner["resources"]] == [
        kind.crd_name for kind in names.KINDS
    ]


def test_what_is_in_a_namespace_is_in_the_operators(objects: list[dict[str, Any]]) -> None:
    places = {each["kind"]: each["metadata"].get("namespace") for each in objects}
    assert len(objects) == len(places) + 1, "one role is for users"
    assert places == {
        "Namespace": None,
        "ServiceAccount": NAMESPACE,
        "ClusterRole": None,
        "ClusterRoleBinding": None,
        "Role": NAMESPACE,
        "RoleBinding": NAMESPACE,
        "PodDisruptionBudget": NAMESPACE,
        "Service": NAMESPACE,
        "Deployment": NAMESPACE,
    }
    assert one(objects, "Namespace")["metadata"]["name"] == NAMESPACE


def test_the_role_is_bound_to_the_account_that_the_pods_run_as(
    objects: list[dict[str, Any]], pod: dict[str, Any]
) -> None:
    account, binding = one(objects, "ServiceAccount")["metadata"]["name"], one(objects, "ClusterRoleBinding")
    assert pod["serviceAccountName"] == account
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]
    assert binding["roleRef"]["name"] == one(objects, "ClusterRole")["metadata"]["name"]
    lease = one(objects, "RoleBinding")
    assert lease["subjects"] == binding["subjects"]
    assert lease["roleRef"]["name"] == one(objects, "Role")["metadata"]["name"]


def test_no_rule_is_for_everything_and_secrets_are_read_by_name_only(objects: list[dict[str, Any]]) -> None:
    rules = one(objects, "ClusterRole")["rules"]
    for rule in rules:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"], rule
    (secrets,) = [rule for rule in rules if "secrets" in rule["resources"]]
    assert secrets == {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": [names.DEFAULT_SECRET_NAME],
        "verbs": ["get"],
    }


def test_of_the_replicas_one_leads_and_only_its_lease_may_be_written(objects: list[dict[str, Any]]) -> None:
    deployment, role = one(objects, "Deployment"), one(objects, "Role")
    assert deployment["spec"]["replicas"] == 2
    assert role["metadata"]["namespace"] == deployment["metadata"]["namespace"] == LEASE_NAMESPACE
    assert [(rule["verbs"], rule.get("resourceNames")) for rule in role["rules"]] == [
        (["create"], None),
        (["get", "watch", "update"], [LEASE]),
    ]


def test_only_the_pod_gets_the_accounts_token(objects: list[dict[str, Any]], pod: dict[str, Any]) -> None:
    assert one(objects, "ServiceAccount")["automountServiceAccountToken"] is False
    assert pod["automountServiceAccountToken"] is True


@dataclass(frozen=True)
class Rule:
    reason: str
    of: str
    is_: Any


RULES = [
    Rule("not root", "pod.securityContext.runAsNonRoot", True),
    Rule("the user of the image", "pod.securityContext.runAsUser", 65532),
    Rule("system calls as the runtime filters them", "pod.securityContext.seccompProfile.type", "RuntimeDefault"),
    Rule("no way to more rights", "container.securityContext.allowPrivilegeEscalation", False),
    Rule("nothing to write to", "container.securityContext.readOnlyRootFilesystem", True),
    Rule("no capability", "container.securityContext.capabilities", {"drop": ["ALL"]}),
    Rule("the host's network is not needed", "pod.hostNetwork", None),
    Rule("the probe of its life", "container.livenessProbe.httpGet.path", "/healthz"),
    Rule("the probe of its readiness", "container.readinessProbe.httpGet.path", "/readyz"),
    Rule("throttling would delay a user's edit", "container.resources.limits.cpu", None),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.reason)
def test_the_pod_keeps_to_the_restricted_profile_and_is_watched(
    pod: dict[str, Any], container: dict[str, Any], rule: Rule
) -> None:
    value: Any = {"pod": pod, "container": container}
    for part in rule.of.split("."):
        value = value.get(part) if value is not None else None
    assert value == rule.is_


def test_probes_and_metrics_are_where_the_operator_serves_them(container: dict[str, Any]) -> None:
    (port,) = container["ports"]
    assert f"--metrics-address=:{port['containerPort']}" in container["args"]
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]


def test_the_operator_starts_with_the_arguments_and_variables_that_it_is_given(
    container: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag or a value that the command does not take would end every pod at its start."""
    for variable in container.get("env", ()):
        monkeypatch.setenv(variable["name"], variable.get("value", "from elsewhere"))
    command, *arguments = container["args"]
    given = main.commands[command].make_context(command, arguments).params
    found = Settings(**{name: value for name, value in given.items() if value not in (None, ())})
    assert found.log_format == "json"
    assert found.leader_election
    assert list(unknown_variables(os.environ)) == []


def test_the_image_is_of_this_version(container: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert container["image"] == f"{project['name']}:{project['version']}"
