"""Bugs put in on purpose, each caught by the story that its safeguard is for; without the bug the story is clean."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaos import oracle
from controlplane import ControlPlane
from operating import Namespace, Operator, eventually, manifest
from simulation import KEY, Simulator

CREATE_SETTLE, REDEPLOY_SETTLE = 2.0, 3.0
EMPTY_LIST = '{"functions":[]}'


@dataclass
class Place:
    """One test's namespace, simulator and function."""

    namespace: Namespace
    simulator: Simulator
    function: str
    version: str
    identity: Path
    log: Path

    @contextmanager
    def operator(self, bug: str | None) -> Iterator[Operator]:
        """Run the operator, with a bug or without."""
        settles = {"create_settle_seconds": CREATE_SETTLE, "redeploy_settle_seconds": REDEPLOY_SETTLE}
        with Operator.start(self.identity, self.simulator.url, self.log, bug=bug, **settles) as running:
            yield running

    def apply(self) -> None:
        """Apply the manifest."""
        self.namespace.apply(manifest("echo", self.function, self.version))

    def posts(self) -> int:
        """How many POSTs there were."""
        return len(self.simulator.log(operation="createDeployment"))

    def violations(self) -> list[str]:
        """What the oracle finds wrong."""
        log = self.simulator.log()
        hasty = oracle.hasty_posts(log, create_settle=CREATE_SETTLE, redeploy_settle=REDEPLOY_SETTLE)
        return hasty + oracle.two_writers(log) + oracle.money(self.simulator, [self.version])


@pytest.fixture
def place(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Place]:
    """A world of its own for each story."""
    team = Namespace(control_plane, namespace)
    team.secret(KEY)
    with Simulator.start() as simulator:
        function, version = simulator.add_function()
        yield Place(team, simulator, function, version, operator_identity, tmp_path / "operator.log")


@pytest.mark.parametrize("bug", [None, "no_intent", "no_settle"])
def test_a_post_that_a_crash_left_in_flight_is_not_made_again(place: Place, bug: str | None) -> None:
    place.simulator.behave(races={"slowPost": 1.5})
    with place.operator(bug):
        place.apply()
        eventually(place.posts, lambda number: number == 1, within=20, what="the POST is under way")
    assert place.simulator.log(operation="createDeployment")[0]["inFlight"], "the kill came too late"
    with place.operator(bug):
        place.namespace.wait_for("echo", within=40)
    assert bool(place.violations()) == (bug is not None), place.violations()


@pytest.mark.parametrize("bug", [None, "no_settle"])
def test_a_version_that_went_is_not_deployed_again_at_once(place: Place, bug: str | None) -> None:
    with place.operator(bug):
        place.apply()
        place.namespace.wait_for("echo")
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo")
        place.apply()
        place.namespace.wait_for("echo", within=40)
    assert bool(place.violations()) == (bug is not None), place.violations()


@pytest.mark.parametrize("bug", [None, "blind_retry"])
def test_a_post_whose_answer_was_lost_is_looked_for(place: Place, bug: str | None) -> None:
    place.simulator.fault(operation="createDeployment", when="after", reset=True, count=1)
    with place.operator(bug):
        place.apply()
        place.namespace.wait_for("echo", within=40)
    assert bool(place.violations()) == (bug is not None), place.violations()
    assert place.posts() == (1 if bug is None else 2)


@pytest.mark.parametrize("bug", [None, "list_absence_believed"])
def test_a_version_that_the_list_does_not_show_is_not_gone(place: Place, bug: str | None) -> None:
    with place.operator(bug) as operator:
        place.apply()
        place.namespace.wait_for("echo")
        cursor = place.simulator.cursor
        place.simulator.fault(operation="listFunctions", status=200, body=EMPTY_LIST)
        polls = operator.metric("nvcf_operator_polls_total")
        eventually(
            lambda: operator.metric("nvcf_operator_polls_total"), lambda n: n >= polls + 3, within=30, what="3 polls"
        )
        read = {"operation": "getDeployment", "functionVersionId": place.version}
        if bug is None:
            eventually(lambda: place.simulator.log(cursor, **read), bool, within=20, what="a fresh GET")
            assert place.posts() == 1
        else:
            eventually(place.posts, lambda number: number > 1, within=30, what="the planted bug's POST")
