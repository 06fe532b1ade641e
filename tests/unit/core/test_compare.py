"""A manifest against a deployment as a whole: pairs, messages, what POST sends."""

from itertools import permutations
from typing import Any

import pytest

from nvcf_operator.core.diff.compare import MOST_CHARACTERS, compare, create_body, instances
from nvcf_operator.core.diff.fields import How
from tests.unit.core.specification_samples import autoscaling, found, identifier, wanted

KIND = {"group": "apps", "version": "v1", "kind": "Deployment"}


def pairs(manifest: list[dict[str, Any]], deployed: list[dict[str, Any]]) -> list[int]:
    """For each specification of the manifest, which of the deployment it is paired with."""
    there = [found(gpuSpecificationId=identifier(place), **item) for place, item in enumerate(deployed)]
    comparison = compare([wanted(**item) for item in manifest], there)
    return [there.index(pair.found) for pair in comparison.pairs]


PAIRS = [
    ([{}, {"gpu": "A100"}], [{"gpu": "A100"}, {}], [1, 0], "the order of an answer means nothing"),
    (
        [{"regions": ["eu"], "maxInstances": 9}, {"regions": ["us"]}],
        [{"regions": ["us"], "maxInstances": 9}, {"regions": ["eu"]}],
        [1, 0],
        "what cannot change in place counts before all that can",
    ),
    (
        [{"maxRequestConcurrency": 8}, {"minInstances": 0, "maxInstances": 9, "maxRequestConcurrency": 2}],
        [{"maxRequestConcurrency": 2}, {"minInstances": 0, "maxInstances": 9, "maxRequestConcurrency": 8}],
        [1, 0],
        "one PUT less counts before two PATCHes less",
    ),
    ([{}, {}], [{}, {}], [0, 1], "two equal specifications are two"),
    (
        [{"maxInstances": 9}, {}, {}],
        [{}, {}, {"maxInstances": 9}],
        [2, 0, 1],
        "of equal ones, those that are in force already stay",
    ),
    (
        [{}, {"regions": ["eu"]}],
        [{"regions": ["eu"]}, {"regions": ["us"]}],
        [1, 0],
        "a field that one leaves out is no reason to take what another one needs",
    ),
]


@pytest.mark.parametrize(("manifest", "deployed", "expected", "reason"), PAIRS)
def test_specifications_are_paired_so_that_as_little_as_possible_changes(
    manifest: list[dict[str, Any]], deployed: list[dict[str, Any]], expected: list[int], reason: str
) -> None:
    assert pairs(manifest, deployed) == expected, reason


@pytest.mark.parametrize(
    ("manifest", "deployed", "message"),
    [
        (2, 1, "deploymentSpecifications: manifest has 2, deployed are 1"),
        (1, 2, "deploymentSpecifications: manifest has 1, deployed are 2"),
        (1, 0, "deploymentSpecifications: manifest has 1, deployed are 0"),
    ],
)
def test_another_number_of_specifications_is_one_immutable_difference(
    manifest: int, deployed: int, message: str
) -> None:
    comparison = compare([wanted()] * manifest, [found()] * deployed)
    assert [item.how for item in comparison.immutable] == [How.IMMUTABLE]
    assert comparison.describe() == message


MESSAGES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {}, "", "nothing differs"),
    (
        {"regions": ["eu"]},
        {"regions": ["us"]},
        "deploymentSpecifications[0].regions: manifest [eu], deployed [us]",
        "field, manifest and deployment are named",
    ),
    (
        {"regions": ["b", "a", ""]},
        {"regions": ["d", "c"]},
        "deploymentSpecifications[0].regions: manifest [a, b], deployed [c, d]",
        "a set is shown sorted, as it may be answered in another order each time",
    ),
    (
        {"regions": []},
        {"regions": ["us"]},
        "deploymentSpecifications[0].regions: manifest nothing, deployed [us]",
        "an empty set is none",
    ),
    (
        {"backend": "GFN"},
        {},
        "deploymentSpecifications[0].backend: manifest GFN, deployed nothing",
        "what the server does not show",
    ),
    (
        {"configuration": {"password": "hunter2"}},
        {"configuration": {"password": "swordfish"}},
        "deploymentSpecifications[0].configuration.password differs",
        "Helm values may contain secrets",
    ),
    (
        {"regions": ["eu"], "maxInstances": 9},
        {"regions": ["us"]},
        "deploymentSpecifications[0].regions: manifest [eu], deployed [us]",
        "what stands in the way is named alone",
    ),
    (
        {"minInstances": 0, "maxRequestConcurrency": 8},
        {"maxRequestConcurrency": 1},
        "deploymentSpecifications[0].minInstances: manifest 0, deployed 1; "
        "deploymentSpecifications[0].maxRequestConcurrency: manifest 8, deployed 1",
        "else all are named, in the order of the table",
    ),
    (
        {"autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"},
        {"autoscalingConfiguration": autoscaling()},
        "deploymentSpecifications[0].autoscalingConfiguration: manifest PLATFORM_CONFIGURATION, "
        'deployed {"scaleUpDetails": {"factor": 2, "threshold": 80}}',
        "objects are shown as JSON",
    ),
    (
        {"autoscalingConfiguration": autoscaling(factor=3, metric="queue <&>")},
        {"autoscalingConfiguration": autoscaling()},
        "deploymentSpecifications[0].autoscalingConfiguration.scaleUpDetails.metric: manifest queue <&>, "
        "deployed nothing; deploymentSpecifications[0].autoscalingConfiguration.scaleUpDetails.factor: manifest 3, "
        "deployed 2",
        "of an object that is compared by its parts those that differ are named",
    ),
    (
        {"autoscalingConfiguration": autoscaling(factor=3)},
        {},
        'deploymentSpecifications[0].autoscalingConfiguration: manifest {"scaleUpDetails": {"factor": 3, '
        '"threshold": 80}}, deployed nothing',
        "where one side has no such object, the whole",
    ),
    (
        {"helmValidationPolicy": {"name": "Default", "extraKubernetesTypes": [KIND]}},
        {"helmValidationPolicy": {"name": "default"}},
        "deploymentSpecifications[0].helmValidationPolicy.extraKubernetesTypes: manifest "
        '[{"group": "apps", "kind": "Deployment", "version": "v1"}], deployed nothing',
        "a policy is compared by its parts",
    ),
    (
        {"gpu": "A100"},
        {"gpu": "L40S\nReady=True"},
        'deploymentSpecifications[0].gpu: manifest A100, deployed "L40S\\nReady=True"',
        "a server's text makes no lines of its own",
    ),
]


