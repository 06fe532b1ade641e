"""A FunctionDeployment follows, or pins, a CloudFunction: what a commit in git becomes in NVCF."""

from typing import Any

import pytest

from tests.support.cluster import condition_of, follower
from tests.support.functions import Functions
from tests.support.tenant import Tenant

H100 = {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x"}


class Both:
    """A CloudFunction and the FunctionDeployments of it."""

    def __init__(self, tenant: Tenant) -> None:
        self.functions = Functions.of(tenant.namespace, tenant.simulator)
        self.namespace = tenant.namespace

    def writes(self) -> list[tuple[str, str]]:
        """The changes of deployments that were asked for, and of which versions."""
        wanted = ("createDeployment", "deleteDeployment", "updateDeployment")
        return [(e["operation"], e["functionVersionId"]) for e in self.functions.log() if e["operation"] in wanted]

    def gpus(self) -> list[list[str]]:
        """The GPUs of each deployment that was asked for, the oldest first."""
        posts = [entry for entry in self.functions.log() if entry["operation"] == "createDeployment"]
        return [[item["gpu"] for item in entry["body"]["deploymentSpecifications"]] for entry in posts]

    def deployed(self, name: str = "llama") -> str:
        """The version that a FunctionDeployment has on record."""
        return str(self.namespace.get(name)["status"]["functionVersionId"])


@pytest.fixture
def both(tenant: Tenant) -> Both:
    """The resources of the tenant."""
    return Both(tenant)


def test_a_function_and_its_deployment_in_one_commit_come_up(both: Both) -> None:
    both.namespace.apply(follower("llama"))
    both.namespace.wait_for("llama", status="False", reason="FunctionMissing")
    both.functions.apply()
    found = both.namespace.wait_for("llama")
    status = both.functions.status()
    assert found["status"]["functionId"] == status["functionId"]
    assert found["status"]["functionVersionId"] == status["latest"]["versionId"]
    assert found["status"]["functionRef"] == {
        "generation": status["latest"]["generation"],
        "hash": status["latest"]["hash"],
    }
    assert both.writes() == [("createDeployment", both.functions.latest())]


def edit(both: Both, what: str) -> None:
    if what == "image":
        both.functions.change(containerImage="nvcr.io/org/llama:2")
    else:
        specification = both.namespace.get("llama")["spec"]["deploymentSpecifications"][0]
        both.namespace.edit("llama", deploymentSpecifications=[{**specification, **H100}])


@pytest.mark.parametrize("order", [("image", "GPU"), ("GPU", "image")], ids=" first, then ".join)
@pytest.mark.parametrize("immutable", ["Reject", "Redeploy"])
def test_image_and_gpu_of_one_commit_are_one_rollout(both: Both, order: tuple[str, str], immutable: str) -> None:
    both.functions.apply(history={"limit": 1})
    both.namespace.apply(follower("llama", rollout={"immutableChange": immutable}))
    both.namespace.wait_for("llama")
    first = both.functions.latest()
    for what in order:
        edit(both, what)
    both.functions.namespace.wait_for("llama")
    second = both.functions.latest()
    both.namespace.wait_until("llama", lambda it: is_at(it, second), what="the second version serves alone")
    assert both.writes() == [("createDeployment", first), ("createDeployment", second), ("deleteDeployment", first)]
    assert both.gpus() == [["L40S"], ["H100"]]


def is_at(found: dict[str, Any], version: str) -> bool:
    status = found["status"]
    ready = condition_of(found, "Ready")["status"] == "True"
    return ready and status.get("functionVersionId") == version and not status.get("retiring")


def test_a_pinned_deployment_waits_for_its_revision_and_takes_its_gpu_along(both: Both) -> None:
    both.functions.apply(revision="1")
    both.namespace.apply(follower("llama", {"revision": "1"}, rollout={"immutableChange": "Redeploy"}))
    both.namespace.wait_for("llama")
    first = both.functions.latest()
    specification = {**both.namespace.get("llama")["spec"]["deploymentSpecifications"][0], **H100}
    pin = {"name": "llama", "revision": "2"}
    both.namespace.edit("llama", functionRef=pin, deploymentSpecifications=[specification])
    both.namespace.wait_for("llama", status="False", reason="RevisionMissing")
    both.functions.namespace.edit("llama", revision="2", template={"containerImage": "nvcr.io/org/llama:2"})
    both.functions.namespace.wait_for("llama")
    second = both.functions.latest()
    both.namespace.wait_until("llama", lambda it: is_at(it, second), what="the second revision serves alone")
    assert both.writes() == [("createDeployment", first), ("createDeployment", second), ("deleteDeployment", first)]
    assert both.gpus() == [["L40S"], ["H100"]]


def test_two_pins_of_one_function_both_serve(both: Both) -> None:
    both.functions.apply(revision="1")
    both.functions.namespace.wait_for("llama")
    first = both.functions.latest()
    both.namespace.apply(follower("llama", {"revision": "1"}))
    both.namespace.wait_for("llama")
    both.functions.namespace.edit("llama", revision="2", template={"containerImage": "nvcr.io/org/llama:2"})
    both.functions.namespace.wait_for("llama")
    canary = follower("llama", {"revision": "2"})
    canary["metadata"]["name"] = "canary"
    both.namespace.apply(canary)
    both.namespace.wait_for("canary")
    assert (both.deployed("llama"), both.deployed("canary")) == (first, both.functions.latest())
    assert both.writes() == [("createDeployment", first), ("createDeployment", both.functions.latest())]


def test_both_go_whichever_is_deleted_first(both: Both) -> None:
    both.functions.apply()
    both.namespace.apply(follower("llama"))
    both.namespace.wait_for("llama")
    both.functions.namespace.delete("llama")
    both.functions.namespace.wait_until(
        "llama", lambda it: condition_of(it, "DeletionBlocked").get("reason") == "InUse", what="in use"
    )
    assert condition_of(both.namespace.get("llama"), "Ready")["status"] == "True", "what runs goes on"
    both.namespace.delete("llama")
    both.namespace.wait_gone("llama")
    both.functions.namespace.wait_gone("llama")
    assert both.functions.ids() == []
