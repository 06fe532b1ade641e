"""While a POST may still be running there is no second one, whatever users' tools do to the resource meanwhile."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import tools
from tests.support.cluster import condition_of
from tests.support.sandbox import Sandbox
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
def sandbox(sandbox: Sandbox) -> Sandbox:
    """A sandbox in which a POST takes seconds."""
    sandbox.simulator.behave(races={"slowPost": ALLOCATION})
    return sandbox


def manifest(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """The manifest, with several specifications."""
    return sandbox.manifest(**{"deploymentSpecifications": SEVERAL, **changes})


def lose_answer(sandbox: Sandbox, version: str | None = None) -> None:
    """Have the connection of the version's next POST broken while NVCF goes on with it."""
    sandbox.simulator.fault(
        operation="createDeployment",
        functionVersionId=version or sandbox.version,
        count=1,
        when="during",
        delay=0.1,
        reset=True,
    )


def wait_for_loss(sandbox: Sandbox) -> None:
    """Wait until the operator says that an answer is missing."""
    sandbox.namespace.wait_until(
        "echo", lambda it: condition_of(it, "Ready").get("reason") == "AwaitingAnswer", what="the answer is awaited"
    )


def running(sandbox: Sandbox) -> bool:
    """Whether NVCF is at work on a POST."""
    return bool(sandbox.simulator.log(operation="createDeployment", inFlight=True))


def posts(sandbox: Sandbox, version: str | None = None) -> int:
    """How many POSTs of the version there were."""
    return len(sandbox.simulator.log(operation="createDeployment", functionVersionId=version or sandbox.version))


def replaced(sandbox: Sandbox) -> None:
    """The manifest takes the object's sandbox."""
    tools.replace(sandbox.namespace, manifest(sandbox))


def annotation_removed(sandbox: Sandbox) -> None:
    """The annotation in which the intent once stood is removed."""
    tools.remove_annotations(sandbox.namespace, "echo", "intent")


def intent_of_another(sandbox: Sandbox) -> None:
    """The same annotation, as it would be on another object."""
    named = {"uid": "5d1f5b0c-0000-4000-8000-<other>", "functionVersionId": sandbox.version, "token": "ä&b"}
    sandbox.namespace.annotate("echo", intent=json.dumps(named))


def status_removed(sandbox: Sandbox) -> None:
    """The status is gone."""
    tools.patch_status(sandbox.namespace, "echo", None)


def status_of_the_copy(sandbox: Sandbox) -> None:
    """The status is that of a copy: of another object, and without the intent."""
    tools.patch_status(sandbox.namespace, "echo", {"uid": "5d1f5b0c-0000-4000-8000-000000000000", "intent": None})


def forms(*chosen: Callable[[Sandbox], None]) -> pytest.MarkDecorator:
    """A test for each of these."""
    return pytest.mark.parametrize("form", chosen, ids=[form.__name__ for form in chosen])


@forms(replaced, annotation_removed, intent_of_another, status_removed, status_of_the_copy)
def test_no_second_post(sandbox: Sandbox, form: Callable[[Sandbox], None]) -> None:
    lose_answer(sandbox)
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(manifest(sandbox))
        wait_for_loss(sandbox)
        form(sandbox)
        assert running(sandbox), "it came too late"
        sandbox.ready()
    assert posts(sandbox) == 1
    assert sandbox.simulator.leaked() == []


@forms(replaced, status_removed, status_of_the_copy)
def test_a_deletion_after_it_leaves_nothing(sandbox: Sandbox, form: Callable[[Sandbox], None]) -> None:
    lose_answer(sandbox)
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(manifest(sandbox))
        wait_for_loss(sandbox)
        form(sandbox)
        sandbox.namespace.wait_until(
            "echo", lambda found: bool(found["metadata"].get("finalizers")), what="the operator has seen it"
        )
        sandbox.namespace.delete("echo")
        assert running(sandbox), "it came too late"
        sandbox.namespace.wait_gone("echo", within=60)
    assert not running(sandbox), "the resource went while its POST was running"
    assert posts(sandbox) == 1
    assert sandbox.simulator.allocations() == []
    assert sandbox.simulator.deployments() == {}


