"""The manifest acted on is the newest: an old list, after a start or a re-list, undoes nothing that users did.

Only the operator stands behind a proxy that serves an old list of resources and holds watch events back, as an API
server does that is behind. What was done after that list is in NVCF; each story ends with NVCF's log of what the
operator asked for after the old list.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support.cluster import manifest
from tests.support.lagging import LaggingApiServer
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

# Every reconcile reads the deployment, else the list of functions would show that a resource in order is well.
# A settle long enough to end the operator in, before it deploys again what somebody undeployed.
SETTINGS: dict[str, Any] = {"deep_resync_interval": 1.0, "redeploy_settle_seconds": 6.0}
POLLS = "nvcf_operator_polls_total"
GPU = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}


@pytest.fixture
def api(
    control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path
) -> Iterator[LaggingApiServer]:
    """What the operator takes for the API server."""
    with LaggingApiServer.start(control_plane, operator_identity, namespace, tmp_path) as server:
        yield server


class LaggingSandbox:
    """A namespace, NVCF, and an operator between them that may see an old list.

    A second resource, in order all the time, keeps the operator at work: its polls show that time goes by.
    """

    def __init__(self, sandbox: Sandbox, api: LaggingApiServer) -> None:
        self.sandbox = sandbox
        self.namespace = sandbox.namespace
        self.simulator = sandbox.simulator
        self.api = api
        function, version = sandbox.simulator.add_function("witness")
        self.namespace.apply(manifest("witness", function, version))

    def operator(self, bug: str | None = None) -> AbstractContextManager[Operator]:
        """Run an operator."""
        return self.sandbox.operator(bug, **SETTINGS)

    def deployed(self) -> None:
        """Apply the manifest and wait until it is in force."""
        self.namespace.apply(self.sandbox.manifest())
        self.sandbox.ready()

    def draining(self) -> None:
        """Delete the resource while requests are queued, and wait until it drains."""
        self.simulator.change(self.sandbox.version, queueDepth=2)
        self.namespace.delete("echo")
        self.namespace.wait_until("echo", lambda found: found["status"]["phase"] == "Draining", what="Draining")

    def undeployed(self) -> None:
        """Have somebody undeploy it, and wait until the status says what a decision to deploy it again comes after."""
        self.simulator.undeploy(self.sandbox.version)
        self.namespace.wait_for("echo", "Ready", "False", reason="Settling")

    def released(self) -> None:
        """Delete the resource while no operator runs, as a user does who takes the finalizer off."""
        self.namespace.delete("echo")
        plane, name = self.namespace.plane, self.namespace.name
        free = '[{"op": "remove", "path": "/metadata/finalizers"}]'
        plane.kubectl("-n", name, "patch", "fd", "echo", "--type=json", "-p", free)
        self.namespace.wait_gone("echo")

    def changes(self, cursor: int) -> list[str]:
        """The changes of the deployment that NVCF was asked for after a cursor."""
        return [entry["operation"] for entry in self.requests(cursor)]

    def requests(self, cursor: int) -> list[dict[str, Any]]:
        """The log's entries of these."""
        asked = self.simulator.log(cursor, functionVersionId=self.sandbox.version)
        return [entry for entry in asked if entry["mutating"]]

    def asked_by_the_old_list(self, bug: str | None, *, refused: Callable[[], object]) -> list[str]:
        """Start an operator that sees the old list; give the first change that it asks NVCF for, if any.

        `refused` says that its decision was dropped; a planted bug shows itself by a change instead.
        """
        self.api.lag()
        cursor = self.simulator.cursor
        with self.operator(bug) as operator:
            self.watched(operator, cursor, bug, refused=refused)
        return self.changes(cursor)[:1]

    def watched(self, operator: Operator, cursor: int, bug: str | None, *, refused: Callable[[], object]) -> None:
        """Wait until a decision is dropped and some more polls went by, or for the planted bug's change."""
        if bug is not None:
            eventually(lambda: self.changes(cursor), bool, within=30, what="the planted bug's change")
            return
        eventually(refused, bool, within=30, what="what was decided by the old list is dropped")
        polls = operator.metric(POLLS)
        eventually(lambda: operator.metric(POLLS), lambda n: n >= polls + 2, within=30, what="two polls")


