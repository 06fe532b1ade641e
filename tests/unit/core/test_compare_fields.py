"""Field by field: what is the same value, and what is not."""

from pathlib import Path
from typing import Any

import pytest

from hack.docs.fields import fields_markdown
from nvcf_operator.api.crd import field_schema
from nvcf_operator.api.model import MUTABILITY, Mutability
from nvcf_operator.api.spec import DeploymentSpecification, FunctionDeploymentSpec
from nvcf_operator.core.diff.compare import compare
from nvcf_operator.core.diff.fields import AUTOSCALING, DETAILS, FIELDS, HELM_POLICY, How
from tests.unit.core.specification_samples import autoscaling, found, wanted

DOCUMENT = Path(__file__).parents[3] / "docs" / "fields.md"
KIND = {"group": "apps", "version": "v1", "kind": "Deployment"}
OTHER_KIND = {"group": "batch", "version": "v1", "kind": "Job"}
WINDOW = {"size": "PT10M", "threshold": "PT1M"}

SAME: list[tuple[str, Any, Any, str]] = [
    ("gpu", "l40s", "L40S", "the server finds a GPU in any letter case and echoes it as sent"),
    ("instanceType", "ncp.gpu.l40s_1X", "NCP.GPU.L40S_1x", "so it does with an instance type"),
    ("backend", "nCp", "NCP", "and with a backend"),
    ("backend", "", None, "the server drops a blank backend"),
    ("backend", " ", None, "the server drops a blank backend"),
    ("clusters", ["b", "a"], ["a", "b"], "a set has no order"),
    ("regions", ["a", "", "a", " "], ["a"], "the server drops blanks and duplicates"),
    ("attributes", [], None, "an empty set is never shown"),
    ("attributes", [""], None, "a set of blanks is an empty one"),
    ("availabilityZones", [], [], "an old server may show an empty set"),
    ("preferredOrder", 1, None, "1 is the default; a server that does not know the field shows none"),
    ("maxRequestConcurrency", 1, None, "1 is the default"),
    ("configuration", {"a": 1, "b": [None, {"c": None}]}, {"b": [None, {"c": None}], "a": 1}, "keys have no order"),
    ("configuration", {"n": 1}, {"n": 1.0}, "Kubernetes stores 1.0 as 1, so a manifest cannot say which"),
    ("configuration", {}, None, "values that override nothing are none"),
    ("configuration", {"a": None}, {}, "merge patches and client-side apply drop a null member"),
    ("configuration", {}, {"a": None}, "so it may be in the deployment alone"),
    ("configuration", {"a": None}, None, "a server may show no values where all are null"),
    ("configuration", {"l": {"cpu": None}}, {"l": {}}, "a merge patch leaves the object that held it"),
    ("configuration", {"l": {"cpu": None}}, {}, "a server may leave that out, too"),
    ("configuration", {"l": {"m": {"cpu": None}}}, {"l": {"m": None}}, "at every depth of objects"),
    ("configuration", {"a": {"b": 1, "naïve <&>": None}}, {"a": {"b": 1}}, "whatever the key"),
    ("configuration", {"a": [{"b": None, "c": 1}]}, {"a": [{"c": 1}]}, "in an object that is an element of a list"),
    ("configuration", {"a": {}}, {}, "an empty object overrides nothing"),
    ("configuration", {"a": [{}]}, {"a": [{"b": {"c": None}}]}, "an element of which nothing is left is empty"),
    ("helmValidationPolicy", {"name": "Default"}, {"name": "DEFAULT"}, "enums are read in any letter case"),
    (
        "helmValidationPolicy",
        {"name": "Default"},
        {"name": "Default", "extraKubernetesTypes": [KIND]},
        "the types that the manifest leaves out are the server's",
    ),
    (
        "helmValidationPolicy",
        {"name": "Default", "extraKubernetesTypes": [KIND, OTHER_KIND]},
        {"name": "Default", "extraKubernetesTypes": [OTHER_KIND, KIND, KIND]},
        "types are a set",
    ),
    ("autoscalingConfiguration", {}, None, "an empty object names nothing"),
    ("autoscalingConfiguration", {}, autoscaling(), "an empty object names nothing"),
    ("autoscalingConfiguration", autoscaling(), autoscaling(metric="cpu"), "a metric left out is the server's"),
    ("autoscalingConfiguration", autoscaling(), autoscaling(stickiness=WINDOW), "a window left out is the server's"),
    (
        "autoscalingConfiguration",
        autoscaling(),
        {**autoscaling(), "scaleDownDetails": {"factor": 0.5, "threshold": 20}},
        "a direction left out is the server's",
    ),
    ("autoscalingConfiguration", autoscaling(factor=2), autoscaling(factor=2.0), "numbers are compared by value"),
    (
        "autoscalingConfiguration",
        autoscaling(factor=1.23456789),
        autoscaling(factor=1.2345679),
        "the server keeps a factor in 32 bits and shows the shortest text for it",
    ),
    (
        "autoscalingConfiguration",
        autoscaling(threshold=75.5),
        autoscaling(threshold=75),
        "the server keeps whole thresholds",
    ),
    (
        "autoscalingConfiguration",
        autoscaling(stickiness={"size": "PT600S", "threshold": "PT30S"}),
        autoscaling(stickiness={"size": "PT10M", "threshold": "PT30.000S"}),
        "durations are compared by length",
    ),
    (
        "autoscalingConfiguration",
        autoscaling(stickiness=WINDOW),
        autoscaling(stickiness={"size": 600, "threshold": 60}),
        "a number is a length in seconds",
    ),
    (
        "autoscalingConfiguration",
        autoscaling(stickiness={"size": "PT9M40S", "threshold": "PT1M"}),
        autoscaling(stickiness=WINDOW),
        "the API says that it rounds a window to a minute",
    ),
]

