"""Whose a deployment is: a record belongs to one deployment, and nothing of anybody else's is undeployed."""

from dataclasses import replace
from typing import Any

import pytest

from nvcf_operator.api.names import Key
from nvcf_operator.core.decide import decide
from nvcf_operator.core.model.decision import DropFinalizer
from nvcf_operator.core.model.observed import Failure, Present, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import OF_A_COPY, Resource
from nvcf_operator.core.model.situation import LocalView, Situation
from nvcf_operator.core.model.versions import versions_held
from nvcf_operator.core.report.conditions import report
from nvcf_operator.core.rules.ownership import is_stranger, lost_deployment, may_undeploy, refuses
from tests.unit.core.situations import (
    DEPLOYMENT,
    OTHER_VERSION,
    VERSION,
    absent,
    deployment,
    held,
    intent,
    present,
    resource,
)

ANOTHER = "dddddddd-0000-4000-8000-00000000000f"
THIRD = "7c1e0000-0000-4000-8000-000000000003"
REFUSE = {"adoptionPolicy": "Refuse"}
WANTS_OTHER = {"functionVersionId": OTHER_VERSION}
FOREIGN = resource(intent=intent(uid="22222222-2222-2222-2222-222222222222"), finalizer=True)


def knows(**local: Any) -> dict[str, Any]:
    """What this process remembers."""
    return {"local": LocalView(**local)}


def on_its_way(**member: Any) -> Resource:
    """A resource with nothing deployed but what one member of its status names."""
    return resource(status={"observedGeneration": 1, **member}, finalizer=True)


STRANGERS: list[tuple[str, Situation, bool]] = [
    ("nothing is on record of it", present(resource()), True),
    ("our finalizer alone is no record", present(resource(finalizer=True)), True),
    ("it is the recorded version's", present(held()), False),
    ("the rollout on record brings it up", present(on_its_way(incoming={"functionVersionId": VERSION})), False),
    ("it is on record as on its way out", present(on_its_way(retiring=[{"functionVersionId": VERSION}])), False),
    ("the answer to our POST was lost", present(resource(intent=intent(), finalizer=True)), False),
    ("our POST was answered", present(resource(intent=intent(answered=True), finalizer=True)), False),
    ("the intent was written for the object that this one was copied from", present(FOREIGN), True),
    ("our POST of another version may run", present(resource(), **knows(posts_may_run_for={OTHER_VERSION: 5.0})), True),
    (
        "our POST of it may run, whatever the status says",
        present(resource(), **knows(posts_may_run_for={VERSION: 5.0})),
        False,
    ),
    (
        "our POST made it, whatever the status says",
        present(resource(), **knows(made_ids=frozenset({DEPLOYMENT}))),
        False,
    ),
    ("our POST made another one", present(resource(), **knows(made_ids=frozenset({ANOTHER}))), True),
    ("it is not there", absent(resource()), True),
]


@pytest.mark.parametrize(("situation", "expected"), [pytest.param(*case[1:], id=case[0]) for case in STRANGERS])
def test_a_stranger_is_a_deployment_that_neither_the_record_nor_a_post_of_this_object_explains(
    situation: Situation, expected: bool
) -> None:
    assert is_stranger(situation) == expected
    of = situation.resource
    assert of.spec is not None
    refusing = replace(situation, resource=replace(of, spec=of.spec.model_copy(update={"adoption_policy": "Refuse"})))
    assert refuses(refusing) == expected
    assert not refuses(situation)


def shows(of: Resource, version: str = VERSION, found: str | None = DEPLOYMENT, **changes: Any) -> Situation:
    """NVCF shows a deployment of a version by that id; what else is changed is the situation's."""
    dated = {name: changes.pop(name) for name in ("lastUpdatedAt",) if name in changes}
    seen = deployment(functionVersionId=version, deploymentId=found, **dated)
    return present(of, observations={version: Present(seen)}, **changes)


ROLLS = held(
    spec=WANTS_OTHER,
    generation=2,
    status={
        "incoming": {"functionVersionId": OTHER_VERSION, "deploymentId": "new"},
        "retiring": [{"functionVersionId": THIRD, "deploymentId": "old"}],
    },
)
POSTED = held(intent=intent(answered=True, deployment_id=DEPLOYMENT, last_updated_at="2026-01-31T11:50:00Z"))

