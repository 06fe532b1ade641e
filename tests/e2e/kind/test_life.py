"""The life of a resource, with the operator as Pods and the chart's default settings."""

from tests.e2e.kind.progress import step
from tests.e2e.kind.release import Release
from tests.support.cluster import condition_of, follower
from tests.support.functions import Functions
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

DEFAULT_POLLS = 120.0
"""Seconds that are enough with the default poll intervals."""


def test_a_manifest_becomes_a_deployment_and_its_edit_a_patch_and_its_end_an_undeployment(tenant: Tenant) -> None:
    step("a manifest is applied")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=DEFAULT_POLLS)
    assert [operation for operation, _ in tenant.writes()] == ["createDeployment"]
    eventually(
        lambda: sorted(reason for _, reason, _ in tenant.namespace.events("echo")),
        lambda reasons: reasons == ["Active", "Created"],
        within=60,
        what="Events report both steps",
    )
    step("it is Ready; it is edited")
    tenant.namespace.scale("echo", maxInstances=5)
    eventually(
        lambda: tenant.simulator.deployments()[tenant.version]["deploymentSpecifications"][0]["maxInstances"],
        lambda most: most == 5,
        within=60,
        what="the edit is at NVCF",
    )
    tenant.namespace.wait_for("echo", within=DEFAULT_POLLS)
    step("the edit is in force; it is deleted")
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo", within=DEFAULT_POLLS)
    assert tenant.version not in tenant.simulator.deployments()
    assert [operation for operation, _ in tenant.writes()].count("createDeployment") == 1
    step("it is gone, here and there")


def test_another_image_is_rolled_out_and_the_function_ends_with_its_resources(tenant: Tenant) -> None:
    functions = Functions.of(tenant.namespace, tenant.simulator)
    step("a function and its deployment are applied")
    tenant.namespace.apply(functions.manifest("chat"), follower("chat"))
    functions.namespace.wait_for("chat", within=DEFAULT_POLLS)
    former = tenant.namespace.wait_for("chat", within=DEFAULT_POLLS)["status"]["functionVersionId"]
    assert functions.ids("chat") == [former]
    step("both are Ready; another image")
    functions.change("chat", containerImage="nvcr.io/org/chat:2")
    tenant.namespace.wait_until(
        "chat",
        lambda found: (
            found["status"]["functionVersionId"] != former and condition_of(found, "Ready").get("status") == "True"
        ),
        what="the new version has taken over",
        within=2 * DEFAULT_POLLS,
    )
    newer = tenant.namespace.get("chat")["status"]["functionVersionId"]
    assert functions.ids("chat") == [former, newer]
    assert former not in tenant.simulator.deployments()
    step("it is rolled out; both resources are deleted, the function first")
    functions.namespace.delete("chat")
    tenant.namespace.delete("chat")
    tenant.namespace.wait_gone("chat", within=DEFAULT_POLLS)
    functions.namespace.wait_gone("chat", within=2 * DEFAULT_POLLS)
    assert functions.ids("chat") == []
    step("versions and function are gone")


def test_a_deployment_that_somebody_removed_comes_back(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    first = tenant.namespace.wait_for("echo", within=DEFAULT_POLLS)["status"]["deploymentId"]
    step("somebody undeploys it behind the operator's back")
    tenant.simulator.undeploy(tenant.version)
    tenant.namespace.wait_until(
        "echo",
        lambda found: (
            found["status"].get("deploymentId") not in (None, first)
            and condition_of(found, "Ready").get("status") == "True"
        ),
        what="it is redeployed",
        within=60 + 75 + DEFAULT_POLLS,  # the poll that misses it, the settle time before a second POST
    )
    step("the operator has deployed it again")


def test_a_key_that_comes_later_is_used_and_its_absence_is_reported(release: Release, tenant: Tenant) -> None:
    release.cluster.kubectl("-n", tenant.namespace.name, "delete", "secret", "nvcf-credentials")
    tenant.namespace.apply(tenant.manifest())
    found = tenant.namespace.wait_for("echo", "CredentialsValid", "False", within=60)
    said = condition_of(found, "CredentialsValid")
    step(f"without the Secret: {said['reason']}: {said['message']}")
    assert "nvcf-credentials" in said["message"]
    assert tenant.writes() == []
    tenant.namespace.secret("nvapi-simulator")
    tenant.namespace.wait_for("echo", within=60 + DEFAULT_POLLS)
    step("with it: Ready")
