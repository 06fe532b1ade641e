"""Text that JSON can spell in several ways stands in the status, and the status can be changed all the same."""

import re
from pathlib import Path

import pytest

from tests.support.cluster import condition_of
from tests.support.forked import Forkery
from tests.support.place import Place
from tests.support.process import FAST, Operator
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


def apply(place: Place) -> None:
    """Apply the manifest."""
    place.namespace.apply(place.manifest(deploymentSpecifications=SEVERAL))


def refused(operator: Operator) -> float:
    """How many writes of the status the API server has refused as invalid."""
    return operator.metric("nvcf_operator_kube_requests_total", kind="status", code="422")


@pytest.mark.parametrize("token", ["Mo 3. März", "a&b", "<now>", "\u2028\u00a0🚀"])
def test_an_edit_after_an_odd_token_was_answered_is_reported(place: Place, token: str) -> None:
    with place.operator() as operator:
        apply(place)
        place.ready()
        place.namespace.annotate("echo", reconcile_requested_at=token)
        place.namespace.wait_until(
            "echo", lambda found: found["status"].get("lastHandledReconcileAt") == token, what="the answer"
        )
        first, second = SEVERAL
        place.namespace.edit("echo", deploymentSpecifications=[{**first, "maxInstances": 4}, second])
        place.ready()
        assert refused(operator) == 0
    assert place.writes() == [CREATED, ("updateGpuSpecification", 200)]


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_a_failure_told_in_odd_text_is_over_when_it_is_over(place: Place, message: str) -> None:
    place.simulator.instance_behaviour(place.version, outcome="fail", error=message)
    with place.operator() as operator:
        apply(place)
        found = place.namespace.wait_for("echo", "Reconciling", reason="DeploymentFailed")
        place.namespace.wait_until("echo", lambda it: bool(it["status"].get("health")), what="NVCF's words")
        (told,) = place.namespace.get("echo")["status"]["health"]
        place.simulator.instance_behaviour(place.version, outcome="run", error="")
        place.namespace.annotate("echo", reconcile_requested_at="now")
        place.ready()
        assert refused(operator) == 0
    assert condition_of(found, "Ready")["status"] == "False"
    assert told == message or told == " ".join(message.split()), "blanks may be put together, and nothing else"


@pytest.mark.parametrize("name", ["naïve & <co>", "函数 ‘echo’?a=1&b=2", "💥\u2028<"])
def test_a_function_of_an_odd_name_is_deployed_changed_and_undeployed(place: Place, name: str) -> None:
    function, version = place.simulator.add_function(name)
    body = place.manifest(functionId=function, functionVersionId=version, deploymentSpecifications=SEVERAL)
    with place.operator() as operator:
        place.namespace.apply(body)
        place.ready()
        assert place.namespace.get("echo")["status"]["functionName"] == name
        first, second = SEVERAL
        place.namespace.edit("echo", deploymentSpecifications=[first, {**second, "maxInstances": 5}])
        place.ready()
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo")
        assert refused(operator) == 0
    assert place.simulator.allocations() == []


def test_a_drain_is_cut_short_in_time_though_the_status_holds_odd_text(place: Place) -> None:
    function, version = place.simulator.add_function("naïve & <co>")
    place.simulator.change(version, queueDepth=2)
    body = place.manifest(
        functionId=function,
        functionVersionId=version,
        deploymentSpecifications=SEVERAL,
        undeploy={"drainTimeoutSeconds": 3},
    )
    with place.operator():
        place.namespace.apply(body)
        eventually(place.simulator.deployments, lambda rows: version in rows, within=20, what="it is deployed")
        place.namespace.wait_until("echo", lambda it: bool(it["status"].get("functionName")), what="the name is told")
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo")
    assert [entry["query"] for entry in place.simulator.log(operation="deleteDeployment")] == [
        "graceful=true",
        "graceful=false",
    ]


def test_a_manifest_that_was_refused_in_odd_text_is_ready_when_corrected(place: Place) -> None:
    place.simulator.fault(operation="createDeployment", status=400, detail="Invalid GPU 'Größe<1>&'", count=1)
    with place.operator() as operator:
        apply(place)
        found = place.namespace.wait_for("echo", "Stalled", reason="Rejected")
        assert "Größe<1>&" in condition_of(found, "Stalled")["message"]
        first, second = SEVERAL
        place.namespace.edit("echo", deploymentSpecifications=[{**first, "maxInstances": 4}, second])
        place.ready()
        assert refused(operator) == 0
    assert place.writes() == [("createDeployment", 400), CREATED]


def test_retries_of_a_failure_told_in_odd_text_are_counted(place: Place, tmp_path: Path) -> None:
    """Each costs a DELETE, a POST and instances: uncounted they would come without a pause and without an end."""
    place.simulator.instance_behaviour(place.version, outcome="fail", error=MESSAGES[1])
    settings = {**FAST, "namespaces": place.namespace.name}
    with (
        Forkery.start(tmp_path / "forks") as forkery,
        forkery.operator(place.identity, place.simulator.url, settings, armed=tmp_path / "never", retry_seconds=2.0),
    ):
        apply(place)
        place.namespace.wait_until("echo", lambda it: _attempts(it) == 3, what="a third attempt is counted", within=90)
        message = condition_of(place.namespace.get("echo"), "Ready")["message"]
        posts = place.simulator.log(operation="createDeployment")
    assert len(posts) == 3
    assert re.search("attempt 3 of 5", message)
    first, second, third = (entry["started"] for entry in posts)
    assert third - second > second - first, "the pauses do not grow"


def _attempts(found: dict[str, dict[str, dict[str, int]]]) -> int:
    return found["status"].get("retry", {}).get("attempts", 0)
