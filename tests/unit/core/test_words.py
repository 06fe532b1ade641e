"""Words in annotations: in any spelling of true and false; what is neither is reported, and never passed over."""

from dataclasses import replace

import pytest

from nvcf_operator.api.names import (
    FORCE_DELETE_ANNOTATION,
    PAUSED_ANNOTATION,
    RECONCILE_REQUESTED_ANNOTATION,
    REDEPLOY_REQUESTED_ANNOTATION,
)
from nvcf_operator.api.status import DELETION_BLOCKED
from nvcf_operator.core.decide import asking, decide
from nvcf_operator.core.model.decision import Create
from nvcf_operator.core.model.manifests import ignored
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.report.events import EventNote, ignored_words
from tests.unit.core.situations import NOW, absent, held, present, resource

OUTAGE = Failure(Reason.NVCF_UNAVAILABLE, "it is away", Scope.SERVER)
SWITCHES = pytest.mark.parametrize("name", [PAUSED_ANNOTATION, FORCE_DELETE_ANNOTATION])
TOKENS = pytest.mark.parametrize("name", [RECONCILE_REQUESTED_ANNOTATION, REDEPLOY_REQUESTED_ANNOTATION])


def is_on(name: str, of: Resource) -> bool:
    return of.paused if name == PAUSED_ANNOTATION else of.force_delete


@SWITCHES
@pytest.mark.parametrize("word", ["true", "True", "TRUE", " true", "true\n"])
def test_true_counts_in_any_spelling(name: str, word: str) -> None:
    assert is_on(name, resource(annotations={name: word}))
    assert ignored({name: word}) == ()


@SWITCHES
@pytest.mark.parametrize("word", ["false", "False", " FALSE "])
def test_false_counts_in_any_spelling(name: str, word: str) -> None:
    assert not is_on(name, resource(annotations={name: word}))
    assert ignored({name: word}) == ()


@SWITCHES
@pytest.mark.parametrize("word", ["", "yes", "on", "1", "t", "treu", "'true'"])
def test_any_other_word_is_ignored_and_named_with_what_would_count(name: str, word: str) -> None:
    assert not is_on(name, resource(annotations={name: word}))
    (sentence,) = ignored({name: word})
    assert f'{name} is "{word}": only "true" and "false" count' in sentence


@TOKENS
def test_an_empty_request_is_named_and_any_other_text_is_one(name: str) -> None:
    (sentence,) = ignored({name: ""})
    assert f"{name} is empty" in sentence
    assert ignored({name: "no"}) == ()


def test_a_word_is_shown_without_a_key_and_no_longer_than_a_word() -> None:
    (sentence,) = ignored({PAUSED_ANNOTATION: "nvapi-abcdef " + "x" * 1000})
    assert "nvapi" not in sentence
    assert len(sentence) < 300


def test_an_annotation_of_somebody_else_is_nobodys_business() -> None:
    assert ignored({"example.com/paused": "yes"}) == ()


def events(of: Resource) -> tuple[tuple[EventNote, ...], Resource]:
    """The Events of one reconcile, and the resource with the status after it."""
    situation = present(of)
    status = report(situation, decide(situation))
    return ignored_words(of, status), held(annotations=of.annotations, status=status.to_dict())


def test_it_is_reported_once_by_an_event_and_in_the_message_for_as_long_as_it_stands() -> None:
    notes, after = events(held(annotations={PAUSED_ANNOTATION: "yes"}))
    (sentence,) = ignored({PAUSED_ANNOTATION: "yes"})
    assert notes == (EventNote(True, Reason.ANNOTATION_IGNORED, sentence),)
    ready = after.condition("Ready")
    assert ready is not None
    assert (ready.status, ready.message.startswith(sentence)) == ("True", True)
    again, still = events(after)
    assert again == ()
    assert still.status == after.status, "nothing is written again"
    corrected = held(annotations={}, status=after.recorded)
    notes, after = events(corrected)
    ready = after.condition("Ready")
    assert notes == ()
    assert ready is not None
    assert "annotation" not in ready.message


def test_the_write_of_an_intent_names_nothing_for_no_event_follows_it() -> None:
    situation = absent(resource(finalizer=True, annotations={PAUSED_ANNOTATION: "yes"}))
    action = decide(situation).action
    assert isinstance(action, Create)
    asked = report(situation, asking(situation, action))
    after = replace(situation, resource=replace(situation.resource, status=asked), failure=OUTAGE)
    assert [note.reason for note in ignored_words(after.resource, report(after, decide(after)))] == [
        Reason.ANNOTATION_IGNORED
    ]


def test_a_blocked_deletion_names_a_force_delete_that_says_nothing() -> None:
    of = held(annotations={FORCE_DELETE_ANNOTATION: "yes"}, deleting=True)
    situation = Situation(of, NOW, access=Failure(Reason.SECRET_NOT_FOUND, "it is gone", Scope.CREDENTIAL))
    messages = {item.type: item.message for item in report(situation, decide(situation)).conditions}
    assert 'force-delete is "yes"' in messages[DELETION_BLOCKED]
