"""The resource as users and tools meet it: applying, changing, reading, on the real API server."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hack import documents
from hack.controlplane import ControlPlane, KubectlError
from nvcf_operator.api.names import CRD_NAME, FUNCTION_DEPLOYMENT, KINDS
from nvcf_operator.api.status import (
    CONDITION_TYPES,
    READY,
    Condition,
    Failed,
    FunctionDeploymentStatus,
    Incoming,
    Intent,
    LastWrite,
    ObservedGpuSpecification,
    Phase,
    Retiring,
    Retry,
    TakenReference,
    merge,
)
from tests.integration.resource_manifests import (
    BY_REFERENCE,
    CRD_FILES,
    FUNCTION,
    REMOVED,
    ROOT,
    SMALL,
    changed,
    install_crds,
    manifest,
)
from tests.support.cluster import resource_path

EXAMPLES = sorted((ROOT / "deploy" / "examples").glob("*.yaml"))
OTHER = "7c1e0f9a-3b5d-4c7e-8f90-a1b2c3d4e5f6"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Cluster:
    """kubectl in the test's own namespace."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._plane, self._namespace = control_plane, namespace

    def kubectl(self, *arguments: str, input: str | None = None) -> str:
        return self._plane.kubectl("--namespace", self._namespace, *arguments, input=input)

    def apply(self, spec: dict[str, Any], *flags: str, name: str = "echo") -> str:
        return self.kubectl("apply", "-f", "-", *flags, input=json.dumps(manifest(name, spec)))

    def get(self, name: str = "echo") -> dict[str, Any]:
        found: dict[str, Any] = self._plane.read(resource_path(self._namespace, name))
        del found["metadata"]["managedFields"]
        return found

    def write_status(self, status: dict[str, Any], name: str = "echo") -> None:
        path = f"{resource_path(self._namespace, name)}/status?fieldManager=kubectl-patch"
        if not self._plane.change("PATCH", path, {"status": status}, "application/merge-patch+json"):
            body = json.dumps({"status": status})
            self.kubectl("patch", "fd", name, "--subresource=status", "--type=merge", "--patch", body)


@pytest.fixture(scope="module")
def established(control_plane: ControlPlane) -> None:
    install_crds(control_plane)


@pytest.fixture
def cluster(control_plane: ControlPlane, established: None, namespace: str) -> Cluster:
    return Cluster(control_plane, namespace)


def small(**changes: Any) -> dict[str, Any]:
    return changed(SMALL, changes)


def test_the_api_server_accepts_and_serves_the_crd(control_plane: ControlPlane, established: None) -> None:
    found = json.loads(control_plane.kubectl("get", "crd", CRD_NAME, "-o", "json"))
    conditions = {condition["type"]: condition["status"] for condition in found["status"]["conditions"]}
    assert conditions["NamesAccepted"] == conditions["Established"] == "True"
    assert "NonStructuralSchema" not in conditions


