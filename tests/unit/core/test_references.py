"""What a reference to a CloudFunction leads to, a case a rule."""

from collections.abc import Mapping
from typing import Any

import pytest

from nvcf_operator.api.spec import FunctionRef
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.references import FollowedFunction, Reference, resolve
from tests.unit.core.following import ELSEWHERE, FIRST, SECOND, cloud_function, registered
from tests.unit.core.situations import FUNCTION, UID, intent

UNPINNED = FunctionRef(name="llama")
PINNED = FunctionRef(name="llama", revision="2")

TWO = cloud_function(generation=2, latest=registered(SECOND, "2", 2), versions=[registered(FIRST, "1")], revision="2")
BEING_REGISTERED = cloud_function(generation=3, latest=registered(SECOND, "2", 2), revision="3")
STALLED = cloud_function(generation=3, latest=registered(SECOND, "2", 2), revision="3", stalled=True)
NEVER_REGISTERED = cloud_function(generation=1, function_id=None)


def led_to(ref: FunctionRef, obj: Mapping[str, Any] | None, status: Mapping[str, Any] | None = None) -> Reference:
    """What a reference leads to, by an object as the API server gives it."""
    function = FollowedFunction.read(obj) if obj is not None else None
    return resolve(ref, function, FunctionDeploymentStatus.model_validate(status or {}), settle=5.0)


@pytest.mark.parametrize(
    ("ref", "obj", "version", "missing", "under_way", "rule"),
    [
        (UNPINNED, TWO, SECOND, None, False, "without a pin the latest version is taken"),
        (PINNED, TWO, SECOND, None, False, "a pin of the latest revision takes the latest version"),
        (FunctionRef(name="llama", revision="1"), TWO, FIRST, None, False, "a pin takes a kept version"),
        (UNPINNED, None, None, Reason.FUNCTION_MISSING, False, "there is no such CloudFunction"),
        (PINNED, None, None, Reason.FUNCTION_MISSING, False, "a pin needs the CloudFunction as well"),
        (UNPINNED, NEVER_REGISTERED, None, Reason.FUNCTION_NOT_READY, True, "the first version is awaited"),
        (UNPINNED, BEING_REGISTERED, None, Reason.FUNCTION_NOT_READY, True, "the newest generation is awaited"),
        (UNPINNED, STALLED, None, Reason.FUNCTION_NOT_READY, False, "a Stalled CloudFunction does not go on"),
        (PINNED, BEING_REGISTERED, SECOND, None, False, "a pin does not wait for later generations"),
        (FunctionRef(name="llama", revision="3"), BEING_REGISTERED, None, Reason.REVISION_MISSING, True,
         "a pinned revision that is being registered is awaited"),
        (FunctionRef(name="llama", revision="3"), STALLED, None, Reason.REVISION_MISSING, False,
         "a pinned revision that cannot be registered does not come"),
        (FunctionRef(name="llama", revision="9"), BEING_REGISTERED, None, Reason.REVISION_MISSING, False,
         "a pinned revision that no manifest names does not come"),
        (PINNED, NEVER_REGISTERED, None, Reason.REVISION_MISSING, False, "there is no version of any revision"),
    ],
)  # fmt: skip
def test_a_reference_leads_to(
    ref: FunctionRef,
    obj: Mapping[str, Any] | None,
    version: str | None,
    missing: Reason | None,
    under_way: bool,
    rule: str,
) -> None:
    found = led_to(ref, obj)
    assert (found.version, found.missing, found.under_way) == (version, missing, under_way), rule
    assert found.holds_immutable_changes == (missing is not None), rule


@pytest.mark.parametrize("reason", ["Suspended", "Observing"])
def test_what_is_not_to_be_written_is_not_under_way(reason: str) -> None:
    obj = cloud_function(generation=3, latest=registered(SECOND, "2", 2))
    ready = {"type": "Ready", "status": "False", "reason": reason, "observedGeneration": 3}
    obj = {**obj, "status": {**obj["status"], "conditions": [ready]}}
    found = led_to(UNPINNED, obj)
    assert (found.missing, found.under_way) == (Reason.FUNCTION_NOT_READY, False)


def test_a_version_that_is_being_deleted_is_not_taken() -> None:
    obj = cloud_function(
        generation=2, latest=registered(SECOND, "2", 2), versions=[{**registered(FIRST, "1"), "leaving": True}]
    )
    assert led_to(FunctionRef(name="llama", revision="1"), obj).missing == Reason.REVISION_MISSING


