"""Every rule of FunctionDeployment, with a good and a bad example, asked of the real API server."""

from collections.abc import Mapping

import pytest

from hack.controlplane import ControlPlane
from nvcf_operator.api.names import FUNCTION_DEPLOYMENT
from tests.integration.resource_manifests import BY_REFERENCE, COMPLETE, FUNCTION, REMOVED, install_crds
from tests.integration.rule_table import (
    Rule,
    asked,
    at_most,
    check,
    enum,
    limits_of,
    refusals,
    required,
    rules_of,
    tried,
)

pytestmark = pytest.mark.xdist_group("resource-rules")

GPU = "deploymentSpecifications[0]"
UP = f"{GPU}.autoscalingConfiguration.scaleUpDetails"
DOWN = f"{GPU}.autoscalingConfiguration.scaleDownDetails"
HELM = f"{GPU}.helmValidationPolicy"
KIND = f"{HELM}.extraKubernetesTypes[0]"
SECRET = "credentials.secretRef"

RULES = [
    Rule(
        "one of two forms: neither",
        "functionRef",
        "x-kubernetes-validations",
        REMOVED,
        "set either functionRef, or functionId and functionVersionId",
        {"name": "llama"},
        BY_REFERENCE,
    ),
    Rule(
        "one of two forms: both",
        "functionRef",
        "x-kubernetes-validations",
        {"name": "llama"},
        "set either functionRef, or functionId and functionVersionId",
    ),
    *(
        Rule(
            f"one of two forms: {name} beside",
            "functionRef",
            "x-kubernetes-validations",
            {"name": "llama"},
            "set either functionRef, or functionId and functionVersionId",
            beside={name: REMOVED},
        )
        for name in ("functionId", "functionVersionId")
    ),
    Rule(
        "a reference is to a CloudFunction",
        "functionRef.name",
        "required",
        REMOVED,
        "Required value",
        None,
        BY_REFERENCE,
    ),
    Rule("not blank", "functionRef.name", "minLength", "", "should be at least 1 chars long", "a", BY_REFERENCE),
    Rule("a resource's name", "functionRef.name", "pattern", "A_b", "should match '^[a-z0-9]", "a-b.c", BY_REFERENCE),
    Rule("not blank", "functionRef.revision", "minLength", "", "should be at least 1 chars long", "a", BY_REFERENCE),
    Rule("in a tag", "functionRef.revision", "pattern", "1.4", "should match '^[A-Za-z0-9]", "1-4_a", BY_REFERENCE),
    Rule("an id is a UUID", "functionId", "pattern", "echo", "should match '^[0-9a-fA-F]{8}-", FUNCTION),
    Rule("in either case", "functionId", "pattern", FUNCTION.replace("-", "0"), "should match", FUNCTION.upper()),
    Rule("no blank around a UUID", "functionId", "pattern", " " + FUNCTION[1:], "should match", FUNCTION),
    Rule("an id is a UUID", "functionVersionId", "pattern", "1.0", "should match '^[0-9a-fA-F]{8}-", FUNCTION.upper()),
    required("deploymentSpecifications", "NVCF needs to know on what to run"),
    Rule("at least one", "deploymentSpecifications", "minItems", [], "should have at least 1 items"),
    required(f"{GPU}.gpu", "NVCF requires it"),
    Rule("not blank", f"{GPU}.gpu", "minLength", "", "should be at least 1 chars long", "A"),
    Rule(
        "old servers do without, but it is not blank", f"{GPU}.instanceType", "minLength", "", "at least 1 chars", "A"
    ),
    required(f"{GPU}.minInstances", "NVCF requires it"),
    Rule("not negative; zero scales to zero", f"{GPU}.minInstances", "minimum", -1, "greater than or equal to 0", 0),
    at_most(f"{GPU}.minInstances", 2**31 - 1, "NVCF's numbers have 32 bits", {f"{GPU}.maxInstances": 2**31 - 1}),
    Rule("whole", f"{GPU}.minInstances", "type", 0.5, "must be of type integer", 1),
    required(f"{GPU}.maxInstances", "NVCF requires it"),
    Rule(
        "at least one",
        f"{GPU}.maxInstances",
        "minimum",
        0,
        "greater than or equal to 1",
        1,
        {f"{GPU}.minInstances": 0},
    ),
    Rule(
        "what NVCF's numbers hold",
        f"{GPU}.maxInstances",
        "maximum",
        2**31,
        "less than or equal to 2147483647",
        2**31 - 1,
    ),
    Rule(
        "min <= max",
        f"{GPU}.minInstances",
        "x-kubernetes-validations",
        5,
        "minInstances must not be greater than maxInstances",
        4,
    ),
    Rule("at least one", f"{GPU}.maxRequestConcurrency", "minimum", 0, "greater than or equal to 1", 1),
    at_most(f"{GPU}.maxRequestConcurrency", 16384, "NVCF's bound"),
    Rule("NVCF's bound", f"{GPU}.preferredOrder", "minimum", 0, "greater than or equal to 1", 1),
    at_most(f"{GPU}.preferredOrder", 99, "NVCF's bound"),
    Rule(
        "backend excludes clusters, empty ones aside",
        f"{GPU}.clusters",
        "x-kubernetes-validations",
        ["a"],
        "backend and clusters are mutually exclusive",
        [],
        {f"{GPU}.backend": "gfn"},
    ),
    *(
        Rule("each once", f"{GPU}.{name}", "x-kubernetes-list-type", ["a", "a"], "Duplicate value", ["a", "b"])
        for name in ("clusters", "regions", "attributes", "availabilityZones")
    ),
    Rule(
        "an object, of any content", f"{GPU}.configuration", "type", "a: 1", "must be of type object", {"a": {"b": [1]}}
    ),
    required(f"{HELM}.name", "NVCF requires it"),
    *enum(f"{HELM}.name", "in NVCF's own words", "default", "Default", "Unrestricted"),
    Rule("at least one", f"{HELM}.extraKubernetesTypes", "minItems", [], "should have at least 1 items"),
    required(f"{KIND}.group", "NVCF requires it"),
    Rule("not blank", f"{KIND}.group", "minLength", "", "should be at least 1 chars long", "g"),
    required(f"{KIND}.version", "NVCF requires it"),
    Rule("not blank", f"{KIND}.version", "minLength", "", "should be at least 1 chars long", "v"),
    required(f"{KIND}.kind", "NVCF requires it"),
    Rule("not blank", f"{KIND}.kind", "minLength", "", "should be at least 1 chars long", "K"),
    *enum(f"{GPU}.autoscalingConfigurationPolicy", "in NVCF's own words", "PLATFORM", "CUSTOM_CONFIGURATION"),
    Rule(
        "nothing to configure where the platform's applies",
        f"{GPU}.autoscalingConfiguration",
        "x-kubernetes-validations",
        {},
        "PLATFORM_CONFIGURATION removes a custom autoscaling and so excludes autoscalingConfiguration",
        REMOVED,
        {f"{GPU}.autoscalingConfigurationPolicy": "PLATFORM_CONFIGURATION"},
    ),
    *(
        rule
        for details in (UP, DOWN)
        for rule in (
            Rule("not blank", f"{details}.metric", "minLength", "", "should be at least 1 chars long", "m"),
            required(f"{details}.threshold", "NVCF requires it"),
            Rule("a percentage", f"{details}.threshold", "minimum", -1, "greater than or equal to 0", 0),
            Rule("a percentage", f"{details}.threshold", "maximum", 101, "less than or equal to 100", 100),
            Rule("NVCF cuts fractions", f"{details}.threshold", "type", 75.5, "must be of type integer", 75),
            required(f"{details}.factor", "NVCF requires it"),
            required(f"{details}.stickiness.size", "NVCF requires it"),
            required(f"{details}.stickiness.threshold", "NVCF requires it"),
            Rule("a text", f"{details}.stickiness.size", "type", 600, "must be of type string", "PT600S"),
            Rule("ISO-8601", f"{details}.stickiness.size", "pattern", "10m", "should match '^PT", "PT10M"),
            Rule("upper case", f"{details}.stickiness.size", "pattern", "pt10m", "should match '^PT", "PT10M0S"),
            Rule("not empty", f"{details}.stickiness.size", "pattern", "PT", "should match '^PT", "PT59M59.999S"),
            Rule("no days", f"{details}.stickiness.size", "pattern", "P1D", "should match '^PT", "PT1H0M0S"),
            Rule("in order", f"{details}.stickiness.size", "pattern", "PT1M1H", "should match '^PT", "PT59M1S"),
            Rule("ISO-8601", f"{details}.stickiness.threshold", "pattern", "-PT1M", "should match '^PT", "PT1M"),
            Rule(
                "PT1H at most, by value",
                f"{details}.stickiness.size",
                "x-kubernetes-validations",
                "PT60M0.001S",
                "size must not be longer than PT1H",
                "PT3600S",
            ),
            Rule(
                "shorter than size, by value",
                f"{details}.stickiness.threshold",
                "x-kubernetes-validations",
                "PT600S",
                "threshold must be shorter than size",
                "PT9M59.999S",
                {f"{details}.stickiness.size": "PT10M"},
            ),
        )
    ),
    Rule("up is more", f"{UP}.factor", "exclusiveMinimum", 1, "should be greater than 1", 1.01),
    Rule("up is more", f"{UP}.factor", "minimum", 0.5, "should be greater than 1", 2),
    Rule("down is less", f"{DOWN}.factor", "exclusiveMaximum", 1, "should be less than 1", 0.99),
    Rule("down is less", f"{DOWN}.factor", "maximum", 1.5, "should be less than 1", 0.5),
    Rule("not to nothing", f"{DOWN}.factor", "exclusiveMinimum", 0, "should be greater than 0", 0.01),
    Rule("not below nothing", f"{DOWN}.factor", "minimum", -1, "should be greater than 0", 0.1),
    required(SECRET, "credentials without a Secret are none"),
    required(f"{SECRET}.name", "which Secret"),
    Rule("not blank", f"{SECRET}.name", "minLength", "", "should be at least 1 chars long", "a"),
    Rule("a Secret's name", f"{SECRET}.name", "pattern", "My_Secret", "should match '^[a-z0-9]", "my.secret-1"),
    Rule("no other namespace", f"{SECRET}.name", "pattern", "team/key", "should match '^[a-z0-9]", "team-key"),
    Rule("not blank", f"{SECRET}.key", "minLength", "", "should be at least 1 chars long", "k"),
    Rule("a Secret's key", f"{SECRET}.key", "pattern", "a key", "should match '^[-._a-zA-Z0-9]+$'", "a.Key_1-b"),
    *enum("rollout.versionChange", "one of two ways", "Rolling", "BlueGreen", "Recreate"),
    *enum("rollout.immutableChange", "one of two ways", "Replace", "Reject", "Redeploy"),
    Rule("at least a second", "rollout.progressDeadlineSeconds", "minimum", 0, "greater than or equal to 1", 1),
    at_most("rollout.progressDeadlineSeconds", 2**31 - 1, "a 32-bit number"),
    Rule("seconds, not a duration", "rollout.progressDeadlineSeconds", "type", "1h", "must be of type integer", 3600),
    Rule("true or false", "undeploy.graceful", "type", "yes", "must be of type boolean", False),
    Rule("at least a second", "undeploy.drainTimeoutSeconds", "minimum", 0, "greater than or equal to 1", 1),
    at_most("undeploy.drainTimeoutSeconds", 2**31 - 1, "a 32-bit number"),
    *enum("undeploy.onDrainTimeout", "one of two ways", "Fail", "Force", "Wait"),
    *enum("deletionPolicy", "one of two ways", "Keep", "Delete", "Retain"),
    *enum("adoptionPolicy", "one of two ways", "Ask", "Adopt", "Refuse"),
    *enum("managementPolicy", "one of two ways", "manage", "Manage", "Observe"),
    Rule("true or false", "suspend", "type", "true", "must be of type boolean", True),
]


