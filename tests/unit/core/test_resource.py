"""An object as it is read: what users, tools and copies leave in it bends nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvcf_operator.api import names
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.model.resource import Resource
from tests.support.examples import examples
from tests.unit.core.situations import FUNCTION, NAME, UID, VERSION, held, intent, resource

STORED = held().recorded


def stored(**changes: Any) -> dict[str, Any]:
    """A whole status with some members changed."""
    return {**STORED, **changes}


@pytest.mark.parametrize(
    ("status", "lost", "reason"),
    [
        ({}, True, "there is none"),
        ({"observedGeneration": -1}, True, "it was never written"),
        ({"phase": "Active"}, True, "it says nothing of a generation"),
        (stored(), False, "it is this object's"),
        (stored(uid=None), False, "it does not say whose it is"),
        (stored(uid="22222222-2222-2222-2222-222222222222"), True, "it was written for the object that was copied"),
        ({"uid": UID, "intent": intent().to_dict()}, True, "an intent alone is no record of a reconcile"),
    ],
)
def test_a_status_is_lost_where_it_is_not_this_objects(status: dict[str, Any], lost: bool, reason: str) -> None:
    of = resource(status=status)
    assert of.lost == lost, reason
    assert of.recorded == (status or {"observedGeneration": -1}), "what is stored is compared with what is written"


def test_of_another_objects_status_nothing_counts() -> None:
    copied = resource(status=stored(uid="another", lastHandledRedeployAt="1", accountId="theirs"), finalizer=True)
    assert copied.status == FunctionDeploymentStatus()
    assert (copied.holds, copied.intent, copied.open_intent, copied.in_order) == (False, None, None, False)


@pytest.mark.parametrize("foreign", [{"type": "Synced"}, {"type": "Synced", "status": "Perhaps", "reason": "x"}])
def test_another_writers_condition_takes_none_of_ours_with_it(foreign: dict[str, str]) -> None:
    assert resource(status=stored(conditions=[foreign, *STORED["conditions"]])).status == held().status


UNREADABLE: list[tuple[str, Any]] = [
    ("retry", "soon"),
    ("retry", {"attempts": "many"}),
    ("retiring", [{"functionVersionId": 7}]),
    ("retiring", {"functionVersionId": VERSION}),
    ("intent", "705d4b7f4095433a"),
    ("intent", {"uid": UID}),
    ("progressingSince", "yesterday"),
    ("lastWrite", {"digest": "x", "count": 1}),
    ("conditions", [{"type": "Ready"}]),
    ("health", [None]),
    ("functionName", 7),
]


@pytest.mark.parametrize(("member", "value"), UNREADABLE)
def test_a_member_that_cannot_be_read_does_not_take_the_others_with_it(member: str, value: Any) -> None:
    whole, found = resource(status=stored()).status, resource(status=stored(**{member: value})).status
    attribute = next(name for name, field in FunctionDeploymentStatus.model_fields.items() if field.alias == member)
    empty = FunctionDeploymentStatus.model_fields[attribute].get_default()
    assert found == whole.model_copy(update={attribute: empty})
    assert (found.function_version_id, found.deployment_id) == (whole.function_version_id, whole.deployment_id)


def test_members_of_a_newer_version_are_passed_over() -> None:
    odd = stored(mood="<fine> & wäll", intent={**intent().to_dict(), "trace": {"a": 1}})
    assert resource(status=odd).open_intent == intent()


MEMBERS = st.sampled_from(sorted({*STORED, "retry", "retiring", "incoming", "failed", "health", "lastWrite", "new"}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=examples(100), deadline=None)
@given(st.dictionaries(MEMBERS, JSON, max_size=6))
def test_whatever_a_status_holds_an_object_is_read(odd: dict[str, Any]) -> None:
    found = resource(status={**STORED, **odd}).status
    if "uid" not in odd:
        assert all(
            getattr(found, name) == getattr(resource(status=STORED).status, name)
            for name, field in FunctionDeploymentStatus.model_fields.items()
            if field.alias not in odd
        )


WORDS = [
    ("true", True),
    ("True", True),
    ("TRUE", True),
    (" true ", True),
    ("true\n", True),
    ("false", False),
    ("False", False),
    ("yes", False),
    ("1", False),
    ("truely", False),
    ("", False),
    (" ", False),
]


@pytest.mark.parametrize(("word", "counts"), WORDS)
def test_a_word_in_an_annotation_is_taken_in_any_case_without_its_blanks(word: str, counts: bool) -> None:
    assert resource(annotations={names.PAUSED_ANNOTATION: word}).paused == counts
    assert resource(annotations={names.FORCE_DELETE_ANNOTATION: word}).force_delete == counts


def field(annotation: str, time: Any, *, below: str = "f:annotations") -> dict[str, Any]:
    """An entry of `metadata.managedFields`."""
    return {
        "manager": "kubectl-annotate",
        "operation": "Update",
        "time": time,
        "fieldsV1": {"f:metadata": {below: {".": {}, f"f:{annotation}": {}}}},
    }


OURS = names.FORCE_DELETE_ANNOTATION
NOON, ONE = "2026-01-31T12:00:00Z", "2026-01-31T13:00:00Z"
AT_ONE = datetime(2026, 1, 31, 13, tzinfo=UTC)

MANAGED: list[tuple[str, list[dict[str, Any]], datetime | None]] = [
    ("there are none", [], None),
    ("one manager", [field(OURS, ONE)], AT_ONE),
    ("the last of several", [field(OURS, ONE), field(OURS, NOON)], AT_ONE),
    ("another annotation", [field(names.PAUSED_ANNOTATION, NOON)], None),
    ("a label of that name", [field(OURS, ONE, below="f:labels")], None),
    ("an entry without a time", [field(OURS, None)], None),
    ("a time that cannot be read", [field(OURS, "<soon>"), field(OURS, ONE)], AT_ONE),
    ("entries of other forms", [{"manager": "x"}, {"fieldsV1": {"f:spec": {}}}, field(OURS, ONE)], AT_ONE),
]


@pytest.mark.parametrize(("entries", "expected"), [pytest.param(*case[1:], id=case[0]) for case in MANAGED])
def test_the_api_servers_record_shows_when_an_annotation_was_set(
    entries: list[dict[str, Any]], expected: datetime | None
) -> None:
    meta = {
        "name": "echo",
        "uid": UID,
        "annotations": {OURS: "true"},
        "deletionTimestamp": NOON,
        "managedFields": entries,
    }
    found = Resource.read({"metadata": meta})
    assert (found.force_delete, found.force_delete_set_at) == (True, expected)


INTENTS = [
    pytest.param(intent(), True, True, id="its own"),
    pytest.param(intent(answered=True), True, False, id="its own, answered"),
    pytest.param(intent(uid="another"), False, False, id="of another object"),
    pytest.param(intent("not-a-uuid/../../x"), False, False, id="of something that is no version"),
    pytest.param(intent(""), False, False, id="of nothing"),
    pytest.param(intent(VERSION + "\n"), False, False, id="of a version and more"),
    pytest.param(intent(VERSION.upper()), True, True, id="in capitals"),
]


@pytest.mark.parametrize(("known", "counts", "is_open"), INTENTS)
def test_an_intent_counts_for_the_object_that_it_was_written_for(known: Any, counts: bool, is_open: bool) -> None:
    of = resource(intent=known)
    assert (of.intent is not None, of.open_intent is not None) == (counts, is_open)


def test_without_a_manifest_the_record_names_the_function() -> None:
    of = held(spec={"functionId": 7})
    assert of.spec_error.startswith("spec.functionId")
    assert (of.function_id, of.status.function_name, of.wanted_version) == (FUNCTION, NAME, "")
    assert replace(of, status=FunctionDeploymentStatus()).function_id == ""
