"""A drain on record belongs to one deployment: of another one of the same version it says nothing."""

from datetime import timedelta

import pytest

from nvcf_operator.api.status import Retiring
from nvcf_operator.core.branches.undeploying import asked_for, begun, drained_too_long, is_about_another, recorded
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import Action, Undeploy
from nvcf_operator.core.model.observed import Present
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules.retries import retry_due_in
from tests.unit.core.situations import DEPLOYMENT, NOW, VERSION, absent, deployment, held, present, put_on_record

EARLIER = "dddddddd-0000-4000-8000-00000000000e"
HOUR = timedelta(hours=1)
OLD = Retiring(
    function_version_id=VERSION,
    deployment_id=DEPLOYMENT,
    since=NOW - 2 * HOUR,
    deadline=NOW - HOUR,
)


def drains(of: str | None, shown: str | None = DEPLOYMENT, *, status: str = "INACTIVE") -> Situation:
    """A record of an overdue drain of one deployment, and NVCF shows one of the same version."""
    item = OLD.model_copy(update={"deployment_id": of}).to_dict()
    return present(held(status={"retiring": [item]}), deployment(status, deploymentId=shown))


RECORDS = [
    pytest.param(drains(DEPLOYMENT), True, id="the very one"),
    pytest.param(drains(EARLIER), False, id="an earlier one"),
    pytest.param(drains(DEPLOYMENT, None), True, id="the server has no ids"),
    pytest.param(drains(None), False, id="the record has no id, and the server has"),
    pytest.param(drains(None, None), True, id="neither has one"),
    pytest.param(absent(held(status={"retiring": [OLD.to_dict()]})), True, id="none is shown at the moment"),
]


@pytest.mark.parametrize(("situation", "counts"), RECORDS)
def test_a_record_of_a_drain_counts_for_its_own_deployment_alone(situation: Situation, counts: bool) -> None:
    (item,) = situation.resource.status.retiring
    assert (recorded(situation, VERSION) is not None) == counts
    assert asked_for(situation, VERSION) == counts
    assert drained_too_long(situation, VERSION) == counts
    shown = isinstance(situation.observation(VERSION), Present)
    assert is_about_another(situation, item) == (shown and not counts)


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE"])
def test_an_overdue_drain_of_an_earlier_deployment_forces_nothing_and_goes_off_the_record(status: str) -> None:
    situation = drains(EARLIER, status=status)
    assert decide(situation).action is None
    left = report(situation, decide(situation)).retiring
    assert [item.deployment_id for item in left if item.deployment_id == EARLIER] == []


FORCED: Action = Undeploy(VERSION, graceful=False, deployment_id=DEPLOYMENT)


def test_an_overdue_drain_of_the_very_deployment_is_forced() -> None:
    assert decide(drains(DEPLOYMENT)).action == FORCED


def test_the_pause_after_a_refused_request_holds_back_no_drain() -> None:
    retry = {"attempts": 3, "nextAttemptTime": (NOW + timedelta(seconds=240)).isoformat(), "reason": "NoCapacity"}
    paused = held(status={"retiring": [OLD.to_dict()], "retry": retry})
    assert retry_due_in(present(paused, deployment("INACTIVE"))) == 240.0
    assert decide(present(paused, deployment("INACTIVE"))).action == FORCED, "an overdue drain"
    assert decide(present(paused, deployment("ACTIVE"))).action == FORCED, "a row that came back"


def test_what_is_on_record_of_a_drain_keeps_its_times_and_stays_forced() -> None:
    again = begun(drains(DEPLOYMENT), VERSION, forced=True)
    assert (again.since, again.deadline, again.forced) == (OLD.since, OLD.deadline, True)
    known = held(status={"retiring": [OLD.model_copy(update={"forced": True}).to_dict()]})
    assert begun(present(known, deployment("INACTIVE")), VERSION, forced=False).forced


@pytest.mark.parametrize(
    ("situation", "names"),
    [
        pytest.param(drains(EARLIER), None, id="NVCF shows another one"),
        pytest.param(absent(held(status={"retiring": [OLD.to_dict()]})), EARLIER, id="another one was undeployed"),
        pytest.param(present(held()), None, id="nothing is on record"),
    ],
)
def test_the_drain_of_another_deployment_begins_now(situation: Situation, names: str | None) -> None:
    item = begun(situation, VERSION, forced=False, deployment_id=names)
    assert (item.since, item.deadline, item.deployment_id) == (NOW, NOW + HOUR, names or DEPLOYMENT)


def test_a_drain_is_reported_with_the_requests_that_were_queued_when_it_began() -> None:
    undeployed = Undeploy(VERSION, graceful=True, deployment_id=DEPLOYMENT)
    before = present(held(deleting=True), queued={VERSION: 12}, wrote=undeployed)
    status = put_on_record(before)
    (item,) = status.retiring
    assert item.queued_requests == 12
    later = present(held(deleting=True, status=status.to_dict()), deployment("INACTIVE"), queued={VERSION: 3})
    shown = report(later, decide(later))
    (ready,) = (item for item in shown.conditions if item.type == "Ready")
    assert "serving its queued requests (12 when the drain began), for at most" in ready.message
    assert shown.retiring == status.retiring, "it is recorded once"


def test_a_drain_that_is_cut_short_at_once_counts_no_requests() -> None:
    forced = Undeploy(VERSION, graceful=False, deployment_id=DEPLOYMENT)
    before = present(held(deleting=True), queued={VERSION: 12}, wrote=forced)
    assert [item.queued_requests for item in put_on_record(before).retiring] == [None]
