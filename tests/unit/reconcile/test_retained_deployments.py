"""deletionPolicy Retain with a lost answer of the cluster: the deployment stays, since it is on record."""

import pytest

from nvcf_operator.api.names import Key
from tests.property.chance import Chance
from tests.property.nvcf_model import VERSIONS
from tests.unit.reconcile.one_resource import OneResource

ECHO = Key("team", "echo")


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("later", [0, 3])
def test_a_retained_deployment_stays_though_an_answer_of_the_cluster_was_lost(at: int, later: int) -> None:
    stage = OneResource(ECHO)
    begun = stage.nvcf.now
    stage.cluster.edit(ECHO, deletionPolicy="Retain")
    chance = Chance(kube="a stranger's 404, done", kube_at=at)

    def live(seconds: int) -> None:
        for _ in range(seconds):
            stage.cluster.now = stage.nvcf.now
            stage.operator.reconcile(chance, at_all=True)
            stage.nvcf.advance(1.0)

    while not stage.cluster.objects[ECHO]["status"].get("intent", {}).get("answered"):
        assert stage.nvcf.now < begun + 600, "the POST is not answered"
        live(1)
    live(later)
    stage.operator.loop.run_until_complete(stage.operator.informer.relist())
    stage.cluster.delete(ECHO)
    live(200)
    assert ECHO not in stage.cluster.objects
    assert VERSIONS[0] in stage.nvcf.rows
    assert [write.kind for write in stage.operator.writes] == ["POST"]
    stage.operator.close()
