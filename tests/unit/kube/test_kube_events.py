"""Events: what is written, what is counted, what is given up. Time is virtual."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.kube import event_queue
from nvcf_operator.kube import events as module
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.errors import Conflict, Denied, KubeError, Missing, Unavailable
from nvcf_operator.kube.events import Recorder
from tests.support import virtual_time

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


ECHO = Key("ns", "echo")


@dataclass(frozen=True)
class Object:
    key: Key = ECHO
    uid: str = "u1"


OTHER = Object(Key("another", "echo"), "u3")


@dataclass(frozen=True)
class Content:
    warning: bool = False
    reason: str = "Active"
    message: str = "Serves."


@dataclass
class Cluster:
    """Keeps Events, slowly, and fails as it is set to."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[tuple[str, float]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    loses_answers: bool = False
    refusing: dict[str, KubeError] = field(default_factory=dict)
    """What a namespace answers to every write."""
    slowly: dict[str, float] = field(default_factory=dict)
    """Seconds that a namespace takes for every write."""

    async def create_event(self, namespace: str, body: Mapping[str, Any]) -> dict[str, Any]:
        await self._take("create", namespace)
        name = body["metadata"]["name"]
        if name in self.events:
            raise Conflict("already exists", status=409)
        self.events[name] = dict(body)
        if self.loses_answers:
            self.loses_answers = False
            raise Unavailable("connection reset")
        return self.events[name]

    async def patch_event(self, namespace: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        await self._take("patch", namespace)
        if name not in self.events:
            raise Missing("not found", status=404)
        self.events[name] |= body
        return self.events[name]

    async def _take(self, verb: str, namespace: str) -> None:
        self.writes.append((verb, asyncio.get_running_loop().time()))
        await asyncio.sleep(self.slowly.get(namespace, 0.01))
        if (refusal := self.refusing.get(namespace)) is not None:
            raise refusal
        if self.failures:
            raise self.failures.pop(0)

    def recorded(self) -> list[tuple[str, int]]:
        return [(event["message"], event["count"]) for event in self.events.values()]


Scenario = Callable[[Recorder, Cluster], Coroutine[Any, Any, None]]


def play(scenario: Scenario, *, dropped: Callable[[], None] = lambda: None) -> None:
    async def main(clock: virtual_time.Clock) -> None:
        cluster, start = Cluster(), clock()
        recorder = Recorder(
            cast(KubeClient, cluster),
            instance="pod-1",
            on_drop=dropped,
            clock=clock,
            now=lambda: NOON + timedelta(seconds=clock() - start),
        )
        running = asyncio.create_task(recorder.run())
        try:
            await scenario(recorder, cluster)
            assert not running.done(), "nothing ends the recorder"
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    virtual_time.run(main)


def test_an_event_refers_to_an_object_of_its_own_kind() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        recorder.note(Object(Key("ns", "echo", CLOUD_FUNCTION)), Content())
        await asyncio.sleep(1)
        (event,) = cluster.events.values()
        assert event["involvedObject"]["kind"] == "CloudFunction"

    play(scenario)


def test_an_event_is_written_as_kubectl_shows_it() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        recorder.note(Object(), Content(warning=True, reason="Drift", message="Somebody changed it."))
        await asyncio.sleep(1)
        (event,) = cluster.events.values()
        name = event["metadata"].pop("name")
        assert name.startswith("echo.")
        assert event == {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": "ns"},
            "involvedObject": {
                "apiVersion": "nvcf-operator.io/v1alpha1",
                "kind": "FunctionDeployment",
                "namespace": "ns",
                "name": "echo",
                "uid": "u1",
            },
            "type": "Warning",
            "reason": "Drift",
            "action": "Reconcile",
            "message": "Somebody changed it.",
            "source": {"component": "nvcf-operator"},
            "reportingComponent": "nvcf-operator.io/operator",
            "reportingInstance": "pod-1",
            "firstTimestamp": "2026-01-01T12:00:00Z",
            "lastTimestamp": "2026-01-01T12:00:00Z",
            "count": 1,
        }

    play(scenario)


@pytest.mark.parametrize("name", ["a" * 253, "b" * 229 + "-" * 5 + "c", "b" * 229 + ".c" + "d" * 20])
def test_the_name_of_an_event_is_valid_whatever_the_resource_is_called(name: str) -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        recorder.note(Object(key=Key("ns", name)), Content())
        await asyncio.sleep(1)
        (event_name,) = cluster.events
        assert len(event_name) <= 253
        assert all(part and part[0].isalnum() and part[-1].isalnum() for part in event_name.split("."))

    play(scenario)


def test_a_long_message_is_cut_and_shows_it() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        recorder.note(Object(), Content(message="x" * 1024))
        recorder.note(Object(), Content(message="y" * 1025))
        await asyncio.sleep(1)
        assert [message for message, _ in cluster.recorded()] == ["x" * 1024, "y" * 1023 + "…"]

    play(scenario)


def test_identical_events_within_10_minutes_are_one_that_is_counted() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        for _ in range(3):
            recorder.note(Object(), Content())
            await asyncio.sleep(599)
        (event,) = cluster.events.values()
        assert event["count"] == 3
        assert event["firstTimestamp"] == "2026-01-01T12:00:00Z"
        assert event["lastTimestamp"] == "2026-01-01T12:19:58Z"
        await asyncio.sleep(2)
        recorder.note(Object(), Content())
        await asyncio.sleep(1)
        assert cluster.recorded() == [("Serves.", 3), ("Serves.", 1)]

    play(scenario)


@pytest.mark.parametrize(
    ("reason", "about", "content"),
    [
        ("a recreated namesake", Object(uid="u2"), Content()),
        ("another reason", Object(), Content(reason="Deploying")),
        ("another message", Object(), Content(message="Other.")),
    ],
)
def test_another_event_is_not_counted_with_it(reason: str, about: Object, content: Content) -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        recorder.note(Object(), Content())
        recorder.note(about, content)
        await asyncio.sleep(1)
        assert [count for _, count in cluster.recorded()] == [1, 1], reason

    play(scenario)


def test_events_that_repeat_while_they_wait_are_one_write() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        for _ in range(100):
            recorder.note(Object(), Content())
        await asyncio.sleep(1)
        assert cluster.recorded() == [("Serves.", 100)]
        assert len(cluster.writes) == 1

    play(scenario)


def test_when_too_many_wait_the_oldest_are_given_up_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_queue, "MOST_WAITING", 4)
    dropped: list[None] = []

    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        recorder.note(OTHER, Content(message="of another namespace"))
        for number in range(5):
            recorder.note(Object(), Content(message=str(number)))
        await asyncio.sleep(1)
        assert [message for message, _ in cluster.recorded()] == ["of another namespace", "2", "3", "4"]
        assert len(dropped) == 2

    play(scenario, dropped=lambda: dropped.append(None))