@pytest.mark.parametrize(("manifest", "deployed", "message", "reason"), MESSAGES)
def test_differences_are_reported_to_users(
    manifest: dict[str, Any], deployed: dict[str, Any], message: str, reason: str
) -> None:
    assert compare([wanted(**manifest)], [found(**deployed)]).describe() == message, reason


def test_a_message_is_short_however_much_differs() -> None:
    long = [f"{number:0>60}" for number in range(64)]
    comparison = compare([wanted(gpu=f"A{n}", regions=long) for n in range(16)], [found(gpu="x" * 5000)] * 16)
    assert len(comparison.differences) == 32
    assert len(comparison.describe()) == MOST_CHARACTERS
    assert "deploymentSpecifications[0].regions: manifest" in comparison.describe(), "a long value hides no other"


def test_values_of_configuration_are_in_no_text_of_a_comparison() -> None:
    comparison = compare([wanted(configuration={"k": "hunter2"})], [found(configuration={"k": "swordfish"})])
    text = f"{comparison!r} {comparison} {comparison.differences!r} {comparison.describe()}"
    assert "hunter2" not in text
    assert "swordfish" not in text


def test_a_difference_says_which_specification_of_which_gpu() -> None:
    there = [found(gpu="A100", maxInstances=9), found()]
    (difference,) = compare([wanted(), wanted(gpu="A100")], there).differences
    assert (difference.index, difference.gpu, difference.field) == (1, "A100", "maxInstances")
    assert (difference.wanted, difference.found, difference.how) == (4, 9, How.PATCH)


def test_the_order_of_an_answer_changes_nothing_not_even_among_equals() -> None:
    manifest = [wanted(maxInstances=8), wanted(maxInstances=8), wanted(maxInstances=9)]
    there = [found(gpuSpecificationId=identifier(number), maxInstances=number + 1) for number in range(3)]
    seen = {(str(x.pairs), x.describe()) for x in (compare(manifest, order) for order in permutations(there))}
    assert len(seen) == 1, f"the message or the next write would come and go with the order: {seen}"


POSTED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {}, "nothing is added, no default either"),
    ({"minInstances": 0}, {"minInstances": 0}, "0 is said"),
    ({"regions": ["b", "", "a", "b"]}, {"regions": ["a", "b"]}, "blanks and duplicates are what the server drops"),
    ({"regions": [], "clusters": [" "]}, {}, "an empty set is not sent"),
    ({"backend": ""}, {}, "a blank backend is not sent"),
    ({"backend": "nCp"}, {"backend": "nCp"}, "names go as they are written"),
    (
        {"configuration": {"a": None, "b": [None]}},
        {"configuration": {"a": None, "b": [None]}},
        "nulls are chart values",
    ),
    ({"configuration": {}}, {"configuration": {}}, "what is refused for a container is not hidden from the server"),
    (
        {"autoscalingConfiguration": autoscaling(), "autoscalingConfigurationPolicy": "CUSTOM_CONFIGURATION"},
        {"autoscalingConfiguration": autoscaling()},
        "the policy is a field of PATCH only",
    ),
    ({"autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"}, {}, "a POST without autoscaling is the platform's"),
    (
        {"autoscalingConfiguration": autoscaling(), "autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"},
        {},
        "should a manifest hold both, the policy wins, as it does in the comparison",
    ),
]


@pytest.mark.parametrize(("manifest", "extra", "reason"), POSTED)
def test_a_post_sends_what_the_manifest_says_and_nothing_else(
    manifest: dict[str, Any], extra: dict[str, Any], reason: str
) -> None:
    base = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}
    (body,) = create_body([wanted(**manifest)])
    assert body.to_request() == {**base, **extra}, reason


def test_the_request_of_the_old_documentation_is_sent_as_it_stands_there() -> None:
    manifest = wanted(backend="backend", gpu="gpu", instanceType=None, minInstances=0, maxInstances=1)
    (body,) = create_body([manifest])
    assert body.to_request() == {"backend": "backend", "gpu": "gpu", "maxInstances": 1, "minInstances": 0}


def test_instances_are_the_sums_of_what_is_ordered() -> None:
    assert instances([found(), found(minInstances=0, maxInstances=2)]) == "1-6"
    assert instances([]) == "0-0"
