"""A 404 of a deployment that NVCF lists as deployed: a dependency's own, which has come through the server."""

from collections.abc import Iterator

import pytest

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.reconcile.following import Unproven
from nvcf_operator.state.deployments import PresenceHistory, Target
from tests.property.chance import OF_A_DEPENDENCY, Chance
from tests.property.nvcf_api import BASE_URL
from tests.property.nvcf_model import FUNCTION, VERSIONS
from tests.unit.reconcile.one_resource import OneResource

ECHO = Key("team", "größe")
TARGET = Target("https://nvcf.example/v2/nvcf", "function", "version")


@pytest.fixture
def stage() -> Iterator[OneResource]:
    made = OneResource(ECHO)
    work(made, 60)
    assert VERSIONS[0] in made.nvcf.rows
    yield made
    made.operator.close()


def work(stage: OneResource, seconds: int, chance: Chance | None = None) -> None:
    for _ in range(seconds):
        stage.operator.reconcile(chance or Chance(), at_all=True)
        stage.nvcf.advance(1.0)


@pytest.mark.parametrize("at", range(3))
def test_a_deletion_releases_nothing_for_it(stage: OneResource, at: int) -> None:
    stage.cluster.delete(ECHO)
    work(stage, 200, Chance(fault=OF_A_DEPENDENCY, fault_at=at))
    assert ECHO not in stage.cluster.objects
    assert VERSIONS[0] not in stage.nvcf.rows


@pytest.mark.parametrize("at", range(8))
def test_a_rollout_forgets_no_version_for_it(stage: OneResource, at: int) -> None:
    stage.cluster.edit(ECHO, functionVersionId=VERSIONS[1])
    work(stage, 200, Chance(fault=OF_A_DEPENDENCY, fault_at=at))
    assert list(stage.nvcf.rows) == [VERSIONS[1]]


def test_what_was_made_for_an_object_that_is_gone_is_followed_in_spite_of_it(stage: OneResource) -> None:
    operator, known = stage.operator, stage.operator.cache.get(ECHO)
    assert isinstance(known, Resource)
    post = operator.environment.sent.post(Target(BASE_URL, FUNCTION, VERSIONS[0]), known, "not on record", 125.0)
    operator.chance = Chance(fault=OF_A_DEPENDENCY)
    with pytest.raises(Unproven):
        operator.loop.run_until_complete(operator.orphans._read(post, operator.account))


def test_it_is_believed_once_both_have_been_said_for_long() -> None:
    history = PresenceHistory(remember=75)
    assert [history.contradicted(TARGET, "active", at) for at in (100.0, 160.0, 174.0, 175.0, 300.0)] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("listed", [None, "INACTIVE", "DELETED"])
def test_a_list_that_agrees_ends_the_doubt(listed: str | None) -> None:
    history = PresenceHistory(remember=75)
    assert history.contradicted(TARGET, "ACTIVE", 100.0)
    assert not history.contradicted(TARGET, listed, 110.0)
    assert history.contradicted(TARGET, "ACTIVE", 180.0), "it begins anew"


def test_a_sight_of_the_deployment_ends_the_doubt() -> None:
    history = PresenceHistory(remember=75)
    assert history.contradicted(TARGET, "ACTIVE", 100.0)
    history.saw(TARGET, 110.0)
    assert history.contradicted(TARGET, "ACTIVE", 180.0)


def test_a_doubt_is_forgotten_long_after_it_was_heard_of_last() -> None:
    history = PresenceHistory(remember=75)
    assert history.contradicted(TARGET, "ACTIVE", 100.0)
    history.prune(851.0)
    assert history.contradicted(TARGET, "ACTIVE", 860.0)
