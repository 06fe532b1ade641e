"""What another controller may bring is waited for before it counts as standing still."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nvcf_operator.api.names import Key
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import Create
from nvcf_operator.core.model.observed import Failure, FunctionSeen, Scope, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import LocalView, Situation, Timing
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules import retries
from nvcf_operator.state.local_state import LocalState
from tests.unit.core.situations import NOW, VERSION, absent, conditions_of, held, resource

CREDENTIALS = (
    Reason.NO_CREDENTIALS,
    Reason.SECRET_NOT_FOUND,
    Reason.SECRET_INVALID,
    Reason.SECRET_NOT_PERMITTED,
    Reason.UNAUTHORIZED,
    Reason.MISSING_SCOPE,
)


def without_key(reason: Reason) -> Situation:
    return Situation(resource(), NOW, access=Failure(reason, "it says why", Scope.CREDENTIAL))


AWAITED: list[tuple[str, Situation, Reason]] = [
    *((reason, without_key(reason), reason) for reason in CREDENTIALS),
    (
        "a key that is refused in a reconcile",
        Situation(
            resource(),
            NOW,
            observations={VERSION: Unknown(Failure(Reason.UNAUTHORIZED, "no", Scope.CREDENTIAL, retry_after=300.0))},
        ),
        Reason.UNAUTHORIZED,
    ),
    ("no such version", absent(resource(), function=FunctionSeen.NOT_FOUND), Reason.FUNCTION_NOT_FOUND),
    ("another holds it", absent(resource(), holders={VERSION: Key("team", "other")}), Reason.CONFLICT),
]
CASES = pytest.mark.parametrize(("situation", "reason"), [pytest.param(*case[1:], id=case[0]) for case in AWAITED])


def after(situation: Situation, reason: Reason, seconds: float, *, generation: int = 1) -> Situation:
    """The same, after this process has reported that reason for so long."""
    return replace(situation, local=LocalView(reported=(reason, generation), reported_for=seconds))


def shown(situation: Situation) -> tuple[str, str, str]:
    """Status of Reconciling and Stalled, reason of Ready, which is False."""
    conditions = conditions_of(situation)
    assert conditions["Ready"][0] == "False"
    return conditions["Reconciling"][0], conditions["Stalled"][0], conditions["Ready"][1]


@CASES
def test_it_is_reconciling_for_the_grace_and_then_stalled(situation: Situation, reason: Reason) -> None:
    assert shown(situation) == ("True", "False", reason)
    assert shown(after(situation, reason, 59.9)) == ("True", "False", reason)
    assert shown(after(situation, reason, 60.0)) == ("False", "True", reason)


@CASES
def test_it_is_reconciled_again_when_the_grace_is_over(situation: Situation, reason: Reason) -> None:
    requeue = decide(after(situation, reason, 58.0)).requeue
    assert requeue is not None
    assert requeue <= 2.0


@CASES
def test_what_is_on_record_as_stalled_is_not_waited_for_again(situation: Situation, reason: Reason) -> None:
    late = after(situation, reason, 60.0)
    stored = report(late, decide(late)).to_dict()
    assert shown(replace(situation, resource=resource(status=stored))) == ("False", "True", reason)


@CASES
def test_another_reason_or_manifest_is_waited_for_again(situation: Situation, reason: Reason) -> None:
    assert shown(after(situation, Reason.NVCF_UNAVAILABLE, 600.0)) == ("True", "False", reason)
    assert shown(after(situation, reason, 600.0, generation=0)) == ("True", "False", reason)


@pytest.mark.parametrize(
    "reason", [Reason.FORBIDDEN, Reason.BASE_URL_NOT_ALLOWED, Reason.PUBLIC_FUNCTION, Reason.REJECTED]
)
def test_what_only_a_user_can_change_is_not_waited_for(reason: Reason) -> None:
    assert retries.grace_left(absent(resource()), reason) == 0.0


def test_the_grace_is_as_long_as_it_is_set() -> None:
    situation = replace(without_key(Reason.NO_CREDENTIALS), timing=Timing(stalled_grace=5.0))
    assert retries.grace_left(after(situation, Reason.NO_CREDENTIALS, 2.0), Reason.NO_CREDENTIALS) == 3.0


def test_a_missing_version_is_searched_for_within_seconds_and_only_afterwards_by_recorded_waits() -> None:
    missing = absent(resource(), function=FunctionSeen.NOT_FOUND)
    first = decide(missing)
    assert (first.requeue, first.retry) == (1.0, None)
    later = decide(after(missing, Reason.FUNCTION_NOT_FOUND, 60.0))
    assert later.retry is not None
    assert (later.requeue, later.retry.attempts) == (60.0, 1)


def test_a_missing_version_counts_once_a_pause_and_is_deployed_as_soon_as_it_is_there() -> None:
    ours = resource(finalizer=True)
    missing = after(absent(ours, function=FunctionSeen.NOT_FOUND), Reason.FUNCTION_NOT_FOUND, 60.0)
    stored = report(missing, decide(missing))
    again = replace(
        missing, resource=resource(finalizer=True, status=stored.to_dict()), now=missing.now + timedelta(seconds=30)
    )
    assert decide(again).retry == stored.retry, "a poll meanwhile counts for nothing"
    there = replace(again, function=FunctionSeen.OURS)
    assert isinstance(decide(there).action, Create)


def test_a_missing_version_is_reported_before_a_settle() -> None:
    gone = absent(held(), for_seconds=1.0, function=FunctionSeen.NOT_FOUND)
    assert shown(gone)[2] == Reason.FUNCTION_NOT_FOUND


def test_a_resource_in_order_keeps_its_conditions_while_its_secret_is_missing() -> None:
    failure = Failure(Reason.SECRET_NOT_FOUND, "it says why", Scope.CREDENTIAL)
    assert conditions_of(Situation(held(), NOW, access=failure))["Ready"] == ("True", Reason.ACTIVE)


def test_the_span_is_what_this_process_has_reported_without_a_break() -> None:
    def say(situation: Situation) -> FunctionDeploymentStatus:
        return report(situation, decide(situation))

    local, missing = LocalState(uid="u"), without_key(Reason.NO_CREDENTIALS)
    local.reports(missing.resource, say(missing), 100.0)
    local.reports(missing.resource, say(replace(missing, now=datetime(2030, 1, 1, tzinfo=UTC))), 130.0)
    assert local.local_view(140.0).reported_for == 40.0, "whatever the time of day"
    refused = without_key(Reason.UNAUTHORIZED)
    local.reports(refused.resource, say(refused), 150.0)
    assert local.local_view(151.0).reported_for == 1.0
    local.reports(replace(refused.resource, generation=2), say(refused), 160.0)
    assert local.local_view(161.0).reported_for == 1.0
