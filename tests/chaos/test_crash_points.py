"""kill -9 at every call of every scenario, of writes before, in the middle and after: the end is the same.

A failure prints scenario, call and the command that repeats this one crash.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from tests.chaos.crashes import AT_ONCE, begun, ends_alike, points
from tests.chaos.environment import BEHAVIOUR, Environment
from tests.chaos.outcome import Outcome, wrongs
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.support.failpoints import Failpoint

TEST = "test_a_crash_at_any_call_leads_to_the_same_end"
GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="module")
def environment(
    control_plane: ControlPlane, operator_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """What all runs share."""
    folder = tmp_path_factory.mktemp("crash")
    with Environment.made(control_plane, operator_identity, folder, at_once=AT_ONCE) as made:
        yield made


@dataclass(frozen=True)
class Reference:
    """The run without a crash."""

    calls: list[str]
    outcome: Outcome


def reference(environment: Environment, scenario: Scenario) -> Reference:
    """Play a scenario to its end."""
    with environment.run(**scenario.settings) as run:
        cursor = begun(run, scenario)
        scenario.play(run)
        run.until_reported()
        run.go_on()
        assert wrongs(run, cursor) == []
        return Reference(run.operator.calls(), Outcome.of(run, cursor))


def crash(
    environment: Environment, scenario: Scenario, point: Failpoint, wanted: Outcome, *, bug: str | None = None
) -> bool:
    """Play a scenario with a crash, and compare the end; say whether the call was reached at all."""
    with environment.run(failpoint=point, bug=bug, **scenario.settings) as run:
        return ends_alike(run, scenario, wanted, Outcome.of, wrongs)


def calls_in_golden_log(name: str) -> int:
    """How many calls the golden log shows, up to the restart."""
    text = (GOLDEN / f"{name}.txt").read_text().partition("== after three more polls")[0]
    return sum(line.startswith(("NVCF ", "KUBE ")) for line in text.splitlines())


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_call_leads_to_the_same_end(environment: Environment, name: str) -> None:
    scenario = SCENARIOS[name]
    expected = reference(environment, scenario)
    chosen = os.environ.get("CRASH")
    where = [Failpoint.parse(chosen)] if chosen else points(expected.calls)
    reached: list[Failpoint] = []
    missed: list[Failpoint] = []
    wrong: list[str] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        crashes = {point: pool.submit(crash, environment, scenario, point, expected.outcome) for point in where}
    for point, future in crashes.items():
        if (error := future.exception()) is not None:
            wrong.append(f"{name}, crash {point}: {error}\n  again: {again(name, point)}")
        else:
            (reached if future.result() else missed).append(point)
    print(f"{name}: {len(reached)} crashes at {len(set(expected.calls))} kinds of calls")
    if missed:
        print(f"  calls that did not come this time: {', '.join(map(str, missed))}")
    assert not wrong, "\n\n".join(wrong)
    assert chosen or len(reached) >= calls_in_golden_log(name), "some calls of the golden log met no crash"


def test_an_operator_without_its_intent_is_caught(environment: Environment) -> None:
    point = Failpoint("nvcf create_deployment", 1, "sent")
    # The POST is still under way when the successor reconciles, whatever the machine does meanwhile.
    slow = replace(SCENARIOS["create"], settings={"create_settle_seconds": 8.0, "redeploy_settle_seconds": 0.8})
    expected = reference(environment, slow)
    usual = BEHAVIOUR["races"]
    environment.simulator.behave(races={"slowPost": 5.0})
    try:
        with ThreadPoolExecutor(2) as pool:
            right = pool.submit(crash, environment, slow, point, expected.outcome)
            wrong = pool.submit(crash, environment, slow, point, expected.outcome, bug="no_intent")
        assert right.result()
        with pytest.raises(AssertionError, match="2 POSTs in place of 1"):
            wrong.result()
    finally:
        environment.simulator.behave(races=usual)


def again(name: str, point: Failpoint) -> str:
    """The command that repeats one crash."""
    return f"CRASH='{point}' .venv/bin/pytest 'tests/chaos/{Path(__file__).name}::{TEST}[{name}]'"
