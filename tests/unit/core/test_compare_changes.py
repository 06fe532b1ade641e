"""The one call that brings a deployment nearest to its manifest."""

from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from nvcf_client.models import GpuSpecification
from nvcf_operator.core.diff.changes import FIELDS_OF_PUT, Unsupported, expected_after, next_change, raises_minimum
from nvcf_operator.core.diff.compare import compare
from nvcf_operator.core.diff.fields import FIELDS, How
from nvcf_operator.core.model.decision import FIELDS_OF_PATCH, Patch, Put
from tests.unit.core.specification_samples import autoscaling, found, identifier, wanted

ID, OTHER_ID = identifier(0), identifier(1)
DOWN = {"scaleDownDetails": {"factor": 0.5, "threshold": 20, "metric": "gpu"}}

PATCHES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    (
        {"maxInstances": 9},
        {},
        {"minInstances": 1, "maxInstances": 9},
        "the server checks minimum against maximum, so both go",
    ),
    ({"minInstances": 0}, {}, {"minInstances": 0, "maxInstances": 4}, "0 is sent"),
    (
        {"minInstances": 5, "maxInstances": 6},
        {},
        {"minInstances": 5, "maxInstances": 6},
        "a minimum above the former maximum",
    ),
    (
        {"autoscalingConfiguration": autoscaling()},
        {},
        {"autoscalingConfiguration": autoscaling()},
        "numbers that do not differ are not sent",
    ),
    (
        {"maxInstances": 9, "autoscalingConfiguration": autoscaling()},
        {},
        {"minInstances": 1, "maxInstances": 9, "autoscalingConfiguration": autoscaling()},
        "all that differs goes in one call",
    ),
    (
        {"autoscalingConfiguration": autoscaling(factor=3)},
        {"autoscalingConfiguration": {**autoscaling(metric="cpu"), **DOWN}},
        {"autoscalingConfiguration": {**autoscaling(metric="cpu", factor=3), **DOWN}},
        "the server replaces the whole object: what the manifest leaves out is repeated",
    ),
    (
        {"autoscalingConfiguration": autoscaling(stickiness={"size": "PT20M", "threshold": "PT2M"})},
        {"autoscalingConfiguration": autoscaling(stickiness={"size": "PT10M", "threshold": "PT1M"})},
        {"autoscalingConfiguration": autoscaling(stickiness={"size": "PT20M", "threshold": "PT2M"})},
        "what the manifest says wins",
    ),
    (
        {"autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"},
        {"autoscalingConfiguration": autoscaling()},
        {"autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"},
        "the policy takes a custom autoscaling away",
    ),
    (
        {"autoscalingConfigurationPolicy": "CUSTOM_CONFIGURATION", "autoscalingConfiguration": autoscaling()},
        {},
        {"autoscalingConfiguration": autoscaling()},
        "custom is the default, so it is not said",
    ),
]


@pytest.mark.parametrize(("manifest", "deployed", "body", "reason"), PATCHES)
def test_a_patch_carries_what_differs(
    manifest: dict[str, Any], deployed: dict[str, Any], body: dict[str, Any], reason: str
) -> None:
    change = next_change(compare([wanted(**manifest)], [found(**deployed)]), patch_supported=True)
    assert isinstance(change, Patch)
    assert change.gpu_specification_id == ID
    assert change.to_json() == body, reason
    assert set(change.arguments()) <= {
        "min_instances",
        "max_instances",
        "autoscaling_configuration",
        "autoscaling_configuration_policy",
    }


def put(manifest: list[dict[str, Any]], deployed: list[dict[str, Any]], *, patch: bool = True) -> list[dict[str, Any]]:
    comparison = compare([wanted(**item) for item in manifest], [found(**item) for item in deployed])
    change = next_change(comparison, patch_supported=patch)
    assert isinstance(change, Put), change
    return [item.to_update() for item in change.specifications]


