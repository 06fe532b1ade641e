"""The deletion of a CloudFunction: who uses it, what is deployed, what may still come, and what goes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_operator.core.functions.decide import decide, unfinished
from nvcf_operator.core.functions.model.decision import DeleteVersion, DeletionPurpose, FunctionAction
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.decision import DropFinalizer
from nvcf_operator.core.model.observed import Absent, AccountView, Failure, Present, Proof, Scope, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Remembered
from tests.unit.core.functions.situations import (
    FIRST,
    NOW,
    OTHER_TEMPLATE,
    SECOND,
    cloud_function,
    follower,
    intent,
    outage,
    outcome,
    recorded,
    refusal,
    situation,
    version,
)
from tests.unit.core.functions.templates import UID
from tests.unit.core.situations import deployment

OLD = version(created_at=NOW - timedelta(hours=2))
LATEST = version(SECOND, OTHER_TEMPLATE)
OPEN = {"intent": intent(token="a" * 16).to_dict()}
DEPLOYED = Present(deployment())
BLOCKED = {
    "conditions": [
        {"type": "DeletionBlocked", "status": "True", "reason": "InUse", "lastTransitionTime": "2026-01-31T11:59:30Z"}
    ]
}


def leaving(*versions: VersionSeen, metadata: dict[str, Any] | None = None, **changes: Any) -> FunctionSituation:
    """A function with two versions that is being deleted."""
    held = recorded(OLD, LATEST, **{"deleting": True, **(metadata or {})})
    return situation(held, *versions, **changes)


def delete(of: VersionSeen) -> DeleteVersion:
    """The deletion of a version."""
    return DeleteVersion(of.function_id, of.version_id, DeletionPurpose.RESOURCE_GONE)


GONE = {FIRST: 80.0, SECOND: 80.0}

WRITES: dict[str, tuple[FunctionSituation, FunctionAction]] = {
    "the oldest version goes first": (leaving(OLD, LATEST), delete(OLD)),
    "then the next": (leaving(LATEST, absent_for={FIRST: 1.0}), delete(LATEST)),
    "the finalizer goes when all have stayed away": (leaving(absent_for=GONE), DropFinalizer()),
    "a version that is back is deleted again": (leaving(OLD, absent_for=GONE), delete(OLD)),
    "what was never registered is released at once": (situation(cloud_function(deleting=True)), DropFinalizer()),
    "what is to stay is released at once": (
        leaving(OLD, LATEST, metadata={"spec": {"deletionPolicy": "Retain"}}),
        DropFinalizer(),
    ),
    "what was only observed is released at once": (
        leaving(OLD, LATEST, metadata={"spec": {"managementPolicy": "Observe"}}),
        DropFinalizer(),
    ),
    "foreign versions stay": (
        leaving(
            replace(OLD, mark=None),
            absent_for={SECOND: 80.0},
        ),
        DropFinalizer(),
    ),
    "versions of a lost record are found by their mark": (
        situation(cloud_function(deleting=True), OLD, finalizer_found_for=180.0),
        delete(OLD),
    ),
    "what an open intent has registered goes, too": (
        leaving(
            version("7c1e0000-0000-4000-8000-000000000009", token="a" * 16), absent_for=GONE, metadata={"status": OPEN}
        ),
        delete(version("7c1e0000-0000-4000-8000-000000000009")),
    ),
    "after the settle nothing of an open intent is expected": (
        leaving(absent_for=GONE, metadata={"status": OPEN}, searched_for=180.0),
        DropFinalizer(),
    ),
    "force-delete releases what is blocked": (
        leaving(OLD, metadata={"status": BLOCKED, "annotations": {"force-delete": "true"}}),
        DropFinalizer(),
    ),
    "a version whose deployment has stayed away": (
        leaving(OLD, deployments={FIRST: Absent(75.0)}, deployed_lately=frozenset({FIRST})),
        delete(OLD),
    ),
    "a suspended function is deleted": (leaving(OLD, metadata={"spec": {"suspend": True}}), delete(OLD)),
    "a version that is listed as serving but long not deployed": (
        leaving(replace(OLD, status="ACTIVE"), LATEST),
        delete(OLD),
    ),
    "a manifest of which only a part can be read": (
        leaving(OLD, metadata={"spec": {"template": 7}}),
        delete(OLD),
    ),
}


@pytest.mark.parametrize(("of", "action"), [pytest.param(*case, id=name) for name, case in WRITES.items()])
def test_what_is_written(of: FunctionSituation, action: FunctionAction) -> None:
    assert decide(of).action == action


WAITS: dict[str, tuple[FunctionSituation, tuple[str, str]]] = {
    "a FunctionDeployment refers to it": (
        leaving(OLD, followers=(follower(),)),
        ("InUse", "stalled blocked"),
    ),
    "a FunctionDeployment holds one of its versions": (
        leaving(OLD, followers=(follower(refers=False, named=frozenset({FIRST})),)),
        ("InUse", "stalled blocked"),
    ),
    "a FunctionDeployment's POST may be running": (
        leaving(OLD, followers=(follower(refers=False, intended=frozenset({FIRST})),)),
        ("InUse", "stalled blocked"),
    ),
    "a FunctionDeployment that goes is waited for": (
        leaving(OLD, followers=(follower(deleting=True),)),
        ("Deleting", "reconciling"),
    ),
    "the FunctionDeployments may be others": (leaving(OLD, claims_current=False), ("Deleting", "reconciling")),
    "a version is deployed": (
        leaving(OLD, LATEST, deployments={FIRST: Absent(9.0), SECOND: DEPLOYED}),
        ("VersionDeployed", "stalled blocked"),
    ),
    "a deployment cannot be read": (
        leaving(OLD, deployments={FIRST: Unknown(outage())}),
        ("NVCFUnavailable", "reconciling blocked"),
    ),
    "a version that serves by the list was deployed a moment ago": (
        leaving(replace(OLD, status="ACTIVE"), deployments={FIRST: Absent(70.0)}),
        ("Deleting", "reconciling"),
    ),
    "a version was deployed a moment ago": (
        leaving(OLD, deployments={FIRST: Absent(70.0)}, deployed_lately=frozenset({FIRST})),
        ("Deleting", "reconciling"),
    ),
    "another call may still write a version": (leaving(OLD, locked_for={FIRST: 9.0}), ("Deleting", "reconciling")),
    "a POST may still be running": (
        leaving(OLD, LATEST, metadata={"status": OPEN}, searched_for=170.0),
        ("AwaitingRegistration", "reconciling"),
    ),
    "a POST may be running for a lost record": (
        situation(cloud_function(deleting=True), finalizer_found_for=170.0),
        ("AwaitingRegistration", "reconciling"),
    ),
    "a version has not been away for long": (
        leaving(absent_for={FIRST: 80.0, SECOND: 70.0}),
        ("Deleting", "reconciling"),
    ),
    "a version of which no GET says 404": (leaving(absent_for={FIRST: 80.0}), ("Deleting", "reconciling")),
    "a version that is not on record has not been away for long": (
        leaving(absent_for={**GONE, "x": 1.0}, delete_sent_for={"x": 5.0}),
        ("Deleting", "reconciling"),
    ),
    "a DELETE was sent a moment ago": (leaving(OLD, delete_sent_for={FIRST: 3.0}), ("Deleting", "reconciling")),
    "there is no key": (
        leaving(OLD, access=Failure(Reason.SECRET_NOT_FOUND, "There is no Secret.", Scope.CREDENTIAL)),
        ("SecretNotFound", "stalled blocked"),
    ),
    "the list cannot be read": (leaving(unlisted=outage()), ("NVCFUnavailable", "reconciling blocked")),
    "the key is of another account": (
        leaving(absent_for=GONE, account=AccountView(Proof.MISMATCH, "other")),
        ("AccountMismatch", "stalled blocked"),
    ),
    "the DELETE was refused": (
        leaving(OLD, failure=refusal(Reason.FORBIDDEN)),
        ("Forbidden", "stalled blocked"),
    ),
    "it is not known by which key": (
        leaving(OLD, metadata={"spec": {"credentials": 7}}),
        ("InvalidSpec", "stalled blocked"),
    ),
    "the API server refuses our write": (leaving(OLD, refused="no"), ("WriteRefused", "reconciling blocked")),
}


@pytest.mark.parametrize(("of", "said"), [pytest.param(*case, id=name) for name, case in WAITS.items()])
def test_what_is_waited_for(of: FunctionSituation, said: tuple[str, str]) -> None:
    decision = decide(of)
    assert outcome(decision) == said
    assert decision.requeue is not None


@pytest.mark.parametrize(("seconds", "named"), [(0.5, False), (9.0, True)])
def test_a_change_that_is_waited_for_is_reported_unless_it_is_short(seconds: float, named: bool) -> None:
    said = decide(leaving(OLD, locked_for={FIRST: seconds})).condition_set
    assert said is not None
    assert (f"Another change of version {FIRST}" in said.message) == named


@pytest.mark.parametrize("since", [0.0, 30.0, 74.0])
def test_a_404_that_has_to_last_is_read_again_before_it_counts_as_broken(since: float) -> None:
    of = leaving(replace(OLD, status="ACTIVE"), deployments={FIRST: Absent(since)})
    assert 0 < (decide(of).requeue or 0) <= of.timing.settle_poll


def test_who_uses_the_function_is_named() -> None:
    users = tuple(follower(name) for name in ("b", "a"))
    message = decide(leaving(OLD, followers=users)).condition_set
    assert message is not None
    assert "FunctionDeployment team/a, team/b uses the function" in message.message


def test_a_stale_force_delete_is_named() -> None:
    said = decide(leaving(OLD, followers=(follower(),), local=Remembered(stale_force_delete=True))).condition_set
    assert said is not None
    assert "does not count" in said.message


def test_what_goes_stays_on_record_until_it_is_gone() -> None:
    of = leaving(LATEST, wrote=delete(OLD), delete_sent_for={FIRST: 0.0})
    status = report(of, unfinished(of))
    assert [item.version_id for item in status.versions] == [SECOND, FIRST]
    assert [item.leaving for item in status.versions] == [False, True]


def test_an_object_without_our_finalizer_is_left_alone() -> None:
    of = leaving(OLD, metadata={"finalizer": False})
    assert (decide(of).action, decide(of).condition_set) == (None, None)


def test_a_lost_deletion_waits_for_what_another_object_may_have_registered() -> None:
    copied = cloud_function(deleting=True, status={"uid": "other", "observedGeneration": 1, **OPEN})
    assert decide(situation(copied)).action == DropFinalizer()
    assert UID not in str(copied.status)


def test_what_keeps_a_version_from_being_deleted_is_named() -> None:
    said = decide(leaving(OLD, locked_for={FIRST: 9.0})).condition_set
    assert said is not None
    assert f"Another change of version {FIRST} is under way" in said.message
    said = decide(leaving(OLD, locked_for={FIRST: 0.5})).condition_set
    assert said is not None
    assert FIRST not in said.message
