"""Which versions get which tags and rate limit, in which order, and what is reported meanwhile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_operator.core.functions.branches.in_place import change_name, outdated, refusal_name
from nvcf_operator.core.functions.decide import decide, unfinished
from nvcf_operator.core.functions.model.decision import (
    DeleteVersion,
    FunctionAction,
    Register,
    RemoveRateLimit,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.mark import Mark, parse
from nvcf_operator.core.functions.model.observed import LastChange, RefusedChange, VersionSeen
from nvcf_operator.core.functions.model.rate_limit import form_of
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import in_use
from nvcf_operator.core.functions.report.events import drifted, of_write
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.observed import Failure, Scope
from nvcf_operator.core.model.reasons import Reason
from tests.unit.core.functions.situations import (
    FIRST,
    FUNCTION,
    NOW,
    OTHER_TEMPLATE,
    SECOND,
    THIRD,
    THIRD_TEMPLATE,
    follower,
    hash_of,
    outage,
    outcome,
    recorded,
    refusal,
    reported,
    situation,
    version,
)
from tests.unit.core.functions.templates import SMALL, UID

OLD = version(created_at=NOW - timedelta(hours=3))
LATEST = version(SECOND, OTHER_TEMPLATE)
LIMIT = {"rateLimit": "100-M"}


def mark_tag(of: VersionSeen) -> str:
    """The mark of a version."""
    assert of.mark is not None
    return of.mark.tag


def tagged(of: VersionSeen, *tags: str, **changes: Any) -> VersionSeen:
    """A version with these tags beside its mark."""
    return replace(of, tags=frozenset((*tags, mark_tag(of))), **changes)


def following(
    *versions: VersionSeen, spec: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None, **changes: Any
) -> FunctionSituation:
    """A resource with a former version and the latest one on record; this is the first pass of its second generation,
    in which only `spec` is new."""
    given = {"template": OTHER_TEMPLATE, "spec": spec or {}, "generation": 2, **(metadata or {})}
    return situation(recorded(OLD, LATEST, **given), *(versions or (OLD, LATEST)), **changes)


def settled(*versions: VersionSeen, spec: dict[str, Any] | None = None, **changes: Any) -> FunctionSituation:
    """The same when it is Ready with that manifest."""
    return following(*versions, spec=spec, metadata={"generation": 1}, **changes)


def update(
    of: VersionSeen, *tags: str, limit: bool = False, corrects: tuple[str, ...] = (), mark: str | None = None
) -> UpdateVersion:
    """The change of tags beside the mark, or of nothing but the rate limit."""
    given = frozenset((*tags, mark or mark_tag(of))) if tags or mark else None
    return UpdateVersion(FUNCTION, of.version_id, given, limit, corrects)


ONLY_OURS = UpdateVersion(FUNCTION, SECOND, frozenset({mark_tag(LATEST)}))
RENEWED = Mark.renewed(UID, hash_of(OTHER_TEMPLATE), SECOND).tag
WIPED = replace(LATEST, tags=frozenset({"theirs"}), mark=None)
FOREIGN = "nvcf-operator:1:stranger"

WRITES: dict[str, tuple[FunctionSituation, FunctionAction | None]] = {
    "tags": (following(spec={"tags": ["a", "b"]}), update(LATEST, "a", "b")),
    "tags that are there in another order": (
        following(OLD, tagged(LATEST, "b", "a"), spec={"tags": ["a", "b"]}),
        None,
    ),
    "tags that somebody added beside them": (
        following(OLD, tagged(LATEST, "a", "theirs"), spec={"tags": ["a"]}),
        update(LATEST, "a"),
    ),
    "no tags": (following(OLD, tagged(LATEST, "a"), spec={"tags": []}), ONLY_OURS),
    "no word of tags": (following(OLD, tagged(LATEST, "theirs")), None),
    "a wiped mark": (following(OLD, WIPED), update(LATEST, "theirs", mark=RENEWED)),
    "a wiped mark beside the manifest's tags": (
        following(OLD, WIPED, spec={"tags": ["a"]}),
        update(LATEST, "a", mark=RENEWED),
    ),
    "a mark of another object": (
        following(OLD, tagged(LATEST, "theirs", FOREIGN)),
        update(LATEST, "theirs"),
    ),
    "tags that cannot be read": (
        following(OLD, replace(WIPED, unreadable=frozenset({"tags"})), metadata={"generation": 1}),
        None,
    ),
    "a rate limit": (following(spec={"rateLimit": LIMIT}), update(LATEST, limit=True)),
    "a rate limit that means the same": (
        following(
            OLD,
            replace(LATEST, rate_limit=form_of({"rateLimit": "100-M", "exemptedNcaIds": [], "perNcaIdRate": {}})),
            spec={"rateLimit": LIMIT},
        ),
        None,
    ),
    "a rate limit that the manifest says nothing of": (
        following(OLD, replace(LATEST, rate_limit=form_of(LIMIT))),
        None,
    ),
    "tags and rate limit": (
        following(spec={"tags": ["a"], "rateLimit": LIMIT}),
        update(LATEST, "a", limit=True),
    ),
    "no rate limit": (
        following(OLD, replace(LATEST, rate_limit=form_of(LIMIT)), spec={"rateLimitPolicy": "Unlimited"}),
        RemoveRateLimit(FUNCTION, SECOND),
    ),
    "no rate limit where there is none": (following(spec={"rateLimitPolicy": "Unlimited"}), None),
    "tags first, then no rate limit": (
        following(
            OLD,
            replace(LATEST, rate_limit=form_of(LIMIT)),
            spec={"tags": ["a"], "rateLimitPolicy": "Unlimited"},
        ),
        update(LATEST, "a"),
    ),
    "what serves beside the latest": (
        following(replace(OLD, status="ACTIVE"), tagged(LATEST, "a"), spec={"tags": ["a"]}),
        update(OLD, "a"),
    ),
    "what a FunctionDeployment names": (
        following(OLD, tagged(LATEST, "a"), spec={"tags": ["a"]}, followers=(follower(named=frozenset({FIRST})),)),
        update(OLD, "a"),
    ),
    "not what is only kept": (following(OLD, tagged(LATEST, "a"), spec={"tags": ["a"]}), None),
    "not under Observe": (
        following(spec={"tags": ["a"], "managementPolicy": "Observe"}, metadata={"finalizer": False}),
        None,
    ),
    "not while suspended": (following(spec={"tags": ["a"], "suspend": True}), None),
    "not while another CloudFunction comes first": (following(spec={"tags": ["a"]}, holder=follower().key), None),
    "not while the list says nothing": (following(spec={"tags": ["a"]}, unlisted=outage()), None),
}


@pytest.mark.parametrize(("of", "action"), [pytest.param(*case, id=name) for name, case in WRITES.items()])
def test_what_is_sent(of: FunctionSituation, action: FunctionAction | None) -> None:
    assert decide(of).action == action


def test_the_version_that_is_followed_comes_first_then_the_newest() -> None:
    newest = version(THIRD, THIRD_TEMPLATE, created_at=NOW)
    resource = recorded(OLD, newest, LATEST, template=OTHER_TEMPLATE)
    of = situation(resource, replace(OLD, status="ERROR"), LATEST, replace(newest, status="unbekannt"))
    assert [seen.version_id for seen in in_use(of)] == [SECOND, THIRD, FIRST]


def test_a_version_whose_deletion_was_asked_for_is_not_in_use() -> None:
    of = following(replace(OLD, status="ACTIVE"), LATEST, delete_sent_for={FIRST: 1.0})
    assert [seen.version_id for seen in in_use(of)] == [SECOND]


def test_one_write_a_reconcile_and_the_latest_is_followed_at_once() -> None:
    of = following(replace(OLD, status="ACTIVE"), LATEST, spec={"tags": ["a"]})
    first = decide(of)
    assert first.action == update(LATEST, "a")
    of = replace(of, wrote=first.action, versions=(of.versions[0], tagged(LATEST, "a")))
    second = decide(of)
    assert (second.action, second.requeue, second.taken, second.seen) == (None, 0.0, SECOND, False)
    status = report(of, second)
    assert status.latest is not None
    assert (status.phase, status.latest.generation) == ("Registered", 2)
    assert reported(of)["Ready"] == ("False", "Updating")
    assert (reported(of)["Registered"][0], reported(of)["Reconciling"][0]) == ("True", "True")
    assert decide(replace(of, wrote=None)).action == update(OLD, "a")


def test_when_all_versions_in_use_are_as_wanted_it_is_ready() -> None:
    of = following(spec={"tags": ["a"]})
    of = replace(of, wrote=decide(of).action, versions=(OLD, tagged(LATEST, "a")))
    assert outcome(decide(of)) == ("Registered", "ready")


def way_back(seen: VersionSeen = OLD, **changes: Any) -> FunctionSituation:
    """The manifest has gone back to the former version's template, and asks for tags that it lacks."""
    return following(seen, LATEST, spec={"tags": ["a"]}, metadata={"template": SMALL}, **changes)