def test_a_put_carries_all_specifications_with_all_that_it_can_change() -> None:
    bodies = put(
        [{"maxRequestConcurrency": 8, "maxInstances": 9}, {"gpu": "a100", "backend": "NCP", "minInstances": 0}],
        [
            {"gpu": "A100", "backend": "nCp", "gpuSpecificationId": OTHER_ID, "maxRequestConcurrency": 3},
            {"clusters": ["b", "a"], "maxRequestConcurrency": 1},
        ],
    )
    assert bodies == [
        {
            "gpuSpecificationId": ID,
            "clusters": ["b", "a"],
            "minInstances": 1,
            "maxInstances": 9,
            "maxRequestConcurrency": 8,
        },
        {
            "gpuSpecificationId": OTHER_ID,
            "backend": "nCp",
            "minInstances": 0,
            "maxInstances": 4,
            "maxRequestConcurrency": 3,
        },
    ], "ids, backend and clusters as found; concurrency that the manifest leaves out is repeated"


def test_a_server_without_patch_gets_a_put_with_what_it_showed() -> None:
    (body,) = put(
        [{"backend": "gfn", "instanceType": None, "maxInstances": 9}],
        [{"backend": "GFN", "instanceType": None, "gpuSpecificationId": None}],
        patch=False,
    )
    assert body == {"gpu": "L40S", "backend": "GFN", "minInstances": 1, "maxInstances": 9}


def test_a_deployment_without_ids_cannot_be_patched() -> None:
    (body,) = put([{"maxInstances": 9}], [{"gpuSpecificationId": None}])
    assert "gpuSpecificationId" not in body


def test_autoscaling_follows_a_put_by_patch() -> None:
    manifest = [wanted(maxRequestConcurrency=8, autoscalingConfiguration=autoscaling())]
    first = next_change(compare(manifest, [found()]), patch_supported=True)
    assert isinstance(first, Put)
    second = next_change(compare(manifest, expected_after(first, [found()])), patch_supported=True)
    assert isinstance(second, Patch)
    assert set(second.to_json()) == {"autoscalingConfiguration"}


def test_without_patch_numbers_go_by_put_and_autoscaling_is_then_said_to_be_unsupported() -> None:
    manifest = [wanted(maxInstances=9, autoscalingConfiguration=autoscaling())]
    first = next_change(compare(manifest, [found()]), patch_supported=False)
    assert isinstance(first, Put)
    after = compare(manifest, expected_after(first, [found()]))
    assert next_change(after, patch_supported=False) == Unsupported(("autoscalingConfiguration",))


def test_without_put_numbers_go_by_patch_and_concurrency_is_immutable() -> None:
    there = [found()]
    numbers = next_change(compare([wanted(maxInstances=9)], there), patch_supported=True, put_supported=False)
    assert isinstance(numbers, Patch)
    both = compare([wanted(maxInstances=9, maxRequestConcurrency=8)], there)
    assert not both.immutable
    assert next_change(both, patch_supported=True, put_supported=False) is None
    assert [item.field for item in both.without_put().immutable] == ["maxRequestConcurrency"]


def test_with_neither_put_nor_patch_no_number_can_be_changed() -> None:
    change = next_change(compare([wanted(maxInstances=9)], [found()]), patch_supported=False, put_supported=False)
    assert change == Unsupported(("maxInstances",))


NOTHING: list[tuple[list[Any], list[Any], str]] = [
    ([wanted()], [found()], "all is in force"),
    ([wanted(regions=["eu"], maxInstances=9)], [found()], "while something immutable differs nothing is touched"),
    ([wanted(regions=["eu"], maxRequestConcurrency=9)], [found()], "not by PUT either"),
    ([wanted(), wanted()], [found()], "no call adds a specification"),
    ([wanted()], [], "nor to none"),
]


@pytest.mark.parametrize("patch", [True, False])
@pytest.mark.parametrize(("manifest", "deployed", "reason"), NOTHING)
def test_no_call_is_made_where_none_helps(manifest: list[Any], deployed: list[Any], reason: str, patch: bool) -> None:
    assert next_change(compare(manifest, deployed), patch_supported=patch) is None, reason


def test_the_first_specification_of_the_manifest_that_differs_is_patched_first() -> None:
    manifest = [wanted(gpu="A"), wanted(gpu="B", maxInstances=9), wanted(gpu="C", maxInstances=9)]
    there = [found(gpu=gpu, gpuSpecificationId=identifier(number)) for number, gpu in enumerate("CBA")]
    change = next_change(compare(manifest, there), patch_supported=True)
    assert isinstance(change, Patch)
    assert (change.gpu, change.gpu_specification_id) == ("B", identifier(1))


