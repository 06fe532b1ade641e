"""A version deployed anew through the running operator: asked for, needed, after ERROR, or held back by a brake."""

import pytest

from tests.support.cluster import condition_of
from tests.support.process import Operator
from tests.support.team import Team
from tests.support.waiting import eventually

H100 = {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x"}
SETTLE = 3.0
"""Seconds of the redeploy settle that the tests' operator has."""


def test_what_cannot_change_in_place_is_deployed_again_where_the_manifest_says_so(team: Team) -> None:
    team.namespace.apply(team.manifest(rollout={"immutableChange": "Redeploy"}))
    first = team.namespace.wait_for("echo")
    team.namespace.scale("echo", **H100)
    found = team.namespace.wait_for("echo", within=40)
    assert team.writes() == [("createDeployment", 200), ("deleteDeployment", 200), ("createDeployment", 200)]
    assert found["status"]["deploymentId"] != first["status"]["deploymentId"]
    assert [item["gpu"] for item in found["status"]["gpuSpecifications"]] == ["H100"]
    assert not found["status"].get("retiring")
    assert settled(team)


def test_a_redeploy_waits_for_the_drain(team: Team) -> None:
    team.namespace.apply(team.manifest(rollout={"immutableChange": "Redeploy"}))
    team.namespace.wait_for("echo")
    team.simulator.change(team.version, queueDepth=2)
    team.namespace.scale("echo", **H100)
    found = team.namespace.wait_for("echo", "Reconciling", "True", reason="Draining")
    assert [item["functionVersionId"] for item in found["status"]["retiring"]] == [team.version]
    assert team.asked("deleteDeployment")[0]["query"] == "graceful=true"
    team.simulator.change(team.version, queueDepth=0)
    team.namespace.wait_for("echo", within=40)


def test_redeploy_now_undeploys_and_deploys_once(team: Team) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.namespace.annotate("echo", redeploy_requested_at="monday")
    team.namespace.wait_until(
        "echo", lambda it: it["status"].get("lastHandledRedeployAt") == "monday", what="the answer"
    )
    team.namespace.wait_for("echo", within=40)
    assert team.writes() == [("createDeployment", 200), ("deleteDeployment", 200), ("createDeployment", 200)]
    assert settled(team)


def test_a_redeploy_asked_for_before_the_first_deployment_is_answered_by_it(team: Team) -> None:
    manifest = team.manifest()
    manifest["metadata"]["annotations"] = {"nvcf-operator.io/redeploy-requested-at": "early"}
    team.namespace.apply(manifest)
    found = team.namespace.wait_for("echo")
    assert found["status"]["lastHandledRedeployAt"] == "early"
    assert team.writes() == [("createDeployment", 200)]


@pytest.mark.parametrize("asked", ["redeploy_requested_at", "reconcile_requested_at", "edit"])
def test_a_failed_deployment_is_made_again_at_once_when_a_person_acts(team: Team, asked: str) -> None:
    team.simulator.instance_behaviour(team.version, outcome="fail", error="bad image")
    team.namespace.apply(team.manifest())
    found = team.namespace.wait_for("echo", "Reconciling", "True", reason="DeploymentFailed")
    assert found["status"]["retry"]["attempts"] == 1
    assert "attempt 1 of 5" in condition_of(found, "Ready")["message"]
    team.simulator.instance_behaviour(team.version, outcome="run")
    if asked == "edit":
        team.namespace.scale("echo", maxInstances=5)
    else:
        team.namespace.annotate("echo", **{asked: "now"})
    found = team.namespace.wait_for("echo", within=40)
    assert "retry" not in found["status"]
    assert team.writes() == [("createDeployment", 200), ("deleteDeployment", 200), ("createDeployment", 200)]
    assert settled(team)


def test_a_failed_deployment_is_made_again_by_itself_after_a_minute(team: Team) -> None:
    team.simulator.instance_behaviour(team.version, outcome="fail", error="bad image")
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo", "Reconciling", "True", reason="DeploymentFailed")
    failed_at = team.asked("getDeployment")[-1]["started"]
    team.simulator.instance_behaviour(team.version, outcome="run")
    team.namespace.wait_for("echo", within=90)
    (delete,) = team.asked("deleteDeployment")
    assert delete["started"] - failed_at > 50.0
    assert delete["query"] == "graceful=false"


def test_too_many_deployments_gone_at_once_are_not_deployed_again_without_a_person(
    team: Team, operator: Operator
) -> None:
    functions = [team.simulator.add_function() for _ in range(8)]
    names = [f"echo-{number}" for number in range(8)]
    for name, (function, version) in zip(names, functions, strict=True):
        manifest = team.manifest(name)
        manifest["spec"] |= {"functionId": function, "functionVersionId": version}
        team.namespace.apply(manifest)
    for name in names:
        team.namespace.wait_for(name)
    cursor = team.simulator.cursor
    for _, version in functions[:7]:
        team.simulator.undeploy(version)
    for name in names[:7]:
        found = team.namespace.wait_for(name, "Stalled", reason="MassAbsence")
        assert "reconcile-requested-at" in condition_of(found, "Stalled")["message"]
    team.namespace.annotate(names[0], reconcile_requested_at="yes")
    team.namespace.wait_for(names[0])
    polls = operator.metric("nvcf_operator_polls_total")
    eventually(
        lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= polls + 3, within=30, what="three polls"
    )
    posted = [e["functionVersionId"] for e in team.simulator.log(cursor) if e["operation"] == "createDeployment"]
    assert posted == [functions[0][1]]
    told = [reason for name in names for _, reason, _ in team.namespace.events(name) if reason == "MassAbsence"]
    assert told == ["MassAbsence"], "one Event in a namespace"


def settled(team: Team) -> bool:
    """Whether the last POST kept the redeploy settle after the DELETE before it."""
    last, delete = team.asked("createDeployment")[-1], team.asked("deleteDeployment")[-1]
    return bool(last["started"] - delete["ended"] >= SETTLE)