@pytest.mark.parametrize(("latest", "missing"), [(registered(SECOND, "2", 2), None), (None, Reason.FUNCTION_NOT_READY)])
def test_a_cloud_function_that_is_being_deleted_stays_as_it_is(
    latest: Mapping[str, Any] | None, missing: Reason | None
) -> None:
    found = led_to(UNPINNED, cloud_function(generation=3, latest=latest, deleting=True))
    assert (found.missing, found.under_way, found.generation) == (missing, False, 2 if latest else 3)


def test_the_status_of_a_copied_cloud_function_counts_for_nothing() -> None:
    copied = cloud_function(generation=2, latest=registered(SECOND, "2", 2), status_uid="another")
    assert led_to(UNPINNED, copied).missing == Reason.FUNCTION_NOT_READY


def test_what_was_stalled_for_an_earlier_generation_is_under_way_again() -> None:
    obj = cloud_function(generation=4, latest=registered(SECOND, "2", 2), stalled=True, stalled_generation=3)
    assert led_to(UNPINNED, obj).under_way


@pytest.mark.parametrize(
    "obj",
    [
        {"metadata": {"name": "llama"}},
        {"metadata": {"name": "llama", "uid": "u", "generation": 2}, "spec": None, "status": None},
        {"metadata": {"name": "llama"}, "status": {"latest": "odd", "versions": ["odd", {}, {"versionId": 7}]}},
        {"metadata": {"name": "llama"}, "status": {"latest": {"versionId": SECOND, "generation": "two"}}},
    ],
)
def test_an_odd_cloud_function_is_none_that_is_ready(obj: Mapping[str, Any]) -> None:
    assert led_to(UNPINNED, obj).missing == Reason.FUNCTION_NOT_READY


HELD = {"functionVersionId": FIRST, "functionStatus": "ACTIVE"}
OPEN = {"uid": UID, "intent": intent(FIRST).to_dict()}


@pytest.mark.parametrize(
    ("status", "refused", "rule"),
    [
        ({"functionId": FUNCTION, **HELD}, False, "what runs is of the CloudFunction's function"),
        ({"functionId": ELSEWHERE, **HELD}, True, "what runs is of another function"),
        ({"functionId": ELSEWHERE, "retiring": [{"functionVersionId": FIRST}]}, True, "what leaves is of another one"),
        ({"functionId": ELSEWHERE}, False, "nothing runs, so that any function may be taken"),
        (OPEN, False, "what was requested by ids is a version of the CloudFunction"),
        ({"uid": UID, "intent": intent(ELSEWHERE).to_dict()}, True, "what was requested by ids is no version of it"),
    ],
)
def test_a_record_of_another_function_stands_in_the_way(status: Mapping[str, Any], refused: bool, rule: str) -> None:
    assert (led_to(UNPINNED, TWO, status).missing == Reason.INVALID_SPEC) == refused, rule


def test_only_a_reference_without_a_pin_settles() -> None:
    assert (led_to(UNPINNED, TWO).settle, led_to(PINNED, TWO).settle) == (5.0, 0.0)


UPDATES: list[tuple[str, Mapping[str, Any], bool]] = [
    ("nothing", {}, False),
    ("tags", {"tags": ["équipe:a"]}, True),
    ("no tags at all", {"tags": []}, True),
    ("a rate limit", {"rateLimit": {"rateLimit": "9-M"}}, True),
    ("no rate limit", {"rateLimitPolicy": "Unlimited"}, True),
    ("the server's rate limit", {"rateLimitPolicy": "Limited"}, False),
    ("secrets", {"secrets": [{"name": "K"}]}, True),
    ("tags, suspended", {"tags": ["a"], "suspend": True}, False),
    ("tags, observed", {"tags": ["a"], "managementPolicy": "Observe"}, False),
]


@pytest.mark.parametrize(("spec", "updates"), [pytest.param(*case[1:], id=case[0]) for case in UPDATES])
def test_what_a_cloud_function_keeps_up_to_date(spec: Mapping[str, Any], updates: bool) -> None:
    obj = {**TWO, "spec": {**TWO["spec"], **spec}}
    assert led_to(UNPINNED, obj).updates is updates


@pytest.mark.parametrize("gone", ["paused", "deleted"])
def test_nothing_is_kept_up_to_date_where_nothing_is_written(gone: str) -> None:
    deleting = gone == "deleted"
    obj = cloud_function(generation=2, latest=registered(SECOND, "2", 2), deleting=deleting)
    obj["spec"]["tags"] = ["a"]
    if not deleting:
        obj["metadata"]["annotations"] = {"nvcf-operator.io/paused": "true"}
    assert led_to(UNPINNED, obj).updates is False