def test_a_change_is_the_same_in_whatever_order_the_answer_came() -> None:
    there = [found(gpuSpecificationId=identifier(number), maxRequestConcurrency=1) for number in range(3)]
    manifest = [wanted(maxRequestConcurrency=8), wanted(maxInstances=9), wanted()]
    changes = [next_change(compare(manifest, order), patch_supported=True) for order in (there, there[::-1])]
    assert changes[0] == changes[1], "repeated writes are recognized by their content"


def test_what_is_expected_after_a_change_keeps_the_order_of_the_answer() -> None:
    there = (found(gpuSpecificationId=OTHER_ID, gpu="A100", regions=["eu"]), found(regions=["us"]))
    manifest = [wanted(maxRequestConcurrency=8), wanted(gpu="A100", minInstances=2)]
    change = next_change(compare(manifest, there), patch_supported=True)
    assert isinstance(change, Put)
    assert expected_after(change, there) == (
        there[0].model_copy(update={"min_instances": 2}),
        there[1].model_copy(update={"max_request_concurrency": 8}),
    )


def test_without_ids_a_put_is_applied_to_the_specification_that_it_repeats() -> None:
    there = [
        found(gpuSpecificationId=None, instanceType="big"),
        found(gpuSpecificationId=None, instanceType="small"),
    ]
    manifest = [wanted(instanceType="small", maxInstances=9), wanted(instanceType="big", maxInstances=7)]
    change = next_change(compare(manifest, there), patch_supported=False)
    assert isinstance(change, Put)
    assert [(item.instance_type, item.max_instances) for item in expected_after(change, there)] == [
        ("big", 7),
        ("small", 9),
    ]


def test_a_patch_of_the_policy_leaves_no_custom_autoscaling() -> None:
    there = [found(autoscalingConfiguration=autoscaling())]
    manifest = [wanted(autoscalingConfigurationPolicy="PLATFORM_CONFIGURATION")]
    change = next_change(compare(manifest, there), patch_supported=True)
    assert isinstance(change, Patch)
    assert expected_after(change, there)[0].autoscaling_configuration is None


RAISES: list[tuple[dict[str, Any], bool, str]] = [
    ({"minInstances": 2}, True, "new instances have to start"),
    ({"minInstances": 2, "maxRequestConcurrency": 8}, True, "by PUT too"),
    ({"minInstances": 0}, False, "fewer start nothing"),
    ({"maxInstances": 9}, False, "the maximum orders nothing on its own"),
    ({"maxRequestConcurrency": 8}, False, "concurrency is no instance"),
]


@pytest.mark.parametrize(("manifest", "expected", "reason"), RAISES)
def test_a_raised_minimum_is_known(manifest: dict[str, Any], expected: bool, reason: str) -> None:
    there = [found()]
    change = next_change(compare([wanted(**manifest)], there), patch_supported=True)
    assert isinstance(change, Patch | Put)
    assert raises_minimum(change, there) == expected, reason


def test_a_minimum_raised_in_one_specification_counts_though_another_goes_down() -> None:
    there: list[GpuSpecification] = [found(), found(gpu="A100", minInstances=4, gpuSpecificationId=OTHER_ID)]
    manifest = [wanted(minInstances=2, maxRequestConcurrency=8), wanted(gpu="A100", minInstances=0)]
    change = next_change(compare(manifest, there), patch_supported=True)
    assert isinstance(change, Put)
    assert raises_minimum(change, there)


def test_a_change_is_reported_in_words() -> None:
    there = [found(autoscalingConfiguration=autoscaling())]
    manifest = {"maxInstances": 9, "autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"}
    patch = next_change(compare([wanted(**manifest)], there), patch_supported=True)
    assert isinstance(patch, Patch)
    assert patch.describe() == "L40S: 1-9 instances, autoscaling back to the platform's"
    put_ = next_change(compare([wanted(maxRequestConcurrency=8)], there), patch_supported=True)
    assert isinstance(put_, Put)
    assert put_.describe() == "L40S: 1-4 instances, concurrency 8"


def test_each_call_carries_the_fields_that_the_table_says_it_changes() -> None:
    def changed_by(how: How) -> set[str]:
        return {name for name, field in FIELDS.items() if field.how is how}

    assert {to_camel(name) for name in FIELDS_OF_PATCH} == changed_by(How.PATCH)
    assert {to_camel(name) for name in FIELDS_OF_PUT} >= changed_by(How.PUT)
