"""Races of the server (docs/races.md) with a crash of the operator in their middle."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.chaos import oracle
from tests.support.process import FAST
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually


@pytest.fixture
def sandbox(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox for operators that are killed."""
    with Sandbox.made(control_plane, operator_identity, namespace, tmp_path) as made:
        yield made


def violations(sandbox: Sandbox) -> list[str]:
    """What the oracle finds wrong."""
    log = sandbox.simulator.log()
    hasty = oracle.hasty_posts(
        log, create_settle=FAST["create_settle_seconds"], redeploy_settle=FAST["redeploy_settle_seconds"]
    )
    return hasty + oracle.two_writers(log) + oracle.money(sandbox.simulator, [sandbox.version])


def in_flight(sandbox: Sandbox, operation: str) -> Any:
    """Wait until a request of that operation is being carried out."""
    return eventually(
        lambda: sandbox.simulator.log(operation=operation, inFlight=True),
        bool,
        within=20,
        what=f"{operation} under way",
    )


def maximum(sandbox: Sandbox) -> int:
    """The maximum that NVCF holds."""
    return int(sandbox.simulator.deployments()[sandbox.version]["deploymentSpecifications"][0]["maxInstances"])


def test_no_second_post_after_a_crash_while_the_first_runs(sandbox: Sandbox) -> None:
    # Slow enough for the next operator to reconcile meanwhile, and settled for longer than that.
    sandbox.simulator.behave(races={"slowPost": 15.0})
    with sandbox.operator(create_settle_seconds=20):
        sandbox.namespace.apply(sandbox.manifest())
        in_flight(sandbox, "createDeployment")
    with sandbox.operator(create_settle_seconds=20):
        in_flight(sandbox, "createDeployment")
        sandbox.namespace.wait_for("echo", "Reconciling", reason="AwaitingAnswer")
        sandbox.namespace.wait_for("echo", within=60)
    assert len(sandbox.writes()) == 1
    assert violations(sandbox) == []


def test_a_post_of_a_rollout_that_a_crash_left_is_undeployed_when_the_resource_is_deleted_meanwhile(
    sandbox: Sandbox,
) -> None:
    _, other = sandbox.simulator.add_function(functionId=sandbox.function)
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.namespace.wait_for("echo")
        sandbox.simulator.behave(races={"slowPost": 6.0})
        sandbox.namespace.edit("echo", functionVersionId=other)
        in_flight(sandbox, "createDeployment")
    eventually(sandbox.simulator.deployments, lambda there: other in there, within=30, what="the POST has ended")
    sandbox.namespace.delete("echo")
    with sandbox.operator():
        eventually(lambda: sandbox.namespace.find("echo"), lambda found: found is None, within=40, what="it is gone")
        assert sandbox.simulator.deployments() == {}
        assert sandbox.simulator.allocations() == []


def test_an_inactive_row_of_a_post_in_the_making_is_waited_for(sandbox: Sandbox) -> None:
    # The row is there, the status is not: to a GET that looks as a drain does.
    sandbox.simulator.behave(loop=False, races={"writeGap": 18.0})
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        eventually(sandbox.simulator.deployments, lambda rows: sandbox.version in rows, within=20, what="the row")
    with sandbox.operator():
        sandbox.namespace.wait_for("echo", "Reconciling", reason="Draining")
        eventually(
            lambda: sandbox.simulator.log(operation="createDeployment", inFlight=True),
            lambda log: not log,
            within=40,
            what="its end",
        )
        sandbox.simulator.behave(loop=True)
        sandbox.namespace.wait_for("echo", within=60)
    assert [operation for operation, _ in sandbox.writes()] == ["createDeployment"]
    assert violations(sandbox) == []


def test_a_patch_undone_over_a_crash_is_made_again(sandbox: Sandbox) -> None:
    sandbox.simulator.instance_behaviour(sandbox.version, supply=False)
    # The loop's pass comes between the two operators, and the read-back after it.
    sandbox.simulator.behave(loop=False, races={"undonePatch": 1})
    with sandbox.operator(redeploy_settle_seconds=8, deep_resync_interval=3600):
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.namespace.wait_for("echo", "Reconciling", reason="Deploying")
        sandbox.namespace.scale("echo", maxInstances=6)
        sandbox.namespace.wait_until("echo", lambda found: found["status"].get("instances") == "1-6", what="the change")
    sandbox.simulator.run_pass()
    assert maximum(sandbox) == 2, "the loop has undone it"
    with sandbox.operator(redeploy_settle_seconds=8, deep_resync_interval=3600):
        eventually(lambda: maximum(sandbox), lambda number: number == 6, within=30, what="it is made again")
    assert sandbox.writes().count(("updateGpuSpecification", 200)) == 2
