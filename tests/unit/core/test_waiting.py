"""What NVCF refused: how it is reported, and when it is tried again."""

from datetime import timedelta

import pytest

from nvcf_client.errors import Rejected
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.observed import AccountView, Failure, Proof, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import answered
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules.error_classification import of_call
from nvcf_operator.core.rules.retries import retry_due_in
from tests.unit.core.situations import ACCOUNT, NOW, absent, condition_set_of, held, intent, present, resource


@pytest.mark.parametrize(
    ("reason", "key", "waits"),
    [
        pytest.param(Reason.FORBIDDEN, "fingerprint", True, id="too few rights, the same key"),
        pytest.param(Reason.FORBIDDEN, "another", False, id="too few rights, another key"),
        pytest.param(Reason.REJECTED, "another", True, id="a refusal that no key changes"),
    ],
)
def test_another_key_ends_the_wait_only_for_what_the_key_was_refused_for(reason: Reason, key: str, waits: bool) -> None:
    retry = {"attempts": 3, "nextAttemptTime": (NOW + timedelta(seconds=240)).isoformat(), "reason": reason}
    situation = present(held(status={"retry": retry}), account=AccountView(Proof.PROVEN, ACCOUNT, key))
    assert retry_due_in(situation) == (240.0 if waits else 0.0)


@pytest.mark.parametrize("settled", [0.0, 1000.0], ids=["seen gone a moment ago", "gone for long"])
def test_the_very_first_post_that_is_refused_is_reported_as_refused(settled: float) -> None:
    refused = Failure(Reason.REJECTED, "no such GPU", Scope.RESOURCE)
    of = resource(finalizer=True, intent=intent())
    decision = decide(absent(of, for_seconds=settled, failure=refused, answered_intent=answered(intent())))
    assert condition_set_of(decision) == ("Rejected", False, False, True)


NO_ROOM = "There are no available clusters with capacity for L40S GPU or NCP.GPU.L40S_1x instance type"


def refusal(detail: str) -> Failure:
    """What NVCF's 400 to a POST means."""
    return of_call(Rejected(operation="create_deployment", method="POST", path="/d", status=400, detail=detail))


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        (NO_ROOM, Reason.NO_CAPACITY),
        ("there are no available clusters for L40S GPU or X instance type", Reason.NO_CAPACITY),
        ("There are no available clusters with reservation for L40S GPU or X instance type", Reason.NO_CAPACITY),
        ("Invalid GPU 'Z9'", Reason.REJECTED),
        ("", Reason.REJECTED),
    ],
)
def test_a_lack_of_capacity_is_distinguished_from_a_manifest_that_is_wrong(detail: str, reason: Reason) -> None:
    failure = refusal(detail)
    assert (failure.reason, failure.scope) == (reason, Scope.RESOURCE)
    assert detail in failure.message


def test_a_lack_of_capacity_is_reconciling_with_nvcfs_words_until_the_deadline_is_over() -> None:
    of = resource(finalizer=True, intent=intent(), spec={"rollout": {"progressDeadlineSeconds": 90}})
    situation = absent(of, failure=refusal(NO_ROOM), answered_intent=answered(intent()))
    decision = decide(situation)
    assert condition_set_of(decision) == (Reason.NO_CAPACITY, False, True, False)
    assert decision.requeue == 60.0
    status = report(situation, decision)
    assert NO_ROOM in str(status.conditions)
    assert status.retry is not None
    kept = resource(finalizer=True, status=status.to_dict(), spec={"rollout": {"progressDeadlineSeconds": 90}})

    meanwhile = absent(kept, now=NOW + timedelta(seconds=30))
    assert report(meanwhile, decide(meanwhile)) == status, "nothing is written while it waits"

    again = absent(kept, now=NOW + timedelta(seconds=60), failure=refusal(NO_ROOM))
    decision = decide(again)
    assert condition_set_of(decision) == (Reason.NO_CAPACITY, False, True, False)
    assert decision.requeue == 30.0, "though it is asked again after 120 s only"
    status = report(again, decision)

    kept = resource(finalizer=True, status=status.to_dict(), spec={"rollout": {"progressDeadlineSeconds": 90}})
    late = absent(kept, now=NOW + timedelta(seconds=90))
    decision = decide(late)
    assert condition_set_of(decision) == (Reason.PROGRESS_DEADLINE_EXCEEDED, False, False, True)
    assert decision.condition_set is not None
    assert NO_ROOM in decision.condition_set.message
    assert (decision.requeue, report(late, decision).retry) == (90.0, status.retry), "and it is asked again"
