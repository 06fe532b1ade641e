"""What an older CRD lacks, and what a write into it has lost."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from nvcf_operator.api.crd import crd
from nvcf_operator.api.status import FunctionDeploymentStatus, Retry
from nvcf_operator.core.model.decision import Purpose, Undeploy
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.pruning import MOST_NAMED, is_recorded, lacking, makes_way, named, not_kept
from tests.unit.core.situations import OTHER_VERSION, UID, VERSION, absent, held, intent, present

Json = dict[str, Any]
Change = Callable[[Json], object]


def schema() -> Json:
    found: Json = copy.deepcopy(crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    return found


def status_of(served: Json) -> Json:
    found: Json = served["properties"]["status"]["properties"]
    return found


OLDER: dict[str, tuple[Change, tuple[str, ...]]] = {
    "the same": (lambda served: None, ()),
    "a newer one": (lambda served: status_of(served).update(more={"type": "string"}), ()),
    "no intent": (lambda served: status_of(served).pop("intent"), ("status.intent",)),
    "a member's field": (
        lambda served: status_of(served)["retry"]["properties"].pop("message"),
        ("status.retry.message",),
    ),
    "a field of a list's items": (
        lambda served: status_of(served)["retiring"]["items"]["properties"].pop("deploymentId"),
        ("status.retiring[].deploymentId",),
    ),
    "a field of the manifest": (
        lambda served: served["properties"]["spec"]["properties"].pop("rollout"),
        ("spec.rollout",),
    ),
    "no status at all": (lambda served: served["properties"].pop("status"), ("status",)),
    "a status that keeps anything": (
        lambda served: served["properties"].update(status={"x-kubernetes-preserve-unknown-fields": True}),
        (),
    ),
}


@pytest.mark.parametrize("older", list(OLDER))
def test_what_the_cluster_does_not_know_is_found_by_the_models(older: str) -> None:
    served, (change, missing) = schema(), OLDER[older]
    change(served)
    assert lacking(served) == missing


def test_a_schema_of_nothing_lacks_status_and_spec() -> None:
    assert lacking({}) == ("status", "spec")


@pytest.mark.parametrize(
    ("path", "recorded"),
    [
        ("status", True),
        ("status.intent", True),
        ("status.intent.token", True),
        ("status.retiring[].deploymentId", True),
        ("status.uid", True),
        ("status.lastWrite", True),
        ("status.functionRef.generation", False),
        ("status.health", False),
        ("status.gpuSpecifications[].gpu", False),
        ("spec.rollout", False),
    ],
)
def test_what_no_deployment_is_asked_for_without_is_what_the_operator_remembers(path: str, recorded: bool) -> None:
    assert is_recorded(path) is recorded


STATUS = FunctionDeploymentStatus(
    uid=UID, observed_generation=3, intent=intent(), retry=Retry(attempts=1), health=("pull failed",)
).to_dict()


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (lambda stored: None, ()),
        (lambda stored: stored.pop("intent"), ("status.intent",)),
        (lambda stored: stored["intent"].pop("token"), ("status.intent.token",)),
        (lambda stored: stored["intent"].update(token="another"), ("status.intent.token",)),
        (lambda stored: stored.clear(), ("status.uid", "status.observedGeneration", "status.intent", "status.retry")),
        (lambda stored: stored.pop("health"), ()),
        (lambda stored: stored["intent"].update(more="a default"), ()),
    ],
    ids=["all kept", "no intent", "half an intent", "another hand's", "nothing kept", "only shown", "a default more"],
)
def test_what_was_written_and_is_not_stored_is_named(change: Change, lost: tuple[str, ...]) -> None:
    stored = copy.deepcopy(STATUS)
    change(stored)
    assert not_kept(STATUS, stored) == lost


def test_words_that_come_back_in_another_form_are_kept() -> None:
    """JSON can hold half a character, which the API server stores as U+FFFD."""
    wanted = {"retry": {"message": "gr\ud83dße"}}
    assert not_kept(wanted, {"retry": {"message": "gr\ufffdße"}}) == ()
    assert not_kept(wanted, {"retry": {}}) == ("status.retry.message",)


def test_a_text_names_a_few_fields_and_counts_the_rest() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([str(number) for number in range(MOST_NAMED + 2)]).endswith(" and 2 more")


RECREATE: dict[str, Any] = {"spec": {"rollout": {"versionChange": "Recreate"}}}


@pytest.mark.parametrize(
    ("of", "version", "purpose", "serves", "expected"),
    [
        (held(), VERSION, Purpose.REDEPLOY, True, True),
        (held(), VERSION, Purpose.REQUESTED, True, True),
        (held("ERROR"), VERSION, Purpose.FAILED, True, True),
        (held(**RECREATE), OTHER_VERSION, Purpose.GONE, False, True),
        (held(), OTHER_VERSION, Purpose.GONE, True, False),
        (held(), VERSION, Purpose.GIVEN_UP, True, False),
        (held(), VERSION, Purpose.STALE, True, False),
        (held(deleting=True), VERSION, Purpose.GONE, False, False),
        (held(deleting=True), VERSION, Purpose.REDEPLOY, True, False),
    ],
)
def test_what_is_undeployed_to_make_way_is_distinguished_from_what_goes_for_good(
    of: Resource, version: str, purpose: Purpose, serves: bool, expected: bool
) -> None:
    situation = present(of) if serves else absent(of)
    assert makes_way(situation, Undeploy(version, True, purpose)) is expected


def test_a_number_that_is_only_shown_may_be_dropped() -> None:
    path = "status.retiring[].queuedRequests"
    status = held(status={"retiring": [{"functionVersionId": VERSION, "queuedRequests": 3}]}).status.to_dict()
    stored = {**status, "retiring": [{"functionVersionId": VERSION, "forced": False}]}
    assert not_kept(status, stored) == ()
    assert not is_recorded(path)
    assert is_recorded("status.retiring[].since")
