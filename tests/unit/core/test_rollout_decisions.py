"""Version rollouts, redeployments and retries of ERROR, a case a rule; the record after each is part of the rule."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_client.models import Deployment
from nvcf_operator.api import names
from nvcf_operator.api.names import Key
from nvcf_operator.api.status import FunctionDeploymentStatus
from nvcf_operator.core.branches.redeployment import ATTEMPTS
from nvcf_operator.core.decide import decide, unfinished
from nvcf_operator.core.model.decision import Action, Change, Create, Purpose, Undeploy
from nvcf_operator.core.model.observed import Absent, Failure, FunctionSeen, Observation, Present, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.report.conditions import report
from tests.unit.core.situations import (
    DEPLOYMENT,
    NOW,
    OTHER_VERSION,
    PROVEN,
    VERSION,
    conditions_of,
    deployment,
    held,
    intent,
    present,
)

OLD, NEW = VERSION, OTHER_VERSION
THIRD = "7c1e0000-0000-4000-8000-000000000003"
WANTS_NEW = {"functionVersionId": NEW}
RECREATE = {**WANTS_NEW, "rollout": {"versionChange": "Recreate"}}
REDEPLOY = {"rollout": {"immutableChange": "Redeploy"}}
LONG = Absent(1000.0)


def id_of(version: str) -> str:
    """NVCF's id of a version's deployment; that of OLD is the one on record."""
    return DEPLOYMENT if version == OLD else f"deployment of {version}"


def of(version: str, status: str = "ACTIVE", **changes: Any) -> Present:
    """A version's deployment as GET shows it."""
    return Present(deployment(status, functionVersionId=version, deploymentId=id_of(version), **changes))


def undeploy(version: str, *, graceful: bool, purpose: Purpose = Purpose.GONE) -> Undeploy:
    """The DELETE of a version's deployment."""
    return Undeploy(version, graceful, purpose, id_of(version))


def rolling(spec: dict[str, Any] | None = None, **status: Any) -> Resource:
    """A resource whose record holds OLD as ACTIVE, and whose manifest has asked for NEW since."""
    return held(spec=spec or WANTS_NEW, generation=2, status=status)


def seen(resource: Resource, **observations: Observation) -> Situation:
    """What was seen of old, new and third."""
    versions = {"old": OLD, "new": NEW, "third": THIRD}
    shown = {versions[name]: observation for name, observation in observations.items()}
    return Situation(
        resource=resource,
        now=NOW,
        observations=shown,
        account=PROVEN,
        function=FunctionSeen.OURS,
    )


def incoming(version: str = NEW) -> dict[str, Any]:
    since = (NOW - timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"functionVersionId": version, "deploymentId": id_of(version), "since": since}


