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
from tests.support.place import Place
from tests.support.process import Operator
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


def deployed(place: Place, **changes: Any) -> dict[str, Any]:
    """Apply the manifest, wait until it is Ready, and give the resource."""
    place.namespace.apply(place.manifest(**{"deploymentSpecifications": SEVERAL, **changes}))
    place.ready()
    return place.namespace.get("echo")


def looked_again(place: Place, *namespaces: Namespace) -> None:
    """Wait until the operator has looked at the resources when asked, and at the account twice more."""
    for namespace in namespaces or (place.namespace,):
        tools.look_now(namespace, "echo")
    cursor = place.simulator.cursor
    eventually(
        lambda: place.simulator.log(cursor, operation="listFunctions"),
        lambda polls: len(polls) >= 2,
        within=30,
        what="two more polls",
    )


def both(place: Place, neighbour: Namespace) -> str:
    """The namespaces of an operator that watches the two."""
    return f"{place.namespace.name},{neighbour.name}"


def undeployed(place: Place) -> list[str]:
    """The versions that NVCF was asked to undeploy."""
    return [entry["functionVersionId"] for entry in place.simulator.log(operation="deleteDeployment")]


def left_behind(place: Place) -> list[tuple[str, str]]:
    """Wait for an Event LeftBehind; type and message of each."""
    return eventually(
        lambda: [(kind, text) for kind, reason, text in place.namespace.events("echo") if reason == "LeftBehind"],
        bool,
        within=20,
        what="an Event LeftBehind",
    )


# Copies of a resource.


@pytest.mark.parametrize("status", [False, True], ids=["without status", "with status"])
def test_a_copy_that_was_deleted_while_no_operator_ran_takes_nothing_with_it(
    place: Place, neighbour: Namespace, status: bool
) -> None:
    with place.operator(**SETTLES):
        original = deployed(place)
    tools.restore(neighbour, tools.copy_of(original, status=status))
    neighbour.delete("echo")
    assert neighbour.find("echo") is not None, "its finalizer does not keep the copy"
    with place.operator(namespaces=both(place, neighbour), **SETTLES):
        neighbour.wait_gone("echo")
        looked_again(place)
        place.ready()
    assert place.writes() == [CREATED]


def test_a_copy_with_a_status_that_is_deleted_takes_nothing_with_it(place: Place, neighbour: Namespace) -> None:
    with place.operator(namespaces=both(place, neighbour), **SETTLES) as operator:
        original = deployed(place)
        operator.freeze()
        tools.restore(neighbour, tools.copy_of(original, status=True))
        operator.thaw()
        found = neighbour.wait_for("echo", "Stalled", reason="Conflict")
        assert f"{place.namespace.name}/echo" in condition_of(found, "Stalled")["message"]
        neighbour.delete("echo")
        neighbour.wait_gone("echo")
        looked_again(place)
        place.ready()
    assert place.writes() == [CREATED]


def test_a_copy_that_is_edited_to_another_version_rolls_out_without_the_originals_version(
    place: Place, neighbour: Namespace
) -> None:
    second = place.simulator.add_function(functionId=place.function)[1]
    with place.operator(namespaces=both(place, neighbour), **SETTLES) as operator:
        original = deployed(place)
        copy = tools.copy_of(original, status=True)
        copy["spec"]["functionVersionId"] = second
        operator.freeze()
        tools.restore(neighbour, copy)
        operator.thaw()
        neighbour.wait_until(
            "echo", lambda it: it["status"].get("functionVersionId") == second, what="it deploys its version", within=40
        )
        neighbour.wait_for("echo")
        looked_again(place, neighbour, place.namespace)
        assert undeployed(place) == []
        neighbour.delete("echo")
        neighbour.wait_gone("echo")
        looked_again(place)
    assert undeployed(place) == [second]
    assert place.simulator.deployments()[place.version]["deploymentId"] == original["status"]["deploymentId"]


def test_a_move_to_another_installation_with_retain_undeploys_nothing(
    place: Place, neighbour: Namespace, tmp_path: Path
) -> None:
    with (
        place.operator(**SETTLES),
        Operator.start(place.identity, place.simulator.url, tmp_path / "other.log", namespaces=neighbour.name),
    ):
        deployed(place)
        neighbour.apply(place.manifest(deploymentSpecifications=SEVERAL))
        neighbour.wait_for("echo")
        place.namespace.edit("echo", deletionPolicy="Retain")
        place.namespace.wait_until("echo", lambda it: "finalizers" not in it["metadata"], what="it lets go")
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo")
        looked_again(place, neighbour)
    assert place.writes() == [CREATED]


