"""Every rule of the resource, with a good and a bad example, asked of the real API server.

A rule is a keyword of the schema at a field. The bad manifest breaks that one rule, the good one is as near to it as a
manifest may come. The last test compares the table with the CRD, so that no rule goes untried.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from hack.controlplane import ControlPlane, KubectlError
from tests.integration.resource_manifests import (
    COMPLETE,
    FUNCTION,
    REMOVED,
    changed,
    install_crd,
    manifest,
    spec_fields,
    value_at,
)

GPU = "deploymentSpecifications[0]"
UP = f"{GPU}.autoscalingConfiguration.scaleUpDetails"
DOWN = f"{GPU}.autoscalingConfiguration.scaleDownDetails"
HELM = f"{GPU}.helmValidationPolicy"
KIND = f"{HELM}.extraKubernetesTypes[0]"
SECRET = "credentials.secretRef"


@dataclass(frozen=True)
class Rule:
    """One rule, the value at `at` that breaks it, and the nearest that does not (None: leave the manifest complete)."""

    reason: str
    at: str
    keyword: str
    bad: Any
    says: str
    good: Any = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    """What else differs from the complete manifest, in the good and in the bad example."""

    @property
    def id(self) -> str:
        return f"{self.at} {self.keyword}: {self.reason}"


def required(at: str, reason: str) -> Rule:
    return Rule(reason, at, "required", REMOVED, "Required value")


def at_most(at: str, most: int, reason: str, beside: Mapping[str, Any] | None = None) -> Rule:
    return Rule(reason, at, "maximum", most + 1, f"less than or equal to {most}", most, beside or {})


def enum(at: str, reason: str, bad: str, *good: str) -> list[Rule]:
    says = f'supported values: "{good[0]}"'
    return [Rule(f"{reason}, for one {value}", at, "enum", bad, says, value) for value in good]


RULES = [
    required("functionId", "a deployment is of a function"),
    Rule("an id is a UUID", "functionId", "pattern", "echo", "should match '^[0-9a-fA-F]{8}-", FUNCTION),
    Rule("in either case", "functionId", "pattern", FUNCTION.replace("-", "0"), "should match", FUNCTION.upper()),
    Rule("no blank around a UUID", "functionId", "pattern", " " + FUNCTION[1:], "should match", FUNCTION),
    required("functionVersionId", "a deployment is of one version"),
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


def refusals(control_plane: ControlPlane, manifests: list[dict[str, Any]]) -> Mapping[str, str]:
    """Apply manifests in one go, without storing them; the API server's complaint by the name of each it refuses."""
    try:
        control_plane.kubectl("apply", "--dry-run=server", "-f", "-", input="\n---\n".join(map(json.dumps, manifests)))
    except KubectlError as error:
        _, *parts = re.split(r'FunctionDeployment\S* "([^"]+)" is invalid: ?', str(error))
        if not parts:
            raise
        return dict(zip(parts[::2], parts[1::2], strict=True))
    return {}


@pytest.fixture(scope="module")
def established(control_plane: ControlPlane) -> None:
    install_crd(control_plane)


@pytest.fixture(scope="module")
def refused(control_plane: ControlPlane, established: None) -> Mapping[str, str]:
    manifests = [manifest("complete", COMPLETE)]
    for number, rule in enumerate(RULES):
        base = changed(COMPLETE, rule.beside)
        manifests.append(manifest(f"bad-{number}", changed(base, {rule.at: rule.bad})))
        if rule.good is not None:
            manifests.append(manifest(f"good-{number}", changed(base, {rule.at: rule.good})))
    return refusals(control_plane, manifests)


def test_the_complete_manifest_is_accepted(refused: Mapping[str, str]) -> None:
    assert "complete" not in refused, refused["complete"]


@pytest.mark.parametrize(("number", "rule"), list(enumerate(RULES)), ids=[rule.id for rule in RULES])
def test_a_bad_manifest_is_refused_by_field_and_rule_and_a_good_one_accepted(
    refused: Mapping[str, str], number: int, rule: Rule
) -> None:
    text = refused.get(f"bad-{number}")
    assert text is not None, f"{rule.at}: {rule.bad!r} was accepted"
    assert re.search(rf"spec\.{re.escape(rule.at)}(\[\d+\])?: ", text), text
    assert rule.says in text, text
    assert f"good-{number}" not in refused, refused[f"good-{number}"]


@dataclass(frozen=True)
class Limit:
    """A bound on a field's length: a value one longer, one that just fits (None: a pattern forbids it)."""

    keyword: str
    bad: Any
    good: Any
    says: str


def limit_of(at: str, schema: Mapping[str, Any]) -> Limit | None:
    if most := schema.get("maxLength"):
        text = "a" * (most + 1)
        return Limit("maxLength", text, None if "pattern" in schema else text[1:], f"may not be more than {most}")
    if most := schema.get("maxItems"):
        sample = value_at(COMPLETE, at)[0]
        items = [sample if isinstance(sample, dict) else f"item{number}" for number in range(most + 1)]
        return Limit("maxItems", items, items[1:], f"must have at most {most} items")
    if most := schema.get("maxProperties"):
        keys = {f"key{number}": 1 for number in range(most)}
        return Limit("maxProperties", {**keys, "more": 1}, keys, f"must have at most {most} items")
    return None


LIMITS = {at: limit for at, schema in spec_fields() if (limit := limit_of(at, schema))}


@pytest.fixture(scope="module")
def refused_lengths(control_plane: ControlPlane, established: None) -> Mapping[str, str]:
    manifests = []
    for number, (at, limit) in enumerate(LIMITS.items()):
        base = changed(COMPLETE, {f"{GPU}.clusters": []} if at == f"{GPU}.backend" else {})
        manifests.append(manifest(f"bad-{number}", changed(base, {at: limit.bad})))
        if limit.good is not None:
            manifests.append(manifest(f"good-{number}", changed(base, {at: limit.good})))
    return refusals(control_plane, manifests)


@pytest.mark.parametrize(("number", "at"), list(enumerate(LIMITS)), ids=list(LIMITS))
def test_what_is_too_long_is_refused_by_field_and_limit(
    refused_lengths: Mapping[str, str], number: int, at: str
) -> None:
    text = refused_lengths.get(f"bad-{number}")
    assert text is not None, f"{at}: one more than fits was accepted"
    assert f"spec.{at}: " in text
    assert LIMITS[at].says in text
    assert f"good-{number}" not in refused_lengths, refused_lengths[f"good-{number}"]


KEYWORDS = frozenset(
    {
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
    }
)


def test_every_rule_of_the_crd_is_tried() -> None:
    rules = set()
    for at, schema in spec_fields():
        rules |= {(at, keyword) for keyword in KEYWORDS & schema.keys()}
        rules |= {(f"{at}.{name}".removeprefix("."), "required") for name in schema.get("required", ())}
        rules |= {
            (at + rule.get("fieldPath", ""), "x-kubernetes-validations")
            for rule in schema.get("x-kubernetes-validations", ())
        }
        if schema.get("x-kubernetes-list-type") == "set":
            rules.add((at, "x-kubernetes-list-type"))
    tried = {(rule.at, rule.keyword) for rule in RULES if rule.keyword != "type"}
    tried |= {(at, limit.keyword) for at, limit in LIMITS.items()}
    tried.add(("functionId", "x-kubernetes-validations"))  # needs a stored resource: see test_resource_apply.py
    assert rules - tried == set()
    assert tried - rules == set(), "the table tries rules that the CRD does not have"
