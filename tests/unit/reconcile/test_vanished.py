"""What an object that is gone has left in NVCF is reported once, whoever hears of its end."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_client.requests import Request
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.state.deployments import Target
from tests.property import user_actions
from tests.property.chance import Chance
from tests.property.nvcf_api import BASE_URL
from tests.property.nvcf_model import FUNCTION, VERSIONS, specifications_of
from tests.unit.reconcile.one_resource import OneResource

ECHO, OTHER = Key("team", "größe"), Key("team", "other")


class Stage(OneResource):
    """One resource with a deployment, and the operator's own loop over models of its two servers."""

    def __init__(self, **spec: Any) -> None:
        super().__init__(ECHO)
        self.cluster.edit(ECHO, **spec)
        self.work(30)
        assert VERSIONS[0] in self.nvcf.rows

    def work(self, seconds: int) -> None:
        for _ in range(seconds):
            self.operator.reconcile(Chance(), at_all=True)
            self.nvcf.advance(1.0)

    def take_in(self) -> None:
        """Take in what there is, without reconciling anything."""
        self.cluster.now = self.nvcf.now
        self.operator.loop.run_until_complete(self.operator.informer.relist(first=not self.operator.cache))

    def dropped(self) -> dict[str, Any]:
        """The API server drops the object together with its finalizer; the object as the watch will show it."""
        return self.cluster.objects.pop(ECHO)

    def found_gone(self) -> None:
        """A worker hears of the end."""
        known = self.operator.cache.get(ECHO)
        assert known is not None
        self.operator.cache.drop(ECHO)

        async def hear() -> None:
            self.operator.reconciler.gone(known)

        self.operator.loop.run_until_complete(hear())

    def watched(self, obj: dict[str, Any]) -> None:
        """The watch shows the end."""
        event: Any = {"type": "DELETED", "object": obj}
        self.operator.loop.run_until_complete(self.operator.informer._seen(event))

    def reports(self) -> list[str]:
        """What is reported to be left, once no word of the watch is waited for any more."""
        self.work(15)
        return [note.message for _, note in self.operator.notes.taken if note.reason == Reason.LEFT_BEHIND]


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.operator.loop.close()


def test_what_is_forced_away_right_after_a_start_is_reported(stage: Stage) -> None:
    stage.operator.restart()
    stage.take_in()
    user_actions.forced_away(stage.cluster, ECHO)
    stage.take_in()
    (report,) = stage.reports()
    assert VERSIONS[0] in report


def test_an_end_that_is_heard_of_twice_is_reported_once(stage: Stage) -> None:
    known = stage.operator.cache.get(ECHO)
    assert known is not None
    user_actions.forced_away(stage.cluster, ECHO)
    stage.take_in()
    stage.operator.reconciler.gone(known)
    assert len(stage.reports()) == 1


def test_the_end_of_what_was_released_is_no_report(stage: Stage) -> None:
    before = stage.operator.cache.get(ECHO)
    assert before is not None
    stage.cluster.delete(ECHO)
    stage.work(300)
    assert ECHO not in stage.cluster.objects
    stage.operator.reconciler.gone(before)
    assert stage.reports() == []


def test_what_went_without_us_before_a_start_is_no_news_while_another_finalizer_keeps_it(stage: Stage) -> None:
    stage.cluster.objects[ECHO]["metadata"]["finalizers"].append("example.com/theirs")
    stage.cluster.delete(ECHO)
    stage.work(300)
    assert stage.cluster.objects[ECHO]["metadata"]["finalizers"] == ["example.com/theirs"]
    stage.operator.restart()
    stage.work(5)
    user_actions.forced_away(stage.cluster, ECHO)
    assert stage.reports() == []


@pytest.mark.parametrize("seconds", [0, 1, 5])
def test_what_was_made_for_a_dropped_object_is_undeployed_though_a_worker_found_it_gone_first(
    stage: Stage, seconds: int
) -> None:
    obj = stage.dropped()
    stage.found_gone()
    stage.work(seconds)
    stage.watched(obj)
    stage.work(200)
    assert VERSIONS[0] not in stage.nvcf.rows
    assert stage.reports() == []


