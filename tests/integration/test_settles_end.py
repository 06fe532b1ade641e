"""A settle ends however rarely the account is polled: an operator polls as often as the settle needs."""

from typing import Any

from tests.support.cluster import condition_of
from tests.support.sandbox import Sandbox

SEVERAL = [
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 3},
]
SETTLE = 4.0
RARELY: dict[str, Any] = {
    "redeploy_settle_seconds": SETTLE,
    "create_settle_seconds": SETTLE,
    "create_settle_per_specification_seconds": 1.0,
    "busy_poll_interval": 0.8 * SETTLE,
    "poll_interval": 0.8 * SETTLE,
}
"""Settings as those of an operator that polls each minute beside a settle of 75 s."""

CREATED, DELETED = ("createDeployment", 200), ("deleteDeployment", 200)


def apply(sandbox: Sandbox) -> None:
    """Apply the manifest."""
    sandbox.namespace.apply(sandbox.manifest(deploymentSpecifications=SEVERAL))


def test_a_redeployment_ends(sandbox: Sandbox) -> None:
    with sandbox.operator(**RARELY):
        apply(sandbox)
        sandbox.ready()
        sandbox.namespace.annotate("echo", redeploy_requested_at="now")
        sandbox.namespace.wait_until(
            "echo", lambda it: it["status"].get("lastHandledRedeployAt") == "now", what="the answer"
        )
        sandbox.ready()
    assert sandbox.writes() == [CREATED, DELETED, CREATED]
    second, deleted = (sandbox.simulator.log(operation=name)[-1] for name in ("createDeployment", "deleteDeployment"))
    assert second["started"] - deleted["ended"] >= SETTLE


def test_a_lost_post_is_made_again(sandbox: Sandbox) -> None:
    sandbox.simulator.fault(operation="createDeployment", when="before", reset=True, count=1)
    with sandbox.operator(**RARELY):
        apply(sandbox)
        sandbox.ready()
    first, second = sandbox.simulator.log(operation="createDeployment")
    assert second["started"] - first["ended"] >= SETTLE


def test_a_deletion_after_a_lost_post_ends(sandbox: Sandbox) -> None:
    sandbox.simulator.fault(operation="createDeployment", when="before", reset=True, count=1)
    with sandbox.operator(**RARELY):
        apply(sandbox)
        sandbox.namespace.wait_until(
            "echo", lambda it: condition_of(it, "Ready").get("reason") == "AwaitingAnswer", what="the answer is awaited"
        )
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo", within=40)
    assert len(sandbox.simulator.log(operation="createDeployment")) == 1
    assert sandbox.simulator.deployments() == {}
