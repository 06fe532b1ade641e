"""An object that the API server drops together with our finalizer is told apart from one that a user has ended."""

from typing import Any, cast

import pytest

from nvcf_operator.api.names import FINALIZER, Key
from nvcf_operator.informer.cache import Cache
from nvcf_operator.informer.informer import Informer
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.queue.delay_queue import DelayQueue


def obj(version: int, **metadata: Any) -> dict[str, Any]:
    own = {"namespace": "team", "name": "größe", "uid": "one", "resourceVersion": str(version), "generation": 1}
    return {"metadata": {**own, **metadata}, "spec": {"functionId": "f", "functionVersionId": "v"}}


def watching() -> tuple[Cache, Informer, list[str]]:
    """A cache, what feeds it, and the uids of the objects that it finds to be gone."""
    cache, queue = Cache(), DelayQueue[Key](group=lambda key: key.namespace)
    ends: list[str] = []
    informer = Informer(
        cast(KubeClient, None),
        cache,
        queue,
        namespaces=(),
        gone=lambda resource: ends.append(resource.uid),
        user_agent="test",
    )
    return cache, informer, ends


@pytest.mark.parametrize(
    ("metadata", "dropped"),
    [
        ({"finalizers": [FINALIZER]}, True),
        ({"finalizers": ["other/one", FINALIZER]}, True),
        ({"finalizers": [FINALIZER], "deletionTimestamp": "2026-01-31T12:00:00Z"}, False),
        ({"finalizers": ["other/one"]}, False),
        ({}, False),
        ({"finalizers": [FINALIZER], "uid": "another"}, True),
    ],
)
async def test_only_an_end_that_nobody_asked_for_counts(metadata: dict[str, Any], dropped: bool) -> None:
    cache, queue = Cache(), DelayQueue[Key](group=lambda key: key.namespace)
    ends: list[tuple[str, str]] = []
    informer = Informer(
        cast(KubeClient, None),
        cache,
        queue,
        namespaces=(),
        gone=lambda resource: ends.append(("gone", resource.uid)),
        ended=lambda uid, dropped: ends.append(("dropped" if dropped else "ended", uid)),
        user_agent="test",
    )
    await informer._seen({"type": "ADDED", "object": obj(1)})  # type: ignore[typeddict-item]
    await informer._seen({"type": "DELETED", "object": obj(2, **metadata)})  # type: ignore[typeddict-item]
    how, gone = "dropped" if dropped else "ended", [] if "uid" in metadata else [("gone", "one")]
    assert ends == [(how, metadata.get("uid", "one")), *gone], "it is known before the end is dealt with"


async def test_late_word_of_a_namesake_that_has_ended_takes_no_other_object_away() -> None:
    cache, informer, ends = watching()
    assert informer._shown("ADDED", obj(9, uid="two"))
    informer._shown("MODIFIED", obj(7))
    informer._shown("DELETED", obj(8))
    assert (cache.version(Key("team", "größe")), ends) == (("two", 9), [])


async def test_what_kopf_hands_on_late_brings_back_no_object_whose_end_the_watch_has_shown() -> None:
    cache, informer, ends = watching()
    await informer._seen({"type": None, "object": obj(1)})  # type: ignore[typeddict-item]
    assert not informer._shown("DELETED", obj(2)), "kopf remembers what it has listed"
    assert informer._shown("ADDED", obj(3, uid="two"))
    await informer._seen({"type": None, "object": obj(1)})  # type: ignore[typeddict-item]
    await informer._seen({"type": "DELETED", "object": obj(2)})  # type: ignore[typeddict-item]
    assert (cache.version(Key("team", "größe")), ends) == (("two", 3), ["one"])
