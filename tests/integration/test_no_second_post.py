"""While a POST may still be running there is no second one, whatever people's tools do to the resource meanwhile."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from tests.support import tools
from tests.support.cluster import condition_of
from tests.support.place import Place
from tests.support.waiting import eventually

SEVERAL = [
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x", "minInstances": 1, "maxInstances": 3},
]
ALLOCATION = 3.0
"""Seconds that NVCF's allocator takes for each specification: longer than a tool takes on a busy machine."""

SETTLES: dict[str, Any] = {"create_settle_seconds": 7.0, "create_settle_per_specification_seconds": 5.0}
"""Longer than a POST of two specifications."""


@pytest.fixture
def place(control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path) -> Iterator[Place]:
    """A world of its own, in which a POST takes seconds."""
    with Place.made(control_plane, operator_identity, namespace, tmp_path) as made:
        made.simulator.behave(races={"slowPost": ALLOCATION})
        yield made


def manifest(place: Place, **changes: Any) -> dict[str, Any]:
    """The manifest, with several specifications."""
    return place.manifest(**{"deploymentSpecifications": SEVERAL, **changes})


def lose_answer(place: Place, version: str | None = None) -> None:
    """Have the connection of the version's next POST broken while NVCF goes on with it."""
    place.simulator.fault(
        operation="createDeployment",
        functionVersionId=version or place.version,
        count=1,
        when="during",
        delay=0.1,
        reset=True,
    )


def wait_for_loss(place: Place) -> None:
    """Wait until the operator says that an answer is missing."""
    place.namespace.wait_until(
        "echo", lambda it: condition_of(it, "Ready").get("reason") == "AwaitingAnswer", what="the answer is awaited"
    )


def running(place: Place) -> bool:
    """Whether NVCF is at work on a POST."""
    return bool(place.simulator.log(operation="createDeployment", inFlight=True))


def posts(place: Place, version: str | None = None) -> int:
    """How many POSTs of the version there were."""
    return len(place.simulator.log(operation="createDeployment", functionVersionId=version or place.version))


def replaced(place: Place) -> None:
    """The manifest takes the object's place."""
    tools.replace(place.namespace, manifest(place))


def annotation_removed(place: Place) -> None:
    """The annotation in which the intent once stood is removed."""
    tools.remove_annotations(place.namespace, "echo", "intent")


def intent_of_another(place: Place) -> None:
    """The same annotation, as it would be on another object."""
    named = {"uid": "5d1f5b0c-0000-4000-8000-<other>", "functionVersionId": place.version, "token": "ä&b"}
    place.namespace.annotate("echo", intent=json.dumps(named))


def status_removed(place: Place) -> None:
    """The status is gone."""
    tools.patch_status(place.namespace, "echo", None)


def status_of_the_copy(place: Place) -> None:
    """The status is that of a copy: of another object, and without the intent."""
    tools.patch_status(place.namespace, "echo", {"uid": "5d1f5b0c-0000-4000-8000-000000000000", "intent": None})


def forms(*chosen: Callable[[Place], None]) -> pytest.MarkDecorator:
    """A test for each of these."""
    return pytest.mark.parametrize("form", chosen, ids=[form.__name__ for form in chosen])


@forms(replaced, annotation_removed, intent_of_another, status_removed, status_of_the_copy)
def test_no_second_post(place: Place, form: Callable[[Place], None]) -> None:
    lose_answer(place)
    with place.operator(**SETTLES):
        place.namespace.apply(manifest(place))
        wait_for_loss(place)
        form(place)
        assert running(place), "it came too late"
        place.ready()
    assert posts(place) == 1
    assert place.simulator.leaked() == []


@forms(replaced, status_removed, status_of_the_copy)
def test_a_deletion_after_it_leaves_nothing(place: Place, form: Callable[[Place], None]) -> None:
    lose_answer(place)
    with place.operator(**SETTLES):
        place.namespace.apply(manifest(place))
        wait_for_loss(place)
        form(place)
        place.namespace.delete("echo")
        assert running(place), "it came too late"
        place.namespace.wait_gone("echo", within=60)
    assert not running(place), "the resource went while its POST was running"
    assert posts(place) == 1
    assert place.simulator.allocations() == []
    assert place.simulator.deployments() == {}