def test_a_former_version_is_brought_up_to_date_before_it_is_taken() -> None:
    of = way_back()
    decision = decide(of)
    assert (decision.action, decision.taken) == (update(OLD, "a"), None)
    of = replace(of, wrote=decision.action, versions=(tagged(OLD, "a"), LATEST))
    assert (decide(of).action, decide(of).taken) == (None, FIRST)


def test_a_former_version_that_is_deployed_is_taken_at_once() -> None:
    assert decide(way_back(replace(OLD, status="ACTIVE"))).taken == FIRST


@pytest.mark.parametrize("failure", [outage(), Failure(Reason.UNAUTHORIZED, "No key.", Scope.CREDENTIAL)])
def test_a_former_version_is_not_taken_while_nothing_can_be_sent(failure: Failure) -> None:
    of = way_back()
    decision = decide(replace(of, failure=failure, tried=decide(of).action))
    assert (decision.action, decision.taken) == (None, None)
    assert decision.condition_set is not None
    assert decision.condition_set.reason == failure.reason


def refused_change(of: FunctionSituation, left: float = 60.0) -> FunctionSituation:
    """The same after NVCF has refused the change that is due."""
    action = decide(of).action
    assert isinstance(action, UpdateVersion)
    item = RefusedChange(refusal_name(of, action), refusal(), left)
    return replace(of, refused_changes={(action.version_id, "UpdateVersion"): item})


