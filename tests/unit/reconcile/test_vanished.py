"""What an object that is gone has left in NVCF is reported once, whoever hears of its end."""

from collections.abc import Iterator

import pytest

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.reasons import Reason
from tests.property import user_actions
from tests.property.chance import Chance
from tests.property.nvcf_model import VERSIONS
from tests.unit.reconcile.one_resource import OneResource

ECHO = Key("team", "größe")


class Stage(OneResource):
    """One resource with a deployment, and the operator's own loop over models of its two servers."""

    def __init__(self) -> None:
        super().__init__(ECHO)
        self.work(60)
        assert VERSIONS[0] in self.nvcf.rows

    def work(self, seconds: int) -> None:
        for _ in range(seconds):
            self.operator.reconcile(Chance(), at_all=True)
            self.nvcf.advance(1.0)

    def take_in(self) -> None:
        """Take in what there is, without reconciling anything."""
        self.cluster.now = self.nvcf.now
        self.operator.loop.run_until_complete(self.operator.informer.relist(first=not self.operator.cache))

    def reports(self) -> list[str]:
        self.work(3)
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