DIFFERENT: list[tuple[str, Any, Any, How, str]] = [
    ("gpu", "L40S", "L40", How.IMMUTABLE, "another GPU"),
    ("instanceType", "NCP.GPU.L40S_2x", "NCP.GPU.L40S_1x", How.IMMUTABLE, "another instance type"),
    ("instanceType", "NCP.GPU.L40S_2x", None, How.IMMUTABLE, "the deployment was made without the one that is wanted"),
    ("backend", "GFN", "NCP", How.IMMUTABLE, "another backend"),
    ("backend", "GFN", None, How.IMMUTABLE, "the deployment has none"),
    ("backend", "", "NCP", How.IMMUTABLE, "a blank one in the manifest wants none"),
    ("clusters", ["a"], ["a", "b"], How.IMMUTABLE, "a set is compared whole"),
    ("regions", ["eu"], None, How.IMMUTABLE, "the deployment is not restricted"),
    ("regions", [], ["eu"], How.IMMUTABLE, "an empty one in the manifest wants no restriction"),
    ("attributes", ["HIPAA"], ["hipaa"], How.IMMUTABLE, "only gpu, instanceType and backend are case-blind"),
    ("availabilityZones", ["a"], ["b"], How.IMMUTABLE, "another zone"),
    ("preferredOrder", 2, 1, How.IMMUTABLE, "no call changes the order of preference"),
    ("preferredOrder", 2, None, How.IMMUTABLE, "none shown is 1"),
    ("configuration", {"a": 1}, {"a": True}, How.IMMUTABLE, "true is no number, though Python says so"),
    ("configuration", {"a": [0]}, {"a": [False]}, How.IMMUTABLE, "nor is false, at any depth"),
    ("configuration", {"a": "1"}, {"a": 1}, How.IMMUTABLE, "text is no number"),
    ("configuration", {"a": None}, {"a": 1}, How.IMMUTABLE, "null is not what the deployment has there"),
    ("configuration", {"a": None}, {"a": False}, How.IMMUTABLE, "false is a value"),
    ("configuration", {"a": None}, {"a": ""}, How.IMMUTABLE, "so is an empty text"),
    ("configuration", {"a": None}, {"a": []}, How.IMMUTABLE, "so is an empty list"),
    ("configuration", {"a": {"b": {}}}, {"a": {"b": 0}}, How.IMMUTABLE, "so is 0, at any depth"),
    ("configuration", {"a": [None]}, {"a": []}, How.IMMUTABLE, "a null that is an element of a list stays"),
    ("configuration", {"a": [None, 1]}, {"a": [1]}, How.IMMUTABLE, "and moves the others"),
    ("configuration", {"a": [{}]}, {"a": [None]}, How.IMMUTABLE, "an empty element is not a null one"),
    ("configuration", {"a": [{"b": None}]}, {"a": []}, How.IMMUTABLE, "an element is one, even an empty one"),
    ("configuration", {"a": [1, 2]}, {"a": [2, 1]}, How.IMMUTABLE, "a list has an order"),
    ("configuration", {"a": []}, {"a": {}}, How.IMMUTABLE, "a list is no object"),
    ("helmValidationPolicy", {"name": "Default"}, {"name": "Unrestricted"}, How.IMMUTABLE, "another policy"),
    ("helmValidationPolicy", {"name": "Default"}, None, How.IMMUTABLE, "the deployment shows none"),
    (
        "helmValidationPolicy",
        {"name": "Default", "extraKubernetesTypes": [KIND]},
        {"name": "Default"},
        How.IMMUTABLE,
        "a type is missing",
    ),
    ("minInstances", 0, 1, How.PATCH, "0 is a number as others, not one left out"),
    ("maxInstances", 5, 4, How.PATCH, "another maximum"),
    ("maxRequestConcurrency", 8, 1, How.PUT, "only a PUT carries concurrency"),
    ("maxRequestConcurrency", 8, None, How.PUT, "none shown is 1"),
    ("autoscalingConfiguration", autoscaling(), None, How.PATCH, "the platform's applies"),
    ("autoscalingConfiguration", autoscaling(), {}, How.PATCH, "the direction is missing"),
    ("autoscalingConfiguration", autoscaling(metric="cpu"), autoscaling(), How.PATCH, "the metric is missing"),
    ("autoscalingConfiguration", autoscaling(metric="cpu"), autoscaling(metric="CPU"), How.PATCH, "a metric is text"),
    ("autoscalingConfiguration", autoscaling(factor=1.5), autoscaling(factor=1.51), How.PATCH, "another factor"),
    ("autoscalingConfiguration", autoscaling(threshold=75.5), autoscaling(threshold=76), How.PATCH, "cut, not rounded"),
    (
        "autoscalingConfiguration",
        autoscaling(stickiness=WINDOW),
        autoscaling(stickiness={**WINDOW, "threshold": "PT59S"}),
        How.PATCH,
        "only a window's size is rounded",
    ),
    (
        "autoscalingConfiguration",
        autoscaling(stickiness=WINDOW),
        autoscaling(stickiness={**WINDOW, "size": "PT10M1S"}),
        How.PATCH,
        "a size that is no whole minute was not rounded from ours",
    ),
    (
        "autoscalingConfiguration",
        autoscaling(stickiness=WINDOW),
        autoscaling(stickiness={**WINDOW, "size": "ten minutes"}),
        How.PATCH,
        "what cannot be read is a difference, not a crash",
    ),
    (
        "autoscalingConfiguration",
        autoscaling(stickiness=WINDOW),
        autoscaling(stickiness={"size": f"P{'9' * 60}D", "threshold": 10**400}),
        How.PATCH,
        "nor is a length beyond all bounds",
    ),
    ("autoscalingConfiguration", autoscaling(), autoscaling(factor=10**400), How.PATCH, "nor a number beyond them"),
]


