"""What the status and the Events of a CloudFunction say, and what the process keeps of its record."""

from dataclasses import replace
from datetime import timedelta

import pytest

from nvcf_operator.api import conditions as kinds
from nvcf_operator.core.functions.decide import asking, decide, unfinished
from nvcf_operator.core.functions.model.decision import DeleteVersion, DeletionPurpose, FunctionAction, Register
from nvcf_operator.core.functions.model.record import FunctionRecord, first_seen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report import events
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer
from nvcf_operator.core.model.observed import AccountView, Failure, Proof, Scope
from nvcf_operator.core.model.reasons import Reason
from tests.unit.core.functions.situations import (
    FIRST,
    FUNCTION,
    MOVED_IMAGE,
    NOW,
    OTHER_TEMPLATE,
    SECOND,
    cloud_function,
    follower,
    hash_of,
    intent,
    outage,
    recorded,
    refusal,
    reported,
    situation,
    version,
)
from tests.unit.core.functions.templates import IMAGE, SMALL, UID

REGISTER = Register(None, hash_of(SMALL))
MADE = situation(cloud_function(), wrote=REGISTER, answer=version(), answered_intent=intent(answered=True))
OPEN = {"uid": UID, "observedGeneration": 1, "intent": intent().to_dict()}

REPORTED: dict[str, tuple[FunctionSituation, str, tuple[str, Reason]]] = {
    "Registered as soon as a version is": (MADE, kinds.REGISTERED, ("True", Reason.REGISTERED)),
    "not before": (situation(cloud_function(), unlisted=outage()), kinds.REGISTERED, ("False", Reason.NOT_REGISTERED)),
    "still, while another template is refused": (
        situation(
            recorded(version(), template=OTHER_TEMPLATE, generation=2),
            version(),
            failure=refusal(),
            answered_intent=intent(OTHER_TEMPLATE, answered=True),
        ),
        kinds.REGISTERED,
        ("True", Reason.REGISTERED),
    ),
    "the key works while the list is answered": (
        MADE,
        kinds.CREDENTIALS_VALID,
        ("True", Reason.CREDENTIALS_VALID),
    ),
    "a refused key": (
        situation(cloud_function(), access=Failure(Reason.UNAUTHORIZED, "no", Scope.CREDENTIAL)),
        kinds.CREDENTIALS_VALID,
        ("False", Reason.UNAUTHORIZED),
    ),
    "a deletion that is blocked": (
        situation(recorded(version(), deleting=True), version(), followers=(follower(),)),
        kinds.DELETION_BLOCKED,
        ("True", Reason.IN_USE),
    ),
    "a deletion that waits for a deployment": (
        situation(recorded(version(), deleting=True), version(), deployments={}),
        kinds.RECONCILING,
        ("True", Reason.DELETING),
    ),
}


@pytest.mark.parametrize(("of", "condition", "said"), [pytest.param(*case, id=name) for name, case in REPORTED.items()])
def test_what_conditions_say(of: FunctionSituation, condition: str, said: tuple[str, Reason]) -> None:
    assert reported(of)[condition] == said


def test_a_registration_is_recorded_in_one_status() -> None:
    status = report(MADE, decide(MADE))
    assert (status.function_id, status.account_id, status.credential) == (FUNCTION, "acme", "fingerprint")
    assert (status.phase, status.observed_generation) == ("Registered", 1)
    assert status.intent is not None
    assert status.intent.answered
    assert [item.version_id for item in status.versions] == [FIRST]


def test_the_account_of_the_first_function_is_known_by_its_own_version() -> None:
    of = replace(MADE, account=AccountView(Proof.NEVER_PINNED, None, "fingerprint"))
    status = report(of, decide(of))
    assert (status.account_id, status.credential) == ("acme", "fingerprint")


def test_another_accounts_key_is_not_recorded() -> None:
    held = recorded(version())
    of = situation(held, account=AccountView(Proof.MISMATCH, "other", "another"))
    status = report(of, decide(of))
    assert (status.account_id, status.credential) == ("acme", "fingerprint")


def test_what_is_asked_for_stands_beside_the_intent() -> None:
    of = situation(cloud_function())
    status = report(of, asking(of, REGISTER))
    assert {item.type: item.reason for item in status.conditions}["Ready"] == Reason.REGISTERING
    assert status.phase == "Registering"


def test_more_than_one_write_goes_on_at_once() -> None:
    of = situation(recorded(version(), generation=2), version())
    assert (unfinished(of).requeue, unfinished(of).condition_set is not None) == (0.0, True)


def test_a_reconcile_now_is_answered() -> None:
    held = recorded(version(), annotations={"reconcile-requested-at": "now"})
    of = situation(held, version())
    assert report(of, decide(of)).last_handled_reconcile_at == "now"
    down = situation(held, unlisted=outage())
    assert report(down, decide(down)).last_handled_reconcile_at is None


