"""When the instances of a version are read: beside full reads and after changes of its status, and never more often."""

from collections.abc import Iterator

import pytest

from nvcf_client import errors
from nvcf_operator.accounts.calls import INSTANCES
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.reconcile.instances import AGAIN
from nvcf_operator.reconcile.requeue import ReconcileResult
from tests.property.chance import Chance
from tests.property.nvcf_api import Door
from tests.property.nvcf_model import VERSIONS
from tests.property.operator_process import POLL, SETTINGS
from tests.unit.reconcile.one_resource import OneResource

ECHO = Key("team", "echo")
ONE = VERSIONS[0]
HOUR = SETTINGS.deep_resync_interval


class Watched(OneResource):
    """One resource, and the reads of its instances."""

    def __init__(self, patch: pytest.MonkeyPatch, *, enabled: bool = True) -> None:
        super().__init__(ECHO, settings=SETTINGS.model_copy(update={"running_instances": enabled}))
        self.nvcf.quiet = True
        self.reads: list[float] = []
        self.fails: type[errors.NvcfError] | None = None
        original = Door._with_instances

        def with_instances(door: Door, request: object) -> object:
            self.reads.append(self.nvcf.now)
            if self.fails is not None:
                raise self.fails(operation=INSTANCES, method="GET", path="/", detail="größe < 1 & «so»", status=502)
            return original(door, request)  # type: ignore[arg-type]

        patch.setattr(Door, "_with_instances", with_instances)

    def live(self, seconds: float) -> None:
        """Let time pass, and the operator do what is due."""
        end = self.nvcf.now + seconds
        while self.nvcf.now < end:
            self.operator.reconcile(Chance(), at_all=False)
            self.nvcf.advance(max(0.5, min(self.operator.due_in, end - self.nvcf.now)))
        self.operator.reconcile(Chance(), at_all=False)

    def reconciles(self, seconds: float) -> int:
        """Let time pass; how often the resource was reconciled."""
        count, original = 0, self.operator.reconciler.reconcile

        async def reconcile(key: Key, priority: Priority) -> ReconcileResult:
            nonlocal count
            count += 1
            return await original(key, priority)

        self.operator.reconciler.reconcile = reconcile  # type: ignore[method-assign]
        self.live(seconds)
        return count

    @property
    def running(self) -> int | None:
        """What status says."""
        found: int | None = self.cluster.objects[ECHO]["status"].get("running")
        return found

    @property
    def events(self) -> list[str]:
        """The Events of instances."""
        return [note.message for _, note in self.operator.notes.taken if note.reason == Reason.NO_INSTANCES]


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    found = Watched(monkeypatch)
    yield found
    found.operator.close()


def test_they_are_read_when_it_is_active_and_then_with_full_reads(one: Watched) -> None:
    one.live(90.0)
    assert one.running is not None
    assert one.running >= 1
    begun = len(one.reads)
    assert begun <= 2, "once while deploying, once when ACTIVE"
    writes = one.operator.kube_writes
    one.live(4 * HOUR)
    assert 3 <= len(one.reads) - begun <= 5
    assert one.operator.kube_writes - writes <= len(one.reads) - begun, "a number that flaps is written by a read only"


def test_a_number_that_stays_is_never_written_again(one: Watched) -> None:
    one.cluster.edit(
        ECHO, deploymentSpecifications=[{"gpu": "L40S", "instanceType": "x", "minInstances": 2, "maxInstances": 2}]
    )
    one.live(120.0)
    writes, reads = one.operator.kube_writes, len(one.reads)
    one.live(3 * HOUR)
    assert one.running == 2
    assert (one.operator.kube_writes, len(one.reads) > reads) == (writes, True)


def test_a_restart_reads_nothing_and_keeps_the_number(one: Watched) -> None:
    one.live(90.0)
    known, reads = one.running, len(one.reads)
    one.operator.restart()
    one.live(1.0)
    assert (one.running, len(one.reads)) == (known, reads)


def test_none_is_reported_after_a_second_read_and_once_for_each_time(one: Watched) -> None:
    one.live(90.0)
    one.nvcf.empty_since[ONE] = one.nvcf.now
    one.live(HOUR * 1.2)
    assert one.running == 0
    assert len(one.events) == 1
    first = next(place for place, at in enumerate(one.reads) if at > one.nvcf.empty_since[ONE])
    between = [later - earlier for earlier, later in zip(one.reads[first:], one.reads[first + 1 :], strict=False)]
    assert between[0] == pytest.approx(POLL, abs=2.0), "the second read"
    assert all(pause >= AGAIN - 1.0 for pause in between[1:])
    one.operator.restart()
    one.live(2 * HOUR)
    assert len(one.events) == 1, "no restart and no hour repeats it"
    del one.nvcf.empty_since[ONE]
    one.live(HOUR * 1.2)
    assert one.running
    one.nvcf.empty_since[ONE] = one.nvcf.now
    one.live(HOUR * 1.2)
    assert len(one.events) == 2


def test_a_key_that_may_not_see_them_is_asked_once_an_interval(one: Watched) -> None:
    one.nvcf.hides_instances = True
    one.live(600.0)
    assert (one.running, len(one.reads)) == (None, 1)
    writes = one.operator.kube_writes
    one.live(3 * HOUR)
    assert one.running is None
    assert one.operator.kube_writes == writes
    assert len(one.reads) <= 5
    one.nvcf.hides_instances = False
    one.live(3 * HOUR)
    assert one.running, "the scope was added to the key"


def test_a_failed_read_is_passed_over(one: Watched) -> None:
    one.live(90.0)
    known = one.running
    one.fails = errors.ServerFault
    writes = one.operator.kube_writes
    one.live(2 * HOUR)
    assert (one.running, one.operator.kube_writes) == (known, writes)
    one.fails = errors.Forbidden
    one.live(2 * HOUR)
    assert one.running is None


def test_a_former_version_without_instances_is_not_reconciled_any_more(one: Watched) -> None:
    one.live(90.0)
    one.nvcf.empty_since[ONE] = one.nvcf.now
    one.live(HOUR * 1.2)
    assert one.running == 0
    one.cluster.edit(ECHO, functionVersionId=VERSIONS[1])
    one.live(600.0)
    assert one.running, "of the version that serves"
    assert one.reconciles(2 * HOUR) <= 4


def test_without_a_key_the_wait_for_instances_turns_in_no_circles(one: Watched) -> None:
    one.live(90.0)
    one.nvcf.empty_since[ONE] = one.nvcf.now
    one.live(HOUR * 1.2)
    one.operator.has_key = False
    one.operator.schedule.add(ECHO, Priority.LOW, one.nvcf.now, one.nvcf.now)
    assert one.reconciles(HOUR) <= HOUR / 10, "polls, and pauses that grow"
    one.operator.has_key = True
    del one.nvcf.empty_since[ONE]
    one.live(HOUR * 1.2)
    assert one.running


def test_a_failed_second_read_is_made_again(one: Watched) -> None:
    one.live(90.0)
    one.nvcf.empty_since[ONE] = one.nvcf.now
    one.live(HOUR * 1.2)
    assert len(one.events) == 1
    one.fails = errors.ServerFault
    one.live(AGAIN * 2.5)
    one.fails = None
    del one.nvcf.empty_since[ONE]
    one.live(AGAIN * 1.1)
    assert one.running


def test_without_the_setting_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Watched(monkeypatch, enabled=False)
    one.live(2 * HOUR)
    assert (one.reads, one.running) == ([], None)
    one.operator.close()
