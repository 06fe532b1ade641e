"""A version redeployed through the running operator: asked for, needed, after ERROR, or held back by a brake."""

import pytest

from tests.support.cluster import condition_of
from tests.support.process import Operator
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

H100 = {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x"}
SETTLE = 3.0
"""Seconds of the redeploy settle that the tests' operator has."""


def test_what_cannot_change_in_place_is_deployed_again_where_the_manifest_says_so(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(rollout={"immutableChange": "Redeploy"}))
    first = tenant.namespace.wait_for("echo")
    tenant.namespace.scale("echo", **H100)
    found = tenant.namespace.wait_for("echo", within=40)
    assert tenant.writes() == [("createDeployment", 200), ("deleteDeployment", 200), ("createDeployment", 200)]
    assert found["status"]["deploymentId"] != first["status"]["deploymentId"]
    assert [item["gpu"] for item in found["status"]["gpuSpecifications"]] == ["H100"]
    assert not found["status"].get("retiring")
    assert settled(tenant)


def test_a_redeploy_waits_for_the_drain(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest(rollout={"immutableChange": "Redeploy"}))
    tenant.namespace.wait_for("echo")
    tenant.simulator.change(tenant.version, queueDepth=2)
    tenant.namespace.scale("echo", **H100)
    found = tenant.namespace.wait_for("echo", "Reconciling", "True", reason="Draining")
    assert [item["functionVersionId"] for item in found["status"]["retiring"]] == [tenant.version]
    assert tenant.asked("deleteDeployment")[0]["query"] == "graceful=true"
    tenant.simulator.change(tenant.version, queueDepth=0)
    tenant.namespace.wait_for("echo", within=40)


def test_redeploy_now_undeploys_and_deploys_once(tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.namespace.annotate("echo", redeploy_requested_at="monday")
    tenant.namespace.wait_until(
        "echo", lambda it: it["status"].get("lastHandledRedeployAt") == "monday", what="the answer"
    )
    tenant.namespace.wait_for("echo", within=40)
    assert tenant.writes() == [("createDeployment", 200), ("deleteDeployment", 200), ("createDeployment", 200)]
    assert settled(tenant)


def test_a_redeploy_asked_for_before_the_first_deployment_is_answered_by_it(tenant: Tenant) -> None:
    manifest = tenant.manifest()
    manifest["metadata"]["annotations"] = {"nvcf-operator.io/redeploy-requested-at": "early"}
    tenant.namespace.apply(manifest)
    found = tenant.namespace.wait_for("echo")
    assert found["status"]["lastHandledRedeployAt"] == "early"
    assert tenant.writes() == [("createDeployment", 200)]


@pytest.mark.parametrize("asked", ["redeploy_requested_at", "reconcile_requested_at", "edit"])
def test_a_failed_deployment_is_made_again_at_once_when_a_user_acts(tenant: Tenant, asked: str) -> None:
    tenant.simulator.instance_behaviour(tenant.version, outcome="fail", error="bad image")
    tenant.namespace.apply(tenant.manifest())
    found = tenant.namespace.wait_for("echo", "Reconciling", "True", reason="DeploymentFailed")
    assert found["status"]["retry"]["attempts"] == 1
    assert "attempt 1 of 5" in condition_of(found, "Ready")["message"]
    tenant.simulator.instance_behaviour(tenant.version, outcome="run")
    if asked == "edit":
        tenant.namespace.scale("echo", maxInstances=5)
    else:
        tenant.namespace.annotate("echo", **{asked: "now"})
    found = tenant.namespace.wait_for("echo", within=40)
    assert "retry" not in found["status"]
    assert tenant.writes() == [("createDeployment", 200), ("deleteDeployment", 200), ("createDeployment", 200)]
    assert settled(tenant)


def test_a_failed_deployment_is_made_again_automatically_after_a_minute(tenant: Tenant) -> None:
    tenant.simulator.instance_behaviour(tenant.version, outcome="fail", error="bad image")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", "Reconciling", "True", reason="DeploymentFailed")
    failed_at = tenant.asked("getDeployment")[-1]["started"]
    tenant.simulator.instance_behaviour(tenant.version, outcome="run")
    tenant.namespace.wait_for("echo", within=90)
    (delete,) = tenant.asked("deleteDeployment")
    assert delete["started"] - failed_at > 50.0
    assert delete["query"] == "graceful=false"


def test_too_many_deployments_gone_at_once_are_not_redeployed_without_a_user(
    tenant: Tenant, operator: Operator
) -> None:
    functions = [tenant.simulator.add_function() for _ in range(8)]
    names = [f"echo-{number}" for number in range(8)]
    for name, (function, version) in zip(names, functions, strict=True):
        manifest = tenant.manifest(name)
        manifest["spec"] |= {"functionId": function, "functionVersionId": version}
        tenant.namespace.apply(manifest)
    for name in names:
        tenant.namespace.wait_for(name)
    cursor = tenant.simulator.cursor
    for _, version in functions[:7]:
        tenant.simulator.undeploy(version)
    for name in names[:7]:
        found = tenant.namespace.wait_for(name, "Stalled", reason="MassAbsence")
        assert "reconcile-requested-at" in condition_of(found, "Stalled")["message"]
    tenant.namespace.annotate(names[0], reconcile_requested_at="yes")
    tenant.namespace.wait_for(names[0])
    polls = operator.metric("nvcf_operator_polls_total")
    eventually(
        lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= polls + 3, within=30, what="three polls"
    )
    posted = [e["functionVersionId"] for e in tenant.simulator.log(cursor) if e["operation"] == "createDeployment"]
    assert posted == [functions[0][1]]
    reported = [reason for name in names for _, reason, _ in tenant.namespace.events(name) if reason == "MassAbsence"]
    assert reported == ["MassAbsence"], "one Event in a namespace"


def settled(tenant: Tenant) -> bool:
    """Whether the last POST kept the redeploy settle after the DELETE before it."""
    last, delete = tenant.asked("createDeployment")[-1], tenant.asked("deleteDeployment")[-1]
    return bool(last["started"] - delete["ended"] >= SETTLE)