def test_a_request_for_another_version_is_answered_by_that_version() -> None:
    held = recorded(version(), annotations={"new-version-requested-at": "now"})
    of = situation(held, version())
    assert report(of, decide(of)).last_handled_new_version_at is None
    made = replace(of, answer=version(SECOND, hash_=hash_of(SMALL, "now")), answered_intent=intent(answered=True))
    assert report(made, decide(made)).last_handled_new_version_at == "now"


WRITES: dict[str, tuple[CloudFunction, FunctionAction, list[tuple[bool, Reason]]]] = {
    "a registration": (cloud_function(), REGISTER, [(False, Reason.REGISTERED)]),
    "a registration with a tag that may be moved": (
        cloud_function({**SMALL, "containerImage": MOVED_IMAGE}),
        REGISTER,
        [(False, Reason.REGISTERED), (True, Reason.MUTABLE_IMAGE)],
    ),
    "a deletion": (
        recorded(version()),
        DeleteVersion(FUNCTION, FIRST, DeletionPurpose.UNUSED),
        [(False, Reason.DELETED)],
    ),
    "a function that is retained": (
        recorded(version(), deleting=True, spec={"deletionPolicy": "Retain"}),
        DropFinalizer(),
        [(False, Reason.RETAINED)],
    ),
    "a function that is released by force": (
        recorded(
            version(),
            deleting=True,
            annotations={"force-delete": "true"},
            status={"conditions": [{"type": "DeletionBlocked", "status": "True", "reason": "InUse"}]},
        ),
        DropFinalizer(),
        [(True, Reason.LEFT_BEHIND)],
    ),
    "a finalizer": (cloud_function(), TakeFinalizer(), []),
}


@pytest.mark.parametrize(("of", "action", "said"), [pytest.param(*case, id=name) for name, case in WRITES.items()])
def test_a_write_is_reported_by_events(
    of: CloudFunction, action: FunctionAction, said: list[tuple[bool, Reason]]
) -> None:
    assert [(note.warning, note.reason) for note in events.of_write(of, action, version())] == said


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        (IMAGE, None),
        ("nvcr.io/org/llama:1.4.2", None),
        ("nvcr.io/org/llama:latest", "latest"),
        ("nvcr.io/org/llama", "latest"),
        ("registry:5000/org/llama", "latest"),
        ("registry:5000/org/llama:Main", "Main"),
    ],
)
def test_which_tags_may_be_moved(image: str, tag: str | None) -> None:
    assert events.moved_tag(image) == tag


def test_a_version_whose_answer_was_lost_is_reported_when_it_is_found() -> None:
    of = situation(cloud_function(status=OPEN), version())
    note = events.discovered(of, report(of, decide(of)))
    assert note is not None
    assert (note.reason, "was lost" in note.message) == (Reason.REGISTERED, True)
    for quiet in (MADE, situation(recorded(version()), version())):
        assert events.discovered(quiet, report(quiet, decide(quiet))) is None


def test_a_version_whose_tag_was_removed_is_named_when_it_stays() -> None:
    of = situation(recorded(version(), deleting=True), version(marked=False))
    note = events.released(of)
    assert note is not None
    assert FIRST in note.message
    assert events.released(situation(recorded(version(), deleting=True))) is None


def test_what_is_left_behind_is_named() -> None:
    assert FIRST in events.vanished(recorded(version())).message
    assert FIRST in events.deleted_for_nobody(version()).message
    assert events.drifted(recorded(version())).reason == Reason.DRIFT


def test_the_process_keeps_its_own_copy_while_something_is_limited() -> None:
    resting, refused = (
        recorded(version()),
        situation(cloud_function(), failure=refusal(), answered_intent=intent(answered=True)),
    )
    assert FunctionRecord.of(resting.status).at_rest
    record = FunctionRecord.of(report(refused, decide(refused)))
    assert not record.at_rest
    assert record.over(cloud_function().status).retry == record.retry


def test_spans_on_record_stay_the_same_when_the_clock_is_set() -> None:
    refused = situation(cloud_function(), failure=refusal(), answered_intent=intent(answered=True), wrote=REGISTER)
    record = FunctionRecord.of(report(refused, decide(refused)))
    moved = record.moved(60.0)
    assert record.retry is not None
    assert moved.retry is not None
    assert record.retry.next_attempt_time is not None
    assert moved.retry.next_attempt_time == record.retry.next_attempt_time + timedelta(seconds=60)
    assert record.last_write is not None
    assert moved.last_write is not None
    assert moved.last_write.since == record.last_write.since + timedelta(seconds=60)


def test_times_of_another_clock_limit_nothing_for_long() -> None:
    refused = situation(
        cloud_function(), failure=refusal(), answered_intent=intent(answered=True), now=NOW + timedelta(days=1)
    )
    record = first_seen(report(refused, decide(refused)), NOW)
    assert record.retry is not None
    assert record.retry.next_attempt_time == NOW + timedelta(seconds=60)
