"""Wall clocks jump and differ. What is forced, given up, or tried again after a time goes by what really passed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.support import planted, tools
from tests.support.forked_operator import ForkedOperators
from tests.support.process import FAST, Operator
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

HOUR = 3600.0
CREATED = ("createDeployment", 200)
SEVERAL = [
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 3},
]


class Clock:
    """The wall clock of the operators under test."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def set(self, seconds: float) -> None:
        """Have it be off by so many seconds from now on."""
        fresh = self._file.with_suffix(".fresh")
        fresh.write_text(f"{seconds}")
        fresh.replace(self._file)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Right until it is set."""
    file = tmp_path / "clock-offset"
    monkeypatch.setenv(planted.CLOCK_OFFSET_FILE, str(file))
    return Clock(file)


@contextmanager
def operator(sandbox: Sandbox, **settings: Any) -> Iterator[Operator]:
    """Run an operator with that clock."""
    with sandbox.operator("wall_clock_from_file", **settings) as running:
        yield running


@contextmanager
def quick_operator(sandbox: Sandbox, forks: ForkedOperators, folder: Path) -> Iterator[None]:
    """Run one that makes again after seconds what others make again after a minute."""
    settings = {**FAST, "namespaces": sandbox.namespace.name}
    with forks.operator(
        sandbox.identity,
        sandbox.simulator.url,
        settings,
        armed=folder / "never",
        bug="wall_clock_from_file",
        retry_seconds=3.0,
    ):
        yield


def apply(sandbox: Sandbox, **changes: Any) -> None:
    """Apply the manifest."""
    sandbox.namespace.apply(sandbox.manifest(**{"deploymentSpecifications": SEVERAL, **changes}))


def read_again(sandbox: Sandbox, version: str) -> None:
    """Wait until the operator has read the deployment three times more, or has undeployed it by then."""
    cursor = sandbox.simulator.cursor
    eventually(
        lambda: [entry["operation"] for entry in sandbox.simulator.log(cursor, functionVersionId=version)],
        lambda asked: asked.count("getDeployment") >= 3 or "deleteDeployment" in asked,
        within=30,
        what="three more reads of the deployment",
    )


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_jumps_cuts_no_drain_short(sandbox: Sandbox, clock: Clock, hours: int) -> None:
    with operator(sandbox):
        apply(sandbox)
        sandbox.ready()
        sandbox.simulator.change(sandbox.version, queueDepth=3)
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_for("echo", "Reconciling", reason="Draining")
        clock.set(hours * HOUR)
        read_again(sandbox, sandbox.version)
        sandbox.simulator.change(sandbox.version, queueDepth=0)
        sandbox.namespace.wait_gone("echo")
    assert [entry["query"] for entry in sandbox.simulator.log(operation="deleteDeployment")] == ["graceful=true"]


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_jumps_gives_no_rollout_up(sandbox: Sandbox, clock: Clock, hours: int) -> None:
    second = sandbox.simulator.add_function(functionId=sandbox.function)[1]
    sandbox.simulator.instance_behaviour(second, supply=False)
    with operator(sandbox):
        apply(sandbox)
        sandbox.ready()
        sandbox.namespace.edit("echo", functionVersionId=second)
        sandbox.namespace.wait_for("echo", "Reconciling", reason="RollingOut")
        clock.set(hours * HOUR)
        read_again(sandbox, second)
        tools.reconcile_now(sandbox.namespace, "echo")
        sandbox.namespace.wait_for("echo", "Stalled", "False")
        sandbox.simulator.instance_behaviour(second, supply=True)
        sandbox.simulator.serve(second)
        sandbox.ready()
    deleted = [entry["functionVersionId"] for entry in sandbox.simulator.log(operation="deleteDeployment")]
    assert deleted == [sandbox.version]


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_jumps_changes_nothing_of_what_is_in_order(sandbox: Sandbox, clock: Clock, hours: int) -> None:
    with operator(sandbox):
        apply(sandbox)
        sandbox.ready()
        clock.set(hours * HOUR)
        tools.reconcile_now(sandbox.namespace, "echo")
        first, second = SEVERAL
        sandbox.namespace.edit("echo", deploymentSpecifications=[first, {**second, "maxInstances": 5}])
        sandbox.ready()
    assert sandbox.writes() == [CREATED, ("updateGpuSpecification", 200)]


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_a_retry_recorded_by_a_clock_that_was_ahead_comes_when_it_is_due(
    sandbox: Sandbox, clock: Clock, tmp_path: Path, restarted: bool
) -> None:
    clock.set(HOUR)
    sandbox.simulator.fault(operation="createDeployment", status=400, detail="Größe <1> & more", count=1)
    with ForkedOperators.start(tmp_path / "forks") as forks:
        with quick_operator(sandbox, forks, tmp_path):
            apply(sandbox)
            sandbox.namespace.wait_for("echo", "Stalled", reason="Rejected")
            sandbox.namespace.wait_until(
                "echo", lambda it: "nextAttemptTime" in it["status"].get("retry", {}), what="another try is announced"
            )
            due = datetime.fromisoformat(sandbox.namespace.get("echo")["status"]["retry"]["nextAttemptTime"])
            assert due > datetime.now(UTC) + timedelta(minutes=50), "the operator's clock is not ahead"
            clock.set(0)
            if not restarted:
                sandbox.ready()
        with quick_operator(sandbox, forks, tmp_path):
            sandbox.ready()
    assert sandbox.writes() == [("createDeployment", 400), CREATED]


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_a_deadline_that_began_on_a_clock_that_was_ahead_is_reported_when_it_is_over(
    sandbox: Sandbox, clock: Clock, restarted: bool
) -> None:
    clock.set(2 * HOUR)
    sandbox.simulator.instance_behaviour(sandbox.version, supply=False)
    with operator(sandbox):
        apply(sandbox, rollout={"progressDeadlineSeconds": 6})
        sandbox.namespace.wait_for("echo", "Reconciling", reason="Deploying")
        clock.set(0)
        if not restarted:
            sandbox.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
    with operator(sandbox):
        sandbox.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
    assert sandbox.writes() == [CREATED]


@pytest.mark.parametrize("operation", ["createDeployment", "deleteDeployment"])
def test_a_date_to_retry_after_is_taken_against_the_servers_own_clock(sandbox: Sandbox, operation: str) -> None:
    ahead = time.time() + HOUR
    sandbox.simulator.fault(
        operation=operation,
        status=429,
        headers={"Date": formatdate(ahead, usegmt=True), "Retry-After": formatdate(ahead + 2, usegmt=True)},
        count=1,
    )
    with sandbox.operator():
        apply(sandbox)
        sandbox.namespace.wait_for("echo", within=20)
        sandbox.namespace.delete("echo")
        sandbox.namespace.wait_gone("echo", within=20)
    throttled, after = sandbox.simulator.log(operation=operation)
    assert (throttled["status"], after["status"]) == (429, 200)
    assert after["started"] - throttled["ended"] >= 1.0, "it did not wait at all"