UNDEPLOYS: list[tuple[str, Situation, str, bool]] = [
    ("it is on record by its id", shows(held()), VERSION, True),
    ("another resource holds the version", shows(held(), holders={VERSION: Key("team", "first")}), VERSION, False),
    (
        "another resource holds the version, though our own POST made it",
        shows(held(), holders={VERSION: Key("a", "b")}, **knows(made_ids=frozenset({DEPLOYMENT}))),
        VERSION,
        False,
    ),
    ("another resource holds another version", shows(held(), holders={THIRD: Key("a", "b")}), VERSION, True),
    ("the server has no ids, so the record is of the version", shows(held(), found=None), VERSION, True),
    ("the rollout on record brought it up", shows(ROLLS, OTHER_VERSION, "new"), OTHER_VERSION, True),
    ("it is on record as on its way out", shows(ROLLS, THIRD, "old"), THIRD, True),
    ("a version on its way out was deployed again by somebody else", shows(ROLLS, THIRD, ANOTHER), THIRD, False),
    ("a version that nothing on record names", shows(held(), THIRD, ANOTHER), THIRD, False),
    ("our own POST made it", shows(held(), THIRD, "x", **knows(made_ids=frozenset({"x"}))), THIRD, True),
    (
        "we undeployed it and its row came back",
        shows(held(), THIRD, "x", **knows(undeployed_ids=frozenset({"x"}))),
        THIRD,
        True,
    ),
    ("the answer to our POST of it was lost", shows(held(intent=intent(THIRD)), THIRD, "x"), THIRD, True),
    (
        "only the object that this one was copied from may have asked for it, Refuse",
        shows(held(spec=REFUSE, intent=intent(THIRD, token=f"{OF_A_COPY}1")), THIRD, "x"),
        THIRD,
        False,
    ),
    ("the open intent is of another version", shows(held(intent=intent(OTHER_VERSION)), THIRD, "x"), THIRD, False),
    (
        "the intent is answered, and by another id",
        shows(held(intent=intent(THIRD, answered=True, deployment_id="y")), THIRD, "x"),
        THIRD,
        False,
    ),
    ("our POST of it may still run", shows(held(), THIRD, "x", **knows(posts_may_run_for={THIRD: 1.0})), THIRD, True),
    ("the managed version was deployed again outside, Adopt", shows(held(), found=ANOTHER), VERSION, True),
    ("the managed version was deployed again outside, Refuse", shows(held(spec=REFUSE), found=ANOTHER), VERSION, False),
    ("the former version was deployed again outside, Adopt", shows(ROLLS, VERSION, ANOTHER), VERSION, True),
    ("a found deployment of the wanted version, Adopt", shows(resource(), found=ANOTHER), VERSION, True),
    ("a found deployment of the wanted version, Refuse", shows(resource(spec=REFUSE), found=ANOTHER), VERSION, False),
    ("the manifest cannot be read, and it is on record", shows(held(spec={"functionId": 7})), VERSION, True),
    (
        "Refuse, and it is the row of an earlier deployment that was written over ours",
        shows(
            replace(POSTED, spec=held(spec=REFUSE).spec),
            found=ANOTHER,
            lastUpdatedAt="2026-01-31T10:00:00Z",
        ),
        VERSION,
        True,
    ),
]


@pytest.mark.parametrize(
    ("situation", "version", "expected"), [pytest.param(*case[1:], id=case[0]) for case in UNDEPLOYS]
)
def test_a_deployment_is_undeployed_only_where_it_is_this_resources(
    situation: Situation, version: str, expected: bool
) -> None:
    seen = situation.observation(version)
    assert isinstance(seen, Present)
    assert may_undeploy(situation, version, seen) == expected


def posted(at: str | None = "2026-01-31T11:50:00Z", *, made: str | None = ANOTHER, version: str = VERSION) -> Resource:
    """A resource whose POST of a version was answered, by an id and a time."""
    return held(intent=intent(version, answered=True, deployment_id=made, last_updated_at=at))


EARLIER, LATER = "2026-01-31T11:49:59.999Z", "2026-01-31T11:50:00.001Z"
UNDEPLOYED = knows(undeployed_ids=frozenset({DEPLOYMENT}))

