"""Values in NVCF's answers that this operator cannot read: what does not depend on them goes on."""

from typing import Any

import pytest

from tests.support.cluster import condition_of
from tests.support.process import Operator
from tests.support.team import Team
from tests.support.waiting import eventually

CREATED, PATCHED, DELETED = ("createDeployment", 200), ("updateGpuSpecification", 200), ("deleteDeployment", 200)


@pytest.mark.parametrize(
    "odd",
    [{"tags": "x"}, {"tags": [None]}, {"description": {}}, {"name": 5}, {"status": None}, {"versionId": 7}],
    ids=str,
)
def test_an_odd_entry_of_another_function_keeps_nobody_from_deploying(team: Team, odd: dict[str, Any]) -> None:
    _, other = team.simulator.add_function("odd")
    team.simulator.change(other, odd=odd)
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo", within=20)
    team.simulator.change(other, odd={})


@pytest.mark.parametrize(
    "odd",
    [
        {"oddDeployment": {"createdAt": 1700000000}},
        {"oddDeployment": {"healthInfo": "all good", "functionName": 5}},
        {"oddSpecifications": {"preferredOrder": "first", "regions": "everywhere"}},
    ],
    ids=str,
)
def test_odd_fields_of_the_deployment_block_neither_edits_nor_the_deletion(team: Team, odd: dict[str, Any]) -> None:
    team.namespace.apply(team.manifest())
    team.namespace.wait_for("echo")
    team.simulator.change(team.version, **odd)
    team.namespace.scale("echo", maxInstances=4)
    eventually(team.writes, lambda writes: writes == [CREATED, PATCHED], within=10, what="the edit goes out")
    team.namespace.delete("echo")
    team.namespace.wait_gone("echo")
    assert team.writes() == [CREATED, PATCHED, DELETED]


def test_what_the_manifest_sets_and_cannot_be_read_is_told_and_nothing_is_written(team: Team) -> None:
    wanted = {"clusters": ["ncp-cluster-1"]}
    team.namespace.apply(team.manifest(gpu=wanted, rollout={"immutableChange": "Redeploy"}))
    team.namespace.wait_for("echo")
    team.simulator.change(team.version, oddSpecifications={"clusters": {"since": "next year"}})
    team.namespace.scale("echo", maxInstances=4)
    found = team.namespace.wait_for("echo", "Ready", "False", reason="InvalidAnswer")
    assert "deploymentSpecifications.clusters" in condition_of(found, "Ready")["message"]
    assert team.writes() == [CREATED]
    team.simulator.change(team.version, oddSpecifications={})
    team.namespace.wait_for("echo")
    assert team.writes() == [CREATED, PATCHED]


def test_what_the_gateway_announces_is_logged_once(team: Team, operator: Operator) -> None:
    said = "the version without teams replaces this one"
    team.simulator.behave(envelope="gateway", notice=said)
    try:
        team.namespace.apply(team.manifest())
        team.namespace.wait_for("echo")
        eventually(operator.output, lambda text: said in text, within=10, what="the announcement is logged")
        team.namespace.scale("echo", maxInstances=4)
        team.namespace.wait_for("echo")
    finally:
        team.simulator.behave(envelope="auto", notice=None)
    assert operator.output().count(said) == 1
