"""The cache takes in what is newer, says what is new about it, and forgets only what is gone."""

from typing import Any

import pytest

from nvcf_operator.api import names
from nvcf_operator.api.names import Key
from nvcf_operator.core.rules.poll_rules import PollKey
from nvcf_operator.informer.cache import Cache, News

KEY = Key("team", "echo")
FUNCTION, VERSION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a", "7c1e0000-0000-4000-8000-000000000001"


def obj(version: int, *, uid: str = "one", status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "namespace": "team",
            "name": "echo",
            "uid": uid,
            "resourceVersion": str(version),
            "generation": 1,
            **metadata,
        },
        "spec": {
            "functionId": FUNCTION.upper(),
            "functionVersionId": VERSION,
            "deploymentSpecifications": [{"gpu": "L40S", "minInstances": 1, "maxInstances": 2}],
        },
        "status": status or {},
    }


NEWS: list[tuple[str, dict[str, Any], News]] = [
    ("the same version again", obj(5), News.NOTHING),
    ("an older version", obj(4, generation=2), News.NOTHING),
    ("another namesake", obj(6, uid="two"), News.NEW),
    ("a new generation", obj(6, generation=2), News.USER),
    ("a deletion", obj(6, deletionTimestamp="2026-01-31T12:00:00Z"), News.USER),
    ("a request to reconcile", obj(6, annotations={names.RECONCILE_REQUESTED_ANNOTATION: "now"}), News.USER),
    (
        "somebody's label or Argo CD's tracking",
        obj(6, annotations={"argocd.argoproj.io/tracking-id": "x"}),
        News.NOTHING,
    ),
    ("another hand in the status", obj(6, status={"phase": "Lost"}), News.OTHER),
    ("a finalizer that went", obj(6, finalizers=[]), News.OTHER),
]


@pytest.mark.parametrize(("later", "news"), [pytest.param(*case[1:], id=case[0]) for case in NEWS])
def test_what_is_new(later: dict[str, Any], news: News) -> None:
    cache = Cache()
    assert cache.see(obj(5), listed=True) == News.NEW
    assert cache.see(later, listed=True) == news


def test_a_digest_never_steps_back() -> None:
    cache = Cache()
    cache.put(obj(7, generation=3))
    cache.put(obj(6, generation=2))
    found = cache.get(KEY)
    assert found is not None
    assert (found.generation, found.resource_version) == (3, "7")


def test_a_deletion_of_a_namesake_forgets_nobody_else() -> None:
    cache = Cache()
    cache.put(obj(5, uid="new"))
    assert not cache.drop(KEY, "old")
    assert cache.drop(KEY, "new")
    assert cache.get(KEY) is None


def test_resources_are_found_by_the_versions_that_they_have_to_do_with() -> None:
    cache, other = Cache(), Key("team", "other")
    cache.put(obj(5, status={"functionVersionId": "old-version", "functionStatus": "ACTIVE"}))
    for version in (VERSION, "old-version"):
        assert [found.key for found in cache.with_version(FUNCTION, version, but=other)] == [KEY]
    assert cache.with_version(FUNCTION, VERSION, but=KEY) == ()
    cache.drop(KEY)
    assert cache.with_version(FUNCTION, VERSION, but=other) == ()


def test_who_shares_a_version_hears_of_the_others_changes_and_end() -> None:
    moved: list[Key] = []
    cache, rival = Cache(moved.append), Key("team", "rival")
    cache.put(obj(5))
    cache.put(obj(6, uid="two", name="rival"))
    assert moved == [KEY]
    cache.put(obj(7, status={"phase": "Active"}))
    cache.drop(KEY)
    assert moved == [KEY, rival, rival]
    cache.put(obj(8, uid="two", name="rival", generation=2))
    assert moved == [KEY, rival, rival], "nobody is left to hear of it"


