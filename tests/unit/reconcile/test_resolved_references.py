"""References are resolved wherever FunctionDeployments are read; rivals are found before a status names a version."""

from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.references import FollowedFunction
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.informer.cache import Cache
from nvcf_operator.informer.deployment_digests import DEPLOYMENTS
from nvcf_operator.informer.function_digests import functions
from nvcf_operator.reconcile.references import References
from tests.unit.informer.two_kinds import FUNCTION, VERSION, Function, deployment, function, registered

OTHER = "7c1e0000-0000-4000-8000-000000000002"
ELSEWHERE = "4e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
ONE, TWO = Key("team", "one"), Key("team", "two")


def known(*objects: dict[str, Any]) -> tuple[Cache, References]:
    cache = Cache(
        rules={FUNCTION_DEPLOYMENT: DEPLOYMENTS, CLOUD_FUNCTION: functions(Function.read, FollowedFunction.read)}
    )
    for obj in objects:
        cache.see(obj, listed=True)
    return cache, References(cache, settle=5.0)


def latest(version: str = VERSION, *, generation: int = 1, function_id: str = FUNCTION) -> dict[str, Any]:
    status = registered(version, function_id=function_id)
    return status | {"latest": {**status["latest"], "generation": generation}}


def rivals(cache: Cache, references: References, version: str, *, but: Key | None = ONE) -> list[Key]:
    def read(key: Key) -> Any:
        return references.resolved(cache.get(key))

    shown = cache.with_version(FUNCTION, version, but=but)
    return [found.key for found in references.with_version(FUNCTION, version, shown, read, but=but)]


def resolved(*objects: dict[str, Any]) -> Resource:
    cache, references = known(*objects)
    found = references.resolved(cache.get(ONE))
    assert isinstance(found, Resource)
    return found


def test_a_reference_is_resolved_by_the_cloud_function_of_the_namespace() -> None:
    elsewhere = function(3, status=latest(OTHER), namespace="team-b", uid="uid-elsewhere")
    found = resolved(function(1, status=latest()), elsewhere, deployment(2, "one", follows="llama"))
    assert (found.function_id, found.wanted_version) == (FUNCTION, VERSION)


def test_without_the_cloud_function_it_is_missing() -> None:
    found = resolved(deployment(2, "one", follows="llama"))
    assert found.reference is not None
    assert (found.reference.missing, found.function_id, found.wanted_version) == (Reason.FUNCTION_MISSING, "", "")


def test_ids_are_left_as_they_are() -> None:
    found = resolved(deployment(2, "one"))
    assert (found.reference, found.function_id, found.wanted_version) == (None, FUNCTION, VERSION)


def test_what_is_no_function_deployment_is_left_as_it_is() -> None:
    cache, references = known(function(1, status=latest()))
    key = Key("team", "llama", CLOUD_FUNCTION)
    assert references.resolved(cache.get(key)) == cache.get(key)
    assert references.resolved(None) is None


def test_followers_of_one_cloud_function_are_rivals_before_a_status_names_the_version() -> None:
    cache, references = known(
        function(1, status=latest()), deployment(2, "one", follows="llama"), deployment(3, "two", follows="llama")
    )
    assert rivals(cache, references, VERSION) == [TWO]
    assert rivals(cache, references, OTHER) == []


def test_a_follower_and_one_with_ids_are_rivals() -> None:
    cache, references = known(function(1, status=latest()), deployment(2, "one", follows="llama"), deployment(3, "two"))
    assert rivals(cache, references, VERSION, but=TWO) == [ONE]
    assert rivals(cache, references, VERSION) == [TWO]


def test_followers_of_two_cloud_functions_of_one_function_are_rivals() -> None:
    cache, references = known(
        function(1, status=latest()),
        function(2, "lama", status=latest()),
        deployment(3, "one", follows="llama"),
        deployment(4, "two", follows="lama"),
    )
    assert rivals(cache, references, VERSION) == [TWO]


def test_a_rival_that_is_found_by_its_status_is_resolved_as_well() -> None:
    holds = {"functionId": FUNCTION, "functionVersionId": VERSION, "functionStatus": "ACTIVE"}
    cache, references = known(function(1, status=latest(OTHER)), deployment(2, "two", follows="llama", status=holds))
    (found,) = references.with_version(
        FUNCTION, VERSION, cache.with_version(FUNCTION, VERSION, but=None), cache.get, but=None
    )
    assert found.wanted_version == OTHER


def test_a_poll_compares_the_version_that_a_reference_leads_to_where_nothing_is_written() -> None:
    silent = deployment(2, "one", follows="llama")
    silent["spec"]["managementPolicy"] = "Observe"
    for objects, shown in (
        ((function(1, status=latest()), silent), (FUNCTION, VERSION)),
        ((function(1, status=latest(OTHER, function_id=ELSEWHERE)), silent), (ELSEWHERE, OTHER)),
        ((silent,), ("", "")),
    ):
        cache, _ = known(*objects)
        poll_key: Any = cache.poll_key(ONE)
        assert (poll_key.function_id, poll_key.shown_version) == shown
