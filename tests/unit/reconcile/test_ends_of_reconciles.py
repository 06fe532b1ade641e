"""However a reconcile of a resource ends, it is not followed at once by another while nothing has changed."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

from nvcf_operator.api.names import Key
from nvcf_operator.api.status import Phase
from nvcf_operator.core.branches.record_update import recorded
from nvcf_operator.core.decide import unfinished
from nvcf_operator.core.model.decision import Decision
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report import conditions
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.kube import errors
from nvcf_operator.metrics.metrics import RESULTS
from nvcf_operator.reconcile import deployments
from nvcf_operator.reconcile.context import Context
from nvcf_operator.reconcile.ports import STATUS, Outdated, Saturated, Vanished, WriteRefused
from nvcf_operator.state.deployments import Target
from nvcf_operator.state.managed_state import AT_ONCE, PAUSES, Guard
from nvcf_operator.state.version_writes import VersionBusy
from tests.property.cluster_model import Cluster
from tests.unit.reconcile.one_resource import OneResource

ECHO = Key("team", "echo")
RECONCILES = 14


class Stage(OneResource):
    """One resource, and the operator's own loop over models of its two servers."""

    def __init__(self) -> None:
        super().__init__(ECHO)
        self.operator.loop.run_until_complete(self.operator.informer.relist(first=True))

    def reconcile(self) -> tuple[str, float | None]:
        """Reconcile once, when the last reconcile wanted it; give how it ended, and the seconds until the next one."""
        self.cluster.now = self.nvcf.now
        self.operator.reconciling = ECHO
        found = self.operator.loop.run_until_complete(self.operator.reconciler.reconcile(ECHO, Priority.LOW))
        self.operator.door.reconcile_ends()
        delay = None if found.requeue is None else found.requeue[1]
        self.nvcf.advance(delay or 0.0)
        return found.result, delay

    def pauses(self) -> list[float]:
        """The pauses that follow one another, without the first two: in those reconciles something may have changed."""
        delays = [delay for _, delay in (self.reconcile() for _ in range(RECONCILES)) if delay is not None]
        return delays[2:]

    @property
    def local(self) -> Any:
        found = self.operator.reconciler._local_states.known(ECHO, "uid-1")
        assert found is not None
        return found


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.operator.loop.close()


def kinds_of(kind: type[errors.KubeError]) -> list[type[errors.KubeError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in kinds_of(child))]


def _raising(kind: type[errors.KubeError]) -> Callable[[Stage], BaseException]:
    return lambda stage: kind("the API server")


RAISED: dict[str, Callable[[Stage], BaseException]] = {
    "Saturated": lambda stage: Saturated("the account"),
    "Outdated": lambda stage: Outdated("the resource has changed"),
    "Vanished": lambda stage: Vanished("the resource is gone"),
    "VersionBusy": lambda stage: VersionBusy(Target("https://nvcf", "f", "v"), 0.01),
    "WriteRefused": lambda stage: WriteRefused(STATUS, errors.Invalid("a policy", status=422)),
    **{kind.__name__: _raising(kind) for kind in kinds_of(errors.KubeError)},
}
"""What a reconcile may be cut short by."""

MET: set[str] = set()
"""The results that tests of this module have seen."""


