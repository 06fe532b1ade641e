"""For each scenario exactly the calls of its golden log, and none after it: not by polls, and not by a restart.

`GOLDEN=write .venv/bin/pytest tests/chaos/test_golden_calls.py` rewrites the logs. Review the diff as code.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from tests.chaos.call_log import call_log
from tests.chaos.environment import Environment
from tests.chaos.golden_logs import all_played, compare, play_on
from tests.chaos.scenarios import SCENARIOS, Scenario

GOLDEN = Path(__file__).with_name("golden")

pytestmark = pytest.mark.xdist_group("golden")


@dataclass(frozen=True)
class Played:
    """What came of a run."""

    log: str
    wrong: str
    """In what a plan, made before, was wrong about it."""


Logs = Mapping[str, list[Future[Played]]]


@pytest.fixture(scope="module")
def logs(
    control_plane: ControlPlane, operator_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logs]:
    """The logs of all scenarios, which run at the same time."""
    folder = tmp_path_factory.mktemp("golden")
    with (
        Environment.made(control_plane, operator_identity, folder, at_once=len(SCENARIOS)) as environment,
        all_played(SCENARIOS, lambda name: played(environment, SCENARIOS[name])) as futures,
    ):
        yield futures


def played(environment: Environment, scenario: Scenario) -> Played:
    """Play a scenario and go on, also with another operator; give the log of it all."""
    with environment.run(**scenario.settings) as run:
        start, foretold = play_on(run, scenario)
        return Played(call_log(run, start, scenario.title), foretold.difference(run, start.cursor))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_makes_exactly_the_calls_of_its_golden_log(logs: Logs, name: str) -> None:
    compare(GOLDEN / f"{name}.txt", (future.result().log for future in logs[name]), __file__)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_plan_shows_the_first_write_of_a_scenario(logs: Logs, name: str) -> None:
    assert logs[name][0].result().wrong == ""


def test_each_golden_log_is_of_a_scenario() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SCENARIOS)
