"""Functions that the resource did not create: which one is adopted, which of its versions is taken, and why not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.core.functions.decide import decide
from nvcf_operator.core.functions.model.claims import other_holder
from nvcf_operator.core.functions.model.decision import DeleteVersion, DeletionPurpose, Register, UpdateVersion
from nvcf_operator.core.functions.model.mark import Mark
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.model.versions import label_of, matching
from nvcf_operator.core.functions.report.events import adopted, of_write
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.model.decision import TakeFinalizer
from nvcf_operator.core.model.observed import AccountView, Proof
from nvcf_operator.core.model.reasons import Reason
from tests.unit.core.functions.situations import (
    FIRST,
    FUNCTION,
    NOW,
    OTHER_FUNCTION,
    OTHER_TEMPLATE,
    SECOND,
    THIRD,
    after,
    cloud_function,
    follower,
    hash_of,
    intent,
    outcome,
    recorded,
    reported,
    situation,
    version,
)
from tests.unit.core.functions.templates import SMALL, UID

OTHER_UID = "99999999-0f9c-4c8a-9a51-6f0d3c4b2a10"
GIVEN = {"functionId": FUNCTION.upper()}
ADOPT = {"adoptionPolicy": "Adopt"}

THEIRS = version(FIRST, marked=False, tags=frozenset({"team:ü-<&>"}))
NEWER = version(SECOND, marked=False, created_at=NOW - timedelta(minutes=5))
DIFFERENT = version(THIRD, OTHER_TEMPLATE, marked=False, created_at=NOW)


def adopting(*versions: Any, spec: dict[str, Any] | None = None, **changes: Any) -> FunctionSituation:
    """A new resource with a `functionId`, and what the account shows."""
    return situation(cloud_function(spec={**GIVEN, **(spec or {})}), *versions, **changes)


def taken(of: FunctionSituation) -> str | None:
    """The version that is taken."""
    found = matching(of)
    return found.version_id if found is not None else None


def test_the_newest_version_with_the_manifests_content_is_taken_and_no_other() -> None:
    of = adopting(THEIRS, NEWER, DIFFERENT)
    new = report(of, decide(of))
    assert new.latest is not None
    assert (new.function_id, new.account_id, new.latest.version_id) == (FUNCTION, "acme", SECOND)
    assert [item.version_id for item in new.versions] == [SECOND]
    assert reported(of)["Ready"] == ("True", "Registered")


@pytest.mark.parametrize(
    ("versions", "spec", "found"),
    [
        pytest.param((replace(THEIRS, status="ACTIVE"), NEWER), {}, FIRST, id="one that serves comes before a newer"),
        pytest.param(
            (replace(THEIRS, status="ACTIVE"), version(SECOND, uid=OTHER_UID, revision="1-4")),
            {"revision": "1-4"},
            FIRST,
            id="and before one that bore the revision",
        ),
        pytest.param((replace(THEIRS, status="ÄCTIVE"), NEWER), {}, FIRST, id="so does one of an unknown status"),
        pytest.param(
            (version(FIRST, uid=OTHER_UID, revision="1-4"), NEWER),
            {"revision": "1-4"},
            FIRST,
            id="the one that bore the revision for another object",
        ),
        pytest.param((version(FIRST, uid=OTHER_UID), NEWER), {}, FIRST, id="the one that bore the hash"),
        pytest.param((DIFFERENT,), {}, None, id="none of another content"),
        pytest.param((replace(THEIRS, meaning=""),), {}, None, id="none that cannot be read"),
        pytest.param((replace(THEIRS, function_id=OTHER_FUNCTION),), {}, None, id="none of another function"),
        pytest.param((replace(THEIRS, created_at=None), NEWER), {}, SECOND, id="one without a time counts as old"),
    ],
)
def test_which_version_is_taken(versions: tuple[Any, ...], spec: dict[str, Any], found: str | None) -> None:
    assert taken(adopting(*versions, spec=spec)) == found


def test_a_version_that_a_deployment_holds_comes_before_a_newer_one() -> None:
    assert taken(adopting(THEIRS, NEWER, followers=(follower(refers=False, named=frozenset({FIRST})),))) == FIRST


@pytest.mark.parametrize(
    ("shown", "found"),
    [(None, FIRST), (frozenset({"HF_TOKEN"}), FIRST), (frozenset(), None), (frozenset({"HF_TOKEN", "MORE"}), None)],
    ids=["not shown", "the same", "none", "more"],
)
def test_the_names_of_secrets_count_where_they_are_shown(shown: frozenset[str] | None, found: str | None) -> None:
    secrets = [{"name": "HF_TOKEN", "secretRef": {"name": "llama", "key": "hf"}}]
    assert taken(adopting(replace(THEIRS, secret_names=shown), spec={"secrets": secrets})) == found


def test_the_adopted_version_takes_the_manifests_revision_and_hash() -> None:
    of = adopting(version(FIRST, uid=OTHER_UID, revision="old", hash_="h1" + "0" * 16), spec={"revision": "1-4"})
    seen = of.versions[0]
    assert label_of(of, seen) == (hash_of(SMALL), "1-4")
    new = report(of, decide(of))
    assert new.latest is not None
    assert (new.latest.revision, new.versions[0].revision, new.versions[0].hash) == ("1-4", "1-4", hash_of(SMALL))


def test_the_adopted_version_is_marked_beside_its_tags_and_reported() -> None:
    of = adopting(THEIRS)
    action = decide(of).action
    assert isinstance(action, UpdateVersion)
    assert action.tags is not None
    assert action.tags > THEIRS.tags
    [note] = of_write(of.resource, action)
    assert (note.reason, note.warning) == (Reason.ADOPTED, False)
    assert FIRST in note.message
    changed = of_write(recorded(version(FIRST)), action)
    assert [item.reason for item in changed] == [Reason.UPDATED]


def test_a_version_that_is_taken_before_it_can_be_marked_is_reported_when_it_is_on_record() -> None:
    of = adopting(replace(THEIRS, status="DEPLOYING"))
    new = report(of, decide(of))
    note = adopted(of, new)
    assert note is not None
    assert (note.reason, FIRST in note.message) == (Reason.ADOPTED, True)
    assert adopted(situation(after(of, spec=GIVEN), *of.versions), new) is None
    mine = adopting(version(FIRST))
    assert adopted(mine, report(mine, decide(mine))) is None


def test_a_mark_of_another_object_gives_no_revision() -> None:
    of = adopting(version(FIRST, uid=OTHER_UID, revision="old"))
    new = report(of, decide(of))
    assert new.latest is not None
    assert new.latest.revision is None


def test_a_lost_status_leads_to_the_same_version() -> None:
    of = adopting(version(FIRST), NEWER)
    assert (taken(of), report(of, decide(of)).function_id) == (FIRST, FUNCTION)


def test_without_an_equal_version_one_is_registered_in_that_function() -> None:
    of = adopting(DIFFERENT)
    assert decide(of).action == Register(FUNCTION, hash_of(SMALL))
    record = decide(of).record
    assert record is not None
    assert record.function_id == FUNCTION


def test_once_a_version_is_on_record_what_others_register_stays_theirs() -> None:
    resource = replace(recorded(version(FIRST), template=OTHER_TEMPLATE, spec=GIVEN, generation=2))
    of = situation(resource, version(FIRST), DIFFERENT)
    assert decide(of).action == Register(FUNCTION, hash_of(OTHER_TEMPLATE))


@pytest.mark.parametrize("registered", [False, True], ids=["before", "for that very request"])
def test_a_request_for_another_version_is_not_answered_by_one_of_somebody_else(registered: bool) -> None:
    resource = cloud_function(spec=GIVEN, annotations={"new-version-requested-at": "once more"})
    seen = version(FIRST, uid=OTHER_UID, hash_=hash_of(SMALL, "once more")) if registered else THEIRS
    assert taken(situation(resource, seen)) == (FIRST if registered else None)


def test_the_finalizer_comes_before_the_version_is_registered_in_an_adopted_function() -> None:
    of = situation(cloud_function(spec=GIVEN, finalizer=False), DIFFERENT)
    assert decide(of).action == TakeFinalizer()


def test_a_function_that_is_not_in_the_account_is_never_created_instead() -> None:
    of = adopting()
    assert outcome(decide(of)) == (Reason.FUNCTION_GONE, "stalled")
    new = report(of, decide(of))
    assert (new.function_id, new.account_id) == (None, None)
    later = situation(after(of, spec=GIVEN), THEIRS)
    assert reported(later)["Ready"] == ("True", "Registered")


@pytest.mark.parametrize("proof", [Proof.UNPROVEN, Proof.MISMATCH])
def test_a_list_that_is_not_proven_says_nothing_of_a_function(proof: Proof) -> None:
    of = adopting(account=AccountView(proof, "acme", "fingerprint"))
    assert outcome(decide(of))[0] in (Reason.ACCOUNT_UNPROVEN, Reason.ACCOUNT_MISMATCH)


def test_a_function_of_another_account_is_not_ours_and_says_so() -> None:
    of = adopting(of_another_account=True)
    assert outcome(decide(of)) == (Reason.PUBLIC_FUNCTION, "stalled")
    said = decide(of).condition_set
    assert said is not None
    assert "another account" in said.message


def test_a_request_for_a_new_function_is_refused_where_the_manifest_names_the_one_that_is_gone() -> None:
    resource = recorded(version(FIRST), spec=GIVEN, annotations={"new-function-requested-at": "now"})
    of = situation(resource, absent_for={FIRST: 10_000.0})
    assert outcome(decide(of)) == (Reason.FUNCTION_GONE, "stalled")
    said = decide(of).condition_set
    assert said is not None
    assert "without functionId" in said.message


def test_an_id_that_is_added_later_has_to_be_that_on_record() -> None:
    assert reported(situation(recorded(version(FIRST), spec=GIVEN), version(FIRST)))["Ready"][1] == "Registered"
    of = situation(recorded(version(FIRST), spec={"functionId": OTHER_FUNCTION}, finalizer=False), version(FIRST))
    assert outcome(decide(of)) == (Reason.INVALID_SPEC, "stalled")
    assert report(of, decide(of)).function_id == FUNCTION


def test_without_a_record_the_versions_say_which_function_it_has() -> None:
    of = situation(cloud_function(spec={"functionId": OTHER_FUNCTION}), version(FIRST))
    assert outcome(decide(of)) == (Reason.INVALID_SPEC, "stalled")
    assert report(of, decide(of)).function_id == FUNCTION


NAMED = {"named_alike": (FUNCTION,)}


def by_name(*versions: Any, **changes: Any) -> FunctionSituation:
    """A new resource that adopts by name."""
    return situation(cloud_function(spec=ADOPT), *versions, **{**NAMED, **changes})


def test_the_only_function_of_that_name_is_adopted_as_by_its_id() -> None:
    of = by_name(THEIRS, DIFFERENT)
    new = report(of, decide(of))
    assert new.latest is not None
    assert (new.function_id, new.latest.version_id) == (FUNCTION, FIRST)
    assert decide(by_name(DIFFERENT)).action == Register(FUNCTION, hash_of(SMALL))


def test_of_several_functions_none_is_chosen() -> None:
    of = by_name(THEIRS, named_alike=(FUNCTION, OTHER_FUNCTION))
    assert outcome(decide(of)) == (Reason.AMBIGUOUS, "stalled")
    said = decide(of).condition_set
    assert said is not None
    assert FUNCTION in said.message
    assert OTHER_FUNCTION in said.message


def test_without_one_of_that_name_a_function_is_created() -> None:
    assert decide(by_name(named_alike=())).action == Register(None, hash_of(SMALL))


def test_refuse_names_the_ids_and_the_ways_out() -> None:
    of = situation(cloud_function(), THEIRS, named_alike=(FUNCTION,))
    assert outcome(decide(of)) == (Reason.ALREADY_EXISTS, "stalled")
    said = decide(of).condition_set
    assert said is not None
    for word in (FUNCTION, "spec.functionId", "adoptionPolicy: Adopt", "another name"):
        assert word in said.message


def test_a_function_with_an_own_version_comes_before_one_of_its_name() -> None:
    of = by_name(version(FIRST, function_id=OTHER_FUNCTION), THEIRS)
    assert report(of, decide(of)).function_id == OTHER_FUNCTION


def test_none_is_adopted_by_name_while_a_post_of_ours_may_create_another() -> None:
    opened = {"uid": UID, "intent": intent().to_dict()}
    resource = cloud_function(spec=ADOPT, status=opened)
    assert decide(situation(resource, THEIRS, **NAMED, searched_for=10.0)).taken is None
    assert decide(situation(resource, THEIRS, **NAMED, searched_for=180.0)).taken == FIRST
    assert decide(by_name(THEIRS, finalizer_found_for=10.0)).taken is None


def test_what_a_lost_post_creates_beside_an_adopted_function_is_a_duplicate_of_no_use() -> None:
    """The manifest got its functionId while the first POST was without an answer."""
    opened = {"uid": UID, "intent": intent().to_dict()}
    of = situation(cloud_function(spec=GIVEN, status=opened), THEIRS, searched_for=10.0)
    assert decide(of).taken == FIRST
    late = version(SECOND, function_id=OTHER_FUNCTION, created_at=NOW - timedelta(minutes=10))
    mark = Mark.of(UID, hash_of(SMALL), "f" * 16)
    ours = replace(THEIRS, mark=mark, tags=frozenset({mark.tag}))
    again = situation(after(of, spec=GIVEN), ours, late, searched_for=20.0)
    new = report(again, decide(again))
    assert new.latest is not None
    assert (new.function_id, new.latest.version_id) == (FUNCTION, FIRST)
    assert [item.version_id for item in new.versions] == [FIRST]
    assert decide(again).action == DeleteVersion(OTHER_FUNCTION, SECOND, DeletionPurpose.DUPLICATE)


def test_an_open_post_to_a_function_that_is_named_hinders_nothing() -> None:
    opened = {"uid": UID, "functionId": FUNCTION, "intent": intent(function_id=FUNCTION).to_dict()}
    assert decide(situation(cloud_function(spec=GIVEN, status=opened), THEIRS)).taken == FIRST


@pytest.mark.parametrize("spec", [{"managementPolicy": "Observe"}, {"suspend": True}], ids=["observed", "suspended"])
def test_nothing_is_adopted_while_nothing_may_be_written(spec: dict[str, Any]) -> None:
    of = adopting(THEIRS, spec=spec)
    decision = decide(replace(of, resource=replace(of.resource, finalizers=())))
    assert (decision.action, decision.taken) == (None, None)
    assert decision.condition_set is not None
    assert FIRST in decision.condition_set.message
    gone = decide(adopting(spec=spec, resource=replace(of.resource, finalizers=())))
    assert gone.condition_set is not None
    assert FUNCTION in gone.condition_set.message
    assert gone.requeue == 300.0, "what appears later is never reported, because no poll compares it with the manifest"


def test_the_deletion_of_an_adopted_function_takes_only_what_bears_the_mark() -> None:
    resource = recorded(version(FIRST), spec=GIVEN, deleting=True)
    users = (follower(refers=False, named=frozenset({SECOND})),)
    of = situation(resource, version(FIRST), NEWER, version(THIRD, uid=OTHER_UID), followers=users)
    action = decide(of).action
    assert isinstance(action, DeleteVersion)
    assert action.version_id == FIRST
    left = situation(resource, NEWER, version(THIRD, uid=OTHER_UID), absent_for={FIRST: 10_000.0}, followers=users)
    assert type(decide(left).action).__name__ == "DropFinalizer"


def test_a_version_without_a_mark_that_counts_is_never_collected() -> None:
    resource = recorded(version(FIRST), version(SECOND), spec={"history": {"limit": 0}})
    of = situation(resource, version(FIRST, marked=False), version(SECOND))
    assert not isinstance(decide(of).action, DeleteVersion)


def rival(name: str, *, created: str, **changes: Any) -> CloudFunction:
    """Another CloudFunction of the cluster."""
    found = cloud_function(**changes)
    return replace(found, key=Key("team", name, CLOUD_FUNCTION), uid=f"uid of {name}", created=created)


def test_of_two_that_name_one_function_the_older_one_adopts_it() -> None:
    older, later = rival("older", created="1", spec=GIVEN), rival("later", created="2", spec=GIVEN)
    assert other_holder(later, [older]) == older.key
    assert other_holder(older, [later]) is None


def test_one_that_has_a_function_keeps_it_from_one_that_names_it() -> None:
    holder = replace(rival("holder", created="2"), status=recorded(version(FIRST)).status)
    newcomer = rival("newcomer", created="1", spec=GIVEN)
    assert other_holder(newcomer, [holder]) == holder.key
    assert other_holder(holder, [newcomer]) is None


@pytest.mark.parametrize(
    "changes", [{"spec": GIVEN | {"managementPolicy": "Observe"}}, {"spec": GIVEN | {"suspend": True}}]
)
def test_one_that_only_watches_a_function_keeps_nobody_from_it(changes: dict[str, Any]) -> None:
    assert other_holder(rival("later", created="2", spec=GIVEN), [rival("older", created="1", **changes)]) is None


def test_one_of_that_name_with_a_function_of_its_own_does_not_stand_in_the_way() -> None:
    other = replace(rival("other", created="1"), status=recorded(version(FIRST)).status)
    assert other_holder(rival("later", created="2", spec={"functionId": OTHER_FUNCTION}), [other]) is None
