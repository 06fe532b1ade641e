"""What a resource says while NVCF does not answer."""

from typing import Any

import pytest

from nvcf_client.errors import NvcfError, Obstacle, OutcomeUnknown, ServerFault, Unreachable
from nvcf_operator.core.model.observed import Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.report import error_messages
from nvcf_operator.core.rules import error_classification


def failure(kind: type[NvcfError], **more: Any) -> NvcfError:
    return kind(**{"operation": "get_deployment", "method": "GET", "path": "/d", "detail": "d", **more})


@pytest.mark.parametrize("obstacle", Obstacle)
def test_what_is_in_the_way_is_reported_with_what_to_do(obstacle: Obstacle) -> None:
    text = error_messages.outage_message(
        failure(Unreachable, obstacle=obstacle, detail="https://h/v2/nvcf: the system's words")
    )
    assert text.startswith("NVCF cannot be reached: https://h/v2/nvcf: the system's words. ")
    assert error_messages.ADVICE[obstacle] in text
    assert text.endswith(error_messages.AGAIN)


ERRORS = [
    failure(Unreachable, obstacle=Obstacle.TLS),
    failure(OutcomeUnknown),
    failure(ServerFault, status=503),
    failure(ServerFault, status=502, foreign=True),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_all_reading_calls_that_meet_one_failure_say_the_same(error: NvcfError) -> None:
    text = error_messages.outage_message(error)
    assert error.operation not in text
    for meaning in (error_classification.of_reading, error_classification.of_credential):
        failure = meaning(error)
        assert (failure.reason, failure.scope, failure.message) == (Reason.NVCF_UNAVAILABLE, Scope.SERVER, text)


def test_a_write_that_was_not_sent_says_the_same_as_well() -> None:
    error = failure(Unreachable, operation="create_deployment", method="POST", obstacle=Obstacle.NAME)
    assert error_classification.of_call(error).message == error_messages.outage_message(error)


def test_what_the_server_said_to_one_resources_write_is_not_reported_to_others() -> None:
    error = failure(ServerFault, operation="create_deployment", method="POST", status=500, detail="its values")
    assert "its values" not in error_messages.outage_message(error)
    assert "its values" in error_classification.of_call(error).message