def leaving(version: str = OLD, ago: float = 60.0, *, asked: bool = True) -> dict[str, Any]:
    since = (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {"functionVersionId": version, "deploymentId": id_of(version), "forced": False}
    return {**known, **({"since": since} if asked else {})}


FAILED = {"functionVersionId": NEW, "generation": 2, "reason": "ERROR: bad image"}
OF_THIRD = intent(THIRD, token="lost")

WRITES: list[tuple[str, Situation, Action | type[Action] | None]] = [
    ("BlueGreen: the new version comes beside the old one", seen(rolling(), old=of(OLD), new=LONG), Create),
    (
        "BlueGreen: nothing goes while the new one comes up",
        seen(rolling(), old=of(OLD), new=of(NEW, "DEPLOYING")),
        None,
    ),
    (
        "BlueGreen: the old one goes once the new one is ACTIVE as specified",
        seen(rolling(incoming=incoming()), old=of(OLD), new=of(NEW)),
        undeploy(OLD, graceful=True),
    ),
    (
        "BlueGreen: the old one does not go while the new one is not as specified",
        seen(rolling(incoming=incoming()), old=of(OLD), new=of(NEW, gpu={"maxInstances": 9})),
        Change,
    ),
    (
        "BlueGreen: the old one is not corrected meanwhile",
        seen(rolling(incoming=incoming()), old=of(OLD, gpu={"maxInstances": 9}), new=of(NEW, "DEPLOYING")),
        None,
    ),
    ("Recreate: the old one goes first", seen(rolling(RECREATE), old=of(OLD), new=LONG), undeploy(OLD, graceful=True)),
    (
        "Recreate: the new one waits for the drain",
        seen(rolling(RECREATE, retiring=[leaving()]), old=of(OLD, "INACTIVE"), new=LONG),
        None,
    ),
    (
        "Recreate: the new one comes when the old one is gone",
        seen(rolling(RECREATE, retiring=[leaving()]), old=Absent(1.0), new=LONG),
        Create,
    ),
    (
        "Recreate: nothing goes for a version that does not exist",
        replace(seen(rolling(RECREATE), old=of(OLD), new=LONG), function=FunctionSeen.NOT_FOUND),
        None,
    ),
    (
        "nothing goes for a version that another resource holds",
        replace(seen(rolling(RECREATE), old=of(OLD)), holders={NEW: Key("other", "echo")}),
        None,
    ),
    (
        "a failing version is recorded before it is touched",
        seen(rolling(incoming=incoming()), old=of(OLD), new=of(NEW, "ERROR")),
        None,
    ),
    (
        "a version that failed is taken down, without a drain that could not end",
        seen(rolling(failed=FAILED, retiring=[leaving(NEW, asked=False)]), old=of(OLD), new=of(NEW, "ERROR")),
        undeploy(NEW, graceful=False, purpose=Purpose.GIVEN_UP),
    ),
    (
        "a version that failed is not retried automatically",
        seen(rolling(failed=FAILED), old=of(OLD), new=LONG),
        None,
    ),
    (
        "an overdue version is taken down gracefully",
        seen(
            rolling(failed={**FAILED, "reason": "DEPLOYING for longer"}, retiring=[leaving(NEW, asked=False)]),
            old=of(OLD),
            new=of(NEW, "DEPLOYING"),
        ),
        undeploy(NEW, graceful=True, purpose=Purpose.GIVEN_UP),
    ),
    (
        "a version that nobody wants any more goes, before another comes",
        seen(rolling(incoming=incoming(THIRD)), old=of(OLD), new=LONG, third=of(THIRD, "DEPLOYING")),
        undeploy(THIRD, graceful=True),
    ),
    (
        "an intent of another version is not overwritten while it may be answered",
        replace(
            seen(
                held(spec=WANTS_NEW, generation=2, intent=OF_THIRD),
                old=of(OLD),
                new=LONG,
                third=Absent(124.0),
            ),
            local=LocalView(intent_settled_for=124.0),
        ),
        None,
    ),
    (
        "an intent of another version that came to nothing makes way",
        replace(
            seen(
                held(spec=WANTS_NEW, generation=2, intent=OF_THIRD),
                old=of(OLD),
                new=LONG,
                third=Absent(126.0),
            ),
            local=LocalView(intent_settled_for=126.0),
        ),
        Create,
    ),
    (
        "what another intent made after all is taken down",
        seen(
            held(spec=WANTS_NEW, generation=2, intent=OF_THIRD),
            old=of(OLD),
            new=LONG,
            third=of(THIRD, "DEPLOYING"),
        ),
        undeploy(THIRD, graceful=True),
    ),
    (
        "the last version that serves is not taken down, whoever wants it gone",
        seen(rolling(retiring=[leaving(THIRD)]), old=of(OLD, "DEGRADED"), new=of(NEW, "DEPLOYING"), third=of(THIRD)),
        None,
    ),
    (
        "an old version that NVCF gave up goes when the new one comes",
        seen(rolling(), old=of(OLD, "ERROR"), new=LONG),
        undeploy(OLD, graceful=False),
    ),
    (
        "the way back to the old version leaves it alone",
        seen(held(generation=3, status={"incoming": incoming()}), old=of(OLD), new=of(NEW, "DEPLOYING")),
        undeploy(NEW, graceful=True),
    ),
    (
        "the way back to a version that drains waits for its end",
        seen(rolling(retiring=[leaving(NEW)]), old=of(OLD), new=of(NEW, "INACTIVE")),
        None,
    ),
    (
        "a row that NVCF brings back is undeployed again",
        seen(rolling(retiring=[leaving(NEW)]), old=of(OLD), new=of(NEW, "DEGRADED")),
        undeploy(NEW, graceful=True),
    ),
    (
        "an overdue drain of an old version is forced",
        seen(
            rolling(retiring=[leaving(THIRD, 4000.0)]),
            old=of(OLD),
            new=of(NEW, "DEPLOYING"),
            third=of(THIRD, "INACTIVE"),
        ),
        undeploy(THIRD, graceful=False),
    ),
    (
        "Redeploy takes the deployment down",
        present(held(spec=REDEPLOY), deployment(gpu={"gpu": "H100"})),
        undeploy(VERSION, graceful=True, purpose=Purpose.REDEPLOY),
    ),
    (
        "redeploy-requested-at takes the deployment down",
        present(held(annotations={names.REDEPLOY_REQUESTED_ANNOTATION: "now"})),
        undeploy(VERSION, graceful=True, purpose=Purpose.REQUESTED),
    ),
    (
        "redeploy-requested-at in ERROR does not drain",
        present(held(annotations={names.REDEPLOY_REQUESTED_ANNOTATION: "now"}), deployment("ERROR")),
        undeploy(VERSION, graceful=False, purpose=Purpose.REQUESTED),
    ),
    (
        "redeploy-requested-at in a rollout takes the failing version down and gives nothing up",
        seen(
            held(
                spec=WANTS_NEW,
                generation=2,
                status={"incoming": incoming()},
                annotations={names.REDEPLOY_REQUESTED_ANNOTATION: "now"},
            ),
            old=of(OLD),
            new=of(NEW, "ERROR"),
        ),
        undeploy(NEW, graceful=False, purpose=Purpose.REQUESTED),
    ),
    (
        "a redeploy-requested-at that was answered asks for nothing",
        present(
            held(annotations={names.REDEPLOY_REQUESTED_ANNOTATION: "now"}, status={"lastHandledRedeployAt": "now"})
        ),
        None,
    ),
    ("too much is gone at once", replace(seen(held(), old=LONG), mass_absence=True), None),
    (
        "reconcile-requested-at lifts the brake",
        replace(seen(held(annotations={names.RECONCILE_REQUESTED_ANNOTATION: "now"}), old=LONG), mass_absence=True),
        Create,
    ),
]


@pytest.mark.parametrize(("situation", "action"), [pytest.param(*case[1:], id=case[0]) for case in WRITES])
def test_what_a_change_of_version_writes(situation: Situation, action: Action | type[Action] | None) -> None:
    decided = decide(situation).action
    if isinstance(action, type):
        assert isinstance(decided, action)
    else:
        assert decided == action


def record(situation: Situation) -> FunctionDeploymentStatus:
    """The status after a decision that writes nothing."""
    decision = decide(situation)
    assert decision.action is None, decision
    return report(situation, decision)


def test_while_both_run_the_record_holds_both() -> None:
    situation = seen(rolling(), old=of(OLD), new=of(NEW, "DEPLOYING"))
    status = record(situation)
    assert status.function_version_id == OLD
    assert status.incoming is not None
    assert (status.incoming.function_version_id, status.retiring) == (NEW, ())
    assert conditions_of(situation)["Available"][0] == "True"
    assert conditions_of(situation)["Reconciling"] == ("True", "RollingOut")
    assert status.phase == "RollingOut"


def test_when_the_old_one_is_asked_to_go_the_new_one_is_the_one_that_serves() -> None:
    undeployed = undeploy(OLD, graceful=True)
    situation = replace(seen(rolling(incoming=incoming()), old=of(OLD, "INACTIVE"), new=of(NEW)), wrote=undeployed)
    status = record(situation)
    assert (status.function_version_id, status.incoming) == (NEW, None)
    (item,) = status.retiring
    assert (item.function_version_id, item.since, item.forced) == (OLD, NOW, False)
    assert item.deadline == NOW + timedelta(seconds=3600)
    assert conditions_of(situation)["Ready"] == ("False", "Draining")


def test_a_crash_after_the_delete_is_seen_by_the_drain_itself() -> None:
    status = record(seen(rolling(incoming=incoming()), old=of(OLD, "INACTIVE"), new=of(NEW)))
    assert status.function_version_id == NEW
    assert [(item.function_version_id, item.since) for item in status.retiring] == [(OLD, NOW)]


def test_a_delete_that_fails_is_reported_and_tried_again_with_growing_waits() -> None:
    away = Failure(Reason.NVCF_UNAVAILABLE, "away", Scope.SERVER)
    decision = decide(replace(seen(rolling(incoming=incoming()), old=of(OLD), new=of(NEW)), failure=away))
    assert (decision.action, decision.backoff) == (None, True)
    assert decision.condition_set is not None
    assert (decision.condition_set.reason, decision.condition_set.reconciling) == (Reason.NVCF_UNAVAILABLE, True)


@pytest.mark.parametrize("status", ["INACTIVE", "ERROR"])
def test_a_delete_that_fails_is_not_tried_again_at_the_pace_of_another_versions_polls(status: str) -> None:
    refused = Failure(Reason.REJECTED, "no", Scope.RESOURCE)
    situation = seen(rolling(retiring=[leaving(THIRD)]), old=of(OLD), new=of(NEW, status), third=of(THIRD))
    requeue = decide(replace(situation, failure=refused)).requeue
    assert requeue is not None
    assert requeue >= 60.0


LOST = intent(NEW, token="lost")
"""Of a POST whose operator has died before the answer."""


def test_deletion_keeps_a_version_whose_posts_answer_was_lost_on_record_until_it_is_gone() -> None:
    deleted = held(
        spec=WANTS_NEW,
        generation=2,
        intent=LOST,
        deleting=True,
    )
    first = decide(seen(deleted, old=of(OLD), new=of(NEW, "DEPLOYING"))).action
    assert first == undeploy(OLD, graceful=True)
    after = replace(seen(deleted, old=of(OLD, "INACTIVE"), new=of(NEW, "DEPLOYING")), wrote=first)
    status = report(after, unfinished(after))
    assert [(item.function_version_id, item.since is None) for item in status.retiring] == [(OLD, False), (NEW, True)]
    assert status.intent is not None
    assert (status.intent.token, status.intent.answered, status.intent.deployment_id) == ("lost", True, id_of(NEW))
    remembered = replace(seen(deleted, old=Absent(1.0), new=of(NEW)).resource, status=status)
    assert decide(seen(remembered, old=Absent(1.0), new=of(NEW))).action == undeploy(NEW, graceful=True)


def test_a_pause_keeps_a_version_whose_posts_answer_was_lost_on_record() -> None:
    paused = held(
        spec={**WANTS_NEW, "suspend": True},
        generation=2,
        intent=LOST,
    )
    status = record(seen(paused, old=of(OLD), new=of(NEW, "DEPLOYING")))
    assert status.incoming is not None
    assert status.intent is not None
    assert (status.function_version_id, status.incoming.function_version_id) == (OLD, NEW)
    assert (status.intent.token, status.intent.answered, status.intent.deployment_id) == ("lost", True, id_of(NEW))


def test_the_rollout_ends_when_the_old_one_is_gone() -> None:
    of_new = held(spec=WANTS_NEW, generation=2, status={"functionVersionId": NEW, "retiring": [leaving()]})
    situation = seen(of_new, old=Absent(1.0), new=of(NEW))
    status = record(situation)
    assert (status.retiring, status.incoming, status.phase) == ((), None, "Active")
    assert conditions_of(situation)["Ready"] == ("True", "Active")


def test_a_version_that_fails_is_recorded_with_nvcfs_words_and_the_old_one_goes_on() -> None:
    shown = of(NEW, "ERROR", healthInfo=[{"error": "bad image", "gpu": "L40S"}])
    situation = seen(rolling(incoming=incoming()), old=of(OLD), new=shown)
    status = record(situation)
    assert status.failed is not None
    assert (status.failed.function_version_id, status.failed.generation) == (NEW, 2)
    assert status.failed.reason == "ERROR: bad image"
    assert (status.function_version_id, status.incoming) == (OLD, None)
    assert [(item.function_version_id, item.since) for item in status.retiring] == [(NEW, None)]
    assert conditions_of(situation)["Stalled"] == ("True", Reason.ROLLOUT_FAILED)
    assert conditions_of(situation)["Available"][0] == "True"


def test_an_error_whose_words_are_still_to_come_is_read_again_before_it_is_acted_on() -> None:
    bare = seen(rolling(incoming=incoming()), old=of(OLD), new=of(NEW, "ERROR"))
    assert decide(bare).requeue == bare.timing.busy_poll


def test_a_version_that_does_not_come_up_in_time_is_given_up() -> None:
    resource = rolling(observedGeneration=2, incoming=incoming(), progressingSince="2026-01-31T10:00:00Z")
    status = record(seen(resource, old=of(OLD), new=of(NEW, "DEPLOYING")))
    assert status.failed is not None
    assert "progressDeadlineSeconds (3600)" in status.failed.reason


@pytest.mark.parametrize("lifted", [{"generation": 3}, {"annotations": {names.RECONCILE_REQUESTED_ANNOTATION: "now"}}])
def test_a_new_manifest_and_reconcile_now_lift_the_failure(lifted: dict[str, Any]) -> None:
    resource = held(**{"spec": WANTS_NEW, "generation": 2, "status": {"failed": FAILED}, **lifted})
    situation = seen(resource, old=of(OLD), new=LONG)
    assert isinstance(decide(situation).action, Create)
    after = replace(situation, observations={OLD: of(OLD), NEW: of(NEW, "DEPLOYING")}, wrote=decide(situation).action)
    assert record(after).failed is None


def test_a_version_that_is_wanted_again_is_not_forgotten_while_there_is_no_key() -> None:
    resource = rolling(retiring=[leaving(NEW, asked=False)])
    no_key = Failure(Reason.SECRET_NOT_FOUND, "the Secret is missing", Scope.CREDENTIAL)
    blind = record(replace(seen(resource), access=no_key))
    assert [item.function_version_id for item in blind.retiring] == [NEW]
    status = record(seen(resource, old=of(OLD), new=of(NEW, "DEPLOYING")))
    assert status.incoming is not None
    assert (status.incoming.function_version_id, status.retiring) == (NEW, ())


def test_a_redeploy_is_answered_once_the_old_deployment_goes() -> None:
    resource = held(annotations={names.REDEPLOY_REQUESTED_ANNOTATION: "now"})
    gone = undeploy(VERSION, graceful=True, purpose=Purpose.REQUESTED)
    status = record(replace(present(resource, deployment("INACTIVE")), wrote=gone))
    assert status.last_handled_redeploy_at == "now"
    assert [item.function_version_id for item in status.retiring] == [VERSION]


def test_a_version_to_be_deployed_again_stays_on_the_list_until_its_post() -> None:
    resource = held(status={"functionStatus": "INACTIVE", "retiring": [leaving(VERSION)]})
    waiting = seen(resource, old=Absent(10.0))
    assert [item.function_version_id for item in record(waiting).retiring] == [VERSION]
    create = decide(seen(resource, old=LONG)).action
    assert isinstance(create, Create)
    asked = held(intent=intent(token="second"), status={"functionStatus": "INACTIVE", "retiring": [leaving(VERSION)]})
    assert record(replace(seen(asked, old=of(OLD, "DEPLOYING")), wrote=create)).retiring == ()


def failing(**retry: Any) -> Situation:
    """A deployment in ERROR, with a record of its attempts."""
    record = {"retry": {"reason": "DeploymentFailed", **retry}} if retry else {}
    shown: Deployment = deployment("ERROR", healthInfo=[{"error": "bad image", "gpu": "L40S"}])
    return present(held("ERROR", status=record), shown)


def test_an_error_is_reported_and_its_retry_planned_with_growing_waits() -> None:
    waits = []
    for attempt in range(ATTEMPTS):
        retry = record(failing(attempts=attempt)).retry
        assert retry is not None
        assert retry.next_attempt_time is not None
        waits.append((retry.attempts, (retry.next_attempt_time - NOW).total_seconds()))
    assert waits == [(1, 60.0), (2, 120.0), (3, 240.0), (4, 480.0), (5, 960.0)]
    assert conditions_of(failing(attempts=1))["Reconciling"] == ("True", Reason.DEPLOYMENT_FAILED)


def test_after_the_last_attempt_an_error_is_stalled() -> None:
    situation = failing(attempts=ATTEMPTS)
    assert decide(situation).action is None
    assert conditions_of(situation)["Stalled"] == ("True", Reason.DEPLOYMENT_FAILED)
    kept = record(situation).retry
    assert kept is not None
    assert kept.attempts == ATTEMPTS


def test_a_retry_that_is_due_undeploys_and_counts_once() -> None:
    due = failing(attempts=2, nextAttemptTime="2026-01-31T11:59:00Z")
    action = decide(due).action
    assert action == undeploy(VERSION, graceful=False, purpose=Purpose.FAILED)
    retry = record(replace(due, observations={VERSION: Absent(0.0)}, wrote=action)).retry
    assert retry is not None
    assert (retry.attempts, retry.next_attempt_time) == (2, None)


@pytest.mark.parametrize("status", ["DEPLOYING", "ACTIVE"])
def test_the_count_of_attempts_ends_when_the_deployment_is_in_order(status: str) -> None:
    resource = held("DEPLOYING", status={"retry": {"reason": "DeploymentFailed", "attempts": 2}})
    retry = record(present(resource, deployment(status))).retry
    assert (retry.attempts if retry is not None else None) == (2 if status == "DEPLOYING" else None)


def test_a_crash_after_the_delete_of_a_retry_does_not_wait_again() -> None:
    resource = held(
        "ERROR",
        status={
            "retry": {"reason": "DeploymentFailed", "attempts": 1, "nextAttemptTime": "2026-01-31T11:59:00Z"},
        },
    )
    assert isinstance(decide(seen(resource, old=LONG)).action, Create)


def test_three_redeployments_that_somebody_undoes_are_enough() -> None:
    resource = held(spec=REDEPLOY)
    situation = present(resource, deployment(gpu={"gpu": "H100"}))
    for _ in range(3):
        action = decide(situation).action
        assert isinstance(action, Undeploy)
        after = replace(situation, wrote=action, observations={VERSION: Absent(0.0)})
        status = report(after, decide(after))
        again = held(spec=REDEPLOY, status={"lastWrite": status.to_dict()["lastWrite"]})
        situation = present(again, deployment(gpu={"gpu": "H100"}))
    assert conditions_of(situation)["Stalled"] == ("True", Reason.NOT_CONVERGING)