LOST: list[tuple[str, Situation, str | None]] = [
    ("an id that we have undeployed", shows(posted(), **UNDEPLOYED), ANOTHER),
    ("an id that we have undeployed, whatever its time", shows(posted(), lastUpdatedAt=LATER, **UNDEPLOYED), ANOTHER),
    ("another id than our POST was answered by, written before it", shows(posted(), lastUpdatedAt=EARLIER), ANOTHER),
    ("another id, written after it: somebody has deployed since", shows(posted(), lastUpdatedAt=LATER), None),
    ("another id of the same moment", shows(posted(), lastUpdatedAt="2026-01-31T11:50:00Z"), None),
    (
        "another id, written before it by a clock of another time zone",
        shows(posted(), lastUpdatedAt="2026-01-31T12:49:59+01:00"),
        ANOTHER,
    ),
    (
        "times whose fractions have nine digits",
        shows(posted("2026-01-31T11:50:00.123456789Z"), lastUpdatedAt="2026-01-31T11:50:00.023456789Z"),
        ANOTHER,
    ),
    ("another id without a time", shows(posted()), None),
    ("another id, and the answer had no time", shows(posted(None), lastUpdatedAt=EARLIER), None),
    ("a time that cannot be read", shows(posted(), lastUpdatedAt="yesterday & <before>"), None),
    ("one time with and one without a time zone", shows(posted(), lastUpdatedAt="2026-01-30T11:50:00"), None),
    ("the id that our POST was answered by", shows(posted(made=DEPLOYMENT), lastUpdatedAt=EARLIER), None),
    ("the answer to our POST was lost, so its id is not known", shows(posted(made=None), **UNDEPLOYED), None),
    ("our POST was of another version", shows(posted(version=THIRD), **UNDEPLOYED), None),
    ("no POST of this object is known", shows(resource(finalizer=True), **UNDEPLOYED), None),
    ("the server has no ids", shows(posted(), found=None, lastUpdatedAt=EARLIER), None),
]


@pytest.mark.parametrize(("situation", "expected"), [pytest.param(*case[1:], id=case[0]) for case in LOST])
def test_the_row_of_an_earlier_deployment_is_distinguished_from_another_one(
    situation: Situation, expected: str | None
) -> None:
    seen = situation.observation(VERSION)
    assert isinstance(seen, Present)
    assert lost_deployment(situation, VERSION, seen) == expected


@pytest.mark.parametrize(("written_for", "begins"), [("another", OF_A_COPY), (None, "lost-")])
def test_a_post_that_the_original_of_a_copy_may_have_made_is_distinguished_from_one_that_is_not_on_record(
    written_for: str | None, begins: str
) -> None:
    status = {"uid": written_for, "observedGeneration": 1 if written_for else -1}
    found = absent(resource(status=status, finalizer=True), local=LocalView(finalizer_found_for=1.0))
    reported = report(found, decide(found)).intent
    assert reported is not None
    assert reported.token.startswith(begins)


def test_a_strangers_deployment_is_not_recorded_while_the_object_goes() -> None:
    of = resource(spec=REFUSE, intent=intent(token=f"{OF_A_COPY}1"), finalizer=True, deleting=True)
    refused = shows(of, found=ANOTHER, refused="a policy refuses the end of the finalizer")
    reported = report(refused, decide(refused))
    assert reported.deployment_id is None
    again = shows(replace(of, status=reported), found=ANOTHER)
    assert not may_undeploy(again, VERSION, again.observations[VERSION])  # type: ignore[arg-type]
    assert isinstance(decide(again).action, DropFinalizer)


@pytest.mark.parametrize(
    ("token", "stranger"), [(f"{OF_A_COPY}1", True), ("lost-1", False), ("0123456789abcdef", False)]
)
def test_what_the_original_of_a_copy_asked_for_is_a_stranger_where_the_manifest_refuses(
    token: str, stranger: bool
) -> None:
    of = resource(spec=REFUSE, intent=intent(token=token), finalizer=True)
    assert is_stranger(shows(of, found=ANOTHER)) is stranger


NO_KEY = Failure(Reason.SECRET_NOT_FOUND, "no Secret", Scope.CREDENTIAL)
NO_RECORD = LocalView(finalizer_found_for=1.0)


@pytest.mark.parametrize(
    ("situation", "begins"),
    [
        pytest.param(absent(resource(finalizer=True), local=NO_RECORD), "lost-", id="nothing is there"),
        pytest.param(
            replace(absent(resource(finalizer=True), local=NO_RECORD), observations={}, access=NO_KEY),
            "lost-",
            id="no key",
        ),
        pytest.param(
            present(resource(spec={"suspend": True}, finalizer=True), local=NO_RECORD),
            OF_A_COPY,
            id="it is only shown",
        ),
    ],
)
def test_that_the_record_was_lost_is_in_the_first_status_whatever_that_is_about(
    situation: Situation, begins: str
) -> None:
    reported = report(situation, decide(situation))
    assert reported.intent is not None
    assert reported.intent.token.startswith(begins)
    goes = replace(situation.resource, status=reported, lost=False, deleting=True)
    assert versions_held(goes) == (VERSION,)
