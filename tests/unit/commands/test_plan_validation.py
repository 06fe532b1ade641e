"""`plan` itself refuses what the API server refuses: the tables of rules that the real one is asked about."""

from collections.abc import Mapping
from typing import Any

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, KINDS, Kind
from nvcf_operator.api.unsupported import UNSUPPORTED
from nvcf_operator.commands.plan.input.rules import RULES as IN_PYTHON
from nvcf_operator.commands.plan.input.rules import TRANSITIONS
from nvcf_operator.commands.plan.input.validation import changed_immutables, schema, validated
from tests.integration import test_function_rules, test_resource_rules
from tests.integration.function_manifests import COMPLETE as FUNCTION
from tests.integration.resource_manifests import COMPLETE
from tests.integration.rule_table import Rule, asked

CASES = [
    *((FUNCTION_DEPLOYMENT, COMPLETE, rule) for rule in test_resource_rules.ALL),
    *((CLOUD_FUNCTION, FUNCTION, rule) for rule in test_function_rules.ALL),
]
ID = "b0e1c9a4-6b7f-4a34-9c0e-2f1d5e8a7c61"


def errors(kind: Kind, item: Mapping[str, Any]) -> list[str]:
    """All but those about what is not supported yet, which the complete CloudFunction uses."""
    unsupported = tuple(each.message for each in UNSUPPORTED)
    return [line for line in validated(kind, item).errors if not line.endswith(unsupported)]


def test_what_is_not_supported_yet_is_refused() -> None:
    lines = validated(CLOUD_FUNCTION, {"spec": {**FUNCTION}}).errors
    assert [line.partition(": ")[2] for line in lines] == [
        item.message for item in UNSUPPORTED if item.field != "template.functionType"
    ]


def cel_rules(rules: Mapping[str, Any]) -> set[str]:
    found = {rule["rule"] for rule in rules.get("x-kubernetes-validations", ())}
    for inner in (*rules.get("properties", {}).values(), rules.get("items"), rules.get("additionalProperties")):
        found |= cel_rules(inner) if isinstance(inner, dict) else set()
    return found


@pytest.mark.parametrize(("kind", "complete", "rule"), CASES, ids=[f"{kind.short_name} {x.id}" for kind, _, x in CASES])
def test_a_rule_is_kept(kind: Kind, complete: Mapping[str, Any], rule: Rule) -> None:
    whole, bad, *good = (errors(kind, item) for item in asked([rule], complete, kind))
    assert whole == []
    assert any(line.startswith(f"spec.{rule.at}") for line in bad), bad
    assert good in ([], [[]])


def test_every_rule_of_the_crds_has_a_form_in_python() -> None:
    assert set(IN_PYTHON) == set().union(*(cel_rules(schema(kind)) for kind in KINDS))
    assert {rule for rule, keeps in IN_PYTHON.items() if keeps is None} == set(TRANSITIONS)


def test_what_may_not_change() -> None:
    old = {"functionId": ID, "functionVersionId": ID}
    assert changed_immutables(FUNCTION_DEPLOYMENT, old, {**old, "functionId": ID.upper()}) == ()
    (line,) = changed_immutables(FUNCTION_DEPLOYMENT, old, {**old, "functionId": ID.replace("b", "c")})
    assert line.startswith("spec.functionId: functionId is immutable")
    (line,) = changed_immutables(CLOUD_FUNCTION, {"name": "a", "functionId": ID}, {"name": "a"})
    assert line.startswith("spec.functionId: functionId cannot be removed")


def test_unknown_fields_are_dropped_with_a_warning_and_defaults_set() -> None:
    spec = {**COMPLETE, "größe": 1, "rollout": {"versionChnge": "Recreate"}, "undeploy": None}
    found = validated(FUNCTION_DEPLOYMENT, {"spec": spec, "sepc": {}})
    assert found.errors == []
    assert found.warnings == [
        "unknown field sepc: it is dropped",
        "unknown field spec.größe: it is dropped",
        "unknown field spec.rollout.versionChnge: it is dropped",
    ]
    assert "größe" not in found.spec
    assert found.spec["rollout"] == {
        "versionChange": "BlueGreen",
        "immutableChange": "Reject",
        "progressDeadlineSeconds": 3600,
    }
    assert found.spec["undeploy"]["graceful"] is True


def test_helm_values_stay_as_they_are() -> None:
    values = {"a": None, "b": {"größe": [1, None, {"c": "<&>"}]}}
    entry = {"gpu": "L40S", "minInstances": 0, "maxInstances": 1, "configuration": values}
    spec = {"functionId": ID, "functionVersionId": ID, "deploymentSpecifications": [entry]}
    assert validated(FUNCTION_DEPLOYMENT, {"spec": spec}).spec["deploymentSpecifications"] == [entry]


def test_no_error_shows_what_is_in_the_manifest() -> None:
    spec = {**COMPLETE, "functionId": "nvapi-geheim", "suspend": "nvapi-geheim", "deletionPolicy": "nvapi-geheim"}
    assert "geheim" not in "".join(validated(FUNCTION_DEPLOYMENT, {"spec": spec}).errors)


@pytest.mark.parametrize(("document", "line"), [({}, "spec: is required"), ({"spec": []}, "spec: must be a mapping")])
def test_a_spec_is_a_mapping(document: dict[str, Any], line: str) -> None:
    assert validated(FUNCTION_DEPLOYMENT, document).errors == [line]


def test_a_long_list_of_errors_is_cut() -> None:
    entries = [{"gpu": ""} for _ in range(17)]
    errors = validated(FUNCTION_DEPLOYMENT, {"spec": {"deploymentSpecifications": entries}}).errors
    assert len(errors) == 21
    assert errors[-1] == "and 32 more errors"
