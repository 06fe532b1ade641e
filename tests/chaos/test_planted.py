"""Bugs put in on purpose, each caught by the story that its safeguard is for; without the bug the story is clean."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos import oracle
from controlplane import ControlPlane
from operating import FAST, Place, eventually

CREATE_SETTLE, REDEPLOY_SETTLE = FAST["create_settle_seconds"], FAST["redeploy_settle_seconds"]
EMPTY_LIST = '{"functions":[]}'


@pytest.fixture
def place(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Place]:
    """A world of its own for each story."""
    with Place.made(control_plane, operator_identity, namespace, tmp_path) as made:
        yield made


def posts(place: Place) -> int:
    """How many POSTs there were."""
    return len(place.simulator.log(operation="createDeployment"))


def violations(place: Place) -> list[str]:
    """What the oracle finds wrong."""
    log = place.simulator.log()
    hasty = oracle.hasty_posts(log, create_settle=CREATE_SETTLE, redeploy_settle=REDEPLOY_SETTLE)
    return hasty + oracle.two_writers(log) + oracle.money(place.simulator, [place.version])


@pytest.mark.parametrize("bug", [None, "no_intent", "no_settle"])
def test_a_post_that_a_crash_left_in_flight_is_not_made_again(place: Place, bug: str | None) -> None:
    # Slow enough for the next operator to start meanwhile, and settled for longer than that.
    place.simulator.behave(races={"slowPost": 8.0})
    with place.operator(bug, create_settle_seconds=16):
        place.namespace.apply(place.manifest())
        eventually(lambda: posts(place), lambda number: number == 1, within=20, what="the POST is under way")
    assert place.simulator.log(operation="createDeployment")[0]["inFlight"], "the kill came too late"
    with place.operator(bug, create_settle_seconds=16):
        place.namespace.wait_for("echo", within=60)
    assert bool(violations(place)) == (bug is not None), violations(place)


@pytest.mark.parametrize("bug", [None, "no_settle"])
def test_a_version_that_went_is_not_deployed_again_at_once(place: Place, bug: str | None) -> None:
    with place.operator(bug):
        place.namespace.apply(place.manifest())
        place.namespace.wait_for("echo")
        place.namespace.delete("echo")
        place.namespace.wait_gone("echo")
        place.namespace.apply(place.manifest())
        place.namespace.wait_for("echo", within=40)
    assert bool(violations(place)) == (bug is not None), violations(place)


@pytest.mark.parametrize("bug", [None, "blind_retry"])
def test_a_post_whose_answer_was_lost_is_looked_for(place: Place, bug: str | None) -> None:
    place.simulator.fault(operation="createDeployment", when="after", reset=True, count=1)
    with place.operator(bug):
        place.namespace.apply(place.manifest())
        place.namespace.wait_for("echo", within=40)
    assert bool(violations(place)) == (bug is not None), violations(place)
    assert posts(place) == (1 if bug is None else 2)


@pytest.mark.parametrize("bug", [None, "list_absence_believed"])
def test_a_version_that_the_list_does_not_show_is_not_gone(place: Place, bug: str | None) -> None:
    with place.operator(bug) as operator:
        place.namespace.apply(place.manifest())
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
            assert posts(place) == 1
        else:
            eventually(lambda: posts(place), lambda number: number > 1, within=30, what="the planted bug's POST")
