"""`status.running`: when a number is kept, when it goes, and when "ACTIVE, none runs" is certain."""

from dataclasses import replace
from typing import Any

import pytest

from nvcf_client.models import Instance
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.observed import Failure, InstancesSeen, Listed, Scope, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Situation
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.report.events import without_instances
from nvcf_operator.core.report.instances import count
from tests.unit.core.situations import (
    FUNCTION,
    OTHER_VERSION,
    VERSION,
    absent,
    deployment,
    held,
    present,
    put_on_record,
    resource,
)

NONE = InstancesSeen("ACTIVE", 0, 0)
FOR_LONG = replace(NONE, none_for=60.0)
STARTING = InstancesSeen("ACTIVE", 0, 1)


def after(situation: Situation, *seen: InstancesSeen | None, version: str = VERSION) -> FunctionDeploymentStatus:
    """The status after a reconcile that read the instances, or did not."""
    situation = replace(situation, instances=dict.fromkeys([version], *seen) if seen else {})
    return put_on_record(situation)


def ordered(least: int) -> Any:
    return deployment(gpu={"minInstances": least})


def recorded(running: int | None, **changes: Any) -> Any:
    return held(status={"running": running}, **changes)


@pytest.mark.parametrize(
    ("states", "running"),
    [
        ([], 0),
        (["ACTIVE", "RUNNING", "active"], 3),
        (["STARTING", "ERRORED", "PREEMPTED", "DELETED", "TERMINATED"], 0),
        ([None, "SCHLÄFT & <wartet>"], 0),
    ],
)
def test_what_is_active_or_running_counts(states: list[str | None], running: int) -> None:
    assert count(Instance(instance_status=state) for state in states) == running


def test_a_number_that_was_read_is_reported_and_kept_until_the_next_read() -> None:
    assert after(present(held()), InstancesSeen("ACTIVE", 3, 4)).running == 3
    assert after(present(recorded(3))).running == 3
    assert after(present(recorded(3)), InstancesSeen("ACTIVE", 2, 2)).running == 2


@pytest.mark.parametrize(
    ("what", "situation"),
    [
        ("the key may not see instances", (present(recorded(3)), None)),
        ("another status, and no read", (present(recorded(3), deployment("DEGRADED")),)),
        ("another deployment", (present(recorded(3), deployment(deploymentId="another")),)),
        ("undeployed", (absent(recorded(3)),)),
        ("a drain", (present(recorded(3), deployment("INACTIVE")),)),
        ("the minimum was raised from 0 since", (present(held(status={"running": 0, "gpuSpecifications": []})),)),
        ("those shown do not run yet", (present(recorded(3)), STARTING)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_number_that_nothing_shows_any_more_goes(what: str, situation: tuple[Any, ...]) -> None:
    assert after(*situation).running is None, what


def test_a_number_stays_while_only_the_list_is_read() -> None:
    assert after(replace(present(recorded(3)), observations={VERSION: Listed("ACTIVE")})).running == 3


def test_without_the_setting_there_is_no_number() -> None:
    situation = present(recorded(3))
    assert report(situation, decide(situation)).running is None


def test_none_is_certain_only_after_a_poll_interval_of_none() -> None:
    first, later = present(recorded(2)), present(recorded(2))
    assert after(first, NONE).running == 2
    assert after(present(held()), NONE).running is None
    assert after(later, FOR_LONG).running == 0
    assert after(present(recorded(0)), NONE).running == 0, "a restart forgets since when, and the record does not"
    assert after(present(recorded(0)), STARTING).running == 0


def test_none_is_not_certain_before_a_change_is_read_back() -> None:
    situation = present(recorded(2))
    young = replace(situation, local=replace(situation.local, verify=True))
    assert after(young, FOR_LONG).running == 2


def test_none_is_plain_where_none_has_to_run_or_the_version_is_not_active() -> None:
    idle = resource(gpu={"minInstances": 0}, finalizer=True)
    assert after(present(idle, ordered(0)), NONE).running == 0
    assert after(present(held("DEPLOYING"), deployment("DEPLOYING")), InstancesSeen("DEPLOYING", 0, 1)).running == 0


def test_the_event_comes_once_with_what_to_do_and_none_when_it_is_over() -> None:
    before = recorded(2)
    (note,) = without_instances(before, after(present(before), FOR_LONG))
    assert (note.warning, note.reason) == (True, Reason.NO_INSTANCES)
    for part in (VERSION, "at least 1 instance", "redeploy-requested-at"):
        assert part in note.message
    assert without_instances(recorded(0), after(present(recorded(0)), FOR_LONG)) == ()
    assert without_instances(recorded(0), after(present(recorded(0)), InstancesSeen("ACTIVE", 1, 1))) == ()
    assert without_instances(before, after(present(before), NONE)) == ()


def test_in_a_rollout_the_number_is_of_the_version_that_serves() -> None:
    rolling = held(spec={"functionVersionId": OTHER_VERSION}, status={"running": 2})
    situation = present(rolling, deployment())
    assert situation.resource.status.function_id == FUNCTION
    assert after(situation, InstancesSeen("ACTIVE", 9, 9), version=OTHER_VERSION).running == 2
    assert after(situation, InstancesSeen("ACTIVE", 4, 4)).running == 4


def test_an_unknown_answer_keeps_the_number() -> None:
    failure = Failure(Reason.NVCF_UNAVAILABLE, "NVCF antwortet nicht: <größe> & 5xx", Scope.SERVER)
    assert after(replace(present(recorded(3)), observations={VERSION: Unknown(failure)})).running == 3