# What stands in annotations, which anybody may write who may patch the resource.


def test_an_annotation_does_not_undeploy_what_another_resource_holds(place: Place) -> None:
    second = place.simulator.add_function(functionId=place.function)[1]
    other = place.manifest(functionVersionId=second)
    other["metadata"]["name"] = "other"
    with place.operator(**SETTLES):
        deployed(place)
        place.namespace.apply(other)
        uid = place.namespace.wait_for("other")["metadata"]["uid"]
        named = {"uid": uid, "functionVersionId": place.version, "token": "<a&b>"}
        place.namespace.annotate("other", intent=json.dumps(named))
        tools.look_now(place.namespace, "other")
        looked_again(place)
    assert undeployed(place) == []


def test_an_annotation_does_not_undeploy_what_nobody_manages(place: Place) -> None:
    second = place.simulator.add_function(functionId=place.function)[1]
    place.simulator.deploy(second, *SEVERAL)
    with place.operator(**SETTLES):
        uid = deployed(place, adoptionPolicy="Refuse")["metadata"]["uid"]
        named = {"uid": uid, "functionVersionId": second, "token": "<a&b>"}
        place.namespace.annotate("echo", intent=json.dumps(named))
        looked_again(place)
    assert second in place.simulator.deployments()
    assert undeployed(place) == []


def test_an_annotation_that_names_no_version_does_not_block_the_deletion(place: Place) -> None:
    with place.operator(**SETTLES):
        uid = deployed(place)["metadata"]["uid"]
        named = {"uid": uid, "functionVersionId": "not-a-uuid/../../<x>", "token": "ä"}
        place.namespace.annotate("echo", intent=json.dumps(named))
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo")
    assert undeployed(place) == [place.version]
    assert place.simulator.deployments() == {}


# Requests for a redeployment that were made of another object, or answered in a status that is lost.


def test_a_redeploy_request_on_a_restored_copy_is_answered_by_the_adoption(place: Place) -> None:
    body = place.manifest(deploymentSpecifications=SEVERAL, deletionPolicy="Retain")
    body["metadata"]["annotations"] = {"nvcf-operator.io/redeploy-requested-at": "monday"}
    with place.operator(**SETTLES):
        place.namespace.apply(body)
        place.ready()
        copy = tools.copy_of(place.namespace.get("echo"))
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo")
        tools.create(place.namespace, copy)
        place.ready()
        looked_again(place)
        found = place.namespace.get("echo")
    assert place.writes() == [CREATED]
    assert found["status"]["lastHandledRedeployAt"] == "monday"


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_a_redeploy_request_whose_answer_is_lost_with_the_status_counts_as_answered(
    place: Place, restarted: bool
) -> None:
    body = place.manifest(deploymentSpecifications=SEVERAL)
    body["metadata"]["annotations"] = {"nvcf-operator.io/redeploy-requested-at": "monday"}
    with place.operator(**SETTLES) as first:
        place.namespace.apply(body)
        place.ready()
        if restarted:
            first.kill()
        tools.patch_status(place.namespace, "echo", None)
        with place.operator(**SETTLES) if restarted else nullcontext():
            place.ready()
            looked_again(place)
            found = place.namespace.get("echo")
    assert place.writes() == [CREATED]
    assert found["status"]["lastHandledRedeployAt"] == "monday"


# Force.


def test_a_force_delete_from_long_ago_does_not_leave_the_deployment(place: Place) -> None:
    body = place.manifest(deploymentSpecifications=SEVERAL)
    body["metadata"]["annotations"] = {"nvcf-operator.io/force-delete": "true"}
    with place.operator(**SETTLES):
        place.namespace.apply(body)
        place.ready()
        place.simulator.fault(operation="deleteDeployment", status=503, detail="<später> & more")
        place.namespace.delete("echo")
        found = place.namespace.wait_for("echo", "DeletionBlocked")
        message = condition_of(found, "DeletionBlocked")["message"]
        cursor = place.simulator.cursor
        eventually(
            lambda: place.simulator.log(cursor, operation="deleteDeployment"),
            lambda tries: len(tries) >= 2,
            within=30,
            what="it is tried again",
        )
        assert place.namespace.find("echo") is not None
        place.simulator.clear_faults()
        place.namespace.wait_gone("echo", within=60)
    assert place.simulator.deployments() == {}
    assert "remove" in message, "it does not say how force-delete can be made to count"
    assert "force-delete" in message


