"""The server's loop writes an old row over a new deployment: NVCF then shows the dead one, and the live one is lost."""

from typing import Any

import pytest

from tests.support import tools
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

CREATED, DELETED = ("createDeployment", 200), ("deleteDeployment", 200)
SEVERAL = [
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 3},
]


def shown(sandbox: Sandbox) -> str:
    """The id of the deployment that NVCF shows."""
    return str(sandbox.simulator.deployments()[sandbox.version]["deploymentId"])


def redeployed(sandbox: Sandbox) -> tuple[str, str]:
    """Deploy, and deploy again while the server's loop stands still; give the ids of the old and the new deployment.

    The loop's next pass writes the old row back.
    """
    sandbox.namespace.apply(sandbox.manifest(deploymentSpecifications=SEVERAL))
    sandbox.ready()
    old = shown(sandbox)
    sandbox.simulator.behave(loop=False, races={"returningRow": 1})
    sandbox.namespace.annotate("echo", redeploy_requested_at="<monday> & März")
    eventually(sandbox.writes, lambda writes: writes == [CREATED, DELETED, CREATED], within=30, what="the redeployment")
    new = shown(sandbox)
    sandbox.namespace.wait_until(
        "echo", lambda it: it["status"].get("deploymentId") == new, what="the new deployment is on record"
    )
    assert new != old
    return old, new


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_a_new_deployment_that_an_old_row_hides_is_reported_and_redeployed(sandbox: Sandbox, restarted: bool) -> None:
    with sandbox.operator() as operator:
        old, lost = redeployed(sandbox)
        if restarted:
            operator.kill()
        sandbox.simulator.run_pass()
        assert shown(sandbox) == old, "the old row did not come back"
        sandbox.simulator.behave(loop=True)
        if not restarted:
            assert_mended(sandbox, operator, old, lost)
    if restarted:
        with sandbox.operator() as successor:
            assert_mended(sandbox, successor, old, lost)


def assert_mended(sandbox: Sandbox, operator: Any, old: str, lost: str) -> None:
    """Check what the operator says and does about the lost deployment."""
    reported = eventually(
        lambda: [(kind, text) for kind, reason, text in sandbox.namespace.events("echo") if reason == "LeftBehind"],
        bool,
        within=30,
        what="an Event LeftBehind",
    )
    assert {kind for kind, _ in reported} == {"Warning"}
    assert any(lost in text for _, text in reported)
    eventually(
        sandbox.writes,
        lambda writes: writes == [CREATED, DELETED, CREATED, DELETED, CREATED],
        within=40,
        what="the dead deployment is undeployed, and the version is deployed once more",
    )
    sandbox.ready()
    found = sandbox.namespace.get("echo")
    assert found["status"]["deploymentId"] == shown(sandbox)
    assert shown(sandbox) not in (old, lost)
    assert operator.metric("nvcf_operator_deletions_left_behind_total") == 1
    deleted, created = (sandbox.simulator.log(operation=name)[-1] for name in ("deleteDeployment", "createDeployment"))
    assert created["started"] - deleted["ended"] >= 3.0, "without the settle"
    assert {item["deploymentId"] for item in sandbox.simulator.leaked()} == {lost}


def test_a_deployment_that_somebody_made_again_is_not_taken_for_an_old_row(sandbox: Sandbox) -> None:
    with sandbox.operator() as operator:
        sandbox.namespace.apply(sandbox.manifest(deploymentSpecifications=SEVERAL))
        sandbox.ready()
        sandbox.simulator.redeploy(sandbox.version)
        tools.reconcile_now(sandbox.namespace, "echo")
        sandbox.ready()
        sandbox.namespace.wait_until(
            "echo",
            lambda it: it["status"].get("deploymentId") == shown(sandbox),
            what="the other is on record",
        )
        assert operator.metric("nvcf_operator_deletions_left_behind_total") == 0
        reported = {reason for _, reason, _ in sandbox.namespace.events("echo")}
    assert sandbox.writes() == [CREATED]
    assert "LeftBehind" not in reported