REFUSALS = pytest.mark.parametrize(
    "refusal",
    [
        Unavailable("too many", status=429, retry_after=10.0),
        Denied("forbidden", status=403),
        Denied("exceeded quota: events", status=403),
        Denied("unable to create new content in namespace ns because it is being terminated", status=403),
    ],
    ids=str,
)


@REFUSALS
def test_a_namespace_that_takes_no_events_holds_up_and_drops_no_others(refusal: KubeError) -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.refusing[ECHO.namespace] = refusal
        for number in range(50):
            recorder.note(Object(), Content(message=f"refused {number}"))
            recorder.note(OTHER, Content(message=str(number)))
        await asyncio.sleep(2.5)
        assert [message for message, _ in cluster.recorded()] == [str(number) for number in range(50)]

    play(scenario)


def test_a_namespace_that_is_slow_holds_up_others_once_at_most() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.slowly[ECHO.namespace] = 25.0
        for number in range(20):
            recorder.note(Object(), Content(message=f"slow {number}"))
        await asyncio.sleep(60)
        for number in range(20):
            recorder.note(OTHER, Content(message=str(number)))
        await asyncio.sleep(1)
        assert [message for message, _ in cluster.recorded() if "slow" not in message] == [str(n) for n in range(20)]
        await asyncio.sleep(20 * 60)
        assert len(cluster.events) == 40, "the slow ones are written all the same"

    play(scenario)


def test_namespaces_take_turns() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        for number in range(100):
            recorder.note(Object(), Content(message=f"many {number}"))
        recorder.note(OTHER, Content(message="one"))
        await asyncio.sleep(0.1)
        assert "one" in [message for message, _ in cluster.recorded()]

    play(scenario)


def test_a_namespace_that_refuses_costs_one_try_for_each_further_event_and_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dropped: list[None] = []

    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.refusing[ECHO.namespace] = Denied("forbidden", status=403)
        for number in range(10):
            recorder.note(Object(), Content(message=str(number)))
        await asyncio.sleep(60)
        assert len(cluster.writes) == module.REFUSALS + 9
        assert len(dropped) == 10
        assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
        cluster.refusing.clear()
        recorder.note(Object(), Content(message="taken"))
        await asyncio.sleep(60)
        assert cluster.recorded() == [("taken", 1)]

    play(scenario, dropped=lambda: dropped.append(None))


def test_a_namespace_that_ends_is_known_until_one_of_its_events_is_taken() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        ends = "unable to create new content in namespace ns because it is being terminated"
        cluster.refusing[ECHO.namespace] = Denied(ends, status=403)
        recorder.note(Object(), Content(message="refused"))
        recorder.note(OTHER, Content())
        await asyncio.sleep(1)
        assert (recorder.ends(ECHO.namespace), recorder.ends(OTHER.key.namespace)) == (True, False)
        cluster.refusing.clear()
        recorder.note(Object(), Content(message="its namesake takes it"))
        await asyncio.sleep(1)
        assert not recorder.ends(ECHO.namespace)

    play(scenario)


