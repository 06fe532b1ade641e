"""An edit that comes while a change of NVCF waits for its place among the account's calls counts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from nvcf_client.requests import Request
from nvcf_operator.api.names import Key
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Caller
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster
from tests.property.operator_process import OperatorProcess
from tests.unit.reconcile.one_function import LLAMA, SPEC, OneFunction
from tests.unit.reconcile.one_resource import OneResource

ECHO = Key("team", "größe")
PLACES = range(6)
"""The calls, one after the other, that the edit comes before."""


class Waiting:
    """Something is edited while the call waits for its place."""

    def __init__(self, operator: OperatorProcess, monkeypatch: pytest.MonkeyPatch, at: int, edit: Callable[[], object]):
        self.edited = False
        self.asked: list[tuple[str, bool]] = []
        """The changes of NVCF, and whether they came after the edit."""
        door, places = operator.door, [0]
        admitted, send = door.admitted, door.send

        @asynccontextmanager
        async def waiting(caller: Caller) -> AsyncIterator[Admission]:
            if places[0] == at:
                edit()
                self.edited = True
            places[0] += 1
            async with admitted(caller) as admission:
                yield admission

        async def noting(request: Request[Any], admission: Admission) -> Any:
            if request.mutating:
                self.asked.append((request.operation, self.edited))
            return await send(request, admission)

        monkeypatch.setattr(door, "admitted", waiting)
        monkeypatch.setattr(door, "send", noting)


def after(seen: Waiting) -> list[str]:
    """The changes that came after the edit."""
    return [operation for operation, late in seen.asked if late]


def edits(cluster: Cluster, key: Key, **changes: Any) -> Callable[[], object]:
    """An edit of a manifest."""
    return lambda: cluster.edit(key, **changes)


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("change", [{"tags": ["neu"]}, {"rateLimitPolicy": "Unlimited"}], ids=["tags", "rate limit"])
def test_a_function_that_is_suspended_meanwhile_is_not_changed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], at: int
) -> None:
    world = OneFunction()
    request.addfinalizer(world.operator.close)
    world.cluster.create(LLAMA, SPEC)
    world.live(30)
    (version,) = world.registry.visible
    world.registry.change_outside(version, rateLimit={"rateLimit": "1-D"})
    world.cluster.edit(LLAMA, **change)
    seen = Waiting(world.operator, monkeypatch, at, edits(world.cluster, LLAMA, suspend=True))
    world.live(5)
    assert after(seen) == []


@pytest.mark.parametrize("at", PLACES)
def test_a_version_is_not_deleted_that_is_retained_meanwhile(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    world = OneFunction()
    request.addfinalizer(world.operator.close)
    world.cluster.create(LLAMA, SPEC)
    world.live(30)
    world.cluster.delete(LLAMA)
    seen = Waiting(world.operator, monkeypatch, at, edits(world.cluster, LLAMA, deletionPolicy="Retain"))
    world.live(5)
    assert after(seen) == []


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("what", ["scale", "delete"])
def test_a_deployment_that_is_let_alone_meanwhile_is_not_changed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, what: str, at: int
) -> None:
    stage = OneResource(ECHO)
    request.addfinalizer(stage.operator.close)

    def work(seconds: int) -> None:
        for _ in range(seconds):
            stage.operator.reconcile(Chance(), at_all=True)
            stage.nvcf.advance(1.0)

    work(60)
    if what == "scale":
        wanted = stage.cluster.objects[ECHO]["spec"]["deploymentSpecifications"]
        stage.cluster.edit(ECHO, deploymentSpecifications=[{**wanted[0], "maxInstances": 9}])
        edit = edits(stage.cluster, ECHO, suspend=True)
    else:
        stage.cluster.delete(ECHO)
        edit = edits(stage.cluster, ECHO, deletionPolicy="Retain")
    seen = Waiting(stage.operator, monkeypatch, at, edit)
    work(5)
    assert after(seen) == []