def test_a_refusal_holds_nobody_back() -> None:
    of = refused_change(way_back())
    decision = decide(of)
    assert decision.taken == FIRST, "the way back does not depend on tags"
    assert outcome(decision) == ("Rejected", "stalled")
    assert outdated(of) == frozenset()


def test_a_refused_change_waits_and_the_versions_after_it_do_not() -> None:
    of = refused_change(following(replace(OLD, status="ACTIVE"), LATEST, spec={"tags": ["a"]}))
    assert decide(of).action == update(OLD, "a")
    of = replace(of, versions=(tagged(OLD, "a", status="ACTIVE"), LATEST))
    assert outcome(decide(of)) == ("Rejected", "stalled")
    assert (decide(of).requeue, decide(of).taken) == (60.0, SECOND)
    assert report(of, decide(of)).phase == "Degraded"
    assert reported(of)["Registered"][0] == "True"


@pytest.mark.parametrize("ends", ["time", "request", "manifest"])
def test_a_refused_change_is_made_again(ends: str) -> None:
    of = refused_change(following(spec={"tags": ["a"]}), left=0.0 if ends == "time" else 60.0)
    tags = ["a"]
    if ends == "request":
        annotations = {"nvcf-operator.io/reconcile-requested-at": "jetzt"}
        of = replace(of, resource=replace(of.resource, annotations=annotations))
    if ends == "manifest":
        tags = ["b"]
        of = replace(following(spec={"tags": tags}), refused_changes=of.refused_changes)
    assert decide(of).action == update(LATEST, *tags)


def test_a_refusal_right_after_a_request_is_an_answer() -> None:
    of = refused_change(following(spec={"tags": ["a"]}))
    annotations = {"nvcf-operator.io/reconcile-requested-at": "jetzt"}
    asked = replace(of, resource=replace(of.resource, annotations=annotations))
    decision = decide(replace(asked, failure=refusal(), tried=decide(asked).action))
    assert (decision.action, decision.seen) == (None, True)


def test_an_outage_is_waited_for_and_followers_are_not_held_back() -> None:
    of = following(spec={"tags": ["a"]})
    of = replace(of, failure=outage(), tried=decide(of).action)
    decision = decide(of)
    assert (decision.action, decision.taken, decision.backoff) == (None, SECOND, True)
    assert outcome(decision) == ("NVCFUnavailable", "reconciling")


def test_a_failed_change_is_no_failed_registration_and_no_failed_deletion() -> None:
    of = following(spec={"tags": ["a"], "history": {"limit": 0}})
    of = replace(of, failure=outage(), tried=decide(of).action)
    assert report(of, decide(of)).retry is None
    of = replace(
        of, resource=recorded(OLD, template=OTHER_TEMPLATE, generation=2, spec={"tags": ["a"]}), versions=(OLD,)
    )
    assert decide(of).action is None, "nothing is written in a pass after a write that failed"
    assert isinstance(decide(replace(of, failure=None, tried=None)).action, Register)


