"""How a CloudFunction and its versions go: with their namespace, against NVCF's races, and when nobody needs them."""

from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support import tools
from tests.support.cluster import SPECIFICATION, Namespace, condition_of, follower, manifest
from tests.support.functions import Functions
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY
from tests.support.waiting import eventually

WITHIN = 60


@pytest.fixture
def functions(sandbox: Sandbox) -> Functions:
    """The CloudFunctions of the sandbox."""
    return Functions.of(sandbox.namespace, sandbox.simulator)


def blocked(functions: Functions, reason: str) -> str:
    """Wait until the deletion is blocked for that reason, and give the message."""

    def is_blocked(found: dict[str, Any]) -> bool:
        return condition_of(found, "DeletionBlocked").get("reason") == reason

    functions.namespace.wait_until("llama", is_blocked, what=reason, within=WITHIN)
    return str(condition_of(functions.namespace.get("llama"), "DeletionBlocked")["message"])


def of_llama(**spec: Any) -> dict[str, Any]:
    """A FunctionDeployment that follows the CloudFunction."""
    return follower("echo", {"name": "llama"}, **spec)


def test_a_namespace_with_both_ends_and_leaves_nothing_in_nvcf(sandbox: Sandbox, control_plane: ControlPlane) -> None:
    """Everything in it is deleted at once, the Secret first."""
    control_plane.kubectl("create", "namespace", f"{sandbox.namespace.name}-ends")
    team = Namespace(control_plane, f"{sandbox.namespace.name}-ends")
    team.secret(KEY)
    functions = Functions.of(team, sandbox.simulator)
    with sandbox.operator(namespaces=team.name):
        functions.apply()
        team.apply(of_llama())
        team.wait_for("echo", within=WITHIN)
        control_plane.kubectl("delete", "namespace", team.name, "--wait=false")
        eventually(
            lambda: control_plane.read(f"/api/v1/namespaces/{team.name}"),
            lambda found: found is None,
            within=WITHIN,
            what="the namespace is gone",
        )
    operations = functions.operations()
    assert (functions.ids(), operations[-1]) == ([], "deleteFunction")
    assert operations.index("deleteDeployment") < operations.index("deleteFunction")
    assert sandbox.simulator.leaked() == []


def test_a_former_version_that_nvcf_brings_back_is_deleted_again(sandbox: Sandbox, functions: Functions) -> None:
    with sandbox.operator():
        functions.apply(history={"limit": 0}, template={"containerArgs": "--größe '<&>'"})
        functions.namespace.wait_for("llama")
        former = functions.latest()
        sandbox.simulator.behave(races={"returningVersion": 1})
        functions.change(containerImage="nvcr.io/org/llama:2")
        functions.namespace.wait_for("llama")
        eventually(deletes(functions), lambda made: made == [former] * 2, within=WITHIN, what="it is deleted again")
        functions.namespace.wait_until(
            "llama", lambda it: len(it["status"]["versions"]) == 1, what="it is off the record", within=WITHIN
        )
    assert functions.ids() == [functions.latest()]
    assert functions.posts() == 2


def test_a_former_version_that_comes_back_with_the_status_of_before_is_deleted_again(
    sandbox: Sandbox, functions: Functions
) -> None:
    """A slow pass of the server's loop writes the row that it has read while the version served."""
    with sandbox.operator():
        functions.apply(history={"limit": 0}, revision="1")
        pinned = follower("echo", {"name": "llama", "revision": "1"})
        sandbox.namespace.apply(pinned)
        sandbox.namespace.wait_for("echo", within=WITHIN)
        former = functions.latest()
        functions.namespace.edit("llama", revision="2", template={"containerImage": "nvcr.io/org/llama:2"})
        functions.namespace.wait_for("llama", within=WITHIN)
        sandbox.simulator.behave(races={"staleRows": True})
        with sandbox.simulator.long_pass():
            sandbox.namespace.delete("echo")
            eventually(deletes(functions), lambda made: made == [former], within=WITHIN, what="it is deleted")
        (back,) = (item for item in functions.versions() if item["versionId"] == former)
        assert (back["status"], former in sandbox.simulator.deployments()) == ("DEGRADED", False)
        eventually(functions.ids, lambda ids: ids == [functions.latest()], within=WITHIN, what="it is deleted again")
        functions.namespace.wait_until(
            "llama", lambda it: len(it["status"]["versions"]) == 1, what="it is off the record", within=WITHIN
        )


def test_a_version_that_comes_back_while_its_resource_goes_is_deleted_again(
    sandbox: Sandbox, functions: Functions
) -> None:
    with sandbox.operator():
        functions.apply()
        functions.namespace.wait_for("llama")
        version = functions.latest()
        sandbox.simulator.behave(races={"returningVersion": 1})
        functions.namespace.delete("llama")
        functions.namespace.wait_gone("llama", within=WITHIN)
    assert deletes(functions)() == [version] * 2
    assert functions.ids() == []