def test_a_force_delete_that_is_set_again_on_a_blocked_deletion_releases_it_and_says_what_stays(place: Place) -> None:
    body = place.manifest(deploymentSpecifications=SEVERAL)
    body["metadata"]["annotations"] = {"nvcf-operator.io/force-delete": "true"}
    with place.operator(**SETTLES) as operator:
        place.namespace.apply(body)
        place.ready()
        deployment = place.namespace.get("echo")["status"]["deploymentId"]
        place.simulator.fault(operation="deleteDeployment", status=503)
        place.namespace.delete("echo")
        place.namespace.wait_for("echo", "DeletionBlocked")
        tools.remove_annotations(place.namespace, "echo", "force_delete")
        place.namespace.annotate("echo", force_delete=" True")
        place.namespace.wait_gone("echo")
        ((kind, message),) = left_behind(place)
        assert operator.metric("nvcf_operator_deletions_left_behind_total") == 1
    assert kind == "Warning"
    assert place.version in message
    assert deployment in message
    assert place.version in place.simulator.deployments()


def test_what_a_stripped_and_deleted_resource_leaves_is_told(place: Place) -> None:
    with place.operator(**SETTLES) as operator:
        deployment = deployed(place)["status"]["deploymentId"]
        operator.freeze()
        tools.strip_finalizers(place.namespace, "echo")
        place.namespace.delete("echo")
        assert place.namespace.find("echo") is None
        operator.thaw()
        ((kind, message),) = left_behind(place)
        assert operator.metric("nvcf_operator_deletions_left_behind_total") == 1
        logged = operator.output()
    assert kind == "Warning"
    for name in (place.function, place.version, deployment):
        assert name in message
        assert name in logged
    assert place.writes() == [CREATED]


def test_what_a_blocked_deletion_leaves_when_its_finalizer_is_stripped_is_told(place: Place) -> None:
    with place.operator(**SETTLES) as operator:
        deployment = deployed(place)["status"]["deploymentId"]
        place.simulator.fault(operation="deleteDeployment", status=503)
        place.namespace.delete("echo")
        place.namespace.wait_for("echo", "DeletionBlocked")
        tools.strip_finalizers(place.namespace, "echo")
        ((kind, message),) = left_behind(place)
        assert operator.metric("nvcf_operator_deletions_left_behind_total") == 1
    assert kind == "Warning"
    assert deployment in message


# Records of drains.


@pytest.mark.parametrize("of", ["another deployment", "no deployment"])
def test_a_recorded_drain_of_another_deployment_undeploys_nothing(place: Place, of: str) -> None:
    now = datetime.now(UTC)
    drain = {
        "functionVersionId": place.version,
        "since": render(now - timedelta(hours=2)),
        "deadline": render(now - timedelta(hours=1)),
    }
    if of == "another deployment":
        drain["deploymentId"] = "0b6b4b8e-1111-4222-8333-444455556666"
    with place.operator(**SETTLES):
        found = deployed(place)
        assert FINALIZER in found["metadata"]["finalizers"]
        tools.patch_status(place.namespace, "echo", {"retiring": [drain]})
        looked_again(place)
        place.namespace.wait_until("echo", lambda it: not it["status"].get("retiring"), what="the record is dropped")
        place.ready()
    assert place.writes() == [CREATED]


def test_a_restored_resource_with_a_recorded_drain_undeploys_nothing(place: Place) -> None:
    now = datetime.now(UTC)
    with place.operator(**SETTLES):
        copy = tools.copy_of(deployed(place), status=True)
    deployment = copy["status"]["deploymentId"]
    copy["status"]["retiring"] = [
        {
            "functionVersionId": place.version,
            "deploymentId": deployment,
            "since": render(now - timedelta(hours=2)),
            "deadline": render(now - timedelta(hours=1)),
        }
    ]
    tools.force_away(place.namespace, "echo")
    tools.restore(place.namespace, copy)
    with place.operator(**SETTLES):
        looked_again(place)
        place.ready()
    assert place.writes() == [CREATED]
    assert place.simulator.deployments()[place.version]["deploymentId"] == deployment
