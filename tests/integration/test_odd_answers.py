"""Values in NVCF's answers that this operator cannot read: what does not depend on them goes on."""

from typing import Any

import pytest

from tests.support.cluster import condition_of
from tests.support.process import Operator
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

CREATED, PATCHED, DELETED = ("createDeployment", 200), ("updateGpuSpecification", 200), ("deleteDeployment", 200)


@pytest.mark.parametrize(
    "odd",
    [{"tags": "x"}, {"tags": [None]}, {"description": {}}, {"name": 5}, {"status": None}, {"versionId": 7}],
    ids=str,
)
def test_an_odd_entry_of_another_function_keeps_nobody_from_deploying(tenant: Tenant, odd: dict[str, Any]) -> None:
    _, other = tenant.simulator.add_function("odd")
    tenant.simulator.change(other, odd=odd)
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=20)
    tenant.simulator.change(other, odd={})


@pytest.mark.parametrize(
    "odd",
    [
        {"oddDeployment": {"createdAt": 1700000000}},
        {"oddDeployment": {"healthInfo": "all good", "functionName": 5}},
        {"oddSpecifications": {"preferredOrder": "first", "regions": "everywhere"}},
    ],
    ids=str,
)
def test_odd_fields_of_the_deployment_block_neither_edits_nor_the_deletion(tenant: Tenant, odd: dict[str, Any]) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo")
    tenant.simulator.change(tenant.version, **odd)
    tenant.namespace.scale("echo", maxInstances=4)
    eventually(tenant.writes, lambda writes: writes == [CREATED, PATCHED], within=10, what="the edit goes out")
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo")
    assert tenant.writes() == [CREATED, PATCHED, DELETED]


def test_what_the_manifest_sets_and_cannot_be_read_is_reported_and_nothing_is_written(tenant: Tenant) -> None:
    wanted = {"clusters": ["ncp-cluster-1"]}
    tenant.namespace.apply(tenant.manifest(gpu=wanted, rollout={"immutableChange": "Redeploy"}))
    tenant.namespace.wait_for("echo")
    tenant.simulator.change(tenant.version, oddSpecifications={"clusters": {"since": "next year"}})
    tenant.namespace.scale("echo", maxInstances=4)
    found = tenant.namespace.wait_for("echo", "Ready", "False", reason="InvalidAnswer")
    assert "deploymentSpecifications.clusters" in condition_of(found, "Ready")["message"]
    assert tenant.writes() == [CREATED]
    tenant.simulator.change(tenant.version, oddSpecifications={})
    tenant.namespace.wait_for("echo")
    assert tenant.writes() == [CREATED, PATCHED]


def test_what_the_gateway_announces_is_logged_once(tenant: Tenant, operator: Operator) -> None:
    said = "the version without teams replaces this one"
    tenant.simulator.behave(envelope="gateway", notice=said)
    try:
        tenant.namespace.apply(tenant.manifest())
        tenant.namespace.wait_for("echo")
        eventually(operator.output, lambda text: said in text, within=10, what="the announcement is logged")
        tenant.namespace.scale("echo", maxInstances=4)
        tenant.namespace.wait_for("echo")
    finally:
        tenant.simulator.behave(envelope="auto", notice=None)
    assert operator.output().count(said) == 1
