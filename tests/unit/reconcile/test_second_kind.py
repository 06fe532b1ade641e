"""A kind beside FunctionDeployment is reconciled by the same loop, with the writes and the pauses of every kind."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, FINALIZER, Key
from nvcf_operator.kube import errors
from nvcf_operator.reconcile.ports import STATUS, Outdated, Saturated, Vanished, WriteRefused
from nvcf_operator.state.managed_state import AT_ONCE, AnyLocalState
from tests.unit.reconcile.second_kind import SecondKind

LLAMA = Key("team", "llama", CLOUD_FUNCTION)


@pytest.fixture
def kind() -> Iterator[SecondKind]:
    made = SecondKind()
    made.create(LLAMA)
    yield made
    made.loop.close()


def remembered(kind: SecondKind) -> AnyLocalState | None:
    return kind.reconciler._local_states.known(LLAMA, kind.uid)


def read(kind: SecondKind) -> dict[str, Any]:
    found = kind.cluster.read(LLAMA)
    assert found is not None
    return found


def test_it_takes_its_own_finalizer_and_records_its_own_status(kind: SecondKind) -> None:
    assert kind.reconcile(LLAMA) == ("done", None), "nothing is due"
    found = read(kind)
    assert found["metadata"]["finalizers"] == [CLOUD_FUNCTION.finalizer]
    assert [item["type"] for item in found["status"]["conditions"]] == ["Ready"]
    assert remembered(kind) is not None


def test_a_second_reconcile_writes_nothing(kind: SecondKind) -> None:
    kind.reconcile(LLAMA)
    writes, version = kind.api.writes, kind.cluster.version
    kind.reconcile(LLAMA)
    assert (kind.api.writes, kind.cluster.version) == (writes, version)


def test_conditions_of_others_stay(kind: SecondKind) -> None:
    others = {"type": "Available", "status": "True", "reason": "Seen", "message": ""}
    kind.cluster.set_status(LLAMA, {"observedGeneration": -1, "conditions": [others]})
    kind.take_in(LLAMA)
    kind.reconcile(LLAMA)
    assert others in read(kind)["status"]["conditions"], "Available is a condition of FunctionDeployments only"


def test_the_finalizers_of_others_stay(kind: SecondKind) -> None:
    kind.cluster.set_finalizers(LLAMA, [FINALIZER])
    kind.take_in(LLAMA)
    kind.reconcile(LLAMA)
    kind.cluster.delete(LLAMA)
    kind.take_in(LLAMA)
    kind.reconcile(LLAMA)
    assert read(kind)["metadata"]["finalizers"] == [FINALIZER]
    assert kind.stages.vanishes == [], "it was released"


def test_a_deletion_releases_it_and_forgets_it(kind: SecondKind) -> None:
    kind.reconcile(LLAMA)
    kind.cluster.delete(LLAMA)
    kind.take_in(LLAMA)
    assert kind.reconcile(LLAMA) == ("done", None)
    assert kind.cluster.read(LLAMA) is None
    assert kind.cache.get(LLAMA) is None
    assert remembered(kind) is None
    assert kind.stages.vanishes == []


def test_an_end_without_us_is_a_matter_of_its_stages(kind: SecondKind) -> None:
    kind.reconcile(LLAMA)
    del kind.cluster.objects[LLAMA]
    known = kind.cache.get(LLAMA)
    assert known is not None
    for _ in range(2):
        kind.reconciler.gone(known)
    assert kind.stages.vanishes == [LLAMA], "and only once"


def test_a_deployment_of_its_name_is_another_resource(kind: SecondKind) -> None:
    kind.reconcile(LLAMA)
    kind.reconciler.forget(Key("team", "llama"))
    assert remembered(kind) is not None


CUT_SHORT = {
    "Saturated": Saturated("the account"),
    "Outdated": Outdated("the resource has changed"),
    "Vanished": Vanished("the resource is gone"),
    "WriteRefused": WriteRefused(STATUS, errors.Invalid("a policy", status=422)),
    "KubeError": errors.Unavailable("the API server"),
}


@pytest.mark.parametrize("end", list(CUT_SHORT))
def test_what_cuts_a_reconcile_short_is_followed_by_a_pause(kind: SecondKind, end: str) -> None:
    kind.stages.raises = CUT_SHORT[end]
    known, pauses = read(kind), []
    for _ in range(6):
        kind.cache.put(known)
        requeue = kind.reconcile(LLAMA).requeue
        assert requeue is not None
        pauses.append(requeue[1])
    assert min(pauses[1:]) >= AT_ONCE


def test_a_finalizer_that_admission_refuses_is_reported_in_its_status(kind: SecondKind) -> None:
    kind.cluster.refuses = "finalizers"
    for _ in range(2):  # an API server that starts forbids everything for a moment
        kind.reconcile(LLAMA)
    (ready,) = read(kind)["status"]["conditions"]
    assert "naïve" in ready["message"]


def test_a_status_that_is_refused_is_reported_once_by_an_event(kind: SecondKind) -> None:
    kind.cluster.refuses = "all"
    results = [kind.reconcile(LLAMA).result for _ in range(4)]
    assert set(results) == {"kube_error"}
    assert [resource.key for resource, _ in kind.notes.taken] == [LLAMA]