def test_a_list_misses_only_what_was_known_before_it() -> None:
    cache = Cache()
    cache.put(obj(5))
    assert cache.missing_from([], listed_at=5) == [KEY]
    assert cache.missing_from([], listed_at=4) == []
    assert cache.missing_from([KEY], listed_at=9) == []


def test_a_summary_shows_what_a_poll_needs() -> None:
    cache = Cache()
    conditions = [{"type": "CredentialsValid", "status": "True"}]
    cache.put(obj(5, status={"functionVersionId": VERSION, "functionStatus": "ACTIVE", "conditions": conditions}))
    poll_key = cache.poll_key(KEY)
    assert isinstance(poll_key, PollKey)
    assert (poll_key.function_id, poll_key.held_version, poll_key.function_status) == (FUNCTION, VERSION, "ACTIVE")
    assert not poll_key.credentials_refused
    assert not poll_key.deleting


@pytest.mark.parametrize(
    ("spec", "annotations", "shown"),
    [
        ({}, {}, None),
        ({"managementPolicy": "Manage", "suspend": False}, {names.PAUSED_ANNOTATION: "false"}, None),
        ({"managementPolicy": "Observe"}, {}, VERSION),
        ({"suspend": True}, {}, VERSION),
        ({}, {names.PAUSED_ANNOTATION: "true"}, VERSION),
    ],
)
def test_a_summary_names_the_version_that_is_only_shown(
    spec: dict[str, Any], annotations: dict[str, str], shown: str | None
) -> None:
    cache = Cache()
    for version, status, found in (
        (5, {}, (None, shown)),
        (6, {"functionVersionId": VERSION, "functionStatus": "ACTIVE"}, (VERSION, None)),
    ):
        made = obj(version, status=status, annotations=annotations)
        cache.put(made | {"spec": made["spec"] | spec})
        poll_key = cache.poll_key(KEY)
        assert isinstance(poll_key, PollKey)
        assert (poll_key.held_version, poll_key.shown_version) == found


@pytest.mark.parametrize(
    ("condition", "missing"),
    [
        ({"type": "Ready", "reason": "FunctionNotFound", "observedGeneration": 1}, VERSION),
        ({"type": "Ready", "reason": "FunctionNotFound", "observedGeneration": 2}, None),
        ({"type": "Ready", "reason": "PublicFunction", "observedGeneration": 1}, None),
        ({"type": "Stalled", "reason": "FunctionNotFound", "observedGeneration": 1}, None),
    ],
)
def test_a_summary_names_the_version_that_nvcf_did_not_know(condition: dict[str, Any], missing: str | None) -> None:
    cache = Cache()
    cache.put(obj(5, status={"conditions": [condition | {"status": "False"}]}, generation=1))
    poll_key = cache.poll_key(KEY)
    assert isinstance(poll_key, PollKey)
    assert poll_key.missing_version == missing


def test_an_echo_that_overtakes_another_takes_nothing_of_it() -> None:
    cache = Cache()
    cache.see(obj(5), listed=True)
    cache.put(obj(6))
    cache.put(obj(8))
    assert cache.is_echo(obj(8))  # the line is read before kopf has handed on the one of version 6
    assert cache.see(obj(6), listed=False) == News.NOTHING
    assert not cache.is_echo(obj(8))


def test_an_echo_that_overtakes_an_edit_takes_nothing_of_it() -> None:
    cache = Cache()
    cache.see(obj(5), listed=True)
    cache.put(obj(8))
    assert cache.is_echo(obj(8))
    assert cache.see(obj(6, generation=2), listed=False) == News.USER


@pytest.mark.parametrize("other", [obj(6, uid="two"), obj(7), obj(9), obj(5)], ids=["namesake", "edit", "later", "old"])
def test_only_the_echo_of_an_answer_is_one(other: dict[str, Any]) -> None:
    cache = Cache()
    cache.see(obj(5), listed=True)
    cache.put(obj(6))
    cache.put(obj(8))
    assert not cache.is_echo(other)
