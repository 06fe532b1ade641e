"""The whole operator against models: what an end of a CloudFunction leaves in NVCF, and what it does not take along."""

from collections.abc import Iterator

import pytest

from tests.property.chance import Chance
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