def test_the_rules_are_cheap_enough_for_ten_times_the_specifications(control_plane: ControlPlane) -> None:
    """The API server refuses a CRD whose rules could cost too much; ours are far from it, so there is room to grow."""
    crd = documents.load(CRD_FILES[FUNCTION_DEPLOYMENT].read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["deploymentSpecifications"]["maxItems"] *= 10
    control_plane.kubectl("apply", "--dry-run=server", "-f", "-", input=json.dumps(crd))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_applying_an_example_again_changes_nothing(cluster: Cluster, example: Path) -> None:
    created = cluster.kubectl("apply", "-f", str(example)).splitlines()
    assert all(line.endswith(" created") for line in created)
    again = cluster.kubectl("apply", "-f", str(example)).splitlines()
    assert len(again) == len(created)
    assert all(line.endswith(" unchanged") for line in again)


def test_applying_again_changes_nothing_after_the_operator_has_written_the_status(cluster: Cluster) -> None:
    cluster.apply(small())
    cluster.write_status({"observedGeneration": 1, "phase": "Active"})
    assert cluster.apply(small()).endswith("unchanged\n")


def test_server_side_apply_again_makes_no_new_version_once_a_status_is_written(cluster: Cluster) -> None:
    """Before that one write follows: a new object is stored without its status, whose default the next write adds."""
    cluster.apply(small(), "--server-side")
    cluster.write_status({"observedGeneration": 1})
    before = cluster.get()["metadata"]["resourceVersion"]
    cluster.apply(small(), "--server-side")
    assert cluster.get()["metadata"]["resourceVersion"] == before


def test_the_api_server_fills_in_the_settings_and_leaves_the_gpu_specification_alone(cluster: Cluster) -> None:
    cluster.apply(small())
    spec = cluster.get()["spec"]
    assert spec["deploymentSpecifications"] == SMALL["deploymentSpecifications"]
    assert {name: value for name, value in spec.items() if name not in SMALL} == {
        "rollout": {"versionChange": "BlueGreen", "immutableChange": "Reject", "progressDeadlineSeconds": 3600},
        "undeploy": {"graceful": True, "drainTimeoutSeconds": 3600, "onDrainTimeout": "Force"},
        "deletionPolicy": "Delete",
        "adoptionPolicy": "Adopt",
        "managementPolicy": "Manage",
        "suspend": False,
    }


def test_a_setting_given_in_part_keeps_the_other_defaults(cluster: Cluster) -> None:
    cluster.apply(small(rollout={"versionChange": "Recreate"}, credentials={"secretRef": {"name": "other"}}))
    spec = cluster.get()["spec"]
    assert spec["rollout"] == {
        "versionChange": "Recreate",
        "immutableChange": "Reject",
        "progressDeadlineSeconds": 3600,
    }
    assert spec["credentials"] == {"secretRef": {"name": "other", "key": "NGC_API_KEY"}}


def test_helm_values_of_any_form_are_stored_as_given(cluster: Cluster) -> None:
    values = {"a": {"b": [1, 2.5, "x", None, {"c": True}]}, "kind-of": "any", "empty": {}}
    cluster.apply(small(**{"deploymentSpecifications[0].configuration": values}))
    assert cluster.get()["spec"]["deploymentSpecifications"][0]["configuration"] == values


def test_a_resource_that_no_operator_has_touched_says_so(cluster: Cluster) -> None:
    cluster.apply(small())
    assert cluster.get()["status"] == {"observedGeneration": -1}


@dataclass(frozen=True)
class Change:
    reason: str
    at: str
    value: Any
    says: str | None
    """What the refusal says; None: the change is accepted."""


CHANGES = [
    Change("another function", "functionId", OTHER, "spec.functionId: Invalid value: functionId is immutable"),
    Change("no function any more", "functionId", REMOVED, "set either functionRef, or functionId"),
    Change("the same function in upper case", "functionId", FUNCTION.upper(), None),
    Change("another version is a rollout", "functionVersionId", OTHER, None),
    Change("the operator answers for other changes", "deploymentSpecifications[0].gpu", "H100", None),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.reason)
def test_the_function_of_a_resource_never_changes(cluster: Cluster, change: Change) -> None:
    cluster.apply(small())
    after = small(**{change.at: change.value})
    if change.says is None:
        cluster.apply(after)
        assert cluster.get()["metadata"]["generation"] == 2
        return
    document = json.dumps(manifest("echo", after))
    with pytest.raises(KubectlError) as caught:
        cluster.kubectl("replace", "-f", "-", input=document)
    assert re.sub(r'"[0-9a-f-]{36}": ', "", str(caught.value)).find(change.says) >= 0, caught.value


REFERENCES = [
    Change("another CloudFunction", "functionRef.name", "other", "spec.functionRef.name: Invalid value"),
    Change("another revision is a rollout", "functionRef.revision", "1-4-3", None),
    Change("following the latest one is a rollout", "functionRef.revision", REMOVED, None),
]


@pytest.mark.parametrize("change", REFERENCES, ids=lambda change: change.reason)
def test_the_cloud_function_of_a_resource_never_changes(cluster: Cluster, change: Change) -> None:
    before = changed(SMALL, BY_REFERENCE)
    cluster.apply(before)
    document = json.dumps(manifest("echo", changed(before, {change.at: change.value})))
    if change.says is None:
        cluster.kubectl("replace", "-f", "-", input=document)
        return
    with pytest.raises(KubectlError) as caught:
        cluster.kubectl("replace", "-f", "-", input=document)
    assert "functionRef.name is immutable" in str(caught.value)
    assert change.says in str(caught.value)


def test_ids_may_give_way_to_a_reference_and_the_other_way_round(cluster: Cluster) -> None:
    by_reference = json.dumps(manifest("echo", changed(SMALL, BY_REFERENCE)))
    cluster.apply(small())
    cluster.kubectl("replace", "-f", "-", input=by_reference)
    cluster.kubectl("replace", "-f", "-", input=json.dumps(manifest("echo", small())))
    assert cluster.get()["metadata"]["generation"] == 3


@dataclass(frozen=True)
class Slip:
    reason: str
    at: str


SLIPS = [
    Slip("the singular of a field", "deploymentSpecification"),
    Slip("a field of the resource inside a specification", "deploymentSpecifications[0].deletionPolicy"),
    Slip("lower case", "deploymentSpecifications[0].mininstances"),
    Slip("a field that only answers have", "deploymentSpecifications[0].gpuSpecificationId"),
]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.reason)
def test_an_unknown_field_is_refused_by_its_name(cluster: Cluster, slip: Slip) -> None:
    with pytest.raises(KubectlError, match=re.escape(f'unknown field "spec.{slip.at}"')):
        cluster.apply(small(**{slip.at: "x"}))


def test_an_unknown_field_below_a_setting_is_refused_by_its_path(cluster: Cluster) -> None:
    with pytest.raises(KubectlError, match=re.escape('unknown field "spec.rollout.strategy"')):
        cluster.apply(small(rollout={"strategy": "BlueGreen"}))


def test_where_validation_is_switched_off_an_unknown_field_is_dropped(cluster: Cluster) -> None:
    cluster.apply(small(misspelt=1), "--validate=ignore")
    assert "misspelt" not in cluster.get()["spec"]