def test_what_is_reported_again_while_it_is_refused_is_one_event_that_is_counted() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.refusing[ECHO.namespace] = Unavailable("too many", status=429, retry_after=5.0)
        recorder.note(Object(), Content())
        await asyncio.sleep(0.005)
        recorder.note(Object(), Content())
        await asyncio.sleep(2)
        cluster.refusing.clear()
        await asyncio.sleep(10)
        assert cluster.recorded() == [("Serves.", 2)]

    play(scenario)


def test_what_was_written_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KNOWN", 2)

    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        for message in ("a", "b", "c", "a"):
            recorder.note(Object(), Content(message=message))
            await asyncio.sleep(1)
        assert cluster.recorded() == [("a", 1), ("b", 1), ("c", 1), ("a", 1)]

    play(scenario)


def test_the_recorder_rests_as_long_as_it_writes() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        for number in range(3):
            recorder.note(Object(), Content(message=str(number)))
        await asyncio.sleep(1)
        times = [at for _, at in cluster.writes]
        assert [round(b - a, 3) for a, b in pairwise(times)] == [0.02, 0.02]

    play(scenario)


@pytest.mark.parametrize(
    "failure",
    [
        Denied("unable to create new content in namespace ns because it is being terminated", status=403),
        Missing("no namespace"),
        RuntimeError("the lease is lost"),
    ],
    ids=str,
)
def test_a_refused_event_is_given_up_and_the_next_one_written(failure: Exception) -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.failures = [failure]
        recorder.note(Object(), Content(message="first"))
        recorder.note(Object(), Content(message="second"))
        await asyncio.sleep(1)
        assert cluster.recorded() == [("second", 1)]

    play(scenario)


def test_while_the_api_server_is_away_events_wait() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.failures = [Unavailable("refused")] * 3
        recorder.note(Object(), Content())
        await asyncio.sleep(30)
        assert cluster.recorded() == [("Serves.", 1)]
        assert len(cluster.writes) == 4, "after 1, 2 and 4 s"

    play(scenario)


def test_an_event_that_is_forbidden_while_the_api_server_starts_is_tried_again() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.failures = [Denied("rbac is not ready", status=403)] * 2
        recorder.note(Object(), Content())
        await asyncio.sleep(10)
        assert cluster.recorded() == [("Serves.", 1)]

    play(scenario)


def test_an_event_that_is_forbidden_for_good_is_given_up_within_seconds() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.failures = [Denied("forbidden", status=403)] * module.REFUSALS
        recorder.note(Object(), Content(message="first"))
        recorder.note(Object(), Content(message="second"))
        await asyncio.sleep(10)
        assert cluster.recorded() == [("second", 1)]

    play(scenario)


def test_an_event_is_tried_as_late_as_the_api_server_asks() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.failures = [Unavailable("too many", status=429, retry_after=20.0)]
        recorder.note(Object(), Content())
        await asyncio.sleep(60)
        (_, first), (_, second) = cluster.writes
        assert round(second - first) == 20

    play(scenario)


def test_an_event_that_cannot_be_written_for_minutes_is_given_up() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.failures = [Unavailable("refused")] * len(module.PAUSES)
        recorder.note(Object(), Content(message="first"))
        recorder.note(Object(), Content(message="second"))
        await asyncio.sleep(600)
        assert cluster.recorded() == [("second", 1)]

    play(scenario)


def test_an_answer_that_was_lost_makes_no_second_event() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.loses_answers = True
        recorder.note(Object(), Content())
        await asyncio.sleep(10)
        recorder.note(Object(), Content())
        await asyncio.sleep(10)
        assert [verb for verb, _ in cluster.writes] == ["create", "create", "patch"]
        assert cluster.recorded() == [("Serves.", 2)]

    play(scenario)


def test_an_event_that_somebody_has_deleted_is_reported_again() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        recorder.note(Object(), Content())
        await asyncio.sleep(1)
        cluster.events.clear()
        recorder.note(Object(), Content())
        await asyncio.sleep(1)
        assert cluster.recorded() == [("Serves.", 1)]

    play(scenario)


def test_at_the_end_what_waits_is_written_without_pauses() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        for number in range(10):
            recorder.note(Object(), Content(message=str(number)))
        started = asyncio.get_running_loop().time()
        await recorder.flush(5)
        assert round(asyncio.get_running_loop().time() - started, 3) == 0.1
        assert len(cluster.events) == 10

    play(scenario)


@pytest.mark.parametrize("error", [Unavailable("refused"), KubeError("odd")], ids=repr)
def test_the_end_is_not_held_up_by_an_api_server_that_is_away(error: KubeError) -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        cluster.failures = [error] * 1000
        for number in range(1000):
            recorder.note(Object(), Content(message=str(number)))
        await asyncio.sleep(0.015)
        started = asyncio.get_running_loop().time()
        await recorder.flush(1)
        assert asyncio.get_running_loop().time() - started <= 1.001

    play(scenario)


def test_flushing_nothing_takes_no_time() -> None:
    async def scenario(recorder: Recorder, cluster: Cluster) -> None:
        started = asyncio.get_running_loop().time()
        await recorder.flush(5)
        assert asyncio.get_running_loop().time() == started

    play(scenario)
