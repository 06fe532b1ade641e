"""A request to deploy again is for the object and the deployment that it was set on."""

import pytest

from nvcf_operator.api import names
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import Purpose, TakeFinalizer, Undeploy
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.report.conditions import report
from tests.unit.core.situations import DEPLOYMENT, VERSION, conditions_of, deployment, held, intent, present, resource

ASKED = {names.REDEPLOY_REQUESTED_ANNOTATION: "before & after"}
RETAIN = {"deletionPolicy": "Retain"}
LOST = {"observedGeneration": -1}

SAFE: list[tuple[str, Situation]] = [
    ("a deployment that was found is adopted", present(resource(annotations=ASKED, finalizer=True))),
    ("so it is with Retain, which needs no finalizer", present(resource(annotations=ASKED, spec=RETAIN))),
    (
        "the resource was reconciled before, and somebody has deployed the version since",
        present(resource(annotations=ASKED, finalizer=True, status={"observedGeneration": 1})),
    ),
    ("it is adopted while it comes up", present(resource(annotations=ASKED, spec=RETAIN), deployment("DEPLOYING"))),
    ("the status was lost", present(resource(annotations=ASKED, finalizer=True, status=LOST))),
    (
        "the status was lost but for the intent that made it",
        present(resource(annotations=ASKED, finalizer=True, intent=intent(answered=True, deployment_id=DEPLOYMENT))),
    ),
    (
        "the status was lost, and this process knows that it has made it",
        present(
            resource(annotations=ASKED, finalizer=True, status=LOST),
            local=LocalView(made_ids=frozenset({DEPLOYMENT})),
        ),
    ),
    (
        "the status is that of the object which this one was copied from",
        present(held(annotations=ASKED, status={"uid": "another", "lastHandledRedeployAt": None})),
    ),
]


@pytest.mark.parametrize("situation", [pytest.param(case[1], id=case[0]) for case in SAFE])
def test_a_request_that_came_with_a_copy_or_whose_answer_was_lost_counts_as_answered(situation: Situation) -> None:
    decision = decide(situation)
    assert decision.action is None
    assert report(situation, decision).last_handled_redeploy_at == "before & after"


def test_before_a_deployment_is_adopted_its_finalizer_is_taken_and_nothing_is_undeployed() -> None:
    assert decide(present(resource(annotations=ASKED))).action == TakeFinalizer()


def test_a_request_of_a_deployment_on_record_is_carried_out() -> None:
    decision = decide(present(held(annotations=ASKED)))
    assert decision.action == Undeploy(VERSION, True, Purpose.REQUESTED, DEPLOYMENT)


def test_a_deployment_whose_answer_was_lost_is_as_new_as_the_request() -> None:
    situation = present(resource(annotations=ASKED, finalizer=True, intent=intent()), deployment("DEPLOYING"))
    decision = decide(situation)
    assert decision.action is None
    assert report(situation, decision).last_handled_redeploy_at == "before & after"


def test_a_row_that_hides_our_deployment_is_undeployed_as_such_and_counted_like_a_redeployment() -> None:
    of, hidden = held(intent=intent(answered=True, deployment_id="made & lost")), deployment()
    undeployed = LocalView(undeployed_ids=frozenset({DEPLOYMENT}))
    for _ in range(3):
        situation = present(of, hidden, local=undeployed)
        action = decide(situation).action
        assert action == Undeploy(VERSION, True, Purpose.STALE, DEPLOYMENT)
        after = present(of, deployment("INACTIVE"), local=undeployed, wrote=action)
        last = report(after, decide(after)).to_dict()["lastWrite"]
        of = held(intent=intent(answered=True, deployment_id="made & lost"), status={"lastWrite": last})
    assert last["count"] == 3
    assert conditions_of(present(of, hidden, local=undeployed))["Stalled"] == ("True", Reason.NOT_CONVERGING)
