"""NVCF works on a POST for as long as its specifications take, one after the other; the operator waits for that long.

The times are the operator's defaults and those of the real server, twenty times as fast.
"""

from typing import Any

from nvcf_operator.settings import Settings
from tests.support.cluster import condition_of
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

SPEED = 20.0


def default(name: str) -> float:
    """A setting's default in seconds, at the speed of these tests."""
    return float(Settings.model_fields[name].default) / SPEED


SETTLES: dict[str, Any] = {
    name: default(name) for name in ("create_settle_seconds", "create_settle_per_specification_seconds")
}  # that after a deployment is the tests' own
LONGEST_CALL = 30.0 / SPEED
"""Seconds that NVCF waits for its allocator at most, for each call."""

TRIES = 3
"""How often NVCF asks an allocator that answers 5xx."""


def specifications(count: int) -> list[dict[str, Any]]:
    """So many that ask for an instance each."""
    kinds = [("L40S", "NCP.GPU.L40S_1x"), ("H100", "NCP.GPU.H100_1x")]
    return [
        {"gpu": kinds[n % 2][0], "instanceType": kinds[n % 2][1], "minInstances": 1, "maxInstances": 2 + n}
        for n in range(count)
    ]


def manifest(sandbox: Sandbox, count: int) -> dict[str, Any]:
    """The manifest with so many specifications."""
    return sandbox.manifest(deploymentSpecifications=specifications(count))


def slow(sandbox: Sandbox, seconds: float) -> None:
    """Each call to the allocator takes so long, and the answer to the next POST is lost."""
    sandbox.simulator.behave(races={"slowPost": seconds})
    sandbox.simulator.fault(operation="createDeployment", count=1, when="during", delay=0.1, reset=True)


def posts(sandbox: Sandbox) -> list[dict[str, Any]]:
    """All POSTs."""
    return sandbox.simulator.log(operation="createDeployment")


def wait_for_loss(sandbox: Sandbox) -> None:
    """Wait until the operator says that an answer is missing."""
    sandbox.namespace.wait_until(
        "echo", lambda it: condition_of(it, "Ready").get("reason") == "AwaitingAnswer", what="the answer is awaited"
    )


def assert_one_deployment(sandbox: Sandbox, count: int) -> None:
    """Check that there was one POST, and that what runs belongs to it."""
    assert len(posts(sandbox)) == 1
    assert sandbox.simulator.leaked() == []
    assert len(sandbox.simulator.allocations()) == count


def test_a_post_of_eight_specifications_is_waited_for(sandbox: Sandbox) -> None:
    slow(sandbox, 14.0 / SPEED)
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(manifest(sandbox, 8))
        wait_for_loss(sandbox)
        sandbox.ready()
    assert_one_deployment(sandbox, 8)


def test_a_restarted_operator_waits_for_a_post_of_four_specifications(sandbox: Sandbox) -> None:
    slow(sandbox, 28.0 / SPEED)
    with sandbox.operator(**SETTLES) as first:
        sandbox.namespace.apply(manifest(sandbox, 4))
        eventually(lambda: posts(sandbox), bool, within=20, what="the POST")
        first.kill()
    with sandbox.operator(**SETTLES):
        assert posts(sandbox)[0]["inFlight"], "the operator came too late"
        sandbox.ready()
    assert_one_deployment(sandbox, 4)


def test_a_deletion_waits_for_a_post_of_eight_specifications(sandbox: Sandbox) -> None:
    slow(sandbox, 14.0 / SPEED)
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(manifest(sandbox, 8))
        wait_for_loss(sandbox)
        sandbox.namespace.delete("echo")
        assert posts(sandbox)[0]["inFlight"], "the deletion came too late"
        sandbox.namespace.wait_gone("echo", within=60)
    assert not posts(sandbox)[0]["inFlight"], "the resource went while its POST was running"
    assert len(posts(sandbox)) == 1
    assert sandbox.simulator.allocations() == []
    assert sandbox.simulator.deployments() == {}


def test_the_servers_own_retries_of_one_specification_are_waited_for(sandbox: Sandbox) -> None:
    slow(sandbox, LONGEST_CALL * 0.97)
    sandbox.simulator.depend(sandbox.version, allocator={"status": 503, "count": TRIES - 1})
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(manifest(sandbox, 1))
        wait_for_loss(sandbox)
        sandbox.ready()
    assert_one_deployment(sandbox, 1)


def test_a_post_of_several_specifications_that_never_arrived_is_made_again_after_the_settle_of_those_with_instances(
    sandbox: Sandbox,
) -> None:
    several = specifications(3)
    several[2]["minInstances"] = 0
    sandbox.simulator.fault(operation="createDeployment", when="before", reset=True, count=1)
    with sandbox.operator(create_settle_seconds=3.0, create_settle_per_specification_seconds=2.5):
        sandbox.namespace.apply(sandbox.manifest(deploymentSpecifications=several))
        sandbox.ready()
    first, second = posts(sandbox)
    assert second["started"] - first["ended"] >= 3.0 + 2.5
    assert len(sandbox.simulator.allocations()) == 2
