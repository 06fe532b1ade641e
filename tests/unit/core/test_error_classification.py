"""Each failed call is in the table, under its own row, and says what it means."""

from typing import Any

import pytest

from nvcf_client import errors
from nvcf_operator.core.model.observed import Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.rules import error_classification
from nvcf_operator.core.rules.error_classification import TABLE, Effect


def leaves(kind: type[errors.NvcfError]) -> list[type[errors.NvcfError]]:
    return [kind] + [leaf for each in kind.__subclasses__() for leaf in leaves(each)]


def error(kind: type[errors.NvcfError], status: int | None = None, **more: Any) -> errors.NvcfError:
    return kind(operation="get_deployment", method="GET", path="/d", detail="words", status=status, **more)


@pytest.mark.parametrize("kind", leaves(errors.NvcfError)[1:], ids=lambda kind: kind.__name__)
def test_each_kind_of_error_has_a_row_of_its_own(kind: type[errors.NvcfError]) -> None:
    assert error_classification.row_of(error(kind)).kind is kind


def test_no_row_hides_behind_an_earlier_one() -> None:
    kinds = [row.kind for row in TABLE]
    assert not [(a, b) for i, a in enumerate(kinds) for b in kinds[i + 1 :] if issubclass(b, a)]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.kind.__name__)
def test_a_refused_read_is_never_the_manifests_fault(row: error_classification.Row) -> None:
    assert row.read.reason != Reason.REJECTED
    assert row.listing.scope != Scope.RESOURCE


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.kind.__name__)
def test_each_failure_says_what_came_and_what_happens(row: error_classification.Row) -> None:
    status = 429 if row.kind is errors.Throttled else 418
    failed = error(row.kind, status, retry_after=7.0)
    for failure, meaning in (
        (error_classification.of_call(failed), row.write),
        (error_classification.of_reading(failed), row.read),
        (error_classification.of_credential(failed), row.listing),
    ):
        assert (failure.reason, failure.scope, failure.retry_after) == (meaning.reason, meaning.scope, 7.0)
        assert (failed.detail if row.kind is errors.Unreachable else str(status)) in failure.message
        assert "retries" in failure.message


def test_only_a_pause_and_failures_may_pass_by_themselves() -> None:
    passing = {row.kind for row in TABLE if error_classification.may_pass(error(row.kind))}
    assert passing == {errors.Throttled, errors.ServerFault, errors.OutcomeUnknown, errors.Unreachable}
    assert {row.effect for row in TABLE} == set(Effect)
