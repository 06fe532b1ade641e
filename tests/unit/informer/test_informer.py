"""What the watch brings while a worker writes: its own echo is no news, and another hand is never taken for it."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from nvcf_operator.api.names import Key
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache
from nvcf_operator.informer.informer import Informer
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.metrics import Metrics
from nvcf_operator.process.watchdog import Watchdogs
from nvcf_operator.queue.delay_queue import DelayQueue
from nvcf_operator.queue.workers import Workers
from nvcf_operator.reconcile.requeue import ReconcileResult

KEY = Key("team", "echo")
Do = Callable[["Stage"], None]


def obj(version: int, *, phase: str = "", generation: int = 1, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": KEY.namespace,
            "name": KEY.name,
            "uid": "one",
            "resourceVersion": str(version),
            "generation": generation,
            **metadata,
        },
        "spec": {"functionId": "f", "functionVersionId": "v"},
        "status": {"phase": phase} if phase else {},
    }


class Stage:
    """Watch, cache, queue and one worker, whose reconcile of the resource is a list of things that happen."""

    def __init__(self, *, filtered: bool = False) -> None:
        self.filtered = filtered
        """Whether events are taken in before kopf."""
        self.cache = Cache()
        self.queue: DelayQueue[Key] = DelayQueue(group=lambda key: key.namespace)
        self.informer = Informer(
            cast(KubeClient, None), self.cache, self.queue, namespaces=(), gone=lambda key: None, user_agent="test"
        )
        self.reconciles: list[Priority] = []
        self.happens: list[list[tuple[str, dict[str, Any]]]] = []

    async def happen(self, what: str, thing: dict[str, Any]) -> None:
        """An answer comes to the worker, or the watch or a list brings a version."""
        if what == "answer":
            self.cache.put(thing)
        elif what == "listed" or not self.filtered or not self.informer._shown("MODIFIED", thing):
            await self.informer._seen({"type": None if what == "listed" else "MODIFIED", "object": thing})  # type: ignore[typeddict-item]

    async def reconcile(self, key: Key, priority: Priority) -> ReconcileResult:
        self.reconciles.append(priority)
        for what, thing in self.happens.pop(0) if self.happens else []:
            await self.happen(what, thing)
        return ReconcileResult("done", None)

    async def play(self, during: list[tuple[str, dict[str, Any]]], after: list[tuple[str, dict[str, Any]]]) -> None:
        """A resource is seen and reconciled; things happen during that and after it; all reconciles are made."""
        self.happens.append(during)
        beats = Watchdogs()
        begin = asyncio.Event()
        begin.set()
        workers = Workers(self.queue, self.reconcile, Metrics(), beats, settle=self.cache.settle, begin=begin, count=2)
        await self.happen("watch", obj(5))
        workers.start()
        await self._quiet()
        for what, thing in after:
            await self.happen(what, thing)
        await self._quiet()
        await workers.stop(1.0)

    async def _quiet(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        assert not self.queue.in_work
        assert not len(self.queue)


MARKED: dict[str, Any] = {"finalizers": ["nvcf-operator.io/undeploy"]}
OURS = [("answer", obj(6, **MARKED)), ("answer", obj(8, phase="Deploying", **MARKED))]
ECHOES = [("watch", obj(6, **MARKED)), ("watch", obj(8, phase="Deploying", **MARKED))]

SILENT = [
    pytest.param(OURS, ECHOES, id="echoes after the work"),
    pytest.param([*OURS, *ECHOES], [], id="echoes after both answers"),
    pytest.param([OURS[0], ECHOES[0], OURS[1]], [ECHOES[1]], id="each echo after its answer"),
    pytest.param([ECHOES[0], OURS[0], ECHOES[1], OURS[1]], [], id="each echo before its answer"),
    pytest.param([ECHOES[0], OURS[0], OURS[1]], [ECHOES[1]], id="one before, one after"),
    pytest.param([("listed", ECHOES[1][1]), *OURS], ECHOES, id="a list shows the write before its answer comes"),
]


@pytest.mark.parametrize(("during", "after"), SILENT)
@pytest.mark.parametrize("filtered", [False, True])
async def test_the_echo_of_our_own_writes_is_no_reason_to_reconcile_again(
    during: list[tuple[str, dict[str, Any]]], after: list[tuple[str, dict[str, Any]]], filtered: bool
) -> None:
    stage = Stage(filtered=filtered)
    await stage.play(during, after)
    assert stage.reconciles == [Priority.NORMAL]


FOREIGN = ("watch", obj(7, phase="Lost", **MARKED))
EDIT = ("watch", obj(7, generation=2, **MARKED))
TWICE = ("watch", obj(9, generation=3, phase="Deploying", **MARKED))

NOTICED = [
    pytest.param([*OURS], [*ECHOES, ("watch", obj(9, phase="Lost", **MARKED))], Priority.LOW, id="after our writes"),
    pytest.param([ECHOES[0], OURS[0], FOREIGN], [], Priority.LOW, id="in the status, seen while we work"),
    pytest.param([*OURS, ECHOES[0], FOREIGN, ECHOES[1]], [], Priority.HIGH, id="overtaken by our answer, seen in work"),
    pytest.param(OURS, [ECHOES[0], FOREIGN, ECHOES[1]], Priority.HIGH, id="overtaken by our answer, seen after it"),
    pytest.param([ECHOES[0], OURS[0], FOREIGN, OURS[1]], [ECHOES[1]], Priority.LOW, id="between our two writes"),
    pytest.param([ECHOES[0]], [], Priority.LOW, id="a write of ours whose answer was lost"),
    pytest.param([OURS[0], ("watch", obj(7))], [], Priority.LOW, id="our finalizer taken off while we work"),
    pytest.param([*OURS, ECHOES[0], EDIT], [], Priority.HIGH, id="a user's edit, overtaken by our answer"),
    pytest.param([OURS[0], EDIT, OURS[1]], [ECHOES[1]], Priority.HIGH, id="a user's edit, seen while we work"),
    pytest.param([], [("listed", EDIT[1])], Priority.HIGH, id="a user's edit between our first list and kopf's"),
    pytest.param([], [("listed", EDIT[1]), EDIT], Priority.HIGH, id="a user's edit, by a list and then by the watch"),
    pytest.param([("listed", EDIT[1]), EDIT], [], Priority.HIGH, id="the same while we work"),
    pytest.param(
        [*OURS],
        [("listed", TWICE[1]), *ECHOES, EDIT, TWICE],
        Priority.HIGH,
        id="a list, faster than the watch",
    ),
]


@pytest.mark.parametrize(("during", "after", "priority"), NOTICED)
@pytest.mark.parametrize("filtered", [False, True])
async def test_another_writers_change_is_reconciled_whatever_overtakes_it(
    during: list[tuple[str, dict[str, Any]]],
    after: list[tuple[str, dict[str, Any]]],
    priority: Priority,
    filtered: bool,
) -> None:
    stage = Stage(filtered=filtered)
    await stage.play(during, after)
    assert stage.reconciles == [Priority.NORMAL, priority]


async def test_what_is_created_between_our_first_list_and_that_of_kopf_is_new() -> None:
    stage = Stage()
    await stage.happen("listed", obj(5))
    assert stage.queue.take() == (KEY, Priority.NORMAL)


@pytest.mark.parametrize("filtered", [False, True])
async def test_what_is_kept_of_a_key_ends_with_the_last_echo(filtered: bool) -> None:
    stage = Stage(filtered=filtered)
    await stage.play(OURS, ECHOES)
    assert stage.cache._own_writes.idle


def test_an_echo_is_one_only_once_and_only_of_that_very_object() -> None:
    cache = Cache()
    cache.see(obj(5), listed=True)
    assert not cache.is_echo(obj(6, **MARKED)), "its answer has not come"
    cache.put(obj(6, **MARKED))
    assert not cache.is_echo(obj(6, uid="another")), "a namesake"
    assert not cache.is_echo(obj(7)), "news"
    assert cache.is_echo(obj(6, **MARKED))
    assert not cache.is_echo(obj(6, **MARKED)), "the watch has begun again from before"
