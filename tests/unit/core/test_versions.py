"""Which versions a resource holds, and what is left on record when another resource holds one of them."""

from typing import Any

import pytest

from nvcf_operator.api.status import Intent
from nvcf_operator.core.model.resource import Resource, Role
from nvcf_operator.core.model.versions import deployments_on_record, versions_held, without
from tests.unit.core.situations import DEPLOYMENT, OTHER_VERSION, VERSION, held, intent, resource

THIRD = "7c1e0000-0000-4000-8000-000000000003"
FULL = held(
    spec={"functionVersionId": OTHER_VERSION},
    status={
        "incoming": {"functionVersionId": OTHER_VERSION, "deploymentId": "coming"},
        "retiring": [{"functionVersionId": THIRD, "deploymentId": "going"}],
        "health": ["pull failed: https://x.example/y?a=1&b=<2>"],
        "intent": intent(OTHER_VERSION).to_dict(),
    },
)

HELD: list[tuple[str, Resource, tuple[str, ...]]] = [
    ("nothing", resource(), ()),
    ("our finalizer, and nothing on record: the manifest's", resource(finalizer=True), (VERSION,)),
    ("our finalizer, and a record that holds nothing", resource(finalizer=True, status={"observedGeneration": 1}), ()),
    ("the one on record", held(), (VERSION,)),
    ("the open intent's, before any other record", resource(intent=intent(OTHER_VERSION)), (OTHER_VERSION,)),
    (
        "the answered intent's, where the rest of the record is gone",
        resource(intent=intent(OTHER_VERSION, answered=True), finalizer=True),
        (OTHER_VERSION,),
    ),
    ("the copy of another object's record holds nothing", held(status={"uid": "another"}, finalizer=False), ()),
    ("all of a rollout, each once", FULL, (VERSION, THIRD, OTHER_VERSION)),
]


def test_the_versions_on_record_have_their_roles_and_deployments() -> None:
    assert FULL.versions == (
        (VERSION, Role.CURRENT, DEPLOYMENT),
        (THIRD, Role.RETIRING, "going"),
        (OTHER_VERSION, Role.INCOMING, "coming"),
        (OTHER_VERSION, Role.REQUESTED, None),
    )


@pytest.mark.parametrize(("of", "expected"), [pytest.param(*case[1:], id=case[0]) for case in HELD])
def test_the_versions_that_a_resource_may_have_deployed(of: Resource, expected: tuple[str, ...]) -> None:
    assert versions_held(of) == expected


def test_each_member_of_the_record_names_deployments_of_its_own_version() -> None:
    known = {version: deployments_on_record(FULL, version) for version in (VERSION, OTHER_VERSION, THIRD)}
    assert known == {VERSION: {DEPLOYMENT}, OTHER_VERSION: {"coming"}, THIRD: {"going"}}
    answered = held(intent=intent(answered=True, deployment_id="made"))
    assert deployments_on_record(answered, VERSION) == {DEPLOYMENT, "made"}


def left(of: Resource) -> dict[str, Any]:
    """What the record still says of versions."""
    status = of.status
    return {
        "main": (status.function_version_id, status.function_status, status.deployment_id, status.instances),
        "shown": (status.gpu_specifications, status.health, status.function_name),
        "incoming": status.incoming and status.incoming.function_version_id,
        "retiring": tuple(item.function_version_id for item in status.retiring),
        "intent": status.intent and status.intent.function_version_id,
    }


NOTHING_SERVES = {"main": (None, None, None, None), "shown": ((), (), None)}

TAKEN = [
    pytest.param({VERSION}, NOTHING_SERVES, id="the one that serves"),
    pytest.param({OTHER_VERSION}, {"incoming": None, "intent": None}, id="the one that comes up, with its intent"),
    pytest.param({THIRD}, {"retiring": ()}, id="one on its way out"),
    pytest.param(
        {VERSION, OTHER_VERSION, THIRD},
        {**NOTHING_SERVES, "incoming": None, "intent": None, "retiring": ()},
        id="all of them",
    ),
]


@pytest.mark.parametrize(("versions", "changed"), TAKEN)
def test_what_another_resource_holds_goes_off_the_record_and_nothing_else(
    versions: set[str], changed: dict[str, Any]
) -> None:
    after = without(FULL, frozenset(versions))
    assert left(after) == {**left(FULL), **changed}
    assert not set(versions_held(after)) & versions
    assert after.recorded == FULL.recorded, "what is stored is still to be written over"


@pytest.mark.parametrize("versions", [frozenset(), frozenset({"7c1e0000-0000-4000-8000-00000000000f"})])
def test_a_resource_that_has_nothing_to_do_with_the_versions_is_left_as_it_is(versions: frozenset[str]) -> None:
    assert without(FULL, versions) is FULL


def test_an_intent_of_another_object_goes_with_its_version() -> None:
    copied = Intent(uid="another", function_version_id=VERSION, token="t")
    assert without(resource(intent=copied), frozenset({VERSION})).status.intent is None