def test_a_version_that_is_busy_is_waited_for() -> None:
    of = following(spec={"tags": ["a"]}, locked_for={SECOND: 40.0})
    decision = decide(of)
    assert outcome(decision) == ("VersionBusy", "reconciling")
    assert (decision.requeue, decision.taken) == (5.0, SECOND)
    assert outdated(of) == frozenset({SECOND})
    assert decide(way_back(locked_for={FIRST: 40.0})).taken is None


def test_nothing_is_collected_in_the_pass_of_a_change() -> None:
    of = following(spec={"tags": ["a"], "history": {"limit": 0}})
    of = replace(of, wrote=decide(of).action, versions=(OLD, tagged(LATEST, "a")))
    assert decide(of).action is None
    assert isinstance(decide(replace(of, wrote=None)).action, DeleteVersion)


def test_too_many_tags_leave_no_room_for_the_mark() -> None:
    full = replace(WIPED, tags=frozenset(f"tag-{number}" for number in range(64)))
    of = following(OLD, full)
    assert outcome(decide(of)) == ("InvalidSpec", "stalled")
    said = decide(of).condition_set
    assert said is not None
    assert "64 tags" in said.message
    assert decide(of).taken == SECOND


def test_what_cannot_be_read_is_not_compared_and_said_once() -> None:
    odd = replace(LATEST, unreadable=frozenset({"rateLimit"}))
    of = following(OLD, odd, spec={"rateLimit": LIMIT})
    assert outcome(decide(of)) == ("InvalidAnswer", "reconciling")
    assert decide(of).taken == SECOND
    assert outcome(decide(settled(OLD, odd, spec={"rateLimit": LIMIT}))) == ("Registered", "ready")


@pytest.mark.parametrize("reason", ["ArtifactRejected", "QuotaExceeded", "Rejected", "Forbidden"])
def test_versions_that_serve_are_kept_up_to_date_while_the_template_is_refused(reason: str) -> None:
    failed = {"hash": hash_of(THIRD_TEMPLATE), "generation": 2, "reason": reason}
    retry = {"attempts": 1, "nextAttemptTime": (NOW + timedelta(seconds=50)).isoformat(), "reason": reason}
    ready = {"type": "Ready", "status": "False", "reason": reason, "message": "x", "observedGeneration": 2}
    status = {"failed": failed, "retry": retry, "observedGeneration": 2, "conditions": [ready]}
    of = following(spec={"tags": ["a"]}, metadata={"template": THIRD_TEMPLATE, "status": status})
    assert decide(of).action == update(LATEST, "a")
    of = replace(of, wrote=decide(of).action, versions=(OLD, tagged(LATEST, "a")))
    assert (decide(of).action, decide(of).condition_set, decide(of).taken) == (None, None, None)


def test_nothing_is_changed_where_the_revision_has_another_template() -> None:
    named = version(SECOND, OTHER_TEMPLATE, revision="1")
    spec = {"tags": ["a"], "revision": "1"}
    of = situation(recorded(OLD, named, template=THIRD_TEMPLATE, spec=spec, generation=2), OLD, named)
    assert outcome(decide(of)) == ("RevisionReused", "stalled")


# Drift


DRIFTED = settled(OLD, tagged(LATEST, "theirs"), spec={"tags": ["a"]})
CORRECTION = update(LATEST, "a", corrects=("tags",))


def test_what_somebody_else_changes_is_drift() -> None:
    decision = decide(DRIFTED)
    assert (decision.action, decision.drift) == (CORRECTION, ("tags",))
    text = drifted(DRIFTED.resource, decision.action).message
    assert SECOND in text
    assert "tags" in text
    limited = settled(OLD, replace(LATEST, rate_limit=form_of(LIMIT)), spec={"rateLimitPolicy": "Unlimited"})
    assert decide(limited).action == RemoveRateLimit(FUNCTION, SECOND, ("rateLimit",))


def test_what_comes_into_use_again_has_not_drifted() -> None:
    pin = follower(pinned="1-4")
    named = version(created_at=OLD.created_at, revision="1-4")
    resource = recorded(named, LATEST, template=OTHER_TEMPLATE, spec={"tags": ["a"]})
    of = situation(resource, named, tagged(LATEST, "a"), followers=(pin,))
    assert decide(of).action == update(named, "a")
    of = replace(of, versions=(replace(named, status="ACTIVE"), tagged(LATEST, "a")))
    assert decide(of).action == update(named, "a", corrects=("tags",))


