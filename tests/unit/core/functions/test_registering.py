"""One version for one template: what is taken, what is searched for, what is asked for, and when again."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_operator.api.common import LastWrite
from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.core.functions.branches.registering import write_name
from nvcf_operator.core.functions.decide import asking, decide, unfinished
from nvcf_operator.core.functions.model.decision import FunctionAction, Register
from nvcf_operator.core.functions.model.observed import VersionSeen
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.decision import DropFinalizer, TakeFinalizer
from nvcf_operator.core.model.observed import AccountView, Failure, Proof, Scope
from nvcf_operator.core.model.reasons import Reason
from tests.unit.core.functions.situations import (
    FIRST,
    FUNCTION,
    NOW,
    OTHER_FUNCTION,
    OTHER_TEMPLATE,
    SECOND,
    THIRD,
    THIRD_TEMPLATE,
    TOKEN,
    after,
    cloud_function,
    hash_of,
    intent,
    outage,
    outcome,
    recorded,
    refusal,
    reported,
    situation,
    version,
)
from tests.unit.core.functions.templates import SMALL, UID

NEW = Register(None, hash_of(SMALL))
NEXT = Register(FUNCTION, hash_of(OTHER_TEMPLATE))
OTHER_UID = "99999999-0f9c-4c8a-9a51-6f0d3c4b2a10"
OPEN = {"uid": UID, "observedGeneration": 1, "intent": intent().to_dict()}
WRITTEN_OUT = {**SMALL, "functionType": "DEFAULT", "apiBodyFormat": "CUSTOM"}
OLDER = version(created_at=NOW - timedelta(hours=2))

WRITES: dict[str, tuple[FunctionSituation, FunctionAction]] = {
    "a new function gets its first version": (situation(cloud_function()), NEW),
    "the finalizer comes before the first version": (situation(cloud_function(finalizer=False)), TakeFinalizer()),
    "a function that stays needs no finalizer": (
        situation(cloud_function(finalizer=False, spec={"deletionPolicy": "Retain"})),
        NEW,
    ),
    "a function that stays gives its finalizer back": (
        situation(cloud_function(spec={"deletionPolicy": "Retain"})),
        DropFinalizer(),
    ),
    "a finalizer that a tool took off is put back": (
        situation(recorded(version(), finalizer=False), version()),
        TakeFinalizer(),
    ),
    "another template is registered with the function": (
        situation(recorded(version(), template=OTHER_TEMPLATE, generation=2), version()),
        NEXT,
    ),
    "a field taken out of the template is a version without it": (
        situation(recorded(version(template=OTHER_TEMPLATE), generation=2), version(template=OTHER_TEMPLATE)),
        Register(FUNCTION, hash_of(SMALL)),
    ),
    "a version of another object of that name is not ours": (
        situation(cloud_function(), version(uid=OTHER_UID), named_alike=()),
        NEW,
    ),
    "a copied object makes no use of the intent": (
        situation(cloud_function(status={**OPEN, "uid": OTHER_UID, "intent": intent(uid=OTHER_UID).to_dict()})),
        NEW,
    ),
    "a mark whose content is another one is no proof": (
        situation(cloud_function(), version(template=OTHER_TEMPLATE, hash_=hash_of(SMALL))),
        Register(FUNCTION, hash_of(SMALL)),
    ),
    "a request for another version is not met by the one that is there": (
        situation(recorded(version(), annotations={"new-version-requested-at": "now"}), version()),
        Register(FUNCTION, hash_of(SMALL, "now")),
    ),
    "another revision is another version, though the template is the same": (
        situation(recorded(version(revision="1"), spec={"revision": "2"}, generation=2), version(revision="1")),
        Register(FUNCTION, hash_of(SMALL), "2"),
    ),
    "after the settle the POST is made again": (situation(cloud_function(status=OPEN), searched_for=180.0), NEW),
    "after the settle the newest template is registered, not that of the intent": (
        situation(cloud_function(template=OTHER_TEMPLATE, status=OPEN, generation=2), searched_for=180.0),
        Register(None, hash_of(OTHER_TEMPLATE)),
    ),
    "a template whose POST was found late goes to its function": (
        situation(cloud_function(template=OTHER_TEMPLATE, status=OPEN, generation=2), version()),
        NEXT,
    ),
    "a latest version that is proven to be gone is registered again": (
        situation(
            recorded(version(), version(SECOND, OTHER_TEMPLATE), template=OTHER_TEMPLATE),
            version(),
            absent_for={SECOND: 80.0},
        ),
        NEXT,
    ),
    "where the record was lost, the function is that of the versions that are there": (
        situation(cloud_function(template=OTHER_TEMPLATE), version()),
        NEXT,
    ),
    "a function that is gone is replaced on request": (
        situation(recorded(version(), annotations={"new-function-requested-at": "now"}), absent_for={FIRST: 80.0}),
        NEW,
    ),
    "a version that a foreign one keeps company has its address still": (
        situation(recorded(version()), version(SECOND, THIRD_TEMPLATE, marked=False), absent_for={FIRST: 80.0}),
        Register(FUNCTION, hash_of(SMALL)),
    ),
}


@pytest.mark.parametrize(("of", "action"), [pytest.param(*case, id=name) for name, case in WRITES.items()])
def test_what_is_written(of: FunctionSituation, action: FunctionAction) -> None:
    assert decide(of).action == action


TAKEN: dict[str, tuple[FunctionSituation, str]] = {
    "what is on record and there": (situation(recorded(version()), version()), FIRST),
    "by its mark, where the record was lost": (situation(cloud_function(), version()), FIRST),
    "by its meaning, though the template is written otherwise": (
        situation(recorded(version(), template=WRITTEN_OUT, generation=2), version()),
        FIRST,
    ),
    "by its meaning, where the record was lost": (situation(cloud_function(template=WRITTEN_OUT), version()), FIRST),
    "what the POST of the intent has registered": (situation(cloud_function(status=OPEN), version()), FIRST),
    "what the POST has just answered, whatever the server has made of it": (
        situation(
            cloud_function(),
            wrote=NEW,
            answer=version(meaning="something else"),
            answered_intent=intent(answered=True),
        ),
        FIRST,
    ),
    "what is on record for the hash, whatever the server shows": (
        situation(recorded(version()), version(meaning="something else")),
        FIRST,
    ),
    "what bears the mark, though its content cannot be read": (situation(cloud_function(), version(meaning="")), FIRST),
    "what is on record, though its mark cannot be read": (
        situation(recorded(version()), version(marked=False, unreadable=frozenset({"tags"}))),
        FIRST,
    ),
    "a former version of the same template": (
        situation(
            recorded(version(), version(SECOND, OTHER_TEMPLATE), generation=2),
            version(),
            version(SECOND, OTHER_TEMPLATE),
        ),
        FIRST,
    ),
    "the oldest of several of one POST": (
        situation(cloud_function(), version(SECOND), version(FIRST, created_at=NOW - timedelta(hours=2))),
        FIRST,
    ),
    "the one on record before an older one": (
        situation(
            recorded(version(SECOND)),
            version(FIRST, created_at=NOW - timedelta(hours=2)),
            version(SECOND),
            claims_current=False,
        ),
        SECOND,
    ),
    "the version of that revision": (
        situation(
            recorded(
                version(revision="1"),
                version(SECOND, OTHER_TEMPLATE, revision="2"),
                spec={"revision": "1"},
                generation=2,
            ),
            version(revision="1"),
            version(SECOND, OTHER_TEMPLATE, revision="2"),
        ),
        FIRST,
    ),
    "the version of that revision on record, whatever the server shows": (
        situation(recorded(version(revision="1"), spec={"revision": "1"}), version(revision="1", meaning="other")),
        FIRST,
    ),
    "the latest, which gets the revision that the manifest gives it": (
        situation(recorded(version(), spec={"revision": "1"}, generation=2), version()),
        FIRST,
    ),
    "the latest, though the manifest names no revision any more": (
        situation(recorded(version(revision="1"), generation=2), version(revision="1")),
        FIRST,
    ),
    "the version of a request that has been answered": (
        situation(
            cloud_function(annotations={"new-version-requested-at": "now"}),
            version(hash_=hash_of(SMALL, "now")),
        ),
        FIRST,
    ),
}


@pytest.mark.parametrize(("of", "taken"), [pytest.param(*case, id=name) for name, case in TAKEN.items()])
def test_what_is_there_is_taken(of: FunctionSituation, taken: str) -> None:
    decision = decide(of)
    assert (decision.action, decision.taken) == (None, taken)
    assert outcome(decision) == ("Registered", "ready")
    status = report(of, decision)
    assert status.latest is not None
    wanted = of.resource.wanted
    assert (status.latest.version_id, status.latest.hash, status.latest.generation) == (
        taken,
        wanted.hash,
        of.resource.generation,
    )
    assert status.function_id == FUNCTION
    entry = next(item for item in status.versions if item.version_id == taken)
    assert entry.hash == wanted.hash


WAITS: dict[str, tuple[FunctionSituation, tuple[str, str]]] = {
    "a POST without an answer is searched for": (
        situation(cloud_function(status=OPEN), searched_for=170.0),
        ("AwaitingRegistration", "reconciling"),
    ),
    "a template that changed meanwhile waits for the open intent": (
        situation(cloud_function(template=OTHER_TEMPLATE, status=OPEN, generation=2), searched_for=170.0),
        ("AwaitingRegistration", "reconciling"),
    ),
    "an object with a finalizer and no record may have made a POST": (
        situation(cloud_function(), finalizer_found_for=100.0),
        ("AwaitingRegistration", "reconciling"),
    ),
    "a latest version that is not there is believed only after the settle": (
        situation(
            recorded(version(), version(SECOND, OTHER_TEMPLATE), template=OTHER_TEMPLATE),
            version(),
            absent_for={SECOND: 70.0},
        ),
        ("VersionGone", "reconciling"),
    ),
    "a duplicate does not take the place of a latest version that is out of sight": (
        situation(recorded(version()), version(SECOND), absent_for={FIRST: 10.0}),
        ("VersionGone", "reconciling"),
    ),
    "a latest version of which no GET says 404 is not gone": (
        situation(recorded(version())),
        ("VersionGone", "reconciling"),
    ),
    "a function of that name is not taken over": (
        situation(cloud_function(), named_alike=(OTHER_FUNCTION,)),
        ("AlreadyExists", "stalled"),
    ),
    "a revision that stands for another template is an error": (
        situation(
            recorded(version(revision="1"), template=OTHER_TEMPLATE, spec={"revision": "1"}, generation=2),
            version(revision="1"),
        ),
        ("RevisionReused", "stalled"),
    ),
    "a request for another version needs another revision": (
        situation(
            recorded(version(revision="1"), spec={"revision": "1"}, annotations={"new-version-requested-at": "now"}),
            version(revision="1"),
        ),
        ("RevisionReused", "stalled"),
    ),
    "a function whose versions are all gone is never created again": (
        situation(recorded(version()), absent_for={FIRST: 80.0}),
        ("FunctionGone", "stalled"),
    ),
    "a request for a new function that was answered before says nothing": (
        situation(
            recorded(
                version(),
                annotations={"new-function-requested-at": "then"},
                status={"lastHandledNewFunctionAt": "then"},
            ),
            absent_for={FIRST: 80.0},
        ),
        ("FunctionGone", "stalled"),
    ),
    "what is gone with much else is not registered again": (
        situation(
            recorded(version(), version(SECOND, OTHER_TEMPLATE), template=OTHER_TEMPLATE),
            version(),
            absent_for={SECOND: 80.0},
            mass_absence=True,
        ),
        ("MassAbsence", "stalled"),
    ),
    "another CloudFunction comes first": (
        situation(cloud_function(), holder=Key("team", "other", CLOUD_FUNCTION)),
        ("Conflict", "reconciling"),
    ),
    "an outage is waited for": (situation(cloud_function(), unlisted=outage()), ("NVCFUnavailable", "reconciling")),
    "a key of another account says nothing about the versions": (
        situation(recorded(version(), generation=2), account=AccountView(Proof.MISMATCH, "other", "x")),
        ("AccountMismatch", "stalled"),
    ),
    "a refused key is waited for": (
        situation(cloud_function(), access=Failure(Reason.SECRET_NOT_FOUND, "There is no Secret.", Scope.CREDENTIAL)),
        ("SecretNotFound", "reconciling"),
    ),
    "the API server refuses our write": (situation(cloud_function(), refused="no"), ("WriteRefused", "reconciling")),
    "a manifest that cannot be read": (
        situation(cloud_function(spec={"template": 7})),
        ("InvalidSpec", "stalled"),
    ),
    "a suspended function is left alone": (
        situation(cloud_function(spec={"suspend": True})),
        ("Suspended", ""),
    ),
    "an observed function is left alone": (
        situation(cloud_function(finalizer=False, spec={"managementPolicy": "Observe"})),
        ("Observing", ""),
    ),
    "a suspended function whose template is registered is Ready": (
        situation(recorded(version(), spec={"suspend": True}, generation=2), version()),
        ("Suspended", "ready"),
    ),
}


@pytest.mark.parametrize(("of", "said"), [pytest.param(*case, id=name) for name, case in WAITS.items()])
def test_what_is_waited_for(of: FunctionSituation, said: tuple[str, str]) -> None:
    assert outcome(decide(of)) == said


def test_an_outage_says_nothing_about_a_function_in_order() -> None:
    of = situation(recorded(version()), unlisted=outage())
    assert decide(of).condition_set is None
    assert reported(of)["Ready"] == ("True", "Registered")


def test_a_suspended_function_goes_back_to_no_former_version() -> None:
    of = situation(
        recorded(version(), version(SECOND, OTHER_TEMPLATE), spec={"suspend": True}, generation=2),
        version(),
        version(SECOND, OTHER_TEMPLATE),
    )
    status = report(of, decide(of))
    assert status.latest is not None
    assert status.latest.version_id == SECOND


@pytest.mark.parametrize("spec", [{"suspend": True}, {"managementPolicy": "Observe"}])
def test_what_is_in_force_stands_for_a_generation_that_writes_nothing(spec: dict[str, Any]) -> None:
    held = recorded(version(), spec=spec, generation=2, finalizer="suspend" in spec)
    found = report(of := situation(held, version()), decide(of)).latest
    assert found is not None
    assert (found.version_id, found.generation) == (FIRST, 2)


CLONE = version(SECOND, function_id=OTHER_FUNCTION)
"""Another function that somebody has made of this one, tags included."""


@pytest.mark.parametrize("listed", [(version(), CLONE), (CLONE, version())])
def test_a_copy_of_the_function_with_its_tags_changes_no_address(listed: tuple[VersionSeen, ...]) -> None:
    held = recorded(version(), status={"intent": intent(answered=True).to_dict()})
    status = report(of := situation(held, *listed), decide(of))
    assert status.function_id == FUNCTION
    assert [item.version_id for item in status.versions] == [FIRST]


def test_a_copy_of_the_function_does_not_take_its_place() -> None:
    held = recorded(version(), status={"intent": intent(answered=True).to_dict()})
    of = situation(held, CLONE, absent_for={FIRST: 1000.0})
    assert outcome(decide(of)) == ("FunctionGone", "stalled")
    assert report(of, decide(of)).function_id == FUNCTION


def test_a_copy_of_a_version_with_its_tags_and_another_image_is_not_taken_for_it() -> None:
    held = recorded(version(), status={"intent": intent(answered=True).to_dict()})
    copy = version(SECOND, THIRD_TEMPLATE, hash_=hash_of(SMALL))
    of = situation(held, copy, absent_for={FIRST: 1000.0})
    assert decide(of).action == Register(FUNCTION, hash_of(SMALL))


def test_the_versions_of_a_lost_record_are_on_record_again_but_for_duplicates() -> None:
    versions = (
        version(),
        version(SECOND, created_at=NOW - timedelta(minutes=50)),
        version(THIRD, OTHER_TEMPLATE, created_at=NOW - timedelta(minutes=40)),
    )
    of = situation(cloud_function(template=OTHER_TEMPLATE), *versions)
    assert [item.version_id for item in report(of, decide(of)).versions] == [THIRD, FIRST]


def test_a_version_of_a_skipped_template_is_on_record_and_not_the_latest() -> None:
    status = {**OPEN, "intent": intent(THIRD_TEMPLATE, token="f" * 16, function_id=FUNCTION).to_dict()}
    held = recorded(version(), template=OTHER_TEMPLATE, generation=3, status=status)
    of = situation(held, version(), version(SECOND, THIRD_TEMPLATE, token="f" * 16))
    decision = decide(of)
    assert decision.action == NEXT
    shown = report(of, asking(of, NEXT))
    assert {item.version_id for item in shown.versions} == {FIRST, SECOND}
    assert shown.latest is not None
    assert shown.latest.version_id == FIRST


def test_an_intent_is_answered_by_the_version_that_bears_its_token() -> None:
    status = report(of := situation(cloud_function(status=OPEN), version()), decide(of))
    assert status.intent is not None
    assert status.intent.answered


def test_an_intent_that_is_not_needed_any_more_stays_open_through_the_settle() -> None:
    held = recorded(version(), status={"intent": intent(OTHER_TEMPLATE, token="f" * 16).to_dict()})
    early, late = (situation(held, version(), searched_for=seconds) for seconds in (100.0, 180.0))
    assert (decide(early).taken, decide(early).requeue) == (FIRST, 80.0)
    answered = [report(of, decide(of)).intent for of in (early, late)]
    assert [item is not None and item.answered for item in answered] == [False, True]


def test_a_lost_intent_is_suspected_where_the_finalizer_says_so() -> None:
    of = situation(cloud_function(), finalizer_found_for=1.0)
    intent_ = report(of, decide(of)).intent
    assert intent_ is not None
    assert not intent_.answered
    assert decide(situation(after(of), searched_for=180.0)).action == NEW


def test_posts_without_an_answer_come_less_and_less_often() -> None:
    held, pauses = cloud_function(), []
    for _ in range(5):
        tried = situation(
            replace(held, status=held.status.model_copy(update={"intent": intent(), "observed_generation": 1})),
            failure=outage(words="502"),
            unanswered=outage(words="502"),
        )
        held = after(tried)
        pauses.append(
            next(
                second
                for second in range(0, 4000, 20)
                if decide(situation(held, searched_for=float(second))).action is not None
            )
        )
    assert pauses == [180, 180, 240, 480, 960]


def test_the_words_of_a_lost_answer_are_reported_until_it_is_found() -> None:
    held = cloud_function(status=OPEN)
    tried = situation(held, failure=outage(words="502 from NVCF"), unanswered=outage(words="502 from NVCF"))
    again = situation(after(tried), searched_for=10.0)
    messages = [decision.condition_set and decision.condition_set.message for decision in map(decide, (tried, again))]
    assert messages[0] == messages[1]
    assert "502 from NVCF" in str(messages[0])


def _refused(held: Any, reason: Reason) -> FunctionSituation:
    return situation(held, failure=refusal(reason), answered_intent=intent(answered=True))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason.ARTIFACT_REJECTED, "reconciling"),
        (Reason.QUOTA_EXCEEDED, "reconciling"),
        (Reason.REJECTED, "stalled"),
        (Reason.FORBIDDEN, "stalled"),
    ],
)
def test_a_refused_template_is_tried_again_six_times_with_growing_waits(reason: Reason, said: str) -> None:
    held, waits = cloud_function(), []
    for _ in range(6):
        of = _refused(held, reason)
        assert outcome(decide(of)) == (reason, said)
        assert reported(of)["CredentialsValid"] == ("True", "CredentialsValid")
        waits.append(decide(of).requeue)
        held = after(of)
        assert decide(situation(held)).action is None
        assert decide(situation(held, now=NOW + timedelta(seconds=waits[-1] or 0))).action == NEW
    assert waits == [60, 120, 240, 480, 960, 1800]
    last = _refused(held, reason)
    assert outcome(decide(last)) == (reason, "stalled")
    rests = after(last)
    for hours in (1, 100):
        decision = decide(situation(rests, now=NOW + timedelta(hours=hours)))
        assert (decision.action, decision.requeue) == (None, None)


@pytest.mark.parametrize("attempts", [1, 7])
def test_an_outage_leaves_nvcfs_words_about_a_refused_template(attempts: int) -> None:
    held = cloud_function()
    for _ in range(attempts):
        held = after(_refused(held, Reason.REJECTED))
    away = situation(held, unlisted=outage())
    assert decide(away).condition_set is None
    assert decide(away).requeue is not None
    assert decide(situation(after(away))).condition_set is None, "the words are still there"
    due = situation(held, unlisted=outage(), now=NOW + timedelta(hours=1))
    assert (outcome(decide(due)) if attempts == 1 else None) in (None, ("NVCFUnavailable", "reconciling"))


@pytest.mark.parametrize(
    "changed",
    [
        {"generation": 2},
        {"annotations": {"reconcile-requested-at": "now"}},
    ],
    ids=str,
)
def test_a_refused_template_is_tried_at_once_on_request(changed: dict[str, Any]) -> None:
    held = after(_refused(cloud_function(), Reason.REJECTED), **changed)
    assert decide(situation(held)).action == NEW


def test_another_key_lifts_a_lack_of_rights() -> None:
    held = recorded(version(), template=OTHER_TEMPLATE)
    of = situation(
        held, version(), failure=refusal(Reason.FORBIDDEN), answered_intent=intent(OTHER_TEMPLATE, answered=True)
    )
    held = after(of, template=OTHER_TEMPLATE)
    assert decide(situation(held, version())).action is None
    assert decide(situation(held, version(), account=replace_key("another"))).action == NEXT


def replace_key(fingerprint: str) -> AccountView:
    """The same account, by another key."""
    return AccountView(Proof.PROVEN, "acme", fingerprint)


def test_what_is_refused_is_forgotten_with_its_template() -> None:
    held = recorded(version(), template=OTHER_TEMPLATE, generation=2)
    of = situation(held, version(), failure=refusal(), answered_intent=intent(OTHER_TEMPLATE, answered=True))
    refused = report(of, decide(of))
    assert refused.failed is not None
    assert refused.phase == "Degraded"
    back = situation(after(of, generation=3), version())
    assert (report(back, decide(back)).failed, report(back, decide(back)).retry) == (None, None)


def test_a_server_that_does_not_take_the_request_is_waited_for() -> None:
    assert outcome(decide(situation(cloud_function(), failure=outage()))) == ("NVCFUnavailable", "reconciling")


def test_the_fourth_registration_of_a_template_within_an_hour_waits() -> None:
    of = situation(cloud_function())
    count = {"digest": write_name(of), "count": 3, "since": (NOW - timedelta(minutes=30)).isoformat()}
    held = cloud_function(status={"uid": UID, "observedGeneration": 1, "lastWrite": count})
    assert outcome(decide(situation(held))) == ("NotConverging", "stalled")
    assert decide(situation(held, now=NOW + timedelta(minutes=31))).action == NEW
    asked = replace(held, annotations={"nvcf-operator.io/reconcile-requested-at": "now"})
    assert decide(situation(asked)).action == NEW


def test_each_registration_is_counted() -> None:
    made = situation(cloud_function(), wrote=NEW, answer=version(), answered_intent=intent(answered=True))
    last = report(made, decide(made)).last_write
    assert last == LastWrite(digest=write_name(made), count=1, since=NOW)


@pytest.mark.parametrize(
    ("limit", "count", "stalled"),
    [(0, 6, False), (0, 7, True), (1, 7, False), (1, 8, True), (10, 15, False), (10, 16, True)],
)
def test_versions_that_cannot_be_collected_do_not_pile_up(limit: int, count: int, stalled: bool) -> None:
    versions = [
        version(
            f"7c1e0000-0000-4000-8000-0000000001{number:02}", {**SMALL, "containerArgs": str(number)}, status="ACTIVE"
        )
        for number in range(count)
    ]
    held = recorded(*versions[-10:], template=OTHER_TEMPLATE, generation=2, spec={"history": {"limit": limit}})
    decision = decide(situation(held, *versions))
    if stalled:
        assert outcome(decision) == ("TooManyVersions", "stalled")
    else:
        assert decision.action == NEXT


def test_the_record_keeps_the_brake_on_until_a_user_asks() -> None:
    two = (version(), version(SECOND, OTHER_TEMPLATE))
    lost: dict[str, Any] = {"absent_for": {SECOND: 80.0}}
    braked = situation(recorded(*two, template=OTHER_TEMPLATE), two[0], mass_absence=True, **lost)
    held = after(braked, template=OTHER_TEMPLATE)
    later = situation(held, two[0], **lost)
    assert report(later, decide(later)) == held.status
    asked = after(braked, template=OTHER_TEMPLATE, annotations={"reconcile-requested-at": "1"})
    unproven = decide(situation(asked, two[0], absent_for={SECOND: 5.0}))
    assert (unproven.action, unproven.seen) == (None, False)
    assert isinstance(decide(situation(asked, two[0], **lost)).action, Register)


def test_a_loss_by_somebody_else_is_drift() -> None:
    held = recorded(version(), version(SECOND, OTHER_TEMPLATE), template=OTHER_TEMPLATE)
    assert decide(situation(held, version(), absent_for={SECOND: 80.0})).drift == ("version",)


def test_the_way_back_leads_to_a_version_whose_record_names_a_later_hash_of_the_same_meaning() -> None:
    first, second = version(FIRST), version(SECOND, OTHER_TEMPLATE)
    known = recorded(first, second).status
    written_out = [
        item.model_copy(update={"hash": hash_of(WRITTEN_OUT)}) if item.version_id == FIRST else item
        for item in known.versions
    ]
    of = recorded(first, second, status={"versions": [item.to_dict() for item in written_out]}, generation=2)
    decision = decide(situation(of, first, second))
    assert (decision.action, decision.taken) == (None, FIRST)
    altered = replace(first, meaning="another")
    assert isinstance(decide(situation(of, altered, second)).action, Register), "a tag may lie"


def test_a_former_version_that_is_gone_is_forgotten() -> None:
    current = version(SECOND, OTHER_TEMPLATE)
    held = recorded(version(), current, template=OTHER_TEMPLATE)
    early, late = (situation(held, current, absent_for={FIRST: seconds}) for seconds in (70.0, 80.0))
    assert [len(report(of, decide(of)).versions) for of in (early, late)] == [2, 1]


def test_the_latest_version_stays_on_record_when_it_is_gone() -> None:
    of = situation(recorded(version()), absent_for={FIRST: 80.0})
    status = report(of, decide(of))
    assert status.latest is not None
    assert (status.latest.version_id, [item.version_id for item in status.versions]) == (FIRST, [FIRST])


def test_a_new_function_takes_the_place_of_the_one_that_is_gone() -> None:
    held = recorded(version(), annotations={"new-function-requested-at": "now"})
    made = replace(version(SECOND), function_id=OTHER_FUNCTION)
    of = situation(held, absent_for={FIRST: 80.0}, wrote=NEW, answer=made, answered_intent=intent(answered=True))
    status = report(of, decide(of))
    assert status.function_id == OTHER_FUNCTION
    assert status.last_handled_new_function_at == "now"
    assert [item.version_id for item in status.versions] == [SECOND]


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "hidden for a moment"])
def test_a_second_first_post_that_shows_late_changes_no_address(listed: bool) -> None:
    first = version()
    second = version(SECOND, token="b" * 16, function_id=OTHER_FUNCTION, created_at=NOW)
    held = recorded(first, status={"intent": intent(token="b" * 16).to_dict()})
    of = situation(held, *((first, second) if listed else (second,)))
    status = report(of, decide(of))
    assert status.latest is not None
    assert (status.function_id, status.latest.version_id) == (FUNCTION, FIRST)
    assert [item.version_id for item in status.versions] == [FIRST]


def test_a_new_function_whose_post_got_no_answer_is_found_before_the_loss_of_the_former_is_proven_again() -> None:
    asked = {"new-function-requested-at": "1"}
    held = recorded(version(), status={"intent": intent(token="b" * 16).to_dict()}, annotations=asked)
    of = situation(held, version(SECOND, token="b" * 16, function_id=OTHER_FUNCTION))
    assert report(of, decide(of)).function_id == OTHER_FUNCTION


def test_a_new_function_that_nobody_asks_for_any_more_takes_the_place_of_one_that_is_proven_to_be_gone() -> None:
    made = version(SECOND, token="b" * 16, function_id=OTHER_FUNCTION)
    held = recorded(version(), status={"intent": intent(token="b" * 16).to_dict()})
    held = after(situation(held, made, absent_for={FIRST: 5.0}))
    assert (held.function_id, held.open_intent is not None) == (FUNCTION, True)
    proven = situation(held, made, absent_for={FIRST: 80.0})
    status = report(proven, decide(proven))
    assert (status.function_id, status.latest.version_id if status.latest else None) == (OTHER_FUNCTION, SECOND)


def test_an_answer_that_shows_no_mark_is_on_record_with_its_function() -> None:
    asked = cloud_function(status={"uid": UID, "observedGeneration": 1, "intent": intent().to_dict()})
    answer = version(marked=False)
    of = situation(asked, answer=answer, answered_intent=intent(answered=True), wrote=Register(None, hash_of(SMALL)))
    status = report(of, unfinished(of))
    assert (status.function_id, [item.version_id for item in status.versions]) == (FUNCTION, [FIRST])


def test_a_request_for_a_new_function_does_not_outlive_the_function_that_is_there() -> None:
    held = recorded(version(), annotations={"new-function-requested-at": "early"})
    of = situation(held, version())
    assert report(of, decide(of)).last_handled_new_function_at == "early"


def test_another_version_of_a_revision_is_refused_in_words_of_its_own() -> None:
    named = version(revision="r1")
    held = recorded(named, spec={"revision": "r1"}, annotations={"new-version-requested-at": "now"})
    decision = decide(situation(held, named))
    assert outcome(decision) == ("RevisionReused", "stalled")
    assert decision.condition_set is not None
    assert "new-version-requested-at" in decision.condition_set.message


def test_a_second_pass_writes_nothing() -> None:
    made = situation(cloud_function(), wrote=NEW, answer=version(), answered_intent=intent(answered=True))
    held = after(made)
    of = situation(held, version(), now=NOW + timedelta(hours=3))
    assert report(of, decide(of)).to_dict() == held.recorded
    assert TOKEN in str(held.recorded)
