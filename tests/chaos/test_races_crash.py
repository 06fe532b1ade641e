"""Races of the server (docs/races.md) with a crash of the operator in their middle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.chaos import oracle
from tests.support.place import Place
from tests.support.process import FAST
from tests.support.waiting import eventually


@pytest.fixture
def place(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Place]:
    """A world of its own, for operators that are killed."""
    with Place.made(control_plane, operator_identity, namespace, tmp_path) as made:
        yield made


def violations(place: Place) -> list[str]:
    """What the oracle finds wrong."""
    log = place.simulator.log()
    hasty = oracle.hasty_posts(
        log, create_settle=FAST["create_settle_seconds"], redeploy_settle=FAST["redeploy_settle_seconds"]
    )
    return hasty + oracle.two_writers(log) + oracle.money(place.simulator, [place.version])


def in_flight(place: Place, operation: str) -> Any:
    """Wait until a request of that operation is being carried out."""
    return eventually(
        lambda: place.simulator.log(operation=operation, inFlight=True), bool, within=20, what=f"{operation} under way"
    )


def maximum(place: Place) -> int:
    """The maximum that NVCF holds."""
    return int(place.simulator.deployments()[place.version]["deploymentSpecifications"][0]["maxInstances"])


def test_no_second_post_after_a_crash_while_the_first_runs(place: Place) -> None:
    # Slow enough for the next operator to look meanwhile, and settled for longer than that.
    place.simulator.behave(races={"slowPost": 15.0})
    with place.operator(create_settle_seconds=20):
        place.namespace.apply(place.manifest())
        in_flight(place, "createDeployment")
    with place.operator(create_settle_seconds=20):
        in_flight(place, "createDeployment")
        place.namespace.wait_for("echo", "Reconciling", reason="AwaitingAnswer")
        place.namespace.wait_for("echo", within=60)
    assert len(place.writes()) == 1
    assert violations(place) == []


def test_a_post_of_a_rollout_that_a_crash_left_is_undeployed_when_the_resource_is_deleted_meanwhile(
    place: Place,
) -> None:
    _, other = place.simulator.add_function(functionId=place.function)
    with place.operator():
        place.namespace.apply(place.manifest())
        place.namespace.wait_for("echo")
        place.simulator.behave(races={"slowPost": 6.0})
        place.namespace.edit("echo", functionVersionId=other)
        in_flight(place, "createDeployment")
    eventually(place.simulator.deployments, lambda there: other in there, within=30, what="the POST has ended")
    place.namespace.delete("echo")
    with place.operator():
        eventually(lambda: place.namespace.find("echo"), lambda found: found is None, within=40, what="it is gone")
        assert place.simulator.deployments() == {}
        assert place.simulator.allocations() == []


def test_an_inactive_row_of_a_post_in_the_making_is_waited_for(place: Place) -> None:
    # The row is there, the status is not: to a GET that looks as a drain does.
    place.simulator.behave(loop=False, races={"writeGap": 18.0})
    with place.operator():
        place.namespace.apply(place.manifest())
        eventually(place.simulator.deployments, lambda rows: place.version in rows, within=20, what="the row")
    with place.operator():
        place.namespace.wait_for("echo", "Reconciling", reason="Draining")
        eventually(
            lambda: place.simulator.log(operation="createDeployment", inFlight=True),
            lambda log: not log,
            within=40,
            what="its end",
        )
        place.simulator.behave(loop=True)
        place.namespace.wait_for("echo", within=60)
    assert [operation for operation, _ in place.writes()] == ["createDeployment"]
    assert violations(place) == []


def test_a_patch_undone_over_a_crash_is_made_again(place: Place) -> None:
    place.simulator.instance_behaviour(place.version, supply=False)
    # The loop's look comes between the two operators, and the read-back after it.
    place.simulator.behave(loop=False, races={"undonePatch": 1})
    with place.operator(redeploy_settle_seconds=8, deep_resync_interval=3600):
        place.namespace.apply(place.manifest())
        place.namespace.wait_for("echo", "Reconciling", reason="Deploying")
        place.namespace.scale("echo", maxInstances=6)
        place.namespace.wait_until("echo", lambda found: found["status"].get("instances") == "1-6", what="the change")
    place.simulator.run_pass()
    assert maximum(place) == 2, "the loop has undone it"
    with place.operator(redeploy_settle_seconds=8, deep_resync_interval=3600):
        eventually(lambda: maximum(place), lambda number: number == 6, within=30, what="it is made again")
    assert place.writes().count(("updateGpuSpecification", 200)) == 2
