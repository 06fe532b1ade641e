"""kill -9 at every call of what happens to a CloudFunction: one version for one template, and the same end.

A failure prints scenario and call; `CRASH=` with the call repeats this one.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

import pytest

from hack.controlplane import ControlPlane
from tests.chaos.crashes import AT_ONCE, EndT, RunT, Scenario, begun, ends_alike, points
from tests.chaos.environment import Environment
from tests.chaos.followed_outcome import FollowedOutcome
from tests.chaos.followed_runs import FollowedRun
from tests.chaos.followed_scenarios import FOLLOWED_CRASHES, FOLLOWED_SCENARIOS
from tests.chaos.function_runs import FUNCTION_SCENARIOS, FunctionOutcome, FunctionRun
from tests.chaos.outcome import wrongs
from tests.support.failpoints import Failpoint

SLOW = 0.5
"""Seconds that a registration or a change takes: an operator may die meanwhile, and the settle is far longer."""


@pytest.fixture(scope="module")
def environment(
    control_plane: ControlPlane, operator_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """What all runs share."""
    folder = tmp_path_factory.mktemp("function")
    with Environment.made(control_plane, operator_identity, folder, at_once=AT_ONCE) as made:
        made.simulator.behave(races={"slowRegister": SLOW, "slowUpdate": SLOW})
        yield made


SETTINGS: Mapping[str, Any] = {"redeploy_settle_seconds": 3.0}
"""So long that a 404 is read often enough to last, though two resources are reconciled on a busy machine."""


@dataclass(frozen=True)
class Crashes(Generic[RunT, EndT]):
    """What is played, and crashed at each of its calls."""

    environment: Environment
    make: type[RunT]
    scenario: Scenario[RunT]
    observe: Callable[[RunT, int], EndT]
    wrongs: Callable[[RunT, int], list[str]]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def reference(self) -> tuple[EndT, list[str]]:
        """Play it to its end; give that end and all calls."""
        with self.environment.run_as(self.make, **self.settings) as run:
            cursor = begun(run, self.scenario)
            self.scenario.play(run)
            run.until_reported()
            assert self.wrongs(run, cursor) == []
            return self.observe(run, cursor), run.operator.calls()

    def crash(self, point: Failpoint, wanted: EndT) -> bool:
        """Play it with a crash, and compare the end; say whether the call was reached at all."""
        with self.environment.run_as(self.make, failpoint=point, **self.settings) as run:
            return ends_alike(run, self.scenario, wanted, self.observe, self.wrongs)

    def at_any_call(self, name: str) -> None:
        """Crash at any call that changes something, and at some of the others.

        Raises:
            AssertionError: the end is another one.

        """
        expected, calls = self.reference()
        chosen = os.environ.get("CRASH")
        where = [Failpoint.parse(chosen)] if chosen else points(calls)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            crashes = {point: pool.submit(self.crash, point, expected) for point in where}
        wrong = [f"{name}, {point}: {error}" for point, future in crashes.items() if (error := future.exception())]
        assert not wrong, "\n\n".join(wrong)
        reached = {point.call for point, future in crashes.items() if future.result()}
        changes = {call for call in calls if not call.startswith(("kube GET", "nvcf get", "nvcf list"))}
        assert chosen or changes <= reached


@pytest.mark.parametrize("name", FUNCTION_SCENARIOS)
def test_a_crash_at_any_call_leads_to_the_same_end(environment: Environment, name: str) -> None:
    scenario = FUNCTION_SCENARIOS[name]
    Crashes(environment, FunctionRun, scenario, FunctionOutcome.of, lambda run, cursor: []).at_any_call(name)


@pytest.mark.parametrize("name", FOLLOWED_CRASHES)
def test_a_crash_while_both_are_at_work_leads_to_the_same_end(environment: Environment, name: str) -> None:
    scenario = FOLLOWED_SCENARIOS[name]
    Crashes(environment, FollowedRun, scenario, FollowedOutcome.of, wrongs, SETTINGS).at_any_call(name)
