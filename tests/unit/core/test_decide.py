"""The table of situations, a case a rule: what is done, and what is reported."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nvcf_operator.api import names
from nvcf_operator.api.names import Key
from nvcf_operator.core.decide import asking, decide, unfinished
from nvcf_operator.core.model.decision import Action, Change, Create, DropFinalizer, Patch, Put, TakeFinalizer, Undeploy
from nvcf_operator.core.model.observed import AccountView, Failure, FunctionSeen, Listed, Proof, Scope, Unknown
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import answered
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules.flap_guard import digest
from tests.unit.core.situations import (
    ACCOUNT,
    DEPLOYMENT,
    NOW,
    VERSION,
    absent,
    condition_set_of,
    conditions_of,
    deployment,
    held,
    intent,
    present,
    resource,
)

OUTAGE = Failure(Reason.NVCF_UNAVAILABLE, "away", Scope.SERVER)
BAD_KEY = Failure(Reason.UNAUTHORIZED, "bad key", Scope.CREDENTIAL)
NOT_YOURS = Failure(Reason.FORBIDDEN, "not this function", Scope.RESOURCE)
OTHER_ACCOUNT = AccountView(Proof.MISMATCH, "other", "x")
NO_ACCOUNT = AccountView(Proof.UNPROVEN, None, "x")
REFUSE = {"adoptionPolicy": "Refuse"}
RETAIN = {"deletionPolicy": "Retain"}
UNDEPLOYED = LocalView(undeployed_ids=frozenset({DEPLOYMENT}))


def action_of(situation: Situation) -> Action | None:
    return decide(situation).action


WRITES: list[tuple[str, Situation, type[Action] | None, str]] = [
    ("nothing deployed", absent(resource()), TakeFinalizer, "the finalizer is there before the intent and the POST"),
    (
        "nothing deployed, finalizer there",
        absent(resource(finalizer=True)),
        Create,
        "a manifest without a deployment is deployed",
    ),
    (
        "open intent, 404 for less than the create settle",
        absent(resource(intent=intent(), finalizer=True), for_seconds=124.0, local=LocalView(intent_settled_for=124.0)),
        None,
        "the POST whose answer was lost may still be running",
    ),
    (
        "open intent seen only just now, 404 for long",
        absent(resource(intent=intent(), finalizer=True), local=LocalView(intent_settled_for=1.0)),
        None,
        "the settle counts from this process's own first sight of the intent",
    ),
    (
        "open intent, 404 through the create settle",
        absent(resource(intent=intent(), finalizer=True), local=LocalView(intent_settled_for=126.0)),
        Create,
        "nothing came of the POST",
    ),
    (
        "open intent of three specifications, 404 through the settle of one",
        absent(resource(intent=intent(specifications=3), finalizer=True), local=LocalView(intent_settled_for=314.0)),
        None,
        "the server serves them one after the other",
    ),
    (
        "a POST of this process may run, and nothing is on record of it",
        absent(resource(finalizer=True), local=LocalView(posts_may_run_for={VERSION: 1.0})),
        None,
        "what was sent counts, whatever became of the status",
    ),
    (
        "a POST of this process may run, and the finalizer was taken off",
        absent(resource(), local=LocalView(posts_may_run_for={VERSION: 1.0})),
        TakeFinalizer,
        "what the POST makes has to be undeployed with the object",
    ),
    (
        "the finalizer was found without a record, 404 for less than the settle",
        absent(resource(finalizer=True), local=LocalView(finalizer_found_for=124.0)),
        None,
        "a crash may have come between the POST and everything else",
    ),
    (
        "the finalizer was found without a record, 404 through the settle",
        absent(resource(finalizer=True), local=LocalView(finalizer_found_for=126.0)),
        Create,
        "nothing was sent, or nothing came of it",
    ),
    (
        "a copied manifest's intent",
        absent(resource(intent=intent(uid="of another object"), finalizer=True)),
        Create,
        "an intent of another object is none",
    ),
    (
        "deployed before by record, gone for less than the redeploy settle",
        absent(held(), for_seconds=74.0),
        None,
        "an old row can come back or overwrite a new one",
    ),
    ("deployed before by record, gone through the settle", absent(held(), for_seconds=76.0), Create, "drift is mended"),
    (
        "seen deployed by another resource lately",
        absent(resource(), for_seconds=10.0, local=LocalView(version_seen_lately=True)),
        None,
        "the settle holds for whoever deployed it",
    ),
    (
        "404 by a key of another account",
        absent(held(), account=AccountView(Proof.MISMATCH, "other", "x")),
        None,
        "a key of another account says nothing about this one",
    ),
    (
        "404 by a key that shows no function of the account",
        absent(held(), account=AccountView(Proof.UNPROVEN, None, "x")),
        None,
        "an account without a proof is not believed",
    ),
    ("404 and the account does not answer", absent(held(), account=None), None, "a dependency's 404 passes through"),
    ("function unknown", absent(resource(), function=FunctionSeen.NOT_FOUND), None, "there is nothing to deploy"),
    ("function public", absent(resource(), function=FunctionSeen.PUBLIC), None, "another account's is not ours"),
    ("NVCF away", present(held(), observations={VERSION: Unknown(OUTAGE)}), None, "an outage is no absence"),
    ("403 for this resource", present(held(), observations={VERSION: Unknown(NOT_YOURS)}), None, "403 is no absence"),
    ("401", present(held(), observations={VERSION: Unknown(BAD_KEY)}), None, "401 is no absence"),
    ("deployed by somebody else, Adopt", present(resource()), TakeFinalizer, "the finalizer comes before adoption"),
    ("deployed by somebody else, Adopt, Retain", present(resource(spec=RETAIN)), None, "Retain needs no finalizer"),
    ("deployed by somebody else, Refuse", present(resource(spec=REFUSE)), None, "Refuse touches nothing"),
    (
        "our open intent, Refuse",
        present(resource(spec=REFUSE, intent=intent(), finalizer=True)),
        None,
        "after an open intent a deployment is ours whatever adoptionPolicy says, and it is as specified",
    ),
    (
        "somebody's drain, or a POST in the making",
        present(resource(), deployment("INACTIVE")),
        None,
        "INACTIVE with a row is waited for",
    ),
    ("policy changed to Retain", present(held(spec=RETAIN)), DropFinalizer, "Retain takes the finalizer off"),
    ("max differs", present(held(), deployment(gpu={"maxInstances": 9})), Change, "max is changed in place"),
    (
        "region differs",
        present(held(gpu={"regions": ["eu"]}), deployment(gpu={"regions": ["us"]})),
        None,
        "Reject touches nothing",
    ),
    ("ERROR and max differs", present(held(), deployment("ERROR", gpu={"maxInstances": 9})), None, "ERROR takes none"),
    ("as specified", present(held()), None, "converged is silent"),
    (
        "as specified by the list",
        present(held(), observations={VERSION: Listed("ACTIVE")}),
        None,
        "converged is silent",
    ),
    (
        "another resource holds the version",
        absent(resource(), holders={VERSION: Key("team", "first")}),
        None,
        "the holder keeps it",
    ),
    ("suspended, nothing deployed", absent(resource(spec={"suspend": True})), None, "suspend writes nothing"),
    (
        "paused by annotation, max differs",
        present(held(annotations={names.PAUSED_ANNOTATION: "true"}), deployment(gpu={"maxInstances": 9})),
        None,
        "paused writes nothing",
    ),
    ("Observe, nothing deployed", absent(resource(spec={"managementPolicy": "Observe"})), None, "Observe never writes"),
    (
        "Observe, max differs",
        present(resource(spec={"managementPolicy": "Observe"}), deployment(gpu={"maxInstances": 9})),
        None,
        "Observe never writes",
    ),
    (
        "another resource holds the version, and our finalizer is there",
        absent(resource(finalizer=True), holders={VERSION: Key("team", "first")}),
        DropFinalizer,
        "the finalizer is there while something is held",
    ),
    (
        "the row of an earlier deployment was written over ours",
        present(held(intent=intent(answered=True, deployment_id="ours")), local=UNDEPLOYED),
        Undeploy,
        "what was lost from sight is mended by another deployment",
    ),
    (
        "another deployment than ours, made later by somebody else",
        present(held(intent=intent(answered=True, deployment_id="ours"))),
        None,
        "the managed version was deployed again outside, as specified",
    ),
    ("no credentials", Situation(resource=resource(), now=NOW, access=BAD_KEY), None, "without a key nothing is sent"),
    # deletion
    (
        "deleted, ACTIVE",
        present(held(deleting=True)),
        Undeploy,
        "what the record holds is undeployed",
    ),
    ("deleted, suspended", present(held(deleting=True, spec={"suspend": True})), Undeploy, "deletion works suspended"),
    ("deleted, draining", present(held(deleting=True), deployment("INACTIVE")), None, "a drain is waited for"),
    ("deleted, gone", absent(held(deleting=True)), DropFinalizer, "a proven 404 ends it"),
    (
        "deleted, DELETE answered a moment ago and GET lags",
        present(held(deleting=True), local=LocalView(undeploy_sent_for={VERSION: 1.0})),
        None,
        "DELETE is not hammered",
    ),
    (
        "deleted, DELETE answered long ago and GET does not say INACTIVE",
        present(held(deleting=True), local=LocalView(undeploy_sent_for={VERSION: 11.0})),
        Undeploy,
        "a 200 from DELETE proves nothing",
    ),
    (
        "deleted with an open intent, 404 for less than the settle",
        absent(resource(intent=intent(), finalizer=True, deleting=True), local=LocalView(intent_settled_for=10.0)),
        None,
        "a POST may still be running: no release",
    ),
    (
        "deleted with an open intent, 404 through the settle",
        absent(resource(intent=intent(), finalizer=True, deleting=True), local=LocalView(intent_settled_for=126.0)),
        DropFinalizer,
        "nothing came of the POST",
    ),
    ("deleted, Retain", present(held(deleting=True, spec=RETAIN)), DropFinalizer, "Retain leaves NVCF alone"),
    (
        "deleted, Retain, no credentials",
        replace(present(held(deleting=True, spec=RETAIN)), access=BAD_KEY),
        DropFinalizer,
        "Retain needs no credentials",
    ),
    ("deleted, no finalizer", absent(resource(deleting=True)), None, "an object without our finalizer is let go"),
    ("deleted, credentials gone", replace(absent(held(deleting=True)), access=BAD_KEY), None, "nothing is guessed"),
    (
        "deleted, 404 by another account's key",
        absent(held(deleting=True), account=AccountView(Proof.MISMATCH, "other", "x")),
        None,
        "another account's 404 releases nothing",
    ),
    (
        "deleted, 404 by a key without a proof",
        absent(held(deleting=True), account=AccountView(Proof.UNPROVEN, None, "x")),
        None,
        "an unproven 404 releases nothing",
    ),
    ("deleted, NVCF away", absent(held(deleting=True), observations={VERSION: Unknown(OUTAGE)}), None, "no guess"),
    (
        "deleted, another resource holds the version",
        present(held(deleting=True), holders={VERSION: Key("team", "first")}),
        DropFinalizer,
        "what another resource holds stays",
    ),
    (
        "deleted, another resource holds the version, credentials gone",
        present(held(deleting=True), holders={VERSION: Key("team", "first")}, access=BAD_KEY),
        DropFinalizer,
        "there is nothing to undeploy, so no key is needed",
    ),
    (
        "deleted, a copy with the status of its original",
        present(held(deleting=True, status={"uid": "another"}), holders={VERSION: Key("team", "first")}),
        DropFinalizer,
        "a record belongs to the object that it was written for",
    ),
    (
        "deleted, Refuse, and somebody else's deployment is there",
        present(held(deleting=True, spec=REFUSE), deployment(deploymentId="another")),
        DropFinalizer,
        "a record belongs to one deployment",
    ),
    (
        "deleted, a POST of this process may run, 404",
        absent(held(deleting=True), local=LocalView(posts_may_run_for={VERSION: 1.0})),
        None,
        "what it makes has to be undeployed",
    ),
    (
        "deleted, force-delete before it is blocked",
        present(held(deleting=True, annotations={names.FORCE_DELETE_ANNOTATION: "true"})),
        Undeploy,
        "force-delete counts only where deletion is blocked",
    ),
]


@pytest.mark.parametrize(("situation", "expected", "reason"), [pytest.param(*c[1:], id=c[0]) for c in WRITES])
def test_what_is_written(situation: Situation, expected: type[Action] | None, reason: str) -> None:
    action = action_of(situation)
    assert (None if action is None else type(action)) == expected, reason


@pytest.mark.parametrize("situation", [pytest.param(c[1], id=c[0]) for c in WRITES])
@pytest.mark.parametrize("failure", [OUTAGE, BAD_KEY, NOT_YOURS], ids=lambda failure: failure.scope)
def test_nvcf_is_not_changed_after_a_write_that_failed(situation: Situation, failure: Failure) -> None:
    action = action_of(replace(situation, failure=failure))
    assert action is None or isinstance(action, TakeFinalizer | DropFinalizer)


def test_first_post_carries_the_manifest_alone_and_comes_after_the_finalizer() -> None:
    assert action_of(absent(resource())) == TakeFinalizer()
    action = action_of(absent(resource(finalizer=True)))
    assert isinstance(action, Create)
    assert [item.to_request() for item in action.specifications] == [
        {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}
    ]


def test_retain_deploys_without_a_finalizer() -> None:
    assert isinstance(action_of(absent(resource(spec=RETAIN))), Create)


def test_max_alone_is_patched_with_min_beside_it_and_the_id_of_the_get() -> None:
    action = action_of(present(held(), deployment(gpu={"maxInstances": 9, "gpuSpecificationId": "from-the-get"})))
    assert isinstance(action, Change)
    assert isinstance(action.change, Patch)
    assert (action.change.gpu_specification_id, action.change.min_instances, action.change.max_instances) == (
        "from-the-get",
        1,
        4,
    )


def test_concurrency_and_max_go_in_one_put() -> None:
    of = held(gpu={"maxRequestConcurrency": 8})
    action = action_of(present(of, deployment(gpu={"maxInstances": 9})))
    assert isinstance(action, Change)
    assert isinstance(action.change, Put)
    assert [item.to_update()["maxRequestConcurrency"] for item in action.change.specifications] == [8]


def test_a_server_without_patch_gets_a_put() -> None:
    situation = present(held(), deployment(gpu={"maxInstances": 9}), local=LocalView(patch_supported=False))
    action = action_of(situation)
    assert isinstance(action, Change)
    assert isinstance(action.change, Put)


NO_PUT = LocalView(put_supported=False)


def test_a_server_without_put_changes_numbers_by_patch_and_says_that_concurrency_is_immutable() -> None:
    action = action_of(present(held(), deployment(gpu={"maxInstances": 9}), local=NO_PUT))
    assert isinstance(action, Change)
    assert isinstance(action.change, Patch)
    decision = decide(present(held(gpu={"maxRequestConcurrency": 8}), local=NO_PUT))
    assert decision.action is None
    assert condition_set_of(decision) == ("ImmutableFieldChanged", False, False, True)
    assert decision.condition_set is not None
    assert "no PUT" in decision.condition_set.message
    assert "maxRequestConcurrency: manifest 8" in decision.condition_set.message


def test_a_server_without_put_redeploys_for_concurrency_where_the_manifest_says_so() -> None:
    edited = held(gpu={"maxRequestConcurrency": 8}, spec={"rollout": {"immutableChange": "Redeploy"}})
    assert action_of(present(edited)) != action_of(present(edited, local=NO_PUT))
    assert isinstance(action_of(present(edited, local=NO_PUT)), Undeploy)


def test_graceful_is_the_manifests_choice() -> None:
    for graceful in (True, False):
        action = action_of(present(held(deleting=True, spec={"undeploy": {"graceful": graceful}})))
        assert action == Undeploy(VERSION, graceful=graceful, deployment_id=DEPLOYMENT)


DRAINED = {"retiring": [{"functionVersionId": VERSION, "deploymentId": DEPLOYMENT, "since": "2026-01-31T10:00:00Z"}]}
FORCED = Undeploy(VERSION, graceful=False, deployment_id=DEPLOYMENT)


@pytest.mark.parametrize(("policy", "expected"), [("Force", FORCED), ("Wait", None)])
def test_a_drain_over_its_time_is_forced_or_waited_for(policy: str, expected: Action | None) -> None:
    spec = {"undeploy": {"drainTimeoutSeconds": 3600, "onDrainTimeout": policy}}
    of = held(deleting=True, spec=spec, status=DRAINED)
    assert action_of(present(of, deployment("INACTIVE"))) == expected


def test_force_delete_releases_a_blocked_deletion() -> None:
    blocked = replace(absent(held(deleting=True)), access=BAD_KEY)
    record = report(blocked, decide(blocked)).to_dict()
    of = held(deleting=True, status=record, annotations={names.FORCE_DELETE_ANNOTATION: "true"})
    assert action_of(replace(absent(of), access=BAD_KEY)) == DropFinalizer()


CONDITIONS: list[tuple[str, Situation, tuple[str, str, str, str], Reason]] = [
    ("ACTIVE as specified", present(held()), ("True", "True", "False", "False"), Reason.ACTIVE),
    (
        "first DEPLOYING",
        present(held("DEPLOYING"), deployment("DEPLOYING")),
        ("False", "False", "True", "False"),
        Reason.DEPLOYING,
    ),
    (
        "immutable change refused",
        present(held(gpu={"regions": ["eu"]}), deployment(gpu={"regions": ["us"]})),
        ("True", "False", "False", "True"),
        Reason.IMMUTABLE_FIELD_CHANGED,
    ),
    (
        "our own raise of min",
        present(held(), deployment("DEGRADING"), local=LocalView(verify=True, raised_minimum=True)),
        ("True", "False", "True", "False"),
        Reason.SCALING_UP,
    ),
    (
        "DEGRADING before its deadline",
        present(held(), deployment("DEGRADING")),
        ("True", "False", "False", "False"),
        Reason.DEGRADING,
    ),
    (
        "DEGRADED before its deadline",
        present(held(), deployment("DEGRADED")),
        ("False", "False", "False", "False"),
        Reason.DEGRADED,
    ),
    (
        "suspended and as specified",
        present(held(spec={"suspend": True})),
        ("True", "True", "False", "False"),
        Reason.SUSPENDED,
    ),
    (
        "suspended and different",
        present(held(spec={"suspend": True}), deployment(gpu={"maxInstances": 9})),
        ("True", "False", "False", "False"),
        Reason.SUSPENDED,
    ),
    (
        "observed, not deployed",
        absent(resource(spec={"managementPolicy": "Observe"})),
        ("False", "False", "False", "False"),
        Reason.OBSERVING,
    ),
    (
        "ERROR, another attempt follows",
        present(held(), deployment("ERROR")),
        ("False", "False", "True", "False"),
        Reason.DEPLOYMENT_FAILED,
    ),
    (
        "DEPLOYING past the deadline",
        present(held("DEPLOYING", ago=4000), deployment("DEPLOYING")),
        ("False", "False", "False", "True"),
        Reason.PROGRESS_DEADLINE_EXCEEDED,
    ),
    (
        "DEGRADED past the deadline",
        present(held("DEGRADED", ago=4000), deployment("DEGRADED")),
        ("False", "False", "False", "True"),
        Reason.PROGRESS_DEADLINE_EXCEEDED,
    ),
    (
        "deleted, and it serves until NVCF takes the DELETE",
        present(held(deleting=True), local=LocalView(undeploy_sent_for={VERSION: 1.0})),
        ("True", "False", "True", "False"),
        Reason.DRAINING,
    ),
    (
        "deleted, and it drains",
        present(held(deleting=True), deployment("INACTIVE")),
        ("False", "False", "True", "False"),
        Reason.DRAINING,
    ),
    (
        "ACTIVE, and the key is another account's now",
        absent(held(), account=OTHER_ACCOUNT),
        ("True", "False", "False", "True"),
        Reason.ACCOUNT_MISMATCH,
    ),
    (
        "ACTIVE, and the key shows no account now",
        absent(held(), account=NO_ACCOUNT),
        ("True", "False", "False", "True"),
        Reason.ACCOUNT_UNPROVEN,
    ),
    (
        "suspended, and the key is another account's now",
        absent(held(spec={"suspend": True}), account=OTHER_ACCOUNT),
        ("True", "False", "False", "True"),
        Reason.ACCOUNT_MISMATCH,
    ),
    (
        "deleted, and the key is another account's now",
        absent(held(deleting=True), account=OTHER_ACCOUNT),
        ("True", "False", "False", "True"),
        Reason.ACCOUNT_MISMATCH,
    ),
]


@pytest.mark.parametrize(("situation", "expected", "reason"), [pytest.param(*c[1:], id=c[0]) for c in CONDITIONS])
def test_the_table_of_conditions(situation: Situation, expected: tuple[str, str, str, str], reason: Reason) -> None:
    conditions = conditions_of(situation)
    found = tuple(conditions[kind][0] for kind in ("Available", "Ready", "Reconciling", "Stalled"))
    assert (found, conditions["Ready"][1]) == (expected, reason)


def test_converged_status_is_not_written_again() -> None:
    of = held()
    for situation in (present(of), present(of, observations={VERSION: Listed("ACTIVE")})):
        assert report(situation, decide(situation)).to_dict() == of.recorded


def test_an_outage_writes_nothing_to_a_resource_in_order() -> None:
    of = held()
    situation = present(of, observations={VERSION: Unknown(OUTAGE)}, account=None)
    decision = decide(situation)
    assert decision.requeue is not None
    assert report(situation, decision).to_dict() == of.recorded


def test_an_outage_is_reported_once_to_a_resource_with_work() -> None:
    of = resource()
    situation = Situation(resource=of, now=NOW, observations={VERSION: Unknown(OUTAGE)})
    record = report(situation, decide(situation)).to_dict()
    again = replace(situation, resource=resource(status=record), now=NOW + timedelta(seconds=90))
    assert condition_set_of(decide(situation)) == (Reason.NVCF_UNAVAILABLE, False, True, False)
    assert report(again, decide(again)).to_dict() == record


def test_a_bad_key_is_reported_and_leaves_ready_alone() -> None:
    of = held()
    conditions = conditions_of(present(of, observations={VERSION: Unknown(BAD_KEY)}, account=None))
    assert conditions["CredentialsValid"] == ("False", Reason.UNAUTHORIZED)
    assert conditions["Ready"] == ("True", Reason.ACTIVE)


def test_a_rejected_post_is_tried_again_with_growing_waits_that_survive_a_restart() -> None:
    refused = Failure(Reason.REJECTED, "no such GPU", Scope.RESOURCE)
    situation = absent(resource(finalizer=True, intent=intent()), failure=refused, answered_intent=answered(intent()))
    waits, status = [], {}
    for _ in range(7):
        record = report(situation, decide(situation))
        assert record.retry is not None
        assert record.retry.next_attempt_time is not None
        waits.append((record.retry.next_attempt_time - NOW).total_seconds())
        status = record.to_dict()
        situation = absent(resource(finalizer=True, status=status), failure=refused)
    assert waits == [60, 120, 240, 480, 960, 1800, 1800]
    early = absent(resource(finalizer=True, status=status))
    assert decide(early).action is None
    assert isinstance(decide(replace(early, now=NOW + timedelta(seconds=1801))).action, Create)
    edited = absent(resource(finalizer=True, status=status, generation=2))
    assert isinstance(decide(edited).action, Create)


@pytest.mark.parametrize(
    "met",
    [BAD_KEY, Failure(Reason.FORBIDDEN, "a right is missing", Scope.RESOURCE)],
    ids=["the key is refused", "the list is refused"],
)
def test_a_refused_read_does_not_bring_the_next_attempt_forward(met: Failure) -> None:
    refused = Failure(Reason.REJECTED, "no such GPU", Scope.RESOURCE)
    situation = absent(resource(finalizer=True, intent=intent()), failure=refused, answered_intent=answered(intent()))
    first = report(situation, decide(situation))
    without_key = present(
        resource(finalizer=True, status=first.to_dict()), observations={VERSION: Unknown(met)}, account=None
    )
    then = report(without_key, decide(without_key))
    assert {c.type: c.reason for c in then.conditions}["Ready"] == met.reason
    assert then.retry == first.retry
    with_key = absent(resource(finalizer=True, status=then.to_dict()))
    assert decide(with_key).action is None
    assert condition_set_of(decide(with_key)) == (Reason.REJECTED, False, False, True), "no key is missing any more"
    last = report(with_key, decide(with_key))
    assert last.retry == first.retry
    edited = present(
        resource(finalizer=True, status=first.to_dict(), generation=2),
        observations={VERSION: Unknown(met)},
        account=None,
    )
    again = report(edited, decide(edited)).retry
    assert again is None or again.reason == met.reason, "the new manifest has not been refused"


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("reason", [Reason.REJECTED, Reason.QUOTA_EXCEEDED, Reason.NO_CAPACITY])
def test_an_outage_leaves_nvcfs_words_about_a_refused_request(reason: Reason, general: bool) -> None:
    refused = Failure(reason, "no such GPU", Scope.RESOURCE)
    situation = absent(resource(finalizer=True, intent=intent()), failure=refused, answered_intent=answered(intent()))
    first = report(situation, decide(situation))
    away = present(
        resource(finalizer=True, status=first.to_dict()),
        observations={VERSION: Unknown(replace(OUTAGE, general=general))},
        account=None,
    )
    assert decide(away).requeue is not None
    assert report(away, decide(away)) == first
    back = absent(resource(finalizer=True, status=report(away, decide(away)).to_dict()))
    assert report(back, decide(back)) == first, "the words are still there"
    due = replace(away, now=NOW + timedelta(seconds=61))
    assert condition_set_of(decide(due)) == (Reason.NVCF_UNAVAILABLE, False, True, False), "now it keeps us from asking"
    for annotation in ({names.RECONCILE_REQUESTED_ANNOTATION: "now"}, {names.PAUSED_ANNOTATION: "true"}):
        annotated = replace(away.resource, annotations=annotation)
        assert condition_set_of(decide(replace(away, resource=annotated)))[0] == Reason.NVCF_UNAVAILABLE
    edited = resource(finalizer=True, status=first.to_dict(), generation=2)
    assert condition_set_of(decide(replace(away, resource=edited)))[0] == Reason.NVCF_UNAVAILABLE


def test_an_outage_hides_no_deadline_for_a_lack_of_capacity() -> None:
    short = {"rollout": {"progressDeadlineSeconds": 60}}
    refused = Failure(Reason.NO_CAPACITY, "no L40S is free", Scope.RESOURCE)
    of = resource(spec=short, finalizer=True, intent=intent())
    situation = absent(of, failure=refused, answered_intent=answered(intent()))
    record = report(situation, decide(situation)).to_dict()
    for _ in range(2):
        situation = absent(resource(spec=short, finalizer=True, status=record), failure=refused)
        record = report(situation, decide(situation)).to_dict()
    later = present(
        resource(spec=short, finalizer=True, status=record),
        observations={VERSION: Unknown(OUTAGE)},
        account=None,
        now=NOW + timedelta(seconds=61),
    )
    assert condition_set_of(decide(later)) == (Reason.PROGRESS_DEADLINE_EXCEEDED, False, False, True)


def test_another_resource_that_holds_the_version_for_a_moment_does_not_bring_the_next_attempt_forward() -> None:
    refused = Failure(Reason.REJECTED, "no such GPU", Scope.RESOURCE)
    situation = absent(resource(finalizer=True, intent=intent()), failure=refused, answered_intent=answered(intent()))
    first = report(situation, decide(situation))
    behind = absent(resource(status=first.to_dict()), holders={VERSION: Key("team", "other")})
    then = report(behind, decide(behind))
    assert {c.type: c.reason for c in then.conditions}["Ready"] == Reason.CONFLICT
    free = absent(resource(finalizer=True, status=then.to_dict()))
    assert decide(free).action is None
    assert isinstance(decide(replace(free, now=NOW + timedelta(seconds=61))).action, Create)


def test_the_third_identical_write_within_an_hour_is_the_last() -> None:
    of, seen = held(), deployment(gpu={"maxInstances": 9})
    for _ in range(3):
        situation = present(of, seen)
        action = decide(situation).action
        assert isinstance(action, Change)
        after = present(of, deployment(), wrote=action)
        of = held(status=report(after, decide(after)).to_dict())
    assert condition_set_of(decide(present(of, seen))) == (Reason.NOT_CONVERGING, False, False, True)
    asked = held(status=of.recorded, annotations={names.RECONCILE_REQUESTED_ANNOTATION: "now"})
    assert isinstance(decide(present(asked, seen)).action, Change)


def test_what_somebody_undeploys_each_time_is_not_settled_for_and_a_request_is_kept_until_its_post() -> None:
    first = absent(held())
    create = action_of(first)
    assert isinstance(create, Create)
    last = {"lastWrite": {"digest": digest(create), "count": 3, "since": "2026-01-31T11:30:00Z"}}
    of = held(status=last)
    for gone_for in (0.0, 1000.0):
        assert condition_set_of(decide(absent(of, for_seconds=gone_for))) == (Reason.NOT_CONVERGING, False, False, True)
    asked = held(status=last, annotations={names.RECONCILE_REQUESTED_ANNOTATION: "now"})
    settling = absent(asked, for_seconds=0.0)
    assert condition_set_of(decide(settling))[0] == Reason.SETTLING
    assert report(settling, decide(settling)).last_handled_reconcile_at is None, "else the request is spent"
    assert isinstance(decide(absent(asked)).action, Create)
    later = absent(of, now=NOW + timedelta(hours=1))
    assert isinstance(decide(later).action, Create)


def test_reconcile_now_is_answered_once_it_was_reconciled() -> None:
    of = held(annotations={names.RECONCILE_REQUESTED_ANNOTATION: "2026"})
    situation = present(of)
    assert report(situation, decide(situation)).last_handled_reconcile_at == "2026"
    blind = present(of, observations={VERSION: Unknown(OUTAGE)})
    assert report(blind, decide(blind)).last_handled_reconcile_at is None


def test_a_post_is_recorded_with_its_intent_its_ids_and_the_account() -> None:
    of = resource(finalizer=True, intent=intent())
    action = action_of(absent(resource(finalizer=True)))
    made = deployment("DEPLOYING", lastUpdatedAt="2026-01-31T12:00:00.123456Z")
    situation = present(of, made, wrote=action, answered_intent=answered(intent(), made))
    status = report(situation, decide(situation))
    assert status.intent == intent(answered=True, deployment_id=DEPLOYMENT, last_updated_at=made.last_updated_at)
    assert (status.account_id, status.function_version_id) == (ACCOUNT, VERSION)
    assert (status.instances, status.function_status, status.credential) == ("1-4", "DEPLOYING", "fingerprint")
    assert resource(finalizer=True, status=status.to_dict()).open_intent is None


def test_a_refused_stranger_is_never_recorded_as_held() -> None:
    situation = present(resource(spec=REFUSE))
    status = report(situation, decide(situation)).to_dict()
    assert not resource(spec=REFUSE, status=status).holds


def test_no_message_moves_while_nothing_happens() -> None:
    cases: list[Any] = [*(case[1] for case in CONDITIONS), *(case[1] for case in WRITES)]
    for situation in cases:
        decision = decide(situation)
        if decision.condition_set is not None:
            later = decide(replace(situation, now=situation.now + timedelta(seconds=1)))
            assert later.condition_set is not None
            assert later.condition_set.message == decision.condition_set.message


def test_a_decision_to_write_records_nothing_for_only_what_comes_of_the_write_is_reported() -> None:
    asks = absent(resource(finalizer=True))
    decision = decide(asks)
    assert isinstance(decision.action, Create)
    assert decision.record is None
    assert unfinished(asks).record is not None
    assert asking(asks, decision.action).record is not None
