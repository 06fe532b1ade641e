"""What NVCF refused: how it is told, and when it is tried again."""

from datetime import timedelta

import pytest

from nvcf_operator.core.decide import decide
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.report import answered
from nvcf_operator.core.situation import AccountView, Proof, Trouble, Whose
from nvcf_operator.core.waiting import retry_due_in
from unit.core.situations import ACCOUNT, NOW, absent, held, intent, present, resource, verdict_of


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
def test_the_very_first_post_that_is_refused_is_told_as_refused(settled: float) -> None:
    refused = Trouble(Reason.REJECTED, "no such GPU", Whose.RESOURCE)
    of = resource(finalizer=True, intent=intent())
    decision = decide(absent(of, for_seconds=settled, failure=refused, answered_intent=answered(intent())))
    assert verdict_of(decision) == ("Rejected", False, False, True)