@forms(replaced, status_removed)
def test_no_second_post_after_a_restart(sandbox: Sandbox, form: Callable[[Sandbox], None]) -> None:
    sandbox.simulator.behave(races={"slowPost": 2 * ALLOCATION})  # a start takes seconds on a busy machine
    lose_answer(sandbox)
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(manifest(sandbox))
        wait_for_loss(sandbox)
    form(sandbox)
    with sandbox.operator(**SETTLES):
        assert running(sandbox), "the operator came too late"
        sandbox.ready()
    assert posts(sandbox) == 1
    assert sandbox.simulator.leaked() == []


def test_a_saved_copy_that_is_applied_brings_no_second_post(sandbox: Sandbox) -> None:
    sandbox.simulator.behave(races={"slowPost": 0})
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(manifest(sandbox))
        sandbox.ready()
        saved = tools.copy_of(sandbox.namespace.get("echo"), status=True)
        sandbox.simulator.behave(races={"slowPost": ALLOCATION})
        lose_answer(sandbox)
        sandbox.simulator.undeploy(sandbox.version)
        wait_for_loss(sandbox)
        sandbox.namespace.apply(saved)
        assert running(sandbox), "it came too late"
        sandbox.ready()
    assert posts(sandbox) == 2, "the first one, and the one whose answer was lost"
    assert sandbox.simulator.leaked() == []


def test_a_replaced_manifest_brings_no_second_post_of_a_version_that_comes_up(sandbox: Sandbox) -> None:
    second = sandbox.simulator.add_function(functionId=sandbox.function)[1]
    sandbox.simulator.behave(races={"slowPost": 0})
    with sandbox.operator(**SETTLES):
        sandbox.namespace.apply(manifest(sandbox))
        sandbox.ready()
        sandbox.simulator.behave(races={"slowPost": ALLOCATION})
        lose_answer(sandbox, second)
        sandbox.namespace.edit("echo", functionVersionId=second)
        wait_for_loss(sandbox)
        tools.replace(sandbox.namespace, manifest(sandbox, functionVersionId=second))
        assert running(sandbox), "it came too late"
        sandbox.ready()
    assert posts(sandbox, second) == 1
    assert sandbox.simulator.leaked() == []
    assert set(sandbox.simulator.deployments()) == {second}


@pytest.mark.parametrize("answered", [False, True], ids=["its answer lost", "its answer on the way"])
def test_the_deployment_of_a_resource_that_vanished_meanwhile_is_undeployed(sandbox: Sandbox, answered: bool) -> None:
    if not answered:
        lose_answer(sandbox)
    with sandbox.operator(**SETTLES) as operator:
        sandbox.namespace.apply(manifest(sandbox))
        eventually(lambda: running(sandbox), bool, within=20, what="the POST")
        if not answered:
            wait_for_loss(sandbox)
        operator.freeze()
        tools.force_away(sandbox.namespace, "echo")
        assert sandbox.namespace.find("echo") is None
        operator.thaw()
        assert running(sandbox), "it came too late"
        eventually(
            lambda: sandbox.simulator.log(operation="deleteDeployment", status=200),
            bool,
            within=40,
            what="its deployment is undeployed",
        )
    assert posts(sandbox) == 1
    assert sandbox.simulator.allocations() == []
    assert sandbox.simulator.deployments() == {}


def test_whoever_claims_the_version_of_a_vanished_resource_adopts_its_deployment(sandbox: Sandbox) -> None:
    """Not even where the settle after a deployment is shorter than the POST."""
    lose_answer(sandbox)
    other = manifest(sandbox)
    other["metadata"]["name"] = "other"
    with sandbox.operator(redeploy_settle_seconds=1.0, **SETTLES) as operator:
        sandbox.namespace.apply(manifest(sandbox))
        wait_for_loss(sandbox)
        sandbox.namespace.apply(other)
        sandbox.namespace.wait_for("other", "Stalled", reason="Conflict")
        operator.freeze()
        tools.force_away(sandbox.namespace, "echo")
        operator.thaw()
        assert running(sandbox), "it came too late"
        sandbox.namespace.wait_for("other", within=60)
        tools.reconcile_now(sandbox.namespace, "other")
    assert [operation for operation, _ in sandbox.writes()] == ["createDeployment"]
    assert sandbox.simulator.leaked() == []