@forms(replaced, status_removed)
def test_no_second_post_after_a_restart(place: Place, form: Callable[[Place], None]) -> None:
    place.simulator.behave(races={"slowPost": 2 * ALLOCATION})  # a start takes seconds on a busy machine
    lose_answer(place)
    with place.operator(**SETTLES):
        place.namespace.apply(manifest(place))
        wait_for_loss(place)
    form(place)
    with place.operator(**SETTLES):
        assert running(place), "the operator came too late"
        place.ready()
    assert posts(place) == 1
    assert place.simulator.leaked() == []


def test_a_saved_copy_that_is_applied_brings_no_second_post(place: Place) -> None:
    place.simulator.behave(races={"slowPost": 0})
    with place.operator(**SETTLES):
        place.namespace.apply(manifest(place))
        place.ready()
        saved = tools.copy_of(place.namespace.get("echo"), status=True)
        place.simulator.behave(races={"slowPost": ALLOCATION})
        lose_answer(place)
        place.simulator.undeploy(place.version)
        wait_for_loss(place)
        place.namespace.apply(saved)
        assert running(place), "it came too late"
        place.ready()
    assert posts(place) == 2, "the first one, and the one whose answer was lost"
    assert place.simulator.leaked() == []


def test_a_replaced_manifest_brings_no_second_post_of_a_version_that_comes_up(place: Place) -> None:
    second = place.simulator.add_function(functionId=place.function)[1]
    place.simulator.behave(races={"slowPost": 0})
    with place.operator(**SETTLES):
        place.namespace.apply(manifest(place))
        place.ready()
        place.simulator.behave(races={"slowPost": ALLOCATION})
        lose_answer(place, second)
        place.namespace.edit("echo", functionVersionId=second)
        wait_for_loss(place)
        tools.replace(place.namespace, manifest(place, functionVersionId=second))
        assert running(place), "it came too late"
        place.ready()
    assert posts(place, second) == 1
    assert place.simulator.leaked() == []
    assert set(place.simulator.deployments()) == {second}


@pytest.mark.parametrize("answered", [False, True], ids=["its answer lost", "its answer on the way"])
def test_the_deployment_of_a_resource_that_vanished_meanwhile_is_undeployed(place: Place, answered: bool) -> None:
    if not answered:
        lose_answer(place)
    with place.operator(**SETTLES) as operator:
        place.namespace.apply(manifest(place))
        eventually(lambda: running(place), bool, within=20, what="the POST")
        if not answered:
            wait_for_loss(place)
        operator.freeze()
        tools.force_away(place.namespace, "echo")
        assert place.namespace.find("echo") is None
        operator.thaw()
        assert running(place), "it came too late"
        eventually(
            lambda: place.simulator.log(operation="deleteDeployment", status=200),
            bool,
            within=40,
            what="its deployment is undeployed",
        )
    assert posts(place) == 1
    assert place.simulator.allocations() == []
    assert place.simulator.deployments() == {}


def test_whoever_claims_the_version_of_a_vanished_resource_adopts_its_deployment(place: Place) -> None:
    """Not even where the settle after a deployment is shorter than the POST."""
    lose_answer(place)
    other = manifest(place)
    other["metadata"]["name"] = "other"
    with place.operator(redeploy_settle_seconds=1.0, **SETTLES) as operator:
        place.namespace.apply(manifest(place))
        wait_for_loss(place)
        place.namespace.apply(other)
        place.namespace.wait_for("other", "Stalled", reason="Conflict")
        operator.freeze()
        tools.force_away(place.namespace, "echo")
        operator.thaw()
        assert running(place), "it came too late"
        place.namespace.wait_for("other", within=60)
        tools.look_now(place.namespace, "other")
    assert [operation for operation, _ in place.writes()] == ["createDeployment"]
    assert place.simulator.leaked() == []
