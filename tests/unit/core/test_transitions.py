"""What is left in NVCF when an object goes is reported with its ids."""

from collections.abc import Mapping
from typing import Any

import pytest

from nvcf_operator.api.key import Key
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource
from nvcf_operator.core.situation import Present, Situation
from nvcf_operator.core.transitions import left, lost_from_sight, released, vanished
from unit.core.situations import (
    DEPLOYMENT,
    FUNCTION,
    OTHER_VERSION,
    VERSION,
    absent,
    deployment,
    held,
    intent,
    present,
    resource,
)

HOLDER = Key("other-team", "first")
SOMEBODY = f"deployment {DEPLOYMENT} of version {VERSION} was made by somebody else"
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
            sightings={OTHER_VERSION: Present(deployment(functionVersionId=OTHER_VERSION, deploymentId="d & co"))},
        ),
        f"{HELD_BY}; deployment d & co of version {OTHER_VERSION} was made by somebody else",
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
    assert "34bdd5ed in place of 757f44cb" in note.message


def test_an_object_that_vanished_is_reported_with_its_finalizer_and_what_it_held() -> None:
    note = vanished(held(), [VERSION])
    assert (note.warning, note.reason) == (True, Reason.LEFT_BEHIND)
    assert f"function {FUNCTION}, version {VERSION}, deployment {DEPLOYMENT}" in note.message
    assert "nvcf-operator.io/undeploy" in note.message


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
