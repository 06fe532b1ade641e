"""What is left in NVCF when an object goes is reported with its ids."""

from collections.abc import Mapping
from typing import Any

import pytest

from nvcf_operator.api.names import Key
from nvcf_operator.core.model.decision import Create
from nvcf_operator.core.model.observed import Present
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource, answered
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.report.events import discovered, left, lost_from_sight, released, vanished
from tests.unit.core.situations import (
    DEPLOYMENT,
    FUNCTION,
    OTHER_VERSION,
    VERSION,
    absent,
    deployment,
    held,
    intent,
    present,
    put_on_record,
    resource,
)

HOLDER = Key("other-team", "first")
SOMEBODY = f"deployment {DEPLOYMENT} of version {VERSION} was created by somebody else"
HELD_BY = f"version {VERSION} is held by FunctionDeployment other-team/first"
DELETED = held(deleting=True)

RELEASED: list[tuple[str, Situation, str | None]] = [
    ("everything is gone", absent(DELETED), None),
    ("the version is another resource's", absent(DELETED, holders={VERSION: HOLDER}), HELD_BY),
    ("it is another's, and it is seen", present(DELETED, holders={VERSION: HOLDER}), HELD_BY),
    ("what is there was made by somebody else", present(DELETED), SOMEBODY),
    (
        "one of each",
        present(
            DELETED,
            holders={VERSION: HOLDER},
            observations={OTHER_VERSION: Present(deployment(functionVersionId=OTHER_VERSION, deploymentId="d & co"))},
        ),
        f"{HELD_BY}; deployment d & co of version {OTHER_VERSION} was created by somebody else",
    ),
    ("Retain has an Event of its own", present(held(deleting=True, spec={"deletionPolicy": "Retain"})), None),
    ("the object stays", present(held(), holders={VERSION: HOLDER}), None),
]


@pytest.mark.parametrize(("situation", "said"), [pytest.param(*case[1:], id=case[0]) for case in RELEASED])
def test_an_object_that_goes_reports_what_it_left_alone(situation: Situation, said: str | None) -> None:
    note = released(situation)
    if said is None:
        assert note is None
    else:
        assert note is not None
        assert (note.warning, note.reason, note.message) == (False, Reason.RELEASED, f"Nothing was undeployed: {said}.")


def test_a_deployment_that_is_lost_from_sight_is_reported_with_both_ids() -> None:
    note = lost_from_sight("757f44cb", "34bdd5ed")
    assert (note.warning, note.reason) == (True, Reason.LEFT_BEHIND)
    assert "34bdd5ed instead of 757f44cb" in note.message


def test_an_object_that_vanished_is_reported_with_its_finalizer_and_what_it_held() -> None:
    note = vanished(held(), [VERSION])
    assert (note.warning, note.reason) == (True, Reason.LEFT_BEHIND)
    assert f"function {FUNCTION}, version {VERSION}, deployment {DEPLOYMENT}" in note.message
    assert "nvcf-operator.io/undeploy" in note.message


def test_of_a_post_without_an_answer_on_record_only_what_may_be_left_is_reported() -> None:
    note = vanished(resource(finalizer=True, intent=intent()), [VERSION])
    assert (note.warning, note.reason) == (True, Reason.LEFT_BEHIND)
    assert "may have been requested" in note.message
    assert f"function {FUNCTION}, version {VERSION}, deployment unknown" in note.message
    assert "still running" not in note.message


ADOPTED = (Reason.ADOPTED, f"Adopted the existing deployment of version {VERSION} (deployment {DEPLOYMENT})")
MADE = (Reason.CREATED, f"deployed version {VERSION} (deployment {DEPLOYMENT})")
SENT = resource(finalizer=True, intent=intent())
MINE = answered(intent(), deployment())
NEXT = deployment(functionVersionId=OTHER_VERSION)

DISCOVERED: list[tuple[str, Situation, tuple[Reason, str] | None]] = [
    ("it was there, Delete", present(resource(finalizer=True)), ADOPTED),
    ("it was there, Retain", present(resource(spec={"deletionPolicy": "Retain"})), ADOPTED),
    ("it was there, and an old server has no ids", present(resource(finalizer=True), deployment(deploymentId=None)),
     (Reason.ADOPTED, f"Adopted the existing deployment of version {VERSION}.")),
    (
        "the version of a rollout was there",
        present(
            held(spec={"functionVersionId": OTHER_VERSION}),
            observations={VERSION: Present(deployment()), OTHER_VERSION: Present(NEXT)},
        ),
        (Reason.ADOPTED, f"of version {OTHER_VERSION} (deployment"),
    ),
    ("it was there, and NVCF refused our POST for that", present(SENT, answered_intent=answered(intent())), ADOPTED),
    ("it was there and is left alone", present(resource(spec={"adoptionPolicy": "Refuse"})), None),
    ("it was there and is only shown", present(resource(spec={"managementPolicy": "Observe"})), None),
    ("it is on record", present(held()), None),
    ("it is on record, and somebody has made it again", present(held(), deployment(deploymentId="another")), None),
    ("the answer to its POST was lost", present(SENT), MADE),
    ("the answer was lost, and the resource goes", present(resource(finalizer=True, intent=intent(), deleting=True)),
     MADE),
    (
        "the answer was lost, and the status after it",
        present(resource(finalizer=True), local=LocalView(posts_may_run_for={VERSION: 1.0})),
        MADE,
    ),
    ("the answer was lost, and nothing is there yet", absent(SENT), None),
    ("NVCF has just answered", present(SENT, answered_intent=MINE, wrote=Create(VERSION, ())), None),
    (
        "NVCF has answered this process, and the status was lost",
        present(resource(finalizer=True), local=LocalView(made_ids=frozenset({DEPLOYMENT}))),
        None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("situation", "said"), [pytest.param(*case[1:], id=case[0]) for case in DISCOVERED])
def test_whatever_comes_on_record_without_an_answer_of_nvcf_has_an_event_with_its_id(
    situation: Situation, said: tuple[Reason, str] | None
) -> None:
    note = discovered(situation, put_on_record(situation))
    if said is None:
        assert note is None
    else:
        assert note is not None
        assert (note.warning, note.reason) == (False, said[0])
        assert said[1] in note.message


ROLLS: Mapping[str, Any] = {"incoming": {"functionVersionId": OTHER_VERSION, "deploymentId": "new"}}

LEFT: list[tuple[str, Resource, tuple[str, ...], str]] = [
    (
        "all that is held",
        held(status=ROLLS),
        (),
        f"{VERSION}, deployment {DEPLOYMENT}; version {OTHER_VERSION}, deployment new",
    ),
    ("only what was named", held(status=ROLLS), (OTHER_VERSION,), f"{OTHER_VERSION}, deployment new"),
    (
        "a POST whose answer was lost",
        resource(intent=intent(OTHER_VERSION)),
        (),
        f"{OTHER_VERSION}, deployment unknown",
    ),
    ("nothing on record, so the manifest's", resource(), (), f"{VERSION}, deployment unknown"),
]


@pytest.mark.parametrize(("of", "named", "text"), [pytest.param(*case[1:], id=case[0]) for case in LEFT])
def test_what_is_left_behind_is_named_by_its_ids(of: Resource, named: tuple[str, ...], text: str) -> None:
    assert left(of, named) == f"function {FUNCTION}, version {text}"
