"""kill -9 at every call of what happens to a CloudFunction: one version for one template, and the same end.

A failure prints scenario and call; `CRASH=` with the call repeats this one.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from tests.chaos.crashes import AT_ONCE, begun, ends_alike, points
from tests.chaos.environment import Environment
from tests.chaos.function_runs import FUNCTION_SCENARIOS, FunctionOutcome, FunctionRun, FunctionScenario
from tests.support.failpoints import Failpoint

SLOW = 0.5
"""Seconds that a registration takes: long enough for an operator to die meanwhile, and far less than the settle."""


@pytest.fixture(scope="module")
def environment(
    control_plane: ControlPlane, operator_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """What all runs share."""
    folder = tmp_path_factory.mktemp("function")
    with Environment.made(control_plane, operator_identity, folder, at_once=AT_ONCE) as made:
        made.simulator.behave(races={"slowRegister": SLOW})
        yield made


def crash(environment: Environment, scenario: FunctionScenario, point: Failpoint, wanted: FunctionOutcome) -> bool:
    """Play a scenario with a crash, and compare the end; say whether the call was reached at all."""
    with environment.run_as(FunctionRun, failpoint=point) as run:
        return ends_alike(run, scenario, wanted, FunctionOutcome.of)


@pytest.mark.parametrize("name", FUNCTION_SCENARIOS)
def test_a_crash_at_any_call_leads_to_the_same_end(environment: Environment, name: str) -> None:
    scenario = FUNCTION_SCENARIOS[name]
    with environment.run_as(FunctionRun) as run:
        cursor = begun(run, scenario)
        scenario.play(run)
        run.until_told()
        expected, calls = FunctionOutcome.of(run, cursor), run.operator.calls()
    chosen = os.environ.get("CRASH")
    where = [Failpoint.parse(chosen)] if chosen else points(calls)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        crashes = {point: pool.submit(crash, environment, scenario, point, expected) for point in where}
    wrong = [f"{name}, {point}: {error}" for point, future in crashes.items() if (error := future.exception())]
    assert not wrong, "\n\n".join(wrong)
    reached = {point.call for point, future in crashes.items() if future.result()}
    assert chosen or {call for call in calls if not call.startswith(("kube GET", "nvcf get", "nvcf list"))} <= reached
