"""What NVCF's refusal of a registration means: the key's, a registry's, the quota's or the manifest's fault."""

from typing import Any

import pytest

from nvcf_client import errors
from nvcf_operator.core.model.observed import Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.rules.registration_errors import may_be_a_registrys, of_registration

QUOTA = "Account 'acct': Reached or exceeded the max limit for the number of functions allowed: 2. Please contact ..."
POLICY = "Function id 'f': Forbidden to create function version"


def error(kind: type[errors.NvcfError], status: int | None = None, detail: str = "words", **more: Any) -> Any:
    return kind(operation="create_function", method="POST", path="/functions", detail=detail, status=status, **more)


@pytest.mark.parametrize(
    ("failed", "reason", "scope"),
    [
        (error(errors.NotFound, 404), Reason.ARTIFACT_REJECTED, Scope.RESOURCE),
        (error(errors.Unauthorized, 401), Reason.ARTIFACT_REJECTED, Scope.RESOURCE),
        (error(errors.Forbidden, 403), Reason.ARTIFACT_REJECTED, Scope.RESOURCE),
        (error(errors.Forbidden, 403, "Access Denied"), Reason.FORBIDDEN, Scope.RESOURCE),
        (error(errors.Forbidden, 403, POLICY), Reason.FORBIDDEN, Scope.RESOURCE),
        (error(errors.Rejected, 400, QUOTA), Reason.QUOTA_EXCEEDED, Scope.RESOURCE),
        (error(errors.Rejected, 400), Reason.REJECTED, Scope.RESOURCE),
        (error(errors.Rejected, 400, "no available clusters"), Reason.REJECTED, Scope.RESOURCE),
        (error(errors.Throttled, 429, retry_after=3.0), Reason.THROTTLED, Scope.SERVER),
        (error(errors.ServerFault, 500, QUOTA), Reason.NVCF_UNAVAILABLE, Scope.SERVER),
        (error(errors.OutcomeUnknown), Reason.NVCF_UNAVAILABLE, Scope.SERVER),
        (error(errors.Unreachable), Reason.NVCF_UNAVAILABLE, Scope.SERVER),
        (error(errors.Redirected, 302), Reason.INVALID_ANSWER, Scope.SERVER),
    ],
)
def test_what_a_failed_registration_means(failed: errors.NvcfError, reason: Reason, scope: Scope) -> None:
    failure = of_registration(failed)
    assert (failure.reason, failure.scope) == (reason, scope)
    assert "retries" in failure.message
    assert bool(failure.words) == failed.maybe_done


def test_only_what_a_registry_may_have_said_is_checked_against_the_list() -> None:
    asked = [kind for kind in errors.NvcfError.__subclasses__() if may_be_a_registrys(error(kind))]
    assert set(asked) == {errors.NotFound, errors.Unauthorized, errors.Forbidden}


def test_a_key_that_may_not_register_hears_of_scope_and_policy() -> None:
    message = of_registration(error(errors.Forbidden, 403, POLICY)).message
    assert "register_function" in message
    assert "account-functions:*" in message
    assert POLICY in message


def test_the_quota_says_that_kept_versions_count() -> None:
    assert "kept former ones" in of_registration(error(errors.Rejected, 400, QUOTA)).message