def test_a_change_of_the_manifest_is_no_drift_and_is_not_counted() -> None:
    of = following(spec={"tags": ["a"]})
    assert decide(of).drift == ()
    of = replace(of, wrote=decide(of).action, versions=(OLD, tagged(LATEST, "a")))
    assert report(of, decide(of)).last_write is None


def test_three_corrections_an_hour_are_made_and_then_none() -> None:
    resource, now = DRIFTED.resource, NOW
    counts = []
    for _ in range(3):
        of = replace(DRIFTED, resource=resource, now=now)
        action = decide(of).action
        assert action == CORRECTION
        of = replace(of, wrote=action, versions=(OLD, tagged(LATEST, "a")))
        status = report(of, decide(of))
        assert status.last_write is not None
        counts.append(status.last_write.count)
        resource = replace(resource, status=status)
        now += timedelta(minutes=10)
    assert counts == [1, 2, 3]
    of = replace(DRIFTED, resource=resource, now=now)
    assert outcome(decide(of)) == ("NotConverging", "stalled")
    assert report(of, decide(of)).last_write == resource.status.last_write
    given_up = replace(of, resource=replace(resource, status=report(of, decide(of))))
    assert outcome(decide(given_up)) == ("NotConverging", "stalled"), "though it is in order no more"
    annotations = {"nvcf-operator.io/reconcile-requested-at": "jetzt"}
    asked = replace(given_up, resource=replace(given_up.resource, annotations=annotations))
    assert decide(asked).action == update(LATEST, "a")
    assert decide(replace(given_up, now=NOW + timedelta(hours=2))).action == update(LATEST, "a")


def test_two_versions_that_drift_together_count_once() -> None:
    of = settled(replace(OLD, status="ACTIVE"), tagged(LATEST, "theirs"), spec={"tags": ["a"]})
    of = replace(of, wrote=decide(of).action, versions=(of.versions[0], tagged(LATEST, "a")))
    status = report(of, decide(of))
    assert status.last_write is not None
    assert status.last_write.count == 1
    of = replace(of, wrote=None, resource=replace(of.resource, status=status))
    assert decide(of).action == update(OLD, "a"), "it is not in order meanwhile"


@pytest.mark.parametrize(
    ("last", "corrects"),
    [
        pytest.param(LastChange("same", 30.0, repeats=False), (), id="a moment after our own change"),
        pytest.param(LastChange("same", 30.0, repeats=True), ("tags",), id="after it was repeated already"),
        pytest.param(LastChange("same", 300.0, repeats=False), ("tags",), id="long after it"),
        pytest.param(LastChange("other", 30.0, repeats=False), ("tags",), id="after another change"),
    ],
)
def test_what_nvcf_undoes_itself_is_made_again_once_and_is_no_drift(
    last: LastChange, corrects: tuple[str, ...]
) -> None:
    name = change_name(DRIFTED) if last.name == "same" else last.name
    of = replace(DRIFTED, last_changes={SECOND: replace(last, name=name)})
    assert decide(of).action == update(LATEST, "a", corrects=corrects)


# Words


def test_each_change_is_an_event() -> None:
    resource = DRIFTED.resource
    notes = [
        of_write(resource, action)[0].message
        for action in (update(LATEST, "a", limit=True), update(LATEST, limit=True), RemoveRateLimit(FUNCTION, SECOND))
    ]
    assert notes == [
        f"Changed tags and rate limit of version {SECOND} of function {FUNCTION}.",
        f"Changed rate limit of version {SECOND} of function {FUNCTION}.",
        f"Removed the rate limit of version {SECOND} of function {FUNCTION}.",
    ]


def test_a_renewed_mark_is_the_same_each_time_and_keeps_the_revision() -> None:
    mark = Mark.renewed(UID, hash_of(SMALL), FIRST, "1-4-2")
    assert mark == Mark.renewed(UID, hash_of(SMALL), FIRST, "1-4-2")
    assert mark.token != Mark.renewed(UID, hash_of(SMALL), SECOND).token
    assert parse(mark.tag) == mark


def test_more_than_one_write_is_reported_as_an_update() -> None:
    of = following(spec={"tags": ["a"]})
    decision = unfinished(of)
    assert decision.condition_set is not None
    assert (decision.condition_set.reason, decision.taken, decision.requeue) == (Reason.UPDATING, SECOND, 0.0)
