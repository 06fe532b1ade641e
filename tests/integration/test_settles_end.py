"""A settle ends however rarely the account is polled: an operator looks as often as the settle needs."""

from typing import Any

from tests.support.cluster import condition_of
from tests.support.place import Place

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


def apply(place: Place) -> None:
    """Apply the manifest."""
    place.namespace.apply(place.manifest(deploymentSpecifications=SEVERAL))


def test_a_redeployment_ends(place: Place) -> None:
    with place.operator(**RARELY):
        apply(place)
        place.ready()
        place.namespace.annotate("echo", redeploy_requested_at="now")
        place.namespace.wait_until(
            "echo", lambda it: it["status"].get("lastHandledRedeployAt") == "now", what="the answer"
        )
        place.ready()
    assert place.writes() == [CREATED, DELETED, CREATED]
    second, deleted = (place.simulator.log(operation=name)[-1] for name in ("createDeployment", "deleteDeployment"))
    assert second["started"] - deleted["ended"] >= SETTLE


def test_a_lost_post_is_made_again(place: Place) -> None:
    place.simulator.fault(operation="createDeployment", when="before", reset=True, count=1)
    with place.operator(**RARELY):
        apply(place)
        place.ready()
    first, second = place.simulator.log(operation="createDeployment")
    assert second["started"] - first["ended"] >= SETTLE


def test_a_deletion_after_a_lost_post_ends(place: Place) -> None:
    place.simulator.fault(operation="createDeployment", when="before", reset=True, count=1)
    with place.operator(**RARELY):
        apply(place)
        place.namespace.wait_until(
            "echo", lambda it: condition_of(it, "Ready").get("reason") == "AwaitingAnswer", what="the answer is awaited"
        )
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo", within=40)
    assert len(place.simulator.log(operation="createDeployment")) == 1
    assert place.simulator.deployments() == {}
