"""What a resource says while NVCF asks for a pause."""

import pytest

from nvcf_client.errors import Throttled
from nvcf_operator.core.report.error_messages import slow_down
from nvcf_operator.core.rules import error_classification

PLAIN = "The operator waits and retries."
BOUNDED = (
    "The operator retries after at most 15 minutes; an edit, a reconcile-requested-at or a deletion is tried after at "
    "most 2."
)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (None, f"NVCF is rate limiting this account (429). {PLAIN}"),
        (0.5, f"NVCF is rate limiting this account (429) for up to a minute. {PLAIN}"),
        (60.0, f"NVCF is rate limiting this account (429) for up to a minute. {PLAIN}"),
        (61.0, f"NVCF is rate limiting this account (429) for up to 2 minutes. {PLAIN}"),
        (120.0, f"NVCF is rate limiting this account (429) for up to 2 minutes. {PLAIN}"),
        (121.0, f"NVCF is rate limiting this account (429) for up to 5 minutes. {BOUNDED}"),
        (3600.0, f"NVCF is rate limiting this account (429) for up to an hour. {BOUNDED}"),
        (43_200.0, f"NVCF is rate limiting this account (429) for up to 12 hours. {BOUNDED}"),
        (86_400.0, f"NVCF is rate limiting this account (429) for more than 12 hours. {BOUNDED}"),
    ],
)
def test_a_pause_is_reported_by_what_was_asked_for_and_by_how_far_it_is_kept(asked: float | None, message: str) -> None:
    assert slow_down(asked) == message


def test_the_call_that_was_throttled_says_what_all_say_that_wait_behind_it() -> None:
    error = Throttled(
        operation="create_deployment", method="POST", path="/", status=429, detail="größe & <nil>", retry_after=3599.0
    )
    reasons = {
        meaning(error).message
        for meaning in (
            error_classification.of_call,
            error_classification.of_reading,
            error_classification.of_credential,
        )
    }
    assert reasons == {slow_down(3600.0)}
    error.asked = None
    assert error_classification.of_call(error).message == slow_down(None)
