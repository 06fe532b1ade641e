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
from tests.support.forked import Forkery
from tests.support.place import Place
from tests.support.process import FAST, Operator
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
def operator(place: Place, **settings: Any) -> Iterator[Operator]:
    """Run an operator with that clock."""
    with place.operator("wall_clock_from_file", **settings) as running:
        yield running


@contextmanager
def quick_operator(place: Place, forkery: Forkery, folder: Path) -> Iterator[None]:
    """Run one that makes again after seconds what others make again after a minute."""
    settings = {**FAST, "namespaces": place.namespace.name}
    with forkery.operator(
        place.identity,
        place.simulator.url,
        settings,
        armed=folder / "never",
        bug="wall_clock_from_file",
        retry_seconds=3.0,
    ):
        yield


def apply(place: Place, **changes: Any) -> None:
    """Apply the manifest."""
    place.namespace.apply(place.manifest(**{"deploymentSpecifications": SEVERAL, **changes}))


def read_again(place: Place, version: str) -> None:
    """Wait until the operator has read the deployment three times more, or has undeployed it by then."""
    cursor = place.simulator.cursor
    eventually(
        lambda: [entry["operation"] for entry in place.simulator.log(cursor, functionVersionId=version)],
        lambda asked: asked.count("getDeployment") >= 3 or "deleteDeployment" in asked,
        within=30,
        what="three more reads of the deployment",
    )


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_jumps_cuts_no_drain_short(place: Place, clock: Clock, hours: int) -> None:
    with operator(place):
        apply(place)
        place.ready()
        place.simulator.change(place.version, queueDepth=3)
        place.namespace.delete("echo")
        place.namespace.wait_for("echo", "Reconciling", reason="Draining")
        clock.set(hours * HOUR)
        read_again(place, place.version)
        place.simulator.change(place.version, queueDepth=0)
        place.namespace.wait_gone("echo")
    assert [entry["query"] for entry in place.simulator.log(operation="deleteDeployment")] == ["graceful=true"]


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_jumps_gives_no_rollout_up(place: Place, clock: Clock, hours: int) -> None:
    second = place.simulator.add_function(functionId=place.function)[1]
    place.simulator.instance_behaviour(second, supply=False)
    with operator(place):
        apply(place)
        place.ready()
        place.namespace.edit("echo", functionVersionId=second)
        place.namespace.wait_for("echo", "Reconciling", reason="RollingOut")
        clock.set(hours * HOUR)
        read_again(place, second)
        tools.look_now(place.namespace, "echo")
        place.namespace.wait_for("echo", "Stalled", "False")
        place.simulator.instance_behaviour(second, supply=True)
        place.simulator.serve(second)
        place.ready()
    deleted = [entry["functionVersionId"] for entry in place.simulator.log(operation="deleteDeployment")]
    assert deleted == [place.version]


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_jumps_changes_nothing_of_what_is_in_order(place: Place, clock: Clock, hours: int) -> None:
    with operator(place):
        apply(place)
        place.ready()
        clock.set(hours * HOUR)
        tools.look_now(place.namespace, "echo")
        first, second = SEVERAL
        place.namespace.edit("echo", deploymentSpecifications=[first, {**second, "maxInstances": 5}])
        place.ready()
    assert place.writes() == [CREATED, ("updateGpuSpecification", 200)]


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_a_retry_recorded_by_a_clock_that_was_ahead_comes_when_it_is_due(
    place: Place, clock: Clock, tmp_path: Path, restarted: bool
) -> None:
    clock.set(HOUR)
    place.simulator.fault(operation="createDeployment", status=400, detail="Größe <1> & more", count=1)
    with Forkery.start(tmp_path / "forks") as forkery:
        with quick_operator(place, forkery, tmp_path):
            apply(place)
            place.namespace.wait_for("echo", "Stalled", reason="Rejected")
            place.namespace.wait_until(
                "echo", lambda it: "nextAttemptTime" in it["status"].get("retry", {}), what="another try is announced"
            )
            due = datetime.fromisoformat(place.namespace.get("echo")["status"]["retry"]["nextAttemptTime"])
            assert due > datetime.now(UTC) + timedelta(minutes=50), "the operator's clock is not ahead"
            clock.set(0)
            if not restarted:
                place.ready()
        with quick_operator(place, forkery, tmp_path):
            place.ready()
    assert place.writes() == [("createDeployment", 400), CREATED]


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_a_deadline_that_began_on_a_clock_that_was_ahead_is_told_when_it_is_over(
    place: Place, clock: Clock, restarted: bool
) -> None:
    clock.set(2 * HOUR)
    place.simulator.instance_behaviour(place.version, supply=False)
    with operator(place):
        apply(place, rollout={"progressDeadlineSeconds": 6})
        place.namespace.wait_for("echo", "Reconciling", reason="Deploying")
        clock.set(0)
        if not restarted:
            place.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
    with operator(place):
        place.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
    assert place.writes() == [CREATED]


@pytest.mark.parametrize("operation", ["createDeployment", "deleteDeployment"])
def test_a_date_to_retry_after_is_taken_against_the_servers_own_clock(place: Place, operation: str) -> None:
    ahead = time.time() + HOUR
    place.simulator.fault(
        operation=operation,
        status=429,
        headers={"Date": formatdate(ahead, usegmt=True), "Retry-After": formatdate(ahead + 2, usegmt=True)},
        count=1,
    )
    with place.operator():
        apply(place)
        place.namespace.wait_for("echo", within=20)
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo", within=20)
    throttled, after = place.simulator.log(operation=operation)
    assert (throttled["status"], after["status"]) == (429, 200)
    assert after["started"] - throttled["ended"] >= 1.0, "it did not wait at all"