@pytest.fixture
def lagging(
    api: LaggingApiServer, control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> Iterator[LaggingSandbox]:
    """A sandbox in which the operator stands behind the proxy."""
    with Sandbox.made(control_plane, api.kubeconfig, namespace, tmp_path) as sandbox:
        yield LaggingSandbox(sandbox, api)


@pytest.mark.parametrize("bug", [None, "manifest_not_proven"])
def test_an_edit_is_not_undone(lagging: LaggingSandbox, bug: str | None) -> None:
    with lagging.operator():
        lagging.deployed()
        lagging.api.remember()
        lagging.namespace.scale("echo", maxInstances=5)
        lagging.sandbox.ready()
    cursor = lagging.simulator.cursor
    asked = lagging.asked_by_the_old_list(bug, refused=lambda: lagging.api.answered("GET", 200))
    assert asked == ([] if bug is None else ["updateGpuSpecification"])
    # With the bug only the first counts: an operator that goes on may notice its mistake.
    assert [entry["body"]["maxInstances"] for entry in lagging.requests(cursor)][:1] == ([] if bug is None else [2])


@pytest.mark.parametrize("bug", [None, "manifest_not_proven"])
def test_what_was_suspended_meanwhile_is_not_written(lagging: LaggingSandbox, bug: str | None) -> None:
    with lagging.operator():
        lagging.deployed()
        lagging.api.remember()
        lagging.namespace.edit("echo", suspend=True)
        lagging.namespace.wait_for("echo", "Ready", reason="Suspended")
    lagging.simulator.scale(lagging.sandbox.version, maxInstances=9)
    asked = lagging.asked_by_the_old_list(bug, refused=lambda: lagging.api.answered("GET", 200))
    assert asked == ([] if bug is None else ["updateGpuSpecification"])


def test_what_was_suspended_before_its_first_deployment_is_not_deployed(lagging: LaggingSandbox) -> None:
    lagging.namespace.apply(lagging.sandbox.manifest())
    lagging.api.remember()
    lagging.namespace.edit("echo", suspend=True)
    assert lagging.asked_by_the_old_list(None, refused=lambda: lagging.api.answered("PATCH", 409)) == []


@pytest.mark.parametrize("bug", [None, "manifest_not_proven"])
def test_what_was_retained_meanwhile_is_not_undeployed(lagging: LaggingSandbox, bug: str | None) -> None:
    with lagging.operator():
        lagging.deployed()
        lagging.draining()
        lagging.api.remember()
        lagging.namespace.edit("echo", deletionPolicy="Retain")
        lagging.namespace.wait_gone("echo")
    lagging.simulator.undeploy(lagging.sandbox.version)
    lagging.simulator.deploy(lagging.sandbox.version, GPU)
    asked = lagging.asked_by_the_old_list(bug, refused=lambda: lagging.api.answered("GET", 404))
    assert asked == ([] if bug is None else ["deleteDeployment"])
    assert (lagging.sandbox.version in lagging.simulator.deployments()) == (bug is None)


@pytest.mark.parametrize("bug", [None, "manifest_not_proven"])
def test_a_recreated_resource_is_not_held_to_its_predecessors_manifest(
    lagging: LaggingSandbox, bug: str | None
) -> None:
    with lagging.operator():
        lagging.deployed()
        lagging.api.remember()
        lagging.namespace.delete("echo")
        lagging.namespace.wait_gone("echo")
        lagging.namespace.apply(lagging.sandbox.manifest(gpu={"maxInstances": 5}))
        lagging.sandbox.ready()
    asked = lagging.asked_by_the_old_list(bug, refused=lambda: lagging.api.answered("GET", 200))
    assert asked == ([] if bug is None else ["updateGpuSpecification"])


@pytest.mark.parametrize("bug", [None, "any_version_patched"])
def test_a_recreated_suspended_resource_is_not_deployed_for_its_predecessor(
    lagging: LaggingSandbox, bug: str | None
) -> None:
    with lagging.operator():
        lagging.deployed()
        lagging.undeployed()
    lagging.api.remember()
    lagging.released()
    lagging.namespace.apply(lagging.sandbox.manifest(suspend=True))
    asked = lagging.asked_by_the_old_list(bug, refused=lambda: lagging.api.answered("PATCH", 422))
    assert asked == ([] if bug is None else ["createDeployment"])


@pytest.mark.parametrize("bug", [None, "manifest_not_proven"])
def test_a_recreated_resource_is_not_undeployed_with_its_predecessor(lagging: LaggingSandbox, bug: str | None) -> None:
    with lagging.operator():
        lagging.deployed()
        lagging.draining()
        lagging.api.remember()
        lagging.simulator.change(lagging.sandbox.version, queueDepth=0)
        lagging.namespace.wait_gone("echo")
        lagging.deployed()
    asked = lagging.asked_by_the_old_list(bug, refused=lambda: lagging.api.answered("GET", 200))
    assert asked == ([] if bug is None else ["deleteDeployment"])


@pytest.mark.parametrize("bug", [None, "any_version_patched"])
def test_what_is_being_deleted_is_not_deployed_again(lagging: LaggingSandbox, bug: str | None) -> None:
    with lagging.operator():
        lagging.deployed()
        lagging.undeployed()
    lagging.api.remember()
    lagging.namespace.delete("echo")
    asked = lagging.asked_by_the_old_list(bug, refused=lambda: lagging.api.answered("PATCH", 409))
    assert asked == ([] if bug is None else ["createDeployment"])
    if bug is None:
        lagging.namespace.wait_gone("echo")


@pytest.mark.parametrize("bug", [None, "steps_back"])
def test_a_list_made_again_undoes_no_edit(lagging: LaggingSandbox, bug: str | None) -> None:
    with lagging.operator(bug) as operator:
        lagging.deployed()
        lagging.api.remember()
        lagging.namespace.scale("echo", maxInstances=5)
        lagging.sandbox.ready()
        cursor = lagging.simulator.cursor
        lagging.api.lag()
        lagging.watched(operator, cursor, bug, refused=lambda: lagging.api.lists)
    assert lagging.changes(cursor)[:1] == ([] if bug is None else ["updateGpuSpecification"])


def test_a_list_made_again_deploys_nothing_that_is_gone(lagging: LaggingSandbox) -> None:
    with lagging.operator() as operator:
        lagging.deployed()
        lagging.api.remember()
        lagging.namespace.delete("echo")
        # Until it has heard of it, the operator knows a newer form than the list's, and has nothing to be refused. kopf
        # takes an object's events as one that come within a tenth of a second: an answer to a later event says more.
        event = ("DELETED", "echo")
        eventually(
            lambda: lagging.api.relayed, lambda seen: event in seen, within=30, what="the watch reports that it is gone"
        )
        lagging.namespace.annotate("witness", reconcile_requested_at="later")
        lagging.namespace.wait_until(
            "witness", lambda found: found["status"].get("lastHandledReconcileAt") == "later", what="a later event"
        )
        cursor = lagging.simulator.cursor
        lagging.api.lag()
        lagging.watched(operator, cursor, None, refused=lambda: lagging.api.answered("PATCH", 404))
    assert lagging.changes(cursor) == []
