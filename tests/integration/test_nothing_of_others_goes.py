"""What another resource holds, or nobody manages, is not undeployed: not by copies, old records or old requests."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from nvcf_operator.api.model import render
from nvcf_operator.api.names import FINALIZER
from tests.support import tools
from tests.support.cluster import Namespace, condition_of
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY
from tests.support.waiting import eventually

SEVERAL = [
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 3},
]
CREATED = ("createDeployment", 200)
SETTLES: dict[str, Any] = {"create_settle_seconds": 2.0, "create_settle_per_specification_seconds": 1.0}
"""A finalizer without a status of its own says that a POST may be out, so copies wait for these."""


@pytest.fixture
def neighbour(control_plane: ControlPlane, namespace: str) -> Iterator[Namespace]:
    """A second namespace with the same key."""
    name = f"{namespace}-neighbour"
    control_plane.kubectl("create", "namespace", name)
    made = Namespace(control_plane, name)
    made.secret(KEY)
    yield made
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def deployed(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """Apply the manifest, wait until it is Ready, and give the resource."""
    sandbox.namespace.apply(sandbox.manifest(**{"deploymentSpecifications": SEVERAL, **changes}))
    sandbox.ready()
    return sandbox.namespace.get("echo")


def reconciled_again(sandbox: Sandbox, *namespaces: Namespace) -> None:
    """Wait until the operator has reconciled the resources when asked, and has polled the account twice more."""
    for namespace in namespaces or (sandbox.namespace,):
        tools.reconcile_now(namespace, "echo")
    cursor = sandbox.simulator.cursor
    eventually(
        lambda: sandbox.simulator.log(cursor, operation="listFunctions"),
        lambda polls: len(polls) >= 2,
        within=30,
        what="two more polls",
    )


def both(sandbox: Sandbox, neighbour: Namespace) -> str:
    """The namespaces of an operator that watches the two."""
    return f"{sandbox.namespace.name},{neighbour.name}"


def undeployed(sandbox: Sandbox) -> list[str]:
    """The versions that NVCF was asked to undeploy."""
    return [entry["functionVersionId"] for entry in sandbox.simulator.log(operation="deleteDeployment")]


def left_behind(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Wait for an Event LeftBehind; type and message of each."""
    return eventually(
        lambda: [(kind, text) for kind, reason, text in sandbox.namespace.events("echo") if reason == "LeftBehind"],
        bool,
        within=20,
        what="an Event LeftBehind",
    )


# Copies of a resource.


@pytest.mark.parametrize("status", [False, True], ids=["without status", "with status"])
def test_a_copy_that_was_deleted_while_no_operator_ran_takes_nothing_with_it(
    sandbox: Sandbox, neighbour: Namespace, status: bool
) -> None:
    with sandbox.operator(**SETTLES):
        original = deployed(sandbox)
    tools.restore(neighbour, tools.copy_of(original, status=status))
    neighbour.delete("echo")
    assert neighbour.find("echo") is not None, "its finalizer does not keep the copy"
    with sandbox.operator(namespaces=both(sandbox, neighbour), **SETTLES):
        neighbour.wait_gone("echo")
        reconciled_again(sandbox)
        sandbox.ready()
    assert sandbox.writes() == [CREATED]


def test_a_copy_with_a_status_that_is_deleted_takes_nothing_with_it(sandbox: Sandbox, neighbour: Namespace) -> None:
    with sandbox.operator(namespaces=both(sandbox, neighbour), **SETTLES) as operator:
        original = deployed(sandbox)
        operator.freeze()
        tools.restore(neighbour, tools.copy_of(original, status=True))
        operator.thaw()
        found = neighbour.wait_for("echo", "Stalled", reason="Conflict")
        assert f"{sandbox.namespace.name}/echo" in condition_of(found, "Stalled")["message"]
        neighbour.delete("echo")
        neighbour.wait_gone("echo")
        reconciled_again(sandbox)
        sandbox.ready()
    assert sandbox.writes() == [CREATED]


def test_a_copy_that_is_edited_to_another_version_rolls_out_without_the_originals_version(
    sandbox: Sandbox, neighbour: Namespace
) -> None:
    second = sandbox.simulator.add_function(functionId=sandbox.function)[1]
    with sandbox.operator(namespaces=both(sandbox, neighbour), **SETTLES) as operator:
        original = deployed(sandbox)
        copy = tools.copy_of(original, status=True)
        copy["spec"]["functionVersionId"] = second
        operator.freeze()
        tools.restore(neighbour, copy)
        operator.thaw()
        neighbour.wait_until(
            "echo", lambda it: it["status"].get("functionVersionId") == second, what="it deploys its version", within=40
        )
        neighbour.wait_for("echo")
        reconciled_again(sandbox, neighbour, sandbox.namespace)
        assert undeployed(sandbox) == []
        neighbour.delete("echo")
        neighbour.wait_gone("echo")
        reconciled_again(sandbox)
    assert undeployed(sandbox) == [second]
    assert sandbox.simulator.deployments()[sandbox.version]["deploymentId"] == original["status"]["deploymentId"]