@pytest.mark.parametrize(("field", "manifest", "deployed", "reason"), SAME)
def test_values_of_one_meaning_are_no_difference(field: str, manifest: Any, deployed: Any, reason: str) -> None:
    comparison = compare([wanted(**{field: manifest})], [found(**{field: deployed})])
    assert comparison.in_force, f"{reason}: {comparison.describe()}"


@pytest.mark.parametrize(("field", "manifest", "deployed", "how", "reason"), DIFFERENT)
def test_values_of_another_meaning_are_one_difference_and_how_it_changes_is_known(
    field: str, manifest: Any, deployed: Any, how: How, reason: str
) -> None:
    comparison = compare([wanted(**{field: manifest})], [found(**{field: deployed})])
    assert [(item.index, item.field, item.how) for item in comparison.differences] == [(0, field, how)], reason
    assert not comparison.in_force
    assert bool(comparison.immutable) == (how == How.IMMUTABLE)


def test_a_field_that_the_manifest_leaves_out_is_the_servers() -> None:
    filled = found(
        instanceType="default",
        backend="NCP",
        clusters=["a"],
        regions=["eu"],
        attributes=["x"],
        availabilityZones=["z"],
        preferredOrder=7,
        maxRequestConcurrency=9,
        configuration={"a": 1},
        helmValidationPolicy={"name": "Unrestricted"},
        autoscalingConfiguration=autoscaling(),
        cpuArch="arm64",
    )
    assert compare([wanted(instanceType=None)], [filled]).in_force


