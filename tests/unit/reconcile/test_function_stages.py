"""What registering and deleting versions prove right before the call, over models of NVCF and the cluster."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nvcf_client.requests import Request
from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.core.functions.model.decision import DeleteVersion, FunctionDecision
from nvcf_operator.core.functions.model.mark import mark_of
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.reconcile.functions.context import FunctionContext
from nvcf_operator.reconcile.ports import Outdated
from tests.property.both_kinds import BothKinds
from tests.property.chance import Chance
from tests.property.cluster_model import Cluster
from tests.property.nvcf_model import GPU, Account
from tests.property.registry_model import Registry, Version

KEY = Key("team", "llama", CLOUD_FUNCTION)
STEP = 5.0


class OneFunction:
    """One CloudFunction, and the operator's own loop."""

    def __init__(self, **spec: object) -> None:
        self.cluster, self.nvcf = Cluster(), Account(random.Random(0), quiet=True)
        self.registry = Registry(self.nvcf)
        self.operator = BothKinds(self.cluster, self.nvcf, self.registry)
        template = {"inferenceUrl": "/v1/chat", "containerImage": "nvcr.io/o/llama:1"}
        self.cluster.create(KEY, {"name": "llama", "template": template, "history": {"limit": 0}, **spec})
        self.reconcile()

    def reconcile(self, seconds: float = 0.0) -> None:
        """Let time pass, and reconcile."""
        self.nvcf.advance(seconds)
        self.cluster.now = self.nvcf.now
        assert self.operator.reconcile(Chance(), at_all=True)

    def change_image(self) -> None:
        """Have another version registered."""
        template = {"inferenceUrl": "/v1/chat", "containerImage": "nvcr.io/o/llama:2"}
        self.cluster.edit(KEY, template=template)
        self.reconcile()

    def observed(self) -> FunctionContext:
        """Observe it as a reconcile does."""
        stages, reconciler = self.operator.parts.stages, self.operator.reconciler
        found = self.operator.environment.cluster.get(KEY)
        assert isinstance(found, CloudFunction)
        local = reconciler._local_states.of(KEY, found.uid, lambda: stages.recall(found))
        resource = local.view(found, self.operator.environment.clock)
        return self.operator.loop.run_until_complete(stages.observe(resource, local, Priority.LOW, most_waiting=8))

    def about_to_delete(self) -> tuple[FunctionContext, FunctionDecision]:
        """Wait until a version is to be deleted, and stop right before it."""
        for _ in range(40):
            self.nvcf.advance(STEP)
            self.cluster.now = self.nvcf.now
            context = self.observed()
            decision = self.operator.parts.stages.decide(context)
            if isinstance(decision.action, DeleteVersion):
                return context, decision
        raise AssertionError("nothing is to be deleted")

    def carry_out(self, context: FunctionContext, decision: FunctionDecision) -> FunctionContext:
        """Make the write."""
        return self.operator.loop.run_until_complete(self.operator.parts.stages.carry_out(context, decision)).context

    @property
    def deletes(self) -> int:
        """How many DELETEs were sent."""
        return sum(write.kind == "DELETE" for write in self.operator.function_writes)


@pytest.fixture
def one() -> Iterator[OneFunction]:
    """A function with one version."""
    made = OneFunction()
    yield made
    made.operator.close()


def test_the_intent_is_on_record_when_the_post_is_sent_and_the_version_bears_its_token(one: OneFunction) -> None:
    [write] = one.operator.function_writes
    assert write.latest is not None
    intent, mark = write.latest["status"]["intent"], mark_of(write.body["tags"])
    assert mark is not None
    assert (intent["token"], intent["hash"]) == (mark.token, mark.hash)
    assert not intent.get("answered")
    assert write.latest["metadata"]["finalizers"] == [CLOUD_FUNCTION.finalizer]


def test_the_answer_is_recorded_in_one_write_of_the_status(one: OneFunction) -> None:
    status = one.cluster.objects[KEY]["status"]
    assert status["intent"]["answered"] is True
    assert status["latest"]["versionId"] == next(iter(one.registry.rows))
    assert one.operator.kube_writes == 3, "finalizer, intent, status"


def _wipe_mark(one: OneFunction, old: Version) -> None:
    old.body["tags"] = []


def _name_it(one: OneFunction, old: Version) -> None:
    spec = {"functionId": old.function_id, "functionVersionId": old.version_id, "deploymentSpecifications": [GPU]}
    one.cluster.create(Key("other", "echo"), spec)
    one.operator.loop.run_until_complete(one.operator.informer.relist())


def _edit(one: OneFunction, old: Version) -> None:
    one.cluster.edit(KEY, history={"limit": 1})


@pytest.mark.parametrize("happens", [_wipe_mark, _name_it, _edit])
def test_what_speaks_against_a_deletion_right_before_it_stops_it(
    one: OneFunction, happens: Callable[[OneFunction, Version], None]
) -> None:
    old = next(iter(one.registry.rows.values()))
    one.change_image()
    context, decision = one.about_to_delete()
    happens(one, old)
    with pytest.raises(Outdated):
        one.carry_out(context, decision)
    assert one.deletes == 0


def test_a_version_that_is_gone_right_before_its_deletion_counts_as_deleted(one: OneFunction) -> None:
    old = next(iter(one.registry.rows.values()))
    one.change_image()
    context, decision = one.about_to_delete()
    one.registry.delete(old.version_id)
    after = one.carry_out(context, decision)
    assert after.situation.wrote is decision.action
    assert one.deletes == 0


def test_a_version_is_deleted_once(one: OneFunction) -> None:
    one.change_image()
    for _ in range(40):
        one.reconcile(STEP)
    assert one.deletes == 1
    assert len(one.registry.rows) == 1
    assert len(one.cluster.objects[KEY]["status"]["versions"]) == 1


def test_a_function_that_is_gone_is_read_no_more_once_that_is_proven(
    one: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.registry.delete(next(iter(one.registry.rows)))
    for _ in range(30):
        one.reconcile(STEP)
    context = one.observed()
    assert context.local.gone_since
    assert one.cluster.objects[KEY]["status"]["conditions"][0]["reason"] == "FunctionGone"
    asked: list[str] = []
    send = one.operator.door.send

    async def counted(request: Request[Any], admission: Admission) -> Any:
        asked.append(request.operation)
        return await send(request, admission)

    monkeypatch.setattr(one.operator.door, "send", counted)
    for _ in range(10):
        one.reconcile(60.0)
    assert one.cluster.objects[KEY]["status"]["conditions"][0]["reason"] == "FunctionGone"
    assert set(asked) == {"list_functions"}


@pytest.mark.parametrize(("policy", "left"), [("Delete", 0), ("Retain", 1)])
def test_what_comes_for_a_vanished_object_stays_only_if_it_is_retained(policy: str, left: int) -> None:
    one = OneFunction(deletionPolicy=policy, suspend=True)
    try:
        one.registry.lost = ["lost, runs on"]
        one.cluster.edit(KEY, suspend=False)
        one.reconcile()
        [coming] = one.registry.coming
        coming.visible_from = one.nvcf.now + 60.0
        one.cluster.delete(KEY)
        one.cluster.objects.pop(KEY, None)
        for _ in range(150):
            one.reconcile(STEP)
        assert len(one.registry.rows) == left
    finally:
        one.operator.close()
