"""A CloudFunction and the FunctionDeployments that follow it: what is deployed, what is kept, what is deleted."""

from typing import Any

import pytest

from tests.support.cluster import SPECIFICATION, condition_of, follower
from tests.support.functions import Functions
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


@pytest.fixture
def functions(tenant: Tenant) -> Functions:
    """The CloudFunctions of the tenant."""
    return Functions.of(tenant.namespace, tenant.simulator)


def of_llama(name: str = "echo", *, revision: str | None = None) -> dict[str, Any]:
    """A FunctionDeployment that follows the CloudFunction, or pins one of its revisions."""
    return follower(name, {"name": "llama"} | ({"revision": revision} if revision is not None else {}))


def deployed(functions: Functions) -> set[str]:
    """The versions of the function that are deployed."""
    return set(functions.simulator.deployments()) & set(functions.ids())


def test_a_new_image_is_rolled_out_and_the_drained_version_is_deleted(tenant: Tenant, functions: Functions) -> None:
    functions.apply(history={"limit": 0})
    tenant.namespace.apply(of_llama())
    tenant.namespace.wait_for("echo", within=60)
    first = functions.latest()
    assert deployed(functions) == {first}
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama", within=60)
    tenant.namespace.wait_for("echo", within=60)
    eventually(lambda: deployed(functions), lambda found: found == {functions.latest()}, within=60, what="rolled out")
    eventually(functions.ids, lambda ids: ids == [functions.latest()], within=60, what="the drained one is deleted")


def test_with_a_history_the_former_version_stays_and_the_way_back_registers_nothing(
    tenant: Tenant, functions: Functions
) -> None:
    functions.apply(history={"limit": 1})
    tenant.namespace.apply(of_llama())
    tenant.namespace.wait_for("echo", within=60)
    versions = [functions.latest()]
    for image in ("nvcr.io/org/llama:2", "nvcr.io/org/llama:3"):
        functions.change(containerImage=image)
        functions.namespace.wait_for("llama", within=60)
        newest = functions.latest()
        eventually(lambda: deployed(functions), lambda found: found == {functions.latest()}, within=60, what="out")
        versions.append(newest)
    eventually(functions.ids, lambda ids: set(ids) == set(versions[1:]), within=60, what="the oldest one is deleted")
    functions.change(containerImage="nvcr.io/org/llama:2")
    functions.namespace.wait_for("llama", within=60)
    assert functions.latest() == versions[1]
    eventually(lambda: deployed(functions), lambda found: found == {versions[1]}, within=60, what="rolled back")
    assert functions.posts() == 3


def test_a_version_that_fails_is_not_tried_again_and_goes_with_the_next_template(
    tenant: Tenant, functions: Functions
) -> None:
    functions.apply(history={"limit": 1})
    tenant.namespace.apply(of_llama())
    tenant.namespace.wait_for("echo", within=60)
    first = functions.latest()
    tenant.namespace.edit("echo", suspend=True)  # so that the fate of the next version is settled before it starts
    functions.change(containerImage="nvcr.io/org/llama:broken")
    functions.namespace.wait_for("llama", within=60)
    failing = functions.latest()
    functions.simulator.instance_behaviour(failing, outcome="fail", error="bad image")
    tenant.namespace.edit("echo", suspend=False)
    tenant.namespace.wait_for("echo", "Stalled", reason="RolloutFailed", within=60)
    functions.namespace.wait_for("llama")
    eventually(lambda: deployed(functions), lambda found: found == {first}, within=60, what="the former one serves on")
    functions.change(containerImage="nvcr.io/org/llama:3")
    functions.namespace.wait_for("llama", within=60)
    tenant.namespace.wait_for("echo", within=60)
    eventually(functions.ids, lambda ids: failing not in ids, within=60, what="the failed one is deleted")
    assert set(functions.ids()) == {first, functions.latest()}, "the one that served is kept for a way back"
    posts = [entry["functionVersionId"] for entry in functions.log() if entry["operation"] == "createDeployment"]
    assert posts == [first, failing, functions.latest()]


def test_a_function_in_use_is_not_deleted_and_says_by_whom(tenant: Tenant, functions: Functions) -> None:
    functions.apply()
    tenant.namespace.apply(of_llama())
    tenant.namespace.wait_for("echo", within=60)
    functions.namespace.delete("llama")
    functions.namespace.wait_until(
        "llama", lambda it: condition_of(it, "DeletionBlocked").get("reason") == "InUse", what="it is in use"
    )
    assert "echo" in condition_of(functions.namespace.get("llama"), "DeletionBlocked")["message"]
    assert deployed(functions) == {functions.latest()}
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo", within=60)
    functions.namespace.wait_gone("llama", within=60)
    assert functions.ids() == []


@pytest.mark.parametrize("first", ["the function", "the deployment"])
def test_both_deleted_together_leave_nothing(tenant: Tenant, functions: Functions, first: str) -> None:
    functions.apply()
    tenant.namespace.apply(of_llama())
    tenant.namespace.wait_for("echo", within=60)
    steps = [(functions.namespace, "llama"), (tenant.namespace, "echo")]
    for namespace, name in steps if first == "the function" else steps[::-1]:
        namespace.delete(name)
    tenant.namespace.wait_gone("echo", within=60)
    functions.namespace.wait_gone("llama", within=60)
    assert functions.ids() == []
    operations = functions.operations()
    assert operations.index("deleteDeployment") < operations.index("deleteFunction")


def test_a_version_that_somebody_else_deployed_blocks_the_deletion(functions: Functions) -> None:
    functions.apply()
    functions.namespace.wait_for("llama")
    version = functions.latest()
    functions.simulator.deploy(version, SPECIFICATION)
    functions.namespace.delete("llama")
    functions.namespace.wait_until(
        "llama", lambda it: condition_of(it, "DeletionBlocked").get("reason") == "VersionDeployed", what="blocked"
    )
    assert functions.ids() == [version]
    functions.simulator.undeploy(version)
    functions.namespace.wait_gone("llama", within=60)


def test_two_deployments_that_pin_two_revisions_keep_both_versions(tenant: Tenant, functions: Functions) -> None:
    functions.apply(revision="1", history={"limit": 0})
    tenant.namespace.apply(of_llama("one", revision="1"))
    tenant.namespace.wait_for("one", within=60)
    functions.namespace.edit("llama", revision="2", template={"containerImage": "nvcr.io/org/llama:2"})
    tenant.namespace.apply(of_llama("two", revision="2"))
    tenant.namespace.wait_for("two", within=60)
    functions.namespace.wait_for("llama")
    pinned = set(functions.ids())
    assert deployed(functions) == pinned
    unused = []
    for revision in ("3", "4"):
        functions.namespace.edit(
            "llama", revision=revision, template={"containerImage": f"nvcr.io/org/llama:{revision}"}
        )
        functions.namespace.wait_for("llama", within=60)
        unused.append(functions.latest())
    eventually(functions.ids, lambda ids: unused[0] not in ids, within=60, what="the one that nobody pins is deleted")
    assert set(functions.ids()) == pinned | {unused[1]}
    assert deployed(functions) == pinned
    for name in ("one", "two"):
        tenant.namespace.wait_for(name)