def test_a_version_with_a_status_and_no_deployment_is_deleted_once_that_has_settled(
    sandbox: Sandbox, functions: Functions
) -> None:
    with sandbox.operator(redeploy_settle_seconds=4.0):
        functions.apply()
        functions.namespace.wait_for("llama")
        sandbox.simulator.lose_row(functions.latest(), status="ACTIVE")
        functions.namespace.delete("llama")
        functions.namespace.wait_gone("llama", within=WITHIN)
    absent, *_ = (entry for entry in functions.log() if entry["operation"] == "getDeployment")
    (deleted,) = (entry for entry in functions.log() if entry["operation"] == "deleteFunction")
    assert deleted["started"] - absent["started"] >= 4.0


def test_a_retained_deployment_blocks_its_function_which_force_delete_releases(
    sandbox: Sandbox, functions: Functions
) -> None:
    with sandbox.operator():
        functions.apply()
        sandbox.namespace.apply(of_llama(deletionPolicy="Retain"))
        sandbox.namespace.wait_for("echo", within=WITHIN)
        version = functions.latest()
        functions.namespace.delete("llama")
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo", within=WITHIN)
        message = blocked(functions, "VersionDeployed")
        for word in (version, "undeploy it first", "deletionPolicy: Retain", "force-delete"):
            assert word in message
        functions.namespace.annotate("llama", force_delete="true")
        functions.namespace.wait_gone("llama", within=WITHIN)
    assert functions.ids() == [version]
    assert version in sandbox.simulator.deployments()
    assert deletes(functions)() == []


def test_a_post_that_runs_on_its_version_keeps_the_function(sandbox: Sandbox, functions: Functions) -> None:
    """The FunctionDeployment has ids of its own, and nothing but its open intent says what it is about to deploy."""
    with sandbox.operator(create_settle_seconds=20.0):
        functions.apply()
        functions.namespace.wait_for("llama")
        version, function = functions.latest(), functions.status()["functionId"]
        sandbox.simulator.behave(races={"slowPost": 6.0})
        sandbox.namespace.apply(manifest("echo", function, version))
        eventually(functions.operations, lambda made: made[-1] == "createDeployment", within=WITHIN, what="a POST")
        functions.namespace.delete("llama")
        assert f"{sandbox.namespace.name}/echo" in blocked(functions, "InUse")
        sandbox.namespace.wait_for("echo", within=WITHIN)
        assert deletes(functions)() == []
        sandbox.namespace.delete("echo")
        functions.namespace.wait_gone("llama", within=WITHIN)
    assert sandbox.simulator.overlapping(version) == []
    assert functions.ids() == []


def test_a_deployment_that_is_forced_away_frees_its_version_only_when_its_post_is_over(
    sandbox: Sandbox, functions: Functions
) -> None:
    with sandbox.operator(create_settle_seconds=12.0) as operator:
        functions.apply()
        functions.namespace.wait_for("llama")
        version = functions.latest()
        sandbox.simulator.behave(races={"slowPost": 5.0})
        sandbox.namespace.apply(of_llama())
        eventually(functions.operations, lambda made: made[-1] == "createDeployment", within=WITHIN, what="a POST")
        functions.namespace.delete("llama")
        tools.force_away(sandbox.namespace, "echo")
        functions.namespace.wait_gone("llama", within=WITHIN)
        assert operator.running
    assert sandbox.simulator.overlapping(version) == []
    assert (functions.ids(), sandbox.simulator.leaked()) == ([], [])


def test_what_somebody_deploys_while_the_resource_goes_is_not_ended(sandbox: Sandbox, functions: Functions) -> None:
    with sandbox.operator():
        functions.apply(history={"limit": 1})
        functions.namespace.wait_for("llama")
        first = functions.latest()
        functions.change(containerImage="nvcr.io/org/llama:2")
        functions.namespace.wait_for("llama")
        second = functions.latest()
        sandbox.simulator.deploy(second, SPECIFICATION)
        functions.namespace.delete("llama")
        assert second in blocked(functions, "VersionDeployed")
        assert set(functions.ids()) == {first, second}
        sandbox.simulator.undeploy(second)
        functions.namespace.wait_gone("llama", within=WITHIN)
    assert sorted(deletes(functions)()) == sorted([first, second]), "each once"
    assert functions.ids() == []


def deletes(functions: Functions) -> Any:
    """Gives the versions that were asked to be deleted, in their order."""
    return lambda: [entry["functionVersionId"] for entry in functions.log() if entry["operation"] == "deleteFunction"]