@pytest.mark.parametrize("end", list(RAISED))
def test_what_cuts_a_reconcile_short_is_followed_by_a_pause(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    async def observe(*given: Any, **named: Any) -> Context:
        raise RAISED[end](stage)

    known = stage.cluster.read(ECHO)
    assert known is not None
    monkeypatch.setattr(stage.operator.stages._observer, "observe", observe)
    pauses = []
    for _ in range(RECONCILES):
        stage.operator.cache.put(known)  # what ends with the object is met again, whatever was forgotten of it
        result, delay = stage.reconcile()
        MET.add(result)
        assert delay is not None
        pauses.append(delay)
    assert min(pauses[1:]) >= AT_ONCE
    if end not in ("Saturated",):  # which waits for its turn, by how many share the account
        assert pauses[-1] >= 1.0


def progressing(message: str) -> Any:
    return conditions.progressing(Phase.PENDING, Reason.PENDING, message)


DECIDED: dict[str, Callable[[Situation], Decision]] = {
    "nothing to report": lambda situation: Decision(requeue=0.0),
    "the same to report": lambda situation: Decision(condition_set=progressing("the same"), requeue=0.0),
    "a failure": lambda situation: Decision(condition_set=progressing("failed"), requeue=0.0, backoff=True),
    "a moment": lambda situation: Decision(requeue=1e-4),
    "more than one write to do": unfinished,
}
"""What a reconcile may decide that wants the next one at once."""


@pytest.mark.parametrize("end", list(DECIDED))
def test_what_a_decision_wants_at_once_gets_growing_pauses(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(deployments, "decide", lambda situation: recorded(situation, DECIDED[end](situation)))
    pauses = stage.pauses()
    assert len(pauses) == RECONCILES - 2
    assert pauses[0] >= AT_ONCE
    assert pauses[-1] >= 20.0
    assert pauses == sorted(pauses)


def test_a_finalizer_that_is_taken_off_at_once_is_reported_and_put_on_ever_more_rarely(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = Cluster.patch_finalizers

    def stripped(self: Cluster, key: Key, uid: str, version: str, finalizers: list[str]) -> dict[str, Any]:
        return patch(self, key, uid, version, [])

    monkeypatch.setattr(Cluster, "patch_finalizers", stripped)
    pauses = stage.pauses()
    assert pauses[-1] >= 60.0
    assert stage.operator.kube_writes <= RECONCILES + 4
    known = stage.cluster.read(ECHO)
    assert known is not None
    ready = next(item for item in known["status"]["conditions"] if item["type"] == "Ready")
    assert ready["reason"] == Reason.WRITE_REFUSED
    assert "mutating webhook" in ready["message"]
    assert not stage.nvcf.rows


@pytest.mark.parametrize("due", ["verify_at", "deep_at"])
def test_a_read_that_is_due_and_cannot_be_made_is_waited_for(stage: Stage, due: str) -> None:
    stage.operator.has_key = False
    stage.reconcile()
    setattr(stage.local, due, stage.nvcf.now)
    pauses = stage.pauses()
    assert min(pauses) >= AT_ONCE
    # A read that is due just before another (their times are jittered) leaves one short pause, never two in a row.
    assert min(map(sum, pairwise(pauses))) >= 1.0


@pytest.mark.parametrize("refuses", ["finalizers", "status", "all", "everything"])
@pytest.mark.parametrize("deleting", [False, True], ids=["created", "deleted"])
def test_a_write_that_admission_refuses_is_tried_with_growing_pauses(
    stage: Stage, refuses: str, deleting: bool
) -> None:
    if deleting:
        for _ in range(5):
            stage.reconcile()
        stage.cluster.delete(ECHO)
        stage.operator.loop.run_until_complete(stage.operator.informer.relist(first=False))
    stage.cluster.refuses = refuses
    writes = stage.operator.kube_writes
    pauses = stage.pauses()
    assert min(pauses, default=60.0) >= AT_ONCE
    if pauses and refuses != "status":
        assert pauses[-1] > 60.0
        assert stage.operator.kube_writes - writes <= 2 * RECONCILES + 1


def test_every_end_of_a_reconcile_is_met_here(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for end in RAISED:
        with monkeypatch.context() as patched:
            test_what_cuts_a_reconcile_short_is_followed_by_a_pause(stage, patched, end)
    MET.add(stage.reconcile()[0])
    assert set(RESULTS) - {"error"} <= MET, "a bug is followed by the workers' own pause"


# The guard itself.


def test_a_change_lets_the_next_reconcile_come_at_once_and_restarts_the_pauses() -> None:
    guard = Guard()
    assert [guard.pause(0.0, "a") for _ in range(4)] == [0.0, 0.1, 0.2, 0.4]
    assert [guard.pause(0.0, "b") for _ in range(2)] == [0.0, 0.1]


def test_what_wants_a_pause_of_its_own_gets_that_one() -> None:
    guard = Guard()
    assert [guard.pause(0.3, "a") for _ in range(50)] == [0.3] * 50


def test_a_pause_is_bounded() -> None:
    guard = Guard()
    assert max(guard.pause(0.0, "a") for _ in range(50)) == PAUSES.last
