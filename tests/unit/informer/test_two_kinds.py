"""One cache and one informer serve both kinds, and what ties resources of one kind to the other is found and queued."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from nvcf_operator.api import names
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key, Kind
from nvcf_operator.core.functions.model.poll_rules import FunctionPollKey
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.informer.cache import Cache, News
from nvcf_operator.informer.informer import Informer, NowServed, WentBack
from nvcf_operator.kube.client import KubeClient, ResourceList
from nvcf_operator.kube.errors import Denied, KubeError, NotServed
from nvcf_operator.queue.delay_queue import DelayQueue
from tests.unit.informer.two_kinds import (
    FUNCTION,
    VERSION,
    Function,
    cache_of_both,
    deployment,
    function,
    function_key,
    registered,
)

LLAMA = function_key("llama")
OTHER_FUNCTION = "4e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"


def followed_by(*others: dict[str, Any]) -> tuple[Cache, list[Key]]:
    """A cache with a CloudFunction and others, and who was queued since."""
    moved: list[Key] = []
    cache = cache_of_both(moved.append)
    cache.put(function(5, status=registered(VERSION)))
    for other in others:
        cache.put(other)
    moved.clear()
    return cache, moved


def test_two_kinds_of_one_name_are_two_resources() -> None:
    cache = cache_of_both()
    cache.put(function(5, "echo"))
    cache.put(deployment(4, "echo"))
    assert isinstance(cache.get(function_key("echo")), Function)
    known = cache.get(Key("team", "echo"))
    assert known is not None
    assert known.key.kind == FUNCTION_DEPLOYMENT
    assert (cache.newest(CLOUD_FUNCTION), cache.newest(FUNCTION_DEPLOYMENT)) == (5, 4)


def test_a_list_of_one_kind_misses_nothing_of_the_other() -> None:
    cache = cache_of_both()
    cache.put(function(5))
    cache.put(deployment(6, "echo"))
    assert cache.missing_from([], listed_at=9) == [Key("team", "echo")]
    assert cache.missing_from([], listed_at=9, kind=CLOUD_FUNCTION) == [LLAMA]


def test_who_follows_a_function_is_found_by_its_name_and_by_the_function() -> None:
    cache, _ = followed_by(deployment(6, "one", follows="llama"), deployment(7, "two", follows="other"))
    assert cache.followers_of(LLAMA) == (Key("team", "one"),)
    assert cache.followers(FUNCTION) == (Key("team", "one"),)
    assert cache.followers(OTHER_FUNCTION) == ()
    assert cache.with_function(FUNCTION) == (LLAMA,)
    assert cache.named("llama") == (LLAMA,)
    assert cache.function(LLAMA) == 1
    assert cache.function(function_key("none")) is None


def test_a_function_that_changes_queues_who_follows_it_and_who_holds_its_versions() -> None:
    cache, moved = followed_by(
        deployment(6, "follows", follows="llama"), deployment(7, "by-ids"), deployment(8, "other", follows="gpt")
    )
    cache.put(function(9, generation=2, status=registered(VERSION)))
    assert sorted(moved) == [Key("team", "by-ids"), Key("team", "follows")]


def test_a_function_that_goes_queues_them_too() -> None:
    cache, moved = followed_by(deployment(6, "follows", follows="llama"))
    cache.drop(LLAMA)
    assert moved == [Key("team", "follows")]
    assert cache.with_function(FUNCTION) == cache.named("llama") == ()


@pytest.mark.parametrize("follows", ["llama", None], ids=["by name", "by ids"])
def test_a_deployment_that_changes_queues_its_function(follows: str | None) -> None:
    cache, moved = followed_by(deployment(6, "one", follows=follows))
    cache.put(deployment(7, "one", follows=follows, generation=2))
    assert moved == [LLAMA]


def test_a_function_that_is_not_there_is_not_queued() -> None:
    cache, moved = followed_by()
    cache.put(deployment(6, "one", follows="none"))
    assert moved == []


def test_followers_of_one_function_hear_of_each_other() -> None:
    cache, moved = followed_by(deployment(6, "one", follows="llama"))
    cache.put(deployment(7, "two", follows="llama"))
    assert sorted(moved) == sorted([Key("team", "one"), LLAMA])


def test_functions_of_one_name_hear_of_each_other_only_when_one_comes_or_goes() -> None:
    cache, moved = followed_by()
    cache.put(function(6, "namesake"))
    assert moved == [LLAMA]
    cache.put(function(7, "namesake", generation=2))
    assert moved == [LLAMA]
    cache.put(function(8, "namesake", uid="another's", called="gpt"))
    assert moved == [LLAMA, LLAMA], "it was made again with another name"
    cache.put(function(9, "namesake", uid="a third one's"))
    cache.drop(function_key("namesake"))
    assert moved == [LLAMA] * 4


def test_functions_that_record_one_function_hear_of_each_other() -> None:
    cache, moved = followed_by(function(6, "other", called="gpt", status=registered("another")))
    cache.put(function(7, "other", called="gpt", status=registered("another", "more")))
    assert moved == [LLAMA]
    assert cache.with_function(FUNCTION) == (LLAMA, function_key("other"))


def test_functions_that_name_one_function_hear_of_each_other_and_of_who_has_it() -> None:
    cache, moved = followed_by()
    cache.put(function(6, "adopts", called="gpt", adopts={"functionId": FUNCTION.upper()}))
    assert moved == [LLAMA]
    assert cache.with_function(FUNCTION) == (function_key("adopts"), LLAMA)
    cache.drop(LLAMA)
    assert moved == [LLAMA, function_key("adopts")]


@pytest.mark.parametrize(
    ("adopts", "status", "expected"),
    [
        pytest.param({"functionId": FUNCTION.upper()}, {}, (FUNCTION, False, False), id="by id"),
        pytest.param({"functionId": FUNCTION}, registered(VERSION), (FUNCTION, False, False), id="by id and record"),
        pytest.param({"adoptionPolicy": "Adopt"}, {}, (None, True, False), id="by name"),
        pytest.param({"adoptionPolicy": "Adopt"}, registered(VERSION), (FUNCTION, False, False), id="adopted"),
        pytest.param({}, {}, (None, False, False), id="created"),
        pytest.param(
            {"functionId": FUNCTION},
            {"conditions": [{"type": "Ready", "status": "False", "reason": "FunctionGone"}]},
            (FUNCTION, False, True),
            id="not there",
        ),
        pytest.param(
            {},
            {**registered(VERSION), "conditions": [{"type": "Ready", "status": "False", "reason": "MassAbsence"}]},
            (FUNCTION, False, True),
            id="gone with much else",
        ),
    ],
)
def test_a_poll_key_says_which_function_is_adopted(
    adopts: dict[str, Any], status: dict[str, Any], expected: tuple[str | None, bool, bool]
) -> None:
    cache = cache_of_both()
    cache.put(function(5, adopts=adopts, status=status))
    (found,) = cache.poll_keys(CLOUD_FUNCTION)
    assert isinstance(found, FunctionPollKey)
    assert (found.function_id, found.adopts, found.awaits_function) == expected


def test_a_status_of_another_object_ties_nobody() -> None:
    cache, _ = followed_by()
    cache.put(function(6, status={"uid": "the original's", **registered(VERSION)}))
    assert cache.with_function(FUNCTION) == ()


@pytest.mark.parametrize(
    ("annotation", "news"),
    [
        (names.NEW_VERSION_REQUESTED_ANNOTATION, News.USER),
        (names.RECONCILE_REQUESTED_ANNOTATION, News.USER),
        (names.REDEPLOY_REQUESTED_ANNOTATION, News.NOTHING),
    ],
)
def test_what_a_user_asks_of_a_function_is_news(annotation: str, news: News) -> None:
    cache, _ = followed_by()
    again = function(6, status=registered(VERSION), annotations={annotation: "now"})
    assert cache.see(again, listed=False) == news


def test_a_poll_key_of_a_function_says_what_to_search_for_in_a_list() -> None:
    cache, _ = followed_by(deployment(6, "one"))
    (found,) = cache.poll_keys(CLOUD_FUNCTION)
    assert isinstance(found, FunctionPollKey)
    assert (found.name, found.function_id, found.version_ids) == ("llama", FUNCTION, (VERSION,))


class Served:
    """A cluster that shows objects of the kinds whose CRD it has."""

    def __init__(self, *objects: dict[str, Any], kinds: tuple[Kind, ...] = names.KINDS) -> None:
        self.objects, self.kinds, self.versions = objects, kinds, dict.fromkeys(names.KINDS, 100)
        self.refusal: KubeError = NotServed("the API server serves no cloudfunctions", status=404)
        """Why the other kinds are not listed."""

    async def list_resources(
        self, namespaces: Sequence[str], *, kind: Kind, keep: Callable[[dict[str, Any]], Key]
    ) -> ResourceList:
        if kind not in self.kinds:
            raise self.refusal
        found = ResourceList(keep(item) for item in self.objects if item["kind"] == kind.name)
        found.resource_version = self.versions[kind]
        return found

    async def current_version(self, namespaces: Sequence[str], *, kind: Kind) -> int:
        return self.versions[kind]

    async def get_resource(self, key: Key) -> dict[str, Any] | None:
        return None


class Watching:
    """An informer of both kinds."""

    def __init__(self, cluster: Served, *, namespaces: tuple[str, ...] = ()) -> None:
        self.cluster, self.cache = cluster, cache_of_both()
        self.queue: DelayQueue[Key] = DelayQueue(group=lambda key: key.namespace)
        self.served: dict[Kind, bool] = {}
        self.informer = Informer(
            cast(KubeClient, cluster),
            self.cache,
            self.queue,
            namespaces=namespaces,
            gone=lambda resource: None,
            user_agent="test",
            served=self.served.__setitem__,
        )


async def test_both_kinds_are_listed_before_anything_is_decided() -> None:
    watching = Watching(Served(function(5), deployment(6, "one", follows="llama")))
    await watching.informer.prime()
    assert set(watching.cache) == {LLAMA, Key("team", "one")}
    assert watching.served == {FUNCTION_DEPLOYMENT: True, CLOUD_FUNCTION: True}


async def test_without_the_crd_of_functions_deployments_are_reconciled_and_it_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cluster = Served(deployment(6, "one"), kinds=(FUNCTION_DEPLOYMENT,))
    watching = Watching(cluster)
    with caplog.at_level(logging.WARNING):
        await watching.informer.prime()
        for _ in range(3):
            await watching.informer.relist()
    assert set(watching.cache) == {Key("team", "one")}
    assert watching.served == {FUNCTION_DEPLOYMENT: True, CLOUD_FUNCTION: False}
    assert [record.getMessage().split(".")[0] for record in caplog.records] == [
        "the API server serves no cloudfunctions"
    ]
    assert await watching.informer._gone_back_by() is None


async def test_a_crd_that_comes_later_is_taken_up() -> None:
    watching = Watching(Served(function(5), kinds=(FUNCTION_DEPLOYMENT,)))
    await watching.informer.prime()
    watching.cluster.kinds = names.KINDS
    await watching.informer.relist()
    assert set(watching.cache) == {LLAMA}
    assert watching.served[CLOUD_FUNCTION]


async def test_a_right_that_comes_later_needs_no_restart_in_single_namespaces_either() -> None:
    watching = Watching(Served(function(5), kinds=(FUNCTION_DEPLOYMENT,)), namespaces=("team",))
    watching.cluster.refusal = Denied("cloudfunctions is forbidden", status=403)
    await watching.informer.prime()
    watching.cluster.kinds = names.KINDS
    await watching.informer.relist()
    assert set(watching.cache) == {LLAMA}


async def test_in_single_namespaces_a_crd_that_comes_later_is_taken_up_by_a_restart() -> None:
    watching = Watching(Served(function(5), kinds=(FUNCTION_DEPLOYMENT,)), namespaces=("team",))
    await watching.informer.prime()
    watching.cluster.kinds = names.KINDS
    with pytest.raises(NowServed, match="cloudfunctions"):
        await watching.informer.relist()


async def test_without_the_crd_of_deployments_nothing_is_decided() -> None:
    watching = Watching(Served(kinds=(CLOUD_FUNCTION,)))
    with pytest.raises(NotServed):
        await watching.informer.relist(first=True)


async def test_one_kind_may_be_behind_the_other_and_each_has_its_own_history() -> None:
    watching = Watching(Served(function(5), deployment(6, "one")))
    watching.cluster.versions = {FUNCTION_DEPLOYMENT: 900, CLOUD_FUNCTION: 7}
    await watching.informer.prime()
    assert await watching.informer._gone_back_by() is None
    watching.cluster.versions[CLOUD_FUNCTION] = 6
    assert await watching.informer._gone_back_by() == (7, 6)


async def test_a_function_that_went_back_ends_the_operator() -> None:
    watching = Watching(Served(function(5)))
    watching.cache.put(function(50))
    with pytest.raises(WentBack, match="50"):
        await watching.informer.relist()


async def test_the_end_of_a_function_is_not_that_of_a_deployment_of_its_name() -> None:
    watching = Watching(Served(function(5, "echo"), deployment(6, "echo")))
    await watching.informer.prime()
    await watching.informer._seen({"type": "DELETED", "object": function(7, "echo")})  # type: ignore[typeddict-item]
    assert set(watching.cache) == {Key("team", "echo")}
    assert watching.queue.depth()[Priority.LOW] == 1


async def test_a_list_that_is_young_enough_serves_all_who_ask_for_one() -> None:
    watching = Watching(Served(function(5)))
    assert await watching.informer.is_listed(FUNCTION_DEPLOYMENT, within=60.0)
    watching.cluster.objects = (deployment(6, "one"),)
    assert await watching.informer.is_listed(FUNCTION_DEPLOYMENT, within=60.0)
    assert not len(watching.cache)
    assert await watching.informer.is_listed(FUNCTION_DEPLOYMENT, within=-1.0)
    assert set(watching.cache) == {Key("team", "one")}


async def test_what_ends_while_a_list_is_read_does_not_come_back_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ends, stays = deployment(6, "größe"), deployment(7, "two")
    watching = Watching(Served(ends, stays))
    await watching.informer.prime()
    listed = watching.cluster.list_resources

    async def slow(*args: Any, **more: Any) -> ResourceList:
        watching.cache.drop(Key("team", "größe"), ends["metadata"]["uid"])  # the list was made before, and is read now
        return await listed(*args, **more)

    monkeypatch.setattr(watching.cluster, "list_resources", slow)
    await watching.informer.relist()
    assert set(watching.cache) == {Key("team", "two")}


async def test_a_kind_that_is_not_served_is_not_listed() -> None:
    watching = Watching(Served(kinds=(FUNCTION_DEPLOYMENT,)))
    assert not await watching.informer.is_listed(CLOUD_FUNCTION, within=60.0)