@pytest.mark.parametrize("shown", [True, False], ids=["its end is shown", "the watch missed it"])
def test_what_was_forced_away_is_left_and_reported_though_a_worker_found_it_gone_first(
    stage: Stage, shown: bool
) -> None:
    obj = stage.dropped()
    stage.found_gone()
    if shown:
        stage.watched({**obj, "metadata": {**obj["metadata"], "finalizers": []}})
    stage.work(200)
    (report,) = stage.reports()
    assert VERSIONS[0] in report
    assert VERSIONS[0] in stage.nvcf.rows


def test_what_the_watch_shows_to_be_forced_away_is_reported_at_once(stage: Stage) -> None:
    obj = stage.dropped()
    stage.watched({**obj, "metadata": {**obj["metadata"], "finalizers": []}})
    stage.work(1)
    (report,) = [note.message for _, note in stage.operator.notes.taken if note.reason == Reason.LEFT_BEHIND]
    assert VERSIONS[0] in report


def test_what_a_process_waits_to_hear_of_is_reported_at_its_end(stage: Stage) -> None:
    stage.dropped()
    stage.found_gone()
    stage.operator.loop.run_until_complete(stage.operator.orphans.close())
    (report,) = [note.message for _, note in stage.operator.notes.taken if note.reason == Reason.LEFT_BEHIND]
    assert VERSIONS[0] in report


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
def test_what_is_made_for_a_vanished_deployment_stays_only_if_it_is_retained(policy: str) -> None:
    stage = Stage(deletionPolicy=policy)
    known = stage.operator.cache.get(ECHO)
    assert isinstance(known, Resource)
    sent, row = stage.operator.environment.sent, stage.nvcf.rows[VERSIONS[0]]
    post = sent.post(Target(BASE_URL, FUNCTION, VERSIONS[0]), known, "not on record", 125.0)
    sent.answered(post, row.deployment_id, stage.nvcf.now)
    stage.dropped()
    stage.found_gone()
    stage.work(200)
    assert (VERSIONS[0] in stage.nvcf.rows) == (policy == "Retain")
    assert stage.reports() == []
    stage.operator.close()


def test_an_object_that_is_dropped_before_its_post_has_left_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube, later = stage.operator.kube, Key("team", "later")
    original = kube.patch_metadata

    async def dropping(key: Key, **given: Any) -> dict[str, Any]:
        answer = await original(key, **given)
        del stage.cluster.objects[later]
        return answer

    monkeypatch.setattr(kube, "patch_metadata", dropping)
    stage.cluster.create(later, stage.cluster.objects[ECHO]["spec"] | {"functionVersionId": VERSIONS[1]})
    stage.work(200)
    assert later not in stage.cluster.objects
    assert VERSIONS[1] not in stage.nvcf.rows
    assert stage.reports() == []


def test_a_deployment_that_another_resource_claims_meanwhile_is_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, cluster, door = stage.operator, stage.cluster, stage.operator.door
    send, made = door.send, len(operator.writes)

    async def claiming(request: Request[Any], admission: Admission) -> Any:
        answer = await send(request, admission)
        if request.operation == "get_deployment" and operator.reconciling is None and OTHER not in cluster.objects:
            cluster.create(OTHER, obj["spec"])
            operator.cache.put(cluster.objects[OTHER])
        return answer

    obj = stage.dropped()
    monkeypatch.setattr(door, "send", claiming)
    stage.watched(obj)
    stage.work(30)
    assert OTHER in cluster.objects
    assert len(operator.writes) == made
    assert VERSIONS[0] in stage.nvcf.rows


def test_what_somebody_deploys_right_before_the_delete_of_an_orphan_is_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, nvcf, door = stage.operator, stage.nvcf, stage.operator.door
    send, made, version = door.send, len(operator.writes), VERSIONS[0]
    shown: list[str] = []

    async def redeploying(request: Request[Any], admission: Admission) -> Any:
        if request.operation == "get_deployment" and operator.reconciling is None:
            shown.append(nvcf.rows[version].deployment_id)
        answer = await send(request, admission)
        if len(shown) == 1 and answer is not None:  # the admission of the DELETE may take minutes
            nvcf.undeploy_outside(version)
            nvcf.post(version, specifications_of(1), made_for=None)
        return answer

    obj = stage.dropped()
    monkeypatch.setattr(door, "send", redeploying)
    stage.watched(obj)
    stage.work(30)
    first, second = shown[:2]
    assert first != second, "it looked again right before the DELETE"
    assert len(operator.writes) == made
    assert nvcf.rows[version].deployment_id == second