def test_a_move_to_another_installation_with_retain_undeploys_nothing(
    sandbox: Sandbox, neighbour: Namespace, tmp_path: Path
) -> None:
    with (
        sandbox.operator(**SETTLES),
        Operator.start(sandbox.identity, sandbox.simulator.url, tmp_path / "other.log", namespaces=neighbour.name),
    ):
        deployed(sandbox)
        neighbour.apply(sandbox.manifest(deploymentSpecifications=SEVERAL))
        neighbour.wait_for("echo")
        sandbox.namespace.edit("echo", deletionPolicy="Retain")
        sandbox.namespace.wait_until("echo", lambda it: "finalizers" not in it["metadata"], what="it lets go")
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
        reconciled_again(sandbox, neighbour)
    assert sandbox.writes() == [CREATED]


# What is in annotations, which anybody may write who may patch the resource.


def test_an_annotation_does_not_undeploy_what_another_resource_holds(sandbox: Sandbox) -> None:
    second = sandbox.simulator.add_function(functionId=sandbox.function)[1]
    other = sandbox.manifest(functionVersionId=second)
    other["metadata"]["name"] = "other"
    with sandbox.operator(**SETTLES):
        deployed(sandbox)
        sandbox.namespace.apply(other)
        uid = sandbox.namespace.wait_for("other")["metadata"]["uid"]
        named = {"uid": uid, "functionVersionId": sandbox.version, "token": "<a&b>"}
        sandbox.namespace.annotate("other", intent=json.dumps(named))
        tools.reconcile_now(sandbox.namespace, "other")
        reconciled_again(sandbox)
    assert undeployed(sandbox) == []


def test_an_annotation_does_not_undeploy_what_nobody_manages(sandbox: Sandbox) -> None:
    second = sandbox.simulator.add_function(functionId=sandbox.function)[1]
    sandbox.simulator.deploy(second, *SEVERAL)
    with sandbox.operator(**SETTLES):
        uid = deployed(sandbox, adoptionPolicy="Refuse")["metadata"]["uid"]
        named = {"uid": uid, "functionVersionId": second, "token": "<a&b>"}
        sandbox.namespace.annotate("echo", intent=json.dumps(named))
        reconciled_again(sandbox)
    assert second in sandbox.simulator.deployments()
    assert undeployed(sandbox) == []


def test_an_annotation_that_names_no_version_does_not_block_the_deletion(sandbox: Sandbox) -> None:
    with sandbox.operator(**SETTLES):
        uid = deployed(sandbox)["metadata"]["uid"]
        named = {"uid": uid, "functionVersionId": "not-a-uuid/../../<x>", "token": "ä"}
        sandbox.namespace.annotate("echo", intent=json.dumps(named))
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
    assert undeployed(sandbox) == [sandbox.version]
    assert sandbox.simulator.deployments() == {}


# Requests for a redeployment that were made of another object, or answered in a status that is lost.


def test_a_redeploy_request_on_a_restored_copy_is_answered_by_the_adoption(sandbox: Sandbox) -> None:
    body = sandbox.manifest(deploymentSpecifications=SEVERAL, deletionPolicy="Retain")
    body["metadata"]["annotations"] = {"nvcf-operator.io/redeploy-requested-at": "monday"}
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(body)
        sandbox.ready()
        copy = tools.copy_of(sandbox.namespace.get("echo"))
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
        tools.create(sandbox.namespace, copy)
        sandbox.ready()
        reconciled_again(sandbox)
        found = sandbox.namespace.get("echo")
    assert sandbox.writes() == [CREATED]
    assert found["status"]["lastHandledRedeployAt"] == "monday"


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_a_redeploy_request_whose_answer_is_lost_with_the_status_counts_as_answered(
    sandbox: Sandbox, restarted: bool
) -> None:
    body = sandbox.manifest(deploymentSpecifications=SEVERAL)
    body["metadata"]["annotations"] = {"nvcf-operator.io/redeploy-requested-at": "monday"}
    with sandbox.operator(**SETTLES) as first:
        sandbox.namespace.apply(body)
        sandbox.ready()
        if restarted:
            first.kill()
        tools.patch_status(sandbox.namespace, "echo", None)
        with sandbox.operator(**SETTLES) if restarted else nullcontext():
            sandbox.ready()
            reconciled_again(sandbox)
            found = sandbox.namespace.get("echo")
    assert sandbox.writes() == [CREATED]
    assert found["status"]["lastHandledRedeployAt"] == "monday"


# Force.


