"""For each scenario of a function and its deployment exactly the calls of its golden log, and what a version costs.

`GOLDEN=write .venv/bin/pytest tests/chaos/test_golden_follow_calls.py` rewrites the logs. Review the diff as code.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.chaos.call_log import call_log_of_both, noticed_first, waits_for_followers
from tests.chaos.environment import Environment
from tests.chaos.followed_runs import FollowedRun
from tests.chaos.followed_scenarios import FOLLOWED_SCENARIOS, FollowedScenario
from tests.chaos.golden_logs import all_played, compare, play_on

GOLDEN = Path(__file__).with_name("golden_follow")
SLOW = 1.0
"""Seconds that a registration takes: long enough for the state in between to be seen."""
SETTINGS: Mapping[str, Any] = {"register_settle_seconds": 6.0, "reference_settle_seconds": 3.0}
"""Each longer than a registration, so that what comes first does not depend on what else the machine does."""

pytestmark = pytest.mark.xdist_group("golden-follow")


@dataclass(frozen=True)
class Played:
    """What came of a run."""

    log: str
    waits: int
    """How many statuses of the CloudFunction only said that it waits for its follower."""
    noticed_first: bool
    wrong: str
    """In what a plan, made before, was wrong about the first writes."""
    plan_waits: bool
    """Whether it only says to wait with a resource that was written about later."""


Logs = Mapping[str, list[Future[Played]]]


@pytest.fixture(scope="module")
def logs(
    control_plane: ControlPlane, operator_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Logs]:
    """The logs of all scenarios, which run at the same time."""
    folder = tmp_path_factory.mktemp("follow")
    with Environment.made(control_plane, operator_identity, folder, at_once=len(FOLLOWED_SCENARIOS)) as environment:
        environment.simulator.behave(races={"slowPost": 0.6, "slowRegister": SLOW})
        with all_played(FOLLOWED_SCENARIOS, lambda name: played(environment, FOLLOWED_SCENARIOS[name])) as futures:
            yield futures


def played(environment: Environment, scenario: FollowedScenario) -> Played:
    """Play a scenario and go on, also with another operator; give the log of it all."""
    with environment.run_as(FollowedRun, **SETTINGS, **scenario.settings) as run:
        start, foretold = play_on(run, scenario)
        log = call_log_of_both(run, start, scenario.title)
        noticed = not scenario.rolls_out or noticed_first(run, start)
        wrong, waits = foretold.difference(run, start.cursor), foretold.waits_for_more(run, start.cursor)
        return Played(log, waits_for_followers(run, start), noticed, wrong, waits)


@pytest.mark.parametrize("name", FOLLOWED_SCENARIOS)
def test_a_scenario_makes_exactly_the_calls_of_its_golden_log(logs: Logs, name: str) -> None:
    compare(GOLDEN / f"{name}.txt", (future.result().log for future in logs[name]), __file__)


@pytest.mark.parametrize("name", FOLLOWED_SCENARIOS)
def test_a_version_costs_one_registration_no_read_and_few_writes(logs: Logs, name: str) -> None:
    """The finalizer (once for a function), the intent, the status with the answer, and that the version has served.

    A lost answer costs one more, and a version that never served one less. A version that is deleted costs one DELETE
    and two statuses, that it leaves and that it is gone. Where the follower has not noticed the
    template by the time of the answer, the status with it says so, and one more says that it has.
    """
    scenario, found = FOLLOWED_SCENARIOS[name], logs[name][0].result()
    log = found.log
    about_function = log.partition("# The FunctionDeployment")[0].splitlines()
    asked = [line for line in about_function if line.startswith("NVCF")]
    posts = [line for line in asked if "  POST    /functions" in line]
    deletes = [line for line in asked if "  DELETE  /functions" in line]
    puts = [line for line in asked if "  PUT     /" in line]
    made = (len(posts), len(deletes), len(puts))
    assert made == (scenario.registrations, scenario.deletions, scenario.changes), log
    assert deletes or len(asked) == sum(made), log
    assert sum(line.startswith("KUBE") for line in about_function) == scenario.writes, log
    assert found.waits <= 1


@pytest.mark.parametrize("name", [name for name, scenario in FOLLOWED_SCENARIOS.items() if scenario.rolls_out])
def test_the_two_are_never_ready_together_while_the_former_version_serves(logs: Logs, name: str) -> None:
    assert logs[name][0].result().noticed_first


@pytest.mark.parametrize("name", FOLLOWED_SCENARIOS)
def test_a_plan_shows_the_first_write_for_each_resource(logs: Logs, name: str) -> None:
    """A function whose version is deployed is deleted after its follower: that is all that a plan can say of it."""
    found = logs[name][0].result()
    assert (found.wrong, found.plan_waits) == ("", name == "delete-both")


def test_each_golden_log_is_of_a_scenario() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(FOLLOWED_SCENARIOS)