def full_status() -> FunctionDeploymentStatus:
    return FunctionDeploymentStatus(
        observed_generation=1,
        conditions=merge(
            [],
            [Condition(type=READY, status="True", reason="Active", message="Serves.", observed_generation=1)],
            NOON,
            CONDITION_TYPES,
        ),
        phase=Phase.ACTIVE,
        account_id="account-1",
        credential="c0ffee",
        function_id=FUNCTION,
        function_name="echo-function",
        function_ref=TakenReference(generation=2, hash="h1", revision="1-4-2"),
        function_version_id=OTHER,
        deployment_id="not a UUID",
        function_status="A_STATUS_OF_NEXT_YEAR",
        gpu_specifications=(ObservedGpuSpecification(gpu="B9000", instance_type="x" * 5000, min_instances=-1),),
        instances="1-4",
        intent=Intent(uid="uid-1", function_version_id=OTHER, token="token", deployment_id="not a UUID"),
        incoming=Incoming(function_version_id="v2", since=NOON),
        retiring=(Retiring(function_version_id="v0", since=NOON, deadline=NOON),),
        failed=Failed(function_version_id="v3", generation=1, reason="RolloutFailed"),
        progressing_since=NOON,
        last_write=LastWrite(digest="d", count=1, since=NOON),
        health=tuple(f"message {number} " + "x" * 1000 for number in range(50)),
        retry=Retry(attempts=1, next_attempt_time=NOON, reason="Unreachable"),
        last_handled_reconcile_at="now",
        last_handled_redeploy_at="then",
    )


def test_a_status_with_every_field_and_new_words_of_nvcf_is_stored_and_read_back(cluster: Cluster) -> None:
    cluster.apply(small())
    cluster.write_status(full_status().to_dict())
    found = cluster.get()
    assert FunctionDeploymentStatus.model_validate(found["status"]) == full_status()
    assert found["metadata"]["generation"] == 1, "a status makes no new generation"


def test_a_manifest_does_not_write_the_status(cluster: Cluster) -> None:
    document = manifest("echo", small()) | {"status": {"phase": "Active", "observedGeneration": 7}}
    cluster.kubectl("create", "-f", "-", input=json.dumps(document))
    assert cluster.get()["status"] == {"observedGeneration": -1}


def columns(text: str) -> dict[str, str]:
    """The first row of a table, by the head of each column."""
    head, row = text.splitlines()[:2]
    starts = [match.start() for match in re.finditer(r"\S+", head)]
    ends = [*starts[1:], None]
    return {head[a:b].strip(): row[a:b].strip() for a, b in zip(starts, ends, strict=True)}


def test_kubectl_get_shows_where_a_deployment_stands(cluster: Cluster) -> None:
    cluster.apply(small())
    cluster.write_status(full_status().to_dict())
    shown = columns(cluster.kubectl("get", "fd"))
    assert shown.pop("AGE")
    assert shown == {
        "NAME": "echo",
        "READY": "True",
        "PHASE": "Active",
        "FUNCTION": "echo-function",
        "GPU": "L40S",
        "INSTANCES": "1-4",
    }
    wide = columns(cluster.kubectl("get", "fd", "-o", "wide"))
    assert (wide["VERSION"], wide["ACCOUNT"], wide["MESSAGE"]) == (OTHER, "account-1", "Serves.")


@pytest.mark.parametrize("name", ["fd", "functiondeployment", "functiondeployments.nvcf-operator.io", "nvcf"])
def test_the_resource_goes_by_its_short_and_long_names_and_its_category(cluster: Cluster, name: str) -> None:
    cluster.apply(small())
    assert "echo" in cluster.kubectl("get", name, "-o", "name")


@dataclass(frozen=True)
class Explained:
    field: str
    says: str


@pytest.mark.parametrize(
    "case",
    [
        Explained("fd", "keeps one version of an NVIDIA Cloud Function deployed"),
        Explained("fd.spec.deploymentSpecifications.minInstances", "Change: in place by PATCH."),
        Explained("fd.spec.deploymentSpecifications.maxRequestConcurrency", "Change: in place by PUT."),
        Explained("fd.spec.deploymentSpecifications.gpu", "Change: immutable, see rollout.immutableChange."),
        Explained("fd.spec.functionVersionId", "Change: a version rollout, see rollout.versionChange."),
        Explained("fd.spec.undeploy.drainTimeoutSeconds", "Default: 3600."),
        Explained("fd.status.functionStatus", "in NVCF's words"),
    ],
    ids=lambda case: case.field,
)
def test_kubectl_explain_says_what_a_field_is(cluster: Cluster, case: Explained) -> None:
    assert case.says in " ".join(cluster.kubectl("explain", case.field).split())


def test_there_is_nothing_for_an_autoscaler_to_scale(control_plane: ControlPlane, established: None) -> None:
    served = json.loads(control_plane.kubectl("get", "--raw", "/apis/nvcf-operator.io/v1alpha1"))
    names = {resource["name"] for resource in served["resources"]}
    assert names == {name for kind in KINDS for name in (kind.plural, f"{kind.plural}/status")}
