"""Text that JSON can spell in several ways is in the status, and the status can be changed all the same."""

import re
from pathlib import Path

import pytest

from tests.support.cluster import condition_of
from tests.support.forked_operator import ForkedOperators
from tests.support.process import FAST, Operator
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

CREATED = ("createDeployment", 200)
SEVERAL = [
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 3},
]
MESSAGES = [
    "exit: <nil> & naïve",
    "pull failed: https://registry.example/x?a=1&b=2",
    "can’t start",
    "起動できません 🚫 \u2028 <b>\\u0026</b>",
]


def apply(sandbox: Sandbox) -> None:
    """Apply the manifest."""
    sandbox.namespace.apply(sandbox.manifest(deploymentSpecifications=SEVERAL))


def refused(operator: Operator) -> float:
    """How many writes of the status the API server has refused as invalid."""
    return operator.metric("nvcf_operator_kube_requests_total", kind="status", code="422")


@pytest.mark.parametrize("token", ["Mo 3. März", "a&b", "<now>", "\u2028\u00a0🚀"])
def test_an_edit_after_an_odd_token_was_answered_is_reported(sandbox: Sandbox, token: str) -> None:
    with sandbox.operator() as operator:
        apply(sandbox)
        sandbox.ready()
        sandbox.namespace.annotate("echo", reconcile_requested_at=token)
        sandbox.namespace.wait_until(
            "echo", lambda found: found["status"].get("lastHandledReconcileAt") == token, what="the answer"
        )
        first, second = SEVERAL
        sandbox.namespace.edit("echo", deploymentSpecifications=[{**first, "maxInstances": 4}, second])
        sandbox.ready()
        assert refused(operator) == 0
    assert sandbox.writes() == [CREATED, ("updateGpuSpecification", 200)]


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_a_failure_reported_in_odd_text_is_over_when_it_is_over(sandbox: Sandbox, message: str) -> None:
    sandbox.simulator.instance_behaviour(sandbox.version, outcome="fail", error=message)
    with sandbox.operator() as operator:
        apply(sandbox)
        found = sandbox.namespace.wait_for("echo", "Reconciling", reason="DeploymentFailed")
        sandbox.namespace.wait_until("echo", lambda it: bool(it["status"].get("health")), what="NVCF's words")
        (reported,) = sandbox.namespace.get("echo")["status"]["health"]
        sandbox.simulator.instance_behaviour(sandbox.version, outcome="run", error="")
        sandbox.namespace.annotate("echo", reconcile_requested_at="now")
        sandbox.ready()
        assert refused(operator) == 0
    assert condition_of(found, "Ready")["status"] == "False"
    assert reported == message or reported == " ".join(message.split()), "blanks may be put together, and nothing else"


@pytest.mark.parametrize("name", ["naïve & <co>", "函数 ‘echo’?a=1&b=2", "💥\u2028<"])
def test_a_function_of_an_odd_name_is_deployed_changed_and_undeployed(sandbox: Sandbox, name: str) -> None:
    function, version = sandbox.simulator.add_function(name)
    body = sandbox.manifest(functionId=function, functionVersionId=version, deploymentSpecifications=SEVERAL)
    with sandbox.operator() as operator:
        sandbox.namespace.apply(body)
        sandbox.ready()
        assert sandbox.namespace.get("echo")["status"]["functionName"] == name
        first, second = SEVERAL
        sandbox.namespace.edit("echo", deploymentSpecifications=[first, {**second, "maxInstances": 5}])
        sandbox.ready()
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
        assert refused(operator) == 0
    assert sandbox.simulator.allocations() == []


def test_a_drain_is_cut_short_in_time_though_the_status_holds_odd_text(sandbox: Sandbox) -> None:
    function, version = sandbox.simulator.add_function("naïve & <co>")
    sandbox.simulator.change(version, queueDepth=2)
    body = sandbox.manifest(
        functionId=function,
        functionVersionId=version,
        deploymentSpecifications=SEVERAL,
        undeploy={"drainTimeoutSeconds": 3},
    )
    with sandbox.operator():
        sandbox.namespace.apply(body)
        eventually(sandbox.simulator.deployments, lambda rows: version in rows, within=20, what="it is deployed")
        sandbox.namespace.wait_until(
            "echo", lambda it: bool(it["status"].get("functionName")), what="the name is reported"
        )
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo")
    assert [entry["query"] for entry in sandbox.simulator.log(operation="deleteDeployment")] == [
        "graceful=true",
        "graceful=false",
    ]


def test_a_manifest_that_was_refused_in_odd_text_is_ready_when_corrected(sandbox: Sandbox) -> None:
    sandbox.simulator.fault(operation="createDeployment", status=400, detail="Invalid GPU 'Größe<1>&'", count=1)
    with sandbox.operator() as operator:
        apply(sandbox)
        found = sandbox.namespace.wait_for("echo", "Stalled", reason="Rejected")
        assert "Größe<1>&" in condition_of(found, "Stalled")["message"]
        first, second = SEVERAL
        sandbox.namespace.edit("echo", deploymentSpecifications=[{**first, "maxInstances": 4}, second])
        sandbox.ready()
        assert refused(operator) == 0
    assert sandbox.writes() == [("createDeployment", 400), CREATED]


def test_retries_of_a_failure_reported_in_odd_text_are_counted(sandbox: Sandbox, tmp_path: Path) -> None:
    """Each costs a DELETE, a POST and instances: uncounted they would come without a pause and without an end."""
    sandbox.simulator.instance_behaviour(sandbox.version, outcome="fail", error=MESSAGES[1])
    settings = {**FAST, "namespaces": sandbox.namespace.name}
    with (
        ForkedOperators.start(tmp_path / "forks") as forks,
        forks.operator(sandbox.identity, sandbox.simulator.url, settings, armed=tmp_path / "never", retry_seconds=2.0),
    ):
        apply(sandbox)
        sandbox.namespace.wait_until(
            "echo", lambda it: _attempts(it) == 3, what="a third attempt is counted", within=90
        )
        message = condition_of(sandbox.namespace.get("echo"), "Ready")["message"]
        posts = sandbox.simulator.log(operation="createDeployment")
    assert len(posts) == 3
    assert re.search("attempt 3 of 5", message)
    first, second, third = (entry["started"] for entry in posts)
    assert third - second > second - first, "the pauses do not grow"


def _attempts(found: dict[str, dict[str, dict[str, int]]]) -> int:
    return found["status"].get("retry", {}).get("attempts", 0)