def test_a_force_delete_from_long_ago_does_not_leave_the_deployment(sandbox: Sandbox) -> None:
    body = sandbox.manifest(deploymentSpecifications=SEVERAL)
    body["metadata"]["annotations"] = {"nvcf-operator.io/force-delete": "true"}
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(body)
        sandbox.ready()
        sandbox.simulator.fault(operation="deleteDeployment", status=503, detail="<später> & more")
        sandbox.namespace.delete("echo")
        found = sandbox.namespace.wait_for("echo", "DeletionBlocked")
        message = condition_of(found, "DeletionBlocked")["message"]
        cursor = sandbox.simulator.cursor
        eventually(
            lambda: sandbox.simulator.log(cursor, operation="deleteDeployment"),
            lambda tries: len(tries) >= 2,
            within=30,
            what="it is tried again",
        )
        assert sandbox.namespace.find("echo") is not None
        sandbox.simulator.clear_faults()
        sandbox.namespace.wait_gone("echo", within=60)
    assert sandbox.simulator.deployments() == {}
    assert "remove" in message, "it does not say how force-delete can be made to count"
    assert "force-delete" in message


def test_a_force_delete_that_is_set_again_on_a_blocked_deletion_releases_it_and_says_what_stays(
    sandbox: Sandbox,
) -> None:
    body = sandbox.manifest(deploymentSpecifications=SEVERAL)
    body["metadata"]["annotations"] = {"nvcf-operator.io/force-delete": "true"}
    with sandbox.operator(**SETTLES) as operator:
        sandbox.namespace.apply(body)
        sandbox.ready()
        deployment = sandbox.namespace.get("echo")["status"]["deploymentId"]
        sandbox.simulator.fault(operation="deleteDeployment", status=503)
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_for("echo", "DeletionBlocked")
        tools.remove_annotations(sandbox.namespace, "echo", "force_delete")
        sandbox.namespace.annotate("echo", force_delete=" True")
        sandbox.namespace.wait_gone("echo")
        ((kind, message),) = left_behind(sandbox)
        assert operator.metric("nvcf_operator_deletions_left_behind_total") == 1
    assert kind == "Warning"
    assert sandbox.version in message
    assert deployment in message
    assert sandbox.version in sandbox.simulator.deployments()


def test_what_a_stripped_and_deleted_resource_leaves_is_reported(sandbox: Sandbox) -> None:
    with sandbox.operator(**SETTLES) as operator:
        deployment = deployed(sandbox)["status"]["deploymentId"]
        operator.freeze()
        tools.strip_finalizers(sandbox.namespace, "echo")
        sandbox.namespace.delete("echo")
        assert sandbox.namespace.find("echo") is None
        operator.thaw()
        ((kind, message),) = left_behind(sandbox)
        assert operator.metric("nvcf_operator_deletions_left_behind_total") == 1
        logged = operator.output()
    assert kind == "Warning"
    for name in (sandbox.function, sandbox.version, deployment):
        assert name in message
        assert name in logged
    assert sandbox.writes() == [CREATED]


def test_what_a_blocked_deletion_leaves_when_its_finalizer_is_stripped_is_reported(sandbox: Sandbox) -> None:
    with sandbox.operator(**SETTLES) as operator:
        deployment = deployed(sandbox)["status"]["deploymentId"]
        sandbox.simulator.fault(operation="deleteDeployment", status=503)
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_for("echo", "DeletionBlocked")
        tools.strip_finalizers(sandbox.namespace, "echo")
        ((kind, message),) = left_behind(sandbox)
        assert operator.metric("nvcf_operator_deletions_left_behind_total") == 1
    assert kind == "Warning"
    assert deployment in message


# Records of drains.


@pytest.mark.parametrize("of", ["another deployment", "no deployment"])
def test_a_recorded_drain_of_another_deployment_undeploys_nothing(sandbox: Sandbox, of: str) -> None:
    now = datetime.now(UTC)
    drain = {
        "functionVersionId": sandbox.version,
        "since": render(now - timedelta(hours=2)),
        "deadline": render(now - timedelta(hours=1)),
    }
    if of == "another deployment":
        drain["deploymentId"] = "0b6b4b8e-1111-4222-8333-444455556666"
    with sandbox.operator(**SETTLES):
        found = deployed(sandbox)
        assert FINALIZER in found["metadata"]["finalizers"]
        tools.patch_status(sandbox.namespace, "echo", {"retiring": [drain]})
        reconciled_again(sandbox)
        sandbox.namespace.wait_until("echo", lambda it: not it["status"].get("retiring"), what="the record is dropped")
        sandbox.ready()
    assert sandbox.writes() == [CREATED]


def test_a_restored_resource_with_a_recorded_drain_undeploys_nothing(sandbox: Sandbox) -> None:
    now = datetime.now(UTC)
    with sandbox.operator(**SETTLES):
        copy = tools.copy_of(deployed(sandbox), status=True)
    deployment = copy["status"]["deploymentId"]
    copy["status"]["retiring"] = [
        {
            "functionVersionId": sandbox.version,
            "deploymentId": deployment,
            "since": render(now - timedelta(hours=2)),
            "deadline": render(now - timedelta(hours=1)),
        }
    ]
    tools.force_away(sandbox.namespace, "echo")
    tools.restore(sandbox.namespace, copy)
    with sandbox.operator(**SETTLES):
        reconciled_again(sandbox)
        sandbox.ready()
    assert sandbox.writes() == [CREATED]
    assert sandbox.simulator.deployments()[sandbox.version]["deploymentId"] == deployment
