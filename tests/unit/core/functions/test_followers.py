"""What a CloudFunction reads in the record of a FunctionDeployment that follows it."""

import pytest

from nvcf_operator.core.functions.model.claims import follower_of
from nvcf_operator.core.model.resource import Resource
from tests.unit.core.functions.situations import cloud_function
from tests.unit.core.situations import OTHER_VERSION, VERSION, held, intent, resource

RETIRING = {"retiring": [{"functionVersionId": OTHER_VERSION, "deploymentId": "going"}]}
FAILED = {"failed": {"functionVersionId": OTHER_VERSION, "generation": 1, "reason": "RolloutFailed"}}

SERVING: list[tuple[str, Resource, set[str]]] = [
    ("the one that is current and serves", held(), {VERSION}),
    ("not the one that is current and comes up", held("DEPLOYING"), set()),
    ("not the one that comes up beside it", held(status={"incoming": {"functionVersionId": OTHER_VERSION}}), {VERSION}),
    ("not the one that failed and is undeployed", held(status=RETIRING | FAILED), {VERSION}),
    ("not the one that made way before it came up", held(status=RETIRING), {VERSION}),
    ("not the one whose POST may be under way", resource(intent=intent()), set()),
]


@pytest.mark.parametrize(("of", "serving"), [pytest.param(*case[1:], id=case[0]) for case in SERVING])
def test_which_version_serves(of: Resource, serving: set[str]) -> None:
    assert follower_of(cloud_function(), of).serving == serving


def test_all_versions_on_record_are_named() -> None:
    assert follower_of(cloud_function(), held(status=RETIRING | FAILED)).named == {VERSION, OTHER_VERSION}


@pytest.mark.parametrize(
    ("of", "undeploying"),
    [
        pytest.param(held(), set(), id="none"),
        pytest.param(held(status=RETIRING), {OTHER_VERSION}, id="the one on its way out"),
        pytest.param(held(deleting=True), {VERSION}, id="all of one that is being deleted"),
    ],
)
def test_which_versions_are_undeployed(of: Resource, undeploying: set[str]) -> None:
    assert follower_of(cloud_function(), of).undeploying == undeploying
