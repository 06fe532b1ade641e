"""A forced deletion is for the incident that it was asked for in, not for one that comes later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nvcf_operator.api import names
from nvcf_operator.api.model import render
from nvcf_operator.api.status import CREDENTIALS_VALID, DELETION_BLOCKED
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import DropFinalizer, Undeploy
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.model.versions import force_delete_is_stale
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules.credentials import in_ending_namespace, is_known_to_end
from tests.unit.core.situations import DEPLOYMENT, FUNCTION, NOW, VERSION, absent, held, present

SINCE = datetime(2026, 1, 31, 11, 59, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BAD_KEY = Failure(Reason.UNAUTHORIZED, "bad key", Scope.CREDENTIAL)
FORCE = {names.FORCE_DELETE_ANNOTATION: " True "}
BLOCKED = {"conditions": [{"type": "DeletionBlocked", "status": "True", "reason": "Unauthorized"}]}


@pytest.mark.parametrize(
    ("force", "set_at", "blocked_since", "seen_without", "stale", "reason"),
    [
        (False, None, SINCE, False, False, "it is not there"),
        (True, SINCE - SECOND, SINCE, False, True, "it was there before the deletion was blocked"),
        (True, SINCE, SINCE, False, True, "of the same second nobody knows which was first"),
        (True, SINCE + SECOND, SINCE, False, False, "it was set on an object whose deletion was blocked"),
        (True, None, SINCE, False, True, "nobody knows when it was set"),
        (True, SINCE + SECOND, None, False, True, "the deletion is not blocked"),
        (True, SINCE - SECOND, SINCE, True, False, "the deletion was seen blocked and without it"),
        (True, None, SINCE, True, False, "the deletion was seen blocked and without it"),
    ],
)
def test_force_delete_counts_where_it_was_set_once_the_deletion_was_blocked(
    force: bool, set_at: datetime | None, blocked_since: datetime | None, seen_without: bool, stale: bool, reason: str
) -> None:
    (condition,) = BLOCKED["conditions"]
    status = {"conditions": [{**condition, "lastTransitionTime": render(SINCE)}]} if blocked_since else {}
    of = replace(held(deleting=True, status=status), force_delete=force, force_delete_set_at=set_at, deleted_at=SINCE)
    assert force_delete_is_stale(of, seen_without=seen_without) == stale, reason


def test_a_blocked_deletion_is_released_by_force_delete_and_not_by_a_stale_one() -> None:
    of = held(deleting=True, annotations=FORCE, status=BLOCKED)
    assert decide(replace(absent(of), access=BAD_KEY)).action == DropFinalizer()
    stale = replace(of, force_delete=False)
    decision = decide(replace(absent(stale), access=BAD_KEY, local=LocalView(stale_force_delete=True)))
    assert decision.action is None
    assert decision.condition_set is not None
    assert decision.condition_set.blocked
    assert "remove it and set it again" in decision.condition_set.message


def test_a_deletion_that_is_not_blocked_undeploys_whatever_force_delete_says() -> None:
    assert isinstance(decide(present(held(deleting=True, annotations=FORCE))).action, Undeploy)


@pytest.mark.parametrize("reason", [Reason.NO_CREDENTIALS, Reason.SECRET_NOT_FOUND])
def test_in_a_namespace_that_ends_the_advice_can_be_followed(reason: Reason) -> None:
    of = held(deleting=True)
    missing = Failure(reason, "There is no Secret team/x. Create that Secret.", Scope.CREDENTIAL)
    situation = Situation(of, NOW, access=in_ending_namespace(missing))
    status = report(situation, decide(situation))
    messages = {item.type: item.message for item in status.conditions}
    for kind in (DELETION_BLOCKED, CREDENTIALS_VALID):
        assert "There is no Secret team/x. Its namespace is being deleted" in messages[kind]
        assert "Create" not in messages[kind]
    assert 'force-delete: "true"' in messages[DELETION_BLOCKED]
    assert f"function {FUNCTION}, version {VERSION}, deployment {DEPLOYMENT}" in messages[DELETION_BLOCKED]
    assert is_known_to_end(held(deleting=True, status=status.to_dict())), "also after a restart"
    assert not is_known_to_end(of)


def test_a_secret_that_is_there_can_be_put_right_in_a_namespace_that_ends_too() -> None:
    refused = Failure(Reason.UNAUTHORIZED, "NVCF does not know it. Put a valid key there.", Scope.CREDENTIAL)
    assert in_ending_namespace(refused) == refused