BESIDE = {f"{GPU}.backend": {f"{GPU}.clusters": []}, "functionRef": BY_REFERENCE}
"""What must differ for some fields to be set at all."""

LIMITS = limits_of(FUNCTION_DEPLOYMENT, COMPLETE, BESIDE)
ALL = [*RULES, *LIMITS]


@pytest.fixture(scope="module")
def refused(control_plane: ControlPlane) -> Mapping[str, str]:
    install_crds(control_plane)
    return refusals(control_plane, asked(ALL, COMPLETE, FUNCTION_DEPLOYMENT))


def test_the_complete_manifest_is_accepted(refused: Mapping[str, str]) -> None:
    assert "complete" not in refused, refused["complete"]


@pytest.mark.parametrize(("number", "rule"), list(enumerate(ALL)), ids=[rule.id for rule in ALL])
def test_a_bad_manifest_is_refused_by_field_and_rule_and_a_good_one_accepted(
    refused: Mapping[str, str], number: int, rule: Rule
) -> None:
    check(refused, number, rule)


def test_every_rule_of_the_crd_is_tried() -> None:
    transitions = {  # need a stored resource: see test_resource_apply.py
        ("functionId", "x-kubernetes-validations"),
        ("functionRef.name", "x-kubernetes-validations"),
    }
    there, asked_for = rules_of(FUNCTION_DEPLOYMENT), tried(ALL) | transitions
    assert there - asked_for == set()
    assert asked_for - there == set(), "the table tries rules that the CRD does not have"
