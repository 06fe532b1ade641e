"""The API server refuses a write of ours: reported in its words, waited for, and never taken for anything else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.observed import Absent
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.report import messages
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.report.events import transitions
from tests.unit.core.situations import NOW, VERSION, absent, condition_set_of, conditions_of, held, present, resource

WORDS = "ValidatingAdmissionPolicy 'most' denied request: 64 at most"
MESSAGE = messages.write_refused("add its finalizer to the resource", WORDS)


def refused(of: Resource, message: str = MESSAGE, **changes: Any) -> Situation:
    return absent(of, refused=message, **changes)


def test_a_refused_write_is_reported_in_the_api_servers_words_and_nothing_is_written() -> None:
    decision = decide(refused(resource()))
    assert decision.action is None
    assert condition_set_of(decision) == ("WriteRefused", False, True, False)
    assert decision.condition_set is not None
    assert WORDS in decision.condition_set.message


@pytest.mark.parametrize(("attempts", "pause"), [(0, 1), (1, 2), (5, 32), (8, 256), (9, 300), (40, 300)])
def test_the_pauses_after_refusals_grow_to_five_minutes(attempts: int, pause: int) -> None:
    decision = decide(refused(resource(), local=LocalView(attempts=attempts)))
    assert (decision.requeue, decision.backoff) == (float(pause), True)


def test_a_refusal_without_an_end_is_stalled_at_the_progress_deadline() -> None:
    begun = refused(resource(), now=NOW - timedelta(seconds=3601))
    status = report(begun, decide(begun))
    assert status.progressing_since == begun.now
    late = refused(resource(status=status.to_dict()))
    assert condition_set_of(decide(late)) == ("ProgressDeadlineExceeded", False, False, True)
    ended = replace(late, refused=None)
    assert decide(ended).action is not None, "and it goes on automatically when the write passes"


def test_a_refused_end_of_the_finalizer_blocks_the_deletion_and_reports_what_is_gone() -> None:
    of = held(deleting=True)
    situation = replace(refused(of), observations={VERSION: Absent(1000.0)})
    assert conditions_of(situation)["DeletionBlocked"] == ("True", Reason.WRITE_REFUSED)
    assert conditions_of(situation)["Ready"] == ("False", Reason.WRITE_REFUSED)
    assert conditions_of(situation)["Available"] == ("False", Reason.NOT_SERVING)
    assert report(situation, decide(situation)).deployment_id is None


def test_a_refusal_leaves_what_serves_available() -> None:
    assert conditions_of(present(held(), refused=MESSAGE))["Available"] == ("True", Reason.SERVING)


@pytest.mark.parametrize("deleting", [False, True])
def test_an_event_warns_of_the_first_refusal_and_of_each_other_text(deleting: bool) -> None:
    def status_after(of: Resource, message: str) -> Any:
        situation = refused(of, message)
        return report(situation, decide(situation))

    of = held(deleting=deleting)
    first = status_after(of, MESSAGE)
    again = status_after(held(deleting=deleting, status=first.to_dict()), MESSAGE)
    other = status_after(held(deleting=deleting, status=first.to_dict()), MESSAGE.replace("64", "32"))
    assert [note.warning for note in transitions(of.status, first)] == [True]
    assert transitions(first, again) == ()
    (note,) = transitions(again, other)
    assert note.warning
    assert "32 at most" in note.message


def test_what_is_counted_is_kept_while_a_write_is_refused() -> None:
    retry = {"attempts": 3, "nextAttemptTime": (NOW + timedelta(seconds=5)).isoformat(), "reason": "Rejected"}
    situation = refused(resource(status={"observedGeneration": 1, "retry": retry}))
    status = report(situation, decide(situation))
    assert status.retry is not None
    assert status.retry.attempts == 3
