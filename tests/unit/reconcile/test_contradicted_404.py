"""A 404 of a deployment that NVCF lists as deployed: a dependency's own, which has come through the server."""

from collections.abc import Iterator

import pytest

from nvcf_operator.accounts.listings import Listing
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.poll_rules import Entry
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


@pytest.mark.parametrize("seconds", [5, 300])
def test_a_version_that_is_hidden_for_a_moment_is_undeployed(
    stage: OneResource, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    row = stage.nvcf.rows.pop(VERSIONS[0])
    with monkeypatch.context() as patch:
        patch.setattr("tests.property.nvcf_api.VERSIONS", VERSIONS[1:])
        stage.cluster.delete(ECHO)
        work(stage, seconds)
    released = ECHO not in stage.cluster.objects
    stage.nvcf.rows[VERSIONS[0]] = row
    work(stage, 200)
    assert ECHO not in stage.cluster.objects
    assert released == (VERSIONS[0] in stage.nvcf.rows) == (seconds > 75), "it is believed once it has lasted"


def test_it_is_believed_once_both_have_been_said_for_long() -> None:
    history = PresenceHistory(remember=75)
    times = (100.0, 160.0, 174.0, 175.0, 300.0)
    found = [history.contradicted(TARGET, at, agrees=False) for at in times]
    assert found == [True, True, True, False, False]


def test_a_list_that_agrees_ends_the_doubt() -> None:
    history = PresenceHistory(remember=75)
    assert history.contradicted(TARGET, 100.0, agrees=False)
    assert not history.contradicted(TARGET, 110.0, agrees=True)
    assert history.contradicted(TARGET, 180.0, agrees=False), "it begins anew"


def test_a_sight_of_the_deployment_ends_the_doubt() -> None:
    history = PresenceHistory(remember=75)
    assert history.contradicted(TARGET, 100.0, agrees=False)
    history.saw(TARGET, 110.0)
    assert history.contradicted(TARGET, 180.0, agrees=False)


def test_a_doubt_is_forgotten_long_after_it_was_heard_of_last() -> None:
    history = PresenceHistory(remember=75)
    assert history.contradicted(TARGET, 100.0, agrees=False)
    history.prune(851.0)
    assert history.contradicted(TARGET, 860.0, agrees=False)


def test_a_short_settle_ends_also_where_reads_are_rare() -> None:
    history = PresenceHistory(remember=5)
    assert history.contradicted(TARGET, 100.0, agrees=False)
    history.prune(170.0)
    assert not history.contradicted(TARGET, 172.0, agrees=False)


@pytest.mark.parametrize(
    ("status", "deployed"),
    [("ACTIVE", True), ("error", True), ("DEPLOYING", True), ("INACTIVE", False), ("DELETED", False), ("NEW", False)],
)
def test_a_status_that_only_a_deployment_has_speaks_against_a_404(status: str, deployed: bool) -> None:
    listing = Listing(0.0, {"version": Entry("function", status, "acme", True)}, frozenset())
    assert listing.shows_deployed("function", "version") == deployed
    assert not listing.shows_deployed("another function", "version")
