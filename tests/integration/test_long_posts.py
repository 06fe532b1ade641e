"""NVCF works on a POST for as long as its specifications take, one after the other; the operator waits for that long.

The times are the operator's defaults and those of the real server, twenty times as fast.
"""

from typing import Any

from nvcf_operator.settings import Settings
from tests.support.cluster import condition_of
from tests.support.place import Place
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


def manifest(place: Place, count: int) -> dict[str, Any]:
    """The manifest with so many specifications."""
    return place.manifest(deploymentSpecifications=specifications(count))


def slow(place: Place, seconds: float) -> None:
    """Each call to the allocator takes so long, and the answer to the next POST is lost."""
    place.simulator.behave(races={"slowPost": seconds})
    place.simulator.fault(operation="createDeployment", count=1, when="during", delay=0.1, reset=True)


def posts(place: Place) -> list[dict[str, Any]]:
    """All POSTs."""
    return place.simulator.log(operation="createDeployment")


def wait_for_loss(place: Place) -> None:
    """Wait until the operator says that an answer is missing."""
    place.namespace.wait_until(
        "echo", lambda it: condition_of(it, "Ready").get("reason") == "AwaitingAnswer", what="the answer is awaited"
    )


def assert_one_deployment(place: Place, count: int) -> None:
    """Check that there was one POST, and that what runs belongs to it."""
    assert len(posts(place)) == 1
    assert place.simulator.leaked() == []
    assert len(place.simulator.allocations()) == count


def test_a_post_of_eight_specifications_is_waited_for(place: Place) -> None:
    slow(place, 14.0 / SPEED)
    with place.operator(**SETTLES):
        place.namespace.apply(manifest(place, 8))
        wait_for_loss(place)
        place.ready()
    assert_one_deployment(place, 8)


def test_a_restarted_operator_waits_for_a_post_of_four_specifications(place: Place) -> None:
    slow(place, 28.0 / SPEED)
    with place.operator(**SETTLES) as first:
        place.namespace.apply(manifest(place, 4))
        eventually(lambda: posts(place), bool, within=20, what="the POST")
        first.kill()
    with place.operator(**SETTLES):
        assert posts(place)[0]["inFlight"], "the operator came too late"
        place.ready()
    assert_one_deployment(place, 4)


def test_a_deletion_waits_for_a_post_of_eight_specifications(place: Place) -> None:
    slow(place, 14.0 / SPEED)
    with place.operator(**SETTLES):
        place.namespace.apply(manifest(place, 8))
        wait_for_loss(place)
        place.namespace.delete("echo")
        assert posts(place)[0]["inFlight"], "the deletion came too late"
        place.namespace.wait_gone("echo", within=60)
    assert not posts(place)[0]["inFlight"], "the resource went while its POST was running"
    assert len(posts(place)) == 1
    assert place.simulator.allocations() == []
    assert place.simulator.deployments() == {}


def test_the_servers_own_retries_of_one_specification_are_waited_for(place: Place) -> None:
    slow(place, LONGEST_CALL * 0.97)
    place.simulator.depend(place.version, allocator={"status": 503, "count": TRIES - 1})
    with place.operator(**SETTLES):
        place.namespace.apply(manifest(place, 1))
        wait_for_loss(place)
        place.ready()
    assert_one_deployment(place, 1)


def test_a_post_of_several_specifications_that_never_arrived_is_made_again_after_the_settle_of_those_with_instances(
    place: Place,
) -> None:
    several = specifications(3)
    several[2]["minInstances"] = 0
    place.simulator.fault(operation="createDeployment", when="before", reset=True, count=1)
    with place.operator(create_settle_seconds=3.0, create_settle_per_specification_seconds=2.5):
        place.namespace.apply(place.manifest(deploymentSpecifications=several))
        place.ready()
    first, second = posts(place)
    assert second["started"] - first["ended"] >= 3.0 + 2.5
    assert len(place.simulator.allocations()) == 2
