"""Writes of which NVCF leaves open what became of them: reported in its words, and repeated ever more rarely."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_client import errors
from nvcf_operator.api.names import Key
from nvcf_operator.api.status import Retry
from nvcf_operator.core.decide import asking, decide
from nvcf_operator.core.model.decision import Change, Create
from nvcf_operator.core.model.observed import Failure, FunctionSeen, Scope, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.report.events import of_failure
from nvcf_operator.core.rules import error_classification
from tests.unit.core.situations import (
    NOW,
    OTHER_VERSION,
    VERSION,
    absent,
    condition_set_of,
    deployment,
    held,
    intent,
    present,
    resource,
)

SETTLE = 125.0
WORDS = "NVCF answered create_deployment with 502: chart values too large"
CLOSED = Failure(Reason.NVCF_UNAVAILABLE, "NVCF is unreachable or returning errors.", Scope.SERVER, general=True)


def fault(operation: str = "create_deployment", detail: str = "chart values too large") -> Failure:
    return error_classification.of_call(
        errors.ServerFault(operation=operation, method="POST", path="/d", detail=detail, status=502)
    )


def refused(of: Resource, **changes: Any) -> Situation:
    """A POST was just answered by 502, and GET says 404."""
    return absent(of, **{"for_seconds": 0.0, "failure": fault(), "unanswered": fault(), **changes})


def after(attempts: int, *, ago: float = 0.0, deadline: int = 3600, **changes: Any) -> Resource:
    """A resource whose record holds so many POSTs of that kind, the first one of them made `ago` seconds ago."""
    of, spec = resource(finalizer=True, intent=intent()), {"rollout": {"progressDeadlineSeconds": deadline}}
    for _ in range(attempts):
        situation = refused(of, now=NOW - timedelta(seconds=ago))
        status = report(situation, decide(situation)).to_dict()
        of = resource(**{"finalizer": True, "status": status, "spec": spec, **changes})
    return of


def watched(of: Resource, *, settled: float, **changes: Any) -> Situation:
    """404 for that long, as this process has seen."""
    return absent(of, for_seconds=settled, local=LocalView(intent_settled_for=settled), **changes)


def message(situation: Situation) -> str:
    found = decide(situation).condition_set
    assert found is not None
    return found.message


def test_a_post_that_nvcf_refuses_by_5xx_is_reported_in_its_words() -> None:
    situation = refused(resource(finalizer=True, intent=intent()))
    assert condition_set_of(decide(situation)) == ("AwaitingAnswer", False, True, False)
    assert WORDS in message(situation)
    assert "sends the request again after 125 seconds" in message(situation)


def test_the_words_stay_while_the_settle_passes() -> None:
    assert message(watched(after(1), settled=60.0)) == message(refused(resource(finalizer=True, intent=intent())))


@pytest.mark.parametrize(("attempts", "pause"), [(1, 125), (2, 250), (3, 500), (4, 1000), (5, 1800), (9, 1800)])
def test_the_pause_between_two_posts_doubles_from_the_settle_on(attempts: int, pause: int) -> None:
    of = after(attempts, ago=pause - 1)
    assert of.status.retry is not None
    assert of.status.retry.attempts == attempts
    assert decide(watched(of, settled=5000.0)).action is None
    assert isinstance(decide(watched(after(attempts, ago=pause), settled=5000.0)).action, Create)


def test_a_pause_is_never_shorter_than_the_settle_of_a_large_post() -> None:
    large = intent(specifications=30)
    situation = refused(resource(finalizer=True, intent=large))
    assert "after 2880 seconds" in message(situation)


def test_the_settle_is_proven_by_a_process_that_finds_a_post_that_is_due() -> None:
    decision = decide(watched(after(1, ago=500), settled=0.0))
    assert decision.action is None
    assert decision.requeue == 5.0


def test_a_long_pause_is_watched_seldom_until_the_settle_has_to_be_seen() -> None:
    assert decide(watched(after(4, ago=200), settled=200.0)).requeue == 60.0
    assert decide(watched(after(4, ago=900), settled=20.0)).requeue == 5.0


def test_a_users_request_ends_the_pause_and_not_the_settle() -> None:
    asked: dict[str, Any] = {"annotations": {"nvcf-operator.io/reconcile-requested-at": "now"}}
    of = resource(finalizer=True, status=after(5, ago=200).status.to_dict(), **asked)
    early = watched(of, settled=20.0)
    assert decide(early).action is None
    status = report(early, decide(early))
    assert status.last_handled_reconcile_at == "now"
    noted = resource(finalizer=True, status=status.to_dict(), **asked)
    assert isinstance(decide(watched(noted, settled=SETTLE + 1)).action, Create)


def test_an_edit_ends_the_pause() -> None:
    of = after(5, generation=1)
    edited = resource(finalizer=True, status=of.status.to_dict(), generation=2)
    assert isinstance(decide(watched(edited, settled=SETTLE + 1)).action, Create)


def test_the_count_outlives_what_nvcf_does_not_answer() -> None:
    down = Failure(Reason.NVCF_UNAVAILABLE, "get_deployment failed", Scope.SERVER)
    of = resource(finalizer=True, intent=intent())
    situation = replace(refused(of), observations={of.wanted_version: Unknown(down)})
    status = report(situation, decide(situation))
    assert status.retry is not None
    assert (status.retry.attempts, status.retry.message) == (1, WORDS)
    later = resource(finalizer=True, status=status.to_dict())
    assert WORDS in message(watched(later, settled=10.0))


def test_a_post_that_is_left_open_does_not_restart_the_count_of_failed_deployments() -> None:
    under_way = {"retry": {"reason": "DeploymentFailed", "attempts": 3}}
    left_open = refused(held("ERROR", status=under_way, finalizer=True, intent=intent()))
    status = report(left_open, decide(left_open))
    assert status.retry is not None
    assert (status.retry.reason, status.retry.attempts, status.retry.failed_deployments) == ("AwaitingAnswer", 1, 3)
    came = present(held("ERROR", status=status.to_dict()), deployment("ERROR"))
    retry = report(came, decide(came)).retry
    assert retry is not None
    assert (retry.reason, retry.attempts) == ("DeploymentFailed", 4)


def test_posts_without_an_end_are_stalled_at_the_progress_deadline() -> None:
    of = after(3, ago=3601)
    decision = decide(watched(of, settled=10.0))
    assert condition_set_of(decision) == ("ProgressDeadlineExceeded", False, False, True)
    assert WORDS in message(watched(of, settled=10.0))
    due = watched(of, settled=5000.0)
    action = decide(due).action
    assert isinstance(action, Create), "it goes on trying"
    reported = asking(due, action).condition_set
    assert reported is not None
    assert reported.stalled, "and does not turn back to progress for the length of a call"


def test_a_deployment_that_came_after_all_gets_the_whole_deadline() -> None:
    of = after(3, ago=3601)
    situation = present(of, deployment("DEPLOYING"))
    assert condition_set_of(decide(situation)) == ("Deploying", False, True, False)
    status = report(situation, decide(situation))
    assert status.progressing_since == NOW
    assert status.retry is None


def test_a_status_without_a_deployment_is_reported_with_the_way_out() -> None:
    first, second = (watched(after(n), settled=10.0, function_status="ACTIVE") for n in (1, 2))
    assert "Create another version" not in message(first)
    assert "NVCF shows the function version as ACTIVE but has no deployment of it" in message(second)
    assert "Create another version" not in message(replace(second, function_status="INACTIVE"))


def test_a_version_that_is_gone_is_reported_without_waiting_for_the_next_post() -> None:
    situation = watched(after(5, ago=200), settled=200.0, function=FunctionSeen.NOT_FOUND)
    assert condition_set_of(decide(situation))[0] == "FunctionNotFound"


@pytest.mark.parametrize("function", [FunctionSeen.NOT_FOUND, FunctionSeen.PUBLIC])
def test_a_version_that_was_reported_gone_stays_so_though_the_settle_begins_again(function: FunctionSeen) -> None:
    gone = watched(resource(finalizer=True, intent=intent()), settled=SETTLE, function=function)
    status = report(gone, decide(gone)).to_dict()
    later = watched(resource(finalizer=True, status=status), settled=0.0, function=function)
    assert later.open_intent is not None
    assert condition_set_of(decide(later))[0] == condition_set_of(decide(gone))[0] != "AwaitingAnswer"
    again = replace(later, function=FunctionSeen.OURS)
    assert condition_set_of(decide(again))[0] == "AwaitingAnswer"


# What an Event says.


def test_an_event_shows_the_first_refusal_and_each_other_text() -> None:
    first = of_failure(resource(finalizer=True, intent=intent()), fault())
    assert first is not None
    assert first.warning
    assert WORDS in first.message
    known = after(1)
    assert of_failure(known, fault()) is None
    assert of_failure(known, fault(detail="another")) is not None


def test_the_words_on_record_count_while_the_next_post_is_sent() -> None:
    known = after(1)
    action = decide(watched(after(1, ago=SETTLE), settled=SETTLE + 1)).action
    assert isinstance(action, Create)
    sending = report(watched(known, settled=SETTLE + 1), asking(watched(known, settled=SETTLE + 1), action))
    assert of_failure(resource(finalizer=True, status=sending.to_dict()), fault()) is None


def test_what_was_certainly_not_sent_is_no_event() -> None:
    closed = errors.Unreachable(operation="create_deployment", method="POST", path="/d", detail="refused")
    assert of_failure(resource(), error_classification.of_call(closed)) is None


# Changes in place: no settle, and the same words, deadline and Event.


def change_refused(of: Resource, failure: Failure, **changes: Any) -> Situation:
    return present(of, failure=failure, **changes)


def test_a_change_that_nvcf_refuses_by_5xx_runs_into_the_deadline() -> None:
    of, failure = held(gpu={"maxInstances": 9}, generation=2), fault("update_gpu_specification")
    assert isinstance(decide(present(of)).action, Change)
    begun = change_refused(of, failure, now=NOW - timedelta(seconds=3601))
    assert condition_set_of(decide(begun)) == ("NVCFUnavailable", False, True, False)
    status = report(begun, decide(begun))
    assert status.progressing_since == begun.now
    known = resource(finalizer=True, gpu={"maxInstances": 9}, generation=2, status=status.to_dict())
    late = change_refused(known, failure)
    assert condition_set_of(decide(late)) == ("ProgressDeadlineExceeded", False, False, True)
    assert failure.words in message(late)


def test_a_closed_gate_does_not_take_the_place_of_nvcfs_words() -> None:
    of, failure = held(gpu={"maxInstances": 9}, generation=2), fault("update_gpu_specification")
    begun = change_refused(of, failure)
    status = report(begun, decide(begun))
    known = resource(finalizer=True, gpu={"maxInstances": 9}, generation=2, status=status.to_dict())
    closed = change_refused(known, CLOSED)
    assert report(closed, decide(closed)).to_dict() == status.to_dict()


def test_an_outage_alone_begins_no_deadline() -> None:
    of = held(gpu={"maxInstances": 9}, generation=2)
    closed = change_refused(of, CLOSED)
    assert report(closed, decide(closed)).progressing_since is None


def test_a_pause_between_posts_holds_up_no_change_of_a_deployment_that_is_there() -> None:
    retry = Retry(attempts=5, next_attempt_time=NOW + timedelta(seconds=900), reason=Reason.AWAITING_ANSWER)
    of = held(status={"retry": retry.to_dict()}, gpu={"maxInstances": 9})
    assert isinstance(decide(present(of)).action, Change)


@pytest.mark.parametrize(
    ("of", "pause"),
    [
        pytest.param(resource(finalizer=True, intent=intent(OTHER_VERSION)), 60.0, id="an open intent"),
        pytest.param(resource(), 300.0, id="nothing"),
    ],
)
def test_a_conflict_soon_searches_for_what_an_earlier_post_may_still_make(of: Resource, pause: float) -> None:
    after_the_grace = LocalView(reported=(str(Reason.CONFLICT), of.generation), reported_for=60.0)
    situation = present(of, holders={VERSION: Key("team", "another")}, local=after_the_grace)
    assert decide(situation).requeue == pause


@pytest.mark.parametrize(("passed", "fresh"), [(5.0, False), (4000.0, True)])
def test_a_post_that_is_taken_at_length_restarts_the_deadline(passed: float, fresh: bool) -> None:
    since = NOW - timedelta(seconds=passed)
    of = resource(finalizer=True, status={"observedGeneration": 1, "progressingSince": since.isoformat()})
    made = present(of, deployment("DEPLOYING"), wrote=Create(VERSION, ()))
    assert report(made, decide(made)).progressing_since == (NOW if fresh else since)
    assert condition_set_of(decide(made))[0] == "Deploying"
