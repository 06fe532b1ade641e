"""What errors say."""

import pickle
from typing import Any

import pytest

from nvcf_client import errors
from nvcf_client.errors import NvcfError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NvcfError)]
CALL: dict[str, Any] = {"operation": "get_deployment", "method": "GET", "path": "/deployments/x", "detail": "why"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_survives_a_process_border_whole(kind: type[NvcfError]) -> None:
    error = kind(**CALL, status=418, request_id="r", retry_after=2.5)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (kind, str(error), vars(error))


@pytest.mark.parametrize("kind", KINDS)
def test_only_errors_that_leave_doubt_say_that_a_write_may_be_done(kind: type[NvcfError]) -> None:
    assert kind(**CALL).maybe_done == (kind in (errors.ServerFault, errors.OutcomeUnknown))


def test_a_long_detail_is_cut_and_the_call_still_named() -> None:
    text = str(errors.Rejected(**{**CALL, "detail": "x" * 2_000, "path": "/p" * 500}, status=400, request_id="r" * 64))
    assert len(text) == errors.MAX_MESSAGE
    assert "get_deployment was rejected (400): xxx" in text
    assert "... (GET /p/p" in text
    assert text.endswith("]")
