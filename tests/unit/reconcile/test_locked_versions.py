"""What the loop does while something else writes the version of a FunctionDeployment."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.state.deployments import Sent, SentPost, Target
from nvcf_operator.state.version_writes import Call
from tests.property.chance import Chance
from tests.property.nvcf_api import BASE_URL
from tests.property.nvcf_model import FUNCTION, VERSIONS
from tests.unit.reconcile.one_resource import OneResource

ECHO = Key("team", "echo")
VERSION = Target(BASE_URL, FUNCTION, VERSIONS[0])


class Stage(OneResource):
    """One resource that is to be deployed, and the locks of its process."""

    def __init__(self) -> None:
        super().__init__(ECHO)
        self.writes = self.operator.environment.version_writes

    def live(self, seconds: int) -> None:
        """Let the operator work, a second at a time."""
        for _ in range(seconds):
            self.cluster.now = self.nvcf.now
            self.operator.reconcile(Chance(), at_all=True)
            self.nvcf.advance(1.0)

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.objects[ECHO]["status"]
        return found

    @property
    def reason(self) -> str:
        """Why the resource is not Ready."""
        return next(str(item["reason"]) for item in self.status["conditions"] if item["type"] == "Ready")

    @property
    def sent(self) -> list[str]:
        """What was sent to NVCF."""
        return [write.kind for write in self.operator.writes]


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.operator.close()


@pytest.mark.parametrize("call", [Call.CHANGE, Call.DELETION])
def test_neither_intent_nor_post_is_made_while_another_call_writes_the_version(stage: Stage, call: Call) -> None:
    with stage.writes.writing(VERSION, call):
        stage.live(30)
        assert stage.sent == []
        assert "intent" not in stage.status
        assert stage.reason == "VersionBusy"
    stage.live(10)
    assert stage.sent == ["POST"]


def test_no_deployment_is_requested_while_a_change_may_still_be_made(stage: Stage) -> None:
    stage.writes.doubt(VERSION, 60.0)
    stage.live(50)
    assert (stage.sent, stage.reason) == ([], "VersionBusy")
    stage.live(20)
    assert stage.sent == ["POST"]


def test_it_goes_on_as_soon_as_the_change_is_seen(stage: Stage) -> None:
    stage.writes.doubt(VERSION, 3600.0)
    stage.live(20)
    stage.writes.seen(VERSION)
    stage.live(10)
    assert stage.sent == ["POST"]


def test_a_post_holds_the_lock_of_its_version(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[float] = []
    post = Sent.post

    def noted(self: Sent, target: Target, resource: Resource, token: str, settle: float) -> SentPost:
        locked.append(stage.writes.locked_for(target))
        return post(self, target, resource, token, settle)

    monkeypatch.setattr(Sent, "post", noted)
    stage.live(5)
    assert [left > 0 for left in locked] == [True]
    assert stage.writes.locked_for(VERSION) == 0
