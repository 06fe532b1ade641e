"""For each scenario exactly the calls of its golden log, and none after it: not by polls, and not by a restart.

`GOLDEN=write .venv/bin/pytest tests/chaos/test_golden_calls.py` writes the logs anew. Review the diff as code.
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from tests.chaos.call_log import Start, call_log, differences
from tests.chaos.environment import Environment
from tests.chaos.scenarios import SCENARIOS, Scenario

GOLDEN = Path(__file__).with_name("golden")
WRITE = os.environ.get("GOLDEN") == "write"
REWRITE = f"GOLDEN=write .venv/bin/pytest tests/chaos/{Path(__file__).name}"
TRIES = 3
"""Runs of which the shortest log is kept when they are written: a look that an echo caused does not belong there."""

pytestmark = pytest.mark.xdist_group("golden")

Logs = Mapping[str, list[Future[str]]]


@pytest.fixture(scope="module")
def logs(
    control_plane: ControlPlane, operator_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logs]:
    """The logs of all scenarios, which run at the same time."""
    runs = [name for name in SCENARIOS for _ in range(TRIES if WRITE else 1)]
    folder = tmp_path_factory.mktemp("golden")
    with (
        Environment.made(control_plane, operator_identity, folder, at_once=len(SCENARIOS)) as environment,
        ThreadPoolExecutor(len(SCENARIOS)) as pool,
    ):
        futures: dict[str, list[Future[str]]] = {name: [] for name in SCENARIOS}
        for name in runs:
            futures[name].append(pool.submit(played, environment, SCENARIOS[name]))
        yield futures


def played(environment: Environment, scenario: Scenario) -> str:
    """Play a scenario, go on for three polls, start the operator again, go on as long; give the log of it all."""
    with environment.run(**scenario.settings) as run:
        scenario.prepare(run)
        run.begin()
        start = Start.of(run)
        scenario.play(run)
        run.until_told()
        run.go_on()
        run.restart_and_look()
        run.go_on()
        return call_log(run, start, scenario.title)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_makes_exactly_the_calls_of_its_golden_log(logs: Logs, name: str) -> None:
    found = min((future.result() for future in logs[name]), key=lambda log: (len(log.splitlines()), log))
    golden = GOLDEN / f"{name}.txt"
    if WRITE:
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(found)
    difference = differences(golden.read_text(), found) if golden.exists() else f"{golden} is missing"
    assert not difference, f"{difference}\n\nIf that is meant: {REWRITE}, and review."


def test_each_golden_log_is_of_a_scenario() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SCENARIOS)
