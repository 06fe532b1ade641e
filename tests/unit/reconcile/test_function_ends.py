"""The whole operator against models: what an end of a CloudFunction leaves in NVCF, and what it does not take along."""

import random
from collections.abc import Iterator

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from tests.property.both_kinds import BothKinds
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import Account
from tests.property.registry_model import Registry

LLAMA = Key("team", "größe", CLOUD_FUNCTION)
SPEC = {"name": "llama", "template": {"inferenceUrl": "/v1", "containerImage": "nvcr.io/org/llama:1"}}


class World:
    """One CloudFunction."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.account = Account(random.Random(0), quiet=True)
        self.registry = Registry(self.account)
        self.operator = BothKinds(self.cluster, self.account, self.registry)

    def live(self, seconds: float, chance: Chance | None = None) -> None:
        chance = chance or Chance()
        for _ in range(int(seconds)):
            self.cluster.now = self.account.now
            self.operator.look(chance, at_all=True)
            self.account.advance(1.0)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.operator.close()


@pytest.mark.parametrize("at", range(4))
def test_what_is_retained_stays_though_an_answer_of_the_cluster_was_lost(world: World, at: int) -> None:
    world.cluster.create(LLAMA, {**SPEC, "deletionPolicy": "Retain"})
    world.live(300, Chance(kube="a stranger's 404, done", kube_at=at))
    (version,) = world.registry.visible
    assert world.cluster.objects[LLAMA]["status"]["latest"]["versionId"] == version.version_id
    world.cluster.delete(LLAMA)
    world.live(300)
    assert LLAMA not in world.cluster.objects
    assert list(world.registry.visible) == [version]


def test_what_is_retained_stays_though_it_goes_right_after_the_lost_answer(world: World) -> None:
    world.cluster.create(LLAMA, {**SPEC, "deletionPolicy": "Retain"})
    world.live(1, Chance(kube="a stranger's 404, done", kube_at=1))
    (version,) = world.registry.visible
    assert world.cluster.objects[LLAMA]["status"]["intent"]["answered"]
    world.operator.loop.run_until_complete(world.operator.informer.relist())
    world.cluster.delete(LLAMA)
    world.live(300)
    assert list(world.registry.visible) == [version]
