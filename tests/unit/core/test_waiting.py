"""When what NVCF refused is tried again."""

from datetime import timedelta

import pytest

from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.situation import AccountView, Proof
from nvcf_operator.core.waiting import retry_due_in
from unit.core.situations import ACCOUNT, NOW, held, present


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
