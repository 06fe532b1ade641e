"""The whole operator against models: what an end of a CloudFunction leaves in NVCF, and what it does not take along."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_client.requests import Request
from nvcf_operator.core.functions.model.mark import Mark
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.flowcontrol.limiters import Admission
from tests.property.chance import Chance
from tests.property.nvcf_model import specifications_of
from tests.property.registry_model import Registry, Version
from tests.unit.reconcile.one_function import LLAMA, SPEC, OneFunction


@pytest.fixture
def world() -> Iterator[OneFunction]:
    made = OneFunction()
    yield made
    made.operator.close()


@pytest.mark.parametrize("at", range(4))
def test_what_is_retained_stays_though_an_answer_of_the_cluster_was_lost(world: OneFunction, at: int) -> None:
    world.cluster.create(LLAMA, {**SPEC, "deletionPolicy": "Retain"})
    world.live(300, Chance(kube="a stranger's 404, done", kube_at=at))
    (version,) = world.registry.visible
    assert world.cluster.objects[LLAMA]["status"]["latest"]["versionId"] == version.version_id
    world.cluster.delete(LLAMA)
    world.live(300)
    assert LLAMA not in world.cluster.objects
    assert list(world.registry.visible) == [version]


def test_what_is_retained_stays_though_it_goes_right_after_the_lost_answer(world: OneFunction) -> None:
    world.cluster.create(LLAMA, {**SPEC, "deletionPolicy": "Retain"})
    world.live(1, Chance(kube="a stranger's 404, done", kube_at=1))
    (version,) = world.registry.visible
    assert world.cluster.objects[LLAMA]["status"]["intent"]["answered"]
    world.operator.loop.run_until_complete(world.operator.informer.relist())
    world.cluster.delete(LLAMA)
    world.live(300)
    assert list(world.registry.visible) == [version]


def registered(world: OneFunction) -> Version:
    """Have a version registered, and its answer on record."""
    world.cluster.create(LLAMA, SPEC)
    world.live(5)
    (version,) = world.registry.visible
    assert world.cluster.objects[LLAMA]["status"]["latest"]["versionId"] == version.version_id
    return version


def drop(world: OneFunction, *, after: int = 0) -> None:
    """Have the API server drop the object together with its finalizer, as where a DELETE had read it before."""
    world.live(after)
    uid = world.cluster.objects.pop(LLAMA)["metadata"]["uid"]
    world.operator.parts.environment.sent.ended(uid, dropped=True)
    world.live(20)


def reported(world: OneFunction) -> list[Reason]:
    """What Events have said since the end."""
    return [note.reason for _, note in world.operator.notes.taken if note.warning]


def test_what_was_registered_for_an_object_that_the_api_server_dropped_is_deleted(world: OneFunction) -> None:
    registered(world)
    drop(world)
    assert list(world.registry.visible) == []
    assert reported(world) == [Reason.DELETED]


def test_it_is_deleted_though_lists_do_not_show_it_yet(world: OneFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(world)
    monkeypatch.setattr(Registry, "visible", property(lambda registry: iter(())))
    drop(world)
    assert world.registry.rows == {}
    assert reported(world) == [Reason.DELETED]


def test_what_has_lost_the_mark_is_left(world: OneFunction) -> None:
    version = registered(world)
    world.registry.change_outside(version, tags=["somebody's"])
    drop(world)
    assert list(world.registry.visible) == [version]


def test_what_another_object_adopts_meanwhile_is_left(world: OneFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    version = registered(world)
    door = world.operator.door
    send = door.send

    async def adopting(request: Request[Any], admission: Admission) -> Any:
        if request.operation == "get_deployment":  # the last thing that is read before the version itself
            world.registry.change_outside(version, tags=[Mark.of("0" * 32, "h1" + "a" * 16, "b" * 16).tag])
        return await send(request, admission)

    monkeypatch.setattr(door, "send", adopting)
    drop(world)
    assert list(world.registry.visible) == [version]
    assert reported(world) == []


def test_what_somebody_deploys_while_its_deletion_waits_for_its_place_is_left(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registered(world)
    door = world.operator.door
    send = door.send

    async def deploying(request: Request[Any], admission: Admission) -> Any:
        try:
            return await send(request, admission)
        finally:
            if request.operation == "get_deployment":  # the last thing that is read before the version itself
                world.account.post(version.version_id, specifications_of(1), made_for=None)

    monkeypatch.setattr(door, "send", deploying)
    drop(world)
    assert list(world.registry.visible) == [version]
    assert reported(world) == []


def test_what_was_registered_before_is_only_reported(world: OneFunction) -> None:
    version = registered(world)
    drop(world, after=70)
    assert list(world.registry.visible) == [version]
    assert reported(world) == [Reason.LEFT_BEHIND]


def test_what_a_user_forces_away_is_only_reported(world: OneFunction) -> None:
    version = registered(world)
    del world.cluster.objects[LLAMA]
    world.live(20)
    assert list(world.registry.visible) == [version]
    assert reported(world) == [Reason.LEFT_BEHIND]
