"""An etcd that was restored from a backup is noticed, and nothing else is taken for that."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from nvcf_operator.api.names import Key, Kind
from nvcf_operator.core.model.managed import AnyResource
from nvcf_operator.informer.cache import Cache
from nvcf_operator.informer.informer import FIRST_RELIST, PROBE, RELIST, Informer, WentBack
from nvcf_operator.kube.client import KubeClient, ResourceList
from nvcf_operator.kube.errors import Unavailable
from nvcf_operator.process.watchdog import Background
from nvcf_operator.queue.delay_queue import DelayQueue
from tests.support.virtual_time import Clock, run

KEY = Key("team", "echo")


def obj(version: int, *, uid: str = "one") -> dict[str, Any]:
    meta = {"namespace": KEY.namespace, "name": KEY.name, "uid": uid, "resourceVersion": str(version), "generation": 1}
    return {"metadata": meta, "spec": {"functionId": "f", "functionVersionId": "v"}, "status": {}}


class Etcd:
    """What lists show: one object at most, and the version that the data has come to."""

    def __init__(self, version: int, *objects: dict[str, Any]) -> None:
        self.version = version
        self.objects = objects
        self.before: tuple[dict[str, Any], ...] = ()
        """What the first pages show of a list whose snapshot expires, so that it begins again."""
        self.odd: list[int | Exception] = []
        """What the next reads of the version give in its place."""
        self.reads = 0

    async def list_resources(
        self, namespaces: Sequence[str], *, kind: Kind, keep: Callable[[dict[str, Any]], Key]
    ) -> ResourceList:
        for item in self.before:
            keep(item)
        found = ResourceList(keep(item) for item in self.objects)
        found.resource_version = self.version
        return found

    async def current_version(self, namespaces: Sequence[str], *, kind: Kind) -> int:
        self.reads += 1
        odd = self.odd.pop(0) if self.odd else self.version
        if isinstance(odd, Exception):
            raise odd
        return odd

    async def get_resource(self, key: Key) -> dict[str, Any] | None:
        return next((item for item in self.objects if item["metadata"]["name"] == key.name), None)


def informer_of(etcd: Etcd, cache: Cache, gone: Callable[[AnyResource], None] = lambda resource: None) -> Informer:
    queue: DelayQueue[Key] = DelayQueue(group=lambda key: key.namespace)
    kube = cast(KubeClient, etcd)
    return Informer(kube, cache, queue, namespaces=(), gone=gone, user_agent="test")


def restored(etcd: Etcd) -> None:
    etcd.version, etcd.objects = 243, (obj(240),)


def lagging(etcd: Etcd) -> None:
    etcd.odd = [616]


def away(etcd: Etcd) -> None:
    etcd.odd = [*[Unavailable("the API server did not answer")] * 8, KeyError("resourceVersion")]


def away_and_restored(etcd: Etcd) -> None:
    away(etcd)
    restored(etcd)


def restored_and_busy(etcd: Etcd) -> None:
    etcd.version, etcd.objects = 900, (obj(240),)


HAPPENS = [
    pytest.param(restored, 2 * PROBE, ("617", "243"), id="restored"),
    pytest.param(away_and_restored, 12 * PROBE, ("617", "243"), id="restored while it was away"),
    pytest.param(restored_and_busy, RELIST, ("600", "240"), id="restored, and more versions made than were lost"),
    pytest.param(lagging, RELIST * 3, (), id="one list lags behind"),
    pytest.param(away, RELIST * 3, (), id="the API server is away"),
    pytest.param(lambda etcd: None, RELIST * 3, (), id="nothing happens"),
]


@pytest.mark.parametrize(("happens", "seconds", "versions"), HAPPENS)
def test_a_cluster_that_went_back_ends_the_operator_within_two_minutes(
    happens: Callable[[Etcd], None], seconds: float, versions: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    ends = bool(versions)

    async def main(clock: Clock) -> None:
        etcd, stop = Etcd(617, obj(600)), asyncio.Event()
        informer = informer_of(etcd, Cache())
        await informer.relist(first=True)
        async with Background(stop) as background:
            background.start("list", informer.relist_for_ever())
            background.start("history", informer.follow_history())
            await asyncio.sleep(1.0)
            happens(etcd)
            began = clock()
            try:
                async with asyncio.timeout(seconds):
                    await stop.wait()
            except TimeoutError:
                assert etcd.reads >= seconds // PROBE - 1, "it was read each minute"
            assert (background.failed, clock() - began < seconds) == (ends, ends)

    with caplog.at_level(logging.CRITICAL):
        run(main)
    logged = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert [record.getMessage().split(":")[0] for record in logged] == ["the cluster's data went back in time"] * ends
    assert all(version in record.getMessage() for record in logged for version in versions)
    assert all(record.exc_info is None for record in logged), "it is no bug, so no traceback"


def test_what_the_watch_has_shown_counts_though_no_list_was_made_since() -> None:
    async def main(clock: Clock) -> None:
        etcd, cache = Etcd(240, obj(240)), Cache()
        informer = informer_of(etcd, cache)
        await informer.relist(first=True)
        cache.see(obj(617), listed=False)
        cache.drop(KEY)
        with pytest.raises(WentBack):
            async with asyncio.timeout(2 * PROBE):
                await informer.follow_history()

    run(main)


async def test_an_object_that_went_back_is_found_by_the_next_list_though_the_cluster_has_passed_by() -> None:
    """Where the restored cluster has made more versions than it lost, only the objects show it."""
    cache = Cache()
    cache.put(obj(600))
    with pytest.raises(WentBack, match="600"):
        await informer_of(Etcd(900, obj(240)), cache).relist()


NO_RESTORE = [
    pytest.param(Etcd(599, obj(240)), id="the list is from before our own write"),
    pytest.param(Etcd(900, obj(240, uid="two")), id="another object"),
    pytest.param(Etcd(900, obj(600)), id="the same version"),
    pytest.param(Etcd(900, obj(700)), id="a newer one"),
]


@pytest.mark.parametrize("etcd", NO_RESTORE)
async def test_a_list_that_is_older_than_an_answer_is_no_restore(etcd: Etcd) -> None:
    cache = Cache()
    cache.put(obj(600))
    await informer_of(etcd, cache).relist()


@pytest.mark.parametrize("after", [(obj(600),), ()], ids=["still there", "gone"])
async def test_the_pages_of_a_list_that_expired_say_nothing_of_a_restore(after: tuple[dict[str, Any], ...]) -> None:
    class Gone(Etcd):
        async def get_resource(self, key: Key) -> None:
            return None

    cache, etcd = Cache(), Gone(900, *after)
    cache.put(obj(600))
    etcd.before = (obj(240),)
    await informer_of(etcd, cache).relist()
    assert (KEY in set(cache)) == bool(after)


def test_what_was_deleted_between_the_first_list_and_the_watch_is_found_soon() -> None:
    gone: list[AnyResource] = []

    async def main(clock: Clock) -> None:
        etcd, stop = Etcd(617, obj(600)), asyncio.Event()
        informer = informer_of(etcd, Cache(), gone.append)
        await informer.relist(first=True)
        etcd.version, etcd.objects = 618, ()
        async with Background(stop) as background:
            background.start("list", informer.relist_for_ever())
            await asyncio.sleep(FIRST_RELIST + 1.0)
            stop.set()

    run(main)
    assert [resource.key for resource in gone] == [KEY]