POLICIES: list[tuple[str, Any, Any, bool, str]] = [
    ("PLATFORM_CONFIGURATION", None, None, True, "nothing custom is there"),
    ("PLATFORM_CONFIGURATION", None, autoscaling(), False, "the custom one has to go"),
    ("PLATFORM_CONFIGURATION", None, {}, False, "an empty custom one is one too, and PATCH takes it away"),
    ("PLATFORM_CONFIGURATION", autoscaling(), None, True, "should a manifest hold both, the policy wins"),
    ("CUSTOM_CONFIGURATION", None, None, True, "custom without a configuration asks for nothing"),
    ("CUSTOM_CONFIGURATION", None, autoscaling(), True, "custom without a configuration asks for nothing"),
    ("CUSTOM_CONFIGURATION", autoscaling(), None, False, "custom is what a configuration is anyway"),
]


@pytest.mark.parametrize(("policy", "configuration", "deployed", "in_force", "reason"), POLICIES)
def test_the_autoscaling_policy_asks_for_a_state_and_is_no_field(
    policy: str, configuration: Any, deployed: Any, in_force: bool, reason: str
) -> None:
    manifest = wanted(autoscalingConfiguration=configuration, autoscalingConfigurationPolicy=policy)
    comparison = compare([manifest], [found(autoscalingConfiguration=deployed)])
    assert comparison.in_force == in_force, reason
    assert {(item.field, item.how) for item in comparison.differences} <= {("autoscalingConfiguration", How.PATCH)}


def test_every_field_of_a_manifest_is_in_the_table() -> None:
    fields = {str(field.alias) for field in DeploymentSpecification.model_fields.values()}
    assert fields - set(FIELDS) == {"autoscalingConfigurationPolicy"}
    assert set(FIELDS) <= fields


def test_every_part_of_an_object_has_a_rule() -> None:
    schema = field_schema(FunctionDeploymentSpec)["properties"]["deploymentSpecifications"]["items"]["properties"]
    scaling = schema["autoscalingConfiguration"]["properties"]
    for direction in scaling.values():
        assert set(direction["properties"]) == set(DETAILS.parts)
    assert set(scaling) == set(AUTOSCALING.parts)
    window = scaling["scaleUpDetails"]["properties"]["stickiness"]["properties"]
    assert set(window) == set(DETAILS.parts["stickiness"].parts)
    assert set(schema["helmValidationPolicy"]["properties"]) == set(HELM_POLICY.parts)


def test_the_resource_promises_of_each_field_what_the_table_does() -> None:
    schema = field_schema(FunctionDeploymentSpec)["properties"]["deploymentSpecifications"]["items"]["properties"]
    promise = {How.PATCH: Mutability.PATCH, How.PUT: Mutability.PUT, How.IMMUTABLE: Mutability.REDEPLOY}
    assert {name: schema[name][MUTABILITY] for name in FIELDS} == {
        name: promise[row.how].value for name, row in FIELDS.items()
    }


def test_the_document_is_what_the_code_generates() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == fields_markdown(), "docs/fields.md: run `make generate`"
