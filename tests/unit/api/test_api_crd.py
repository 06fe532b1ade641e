"""The CRDs: generated, complete, and kind to those who read and apply them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack import documents
from hack.docs import function, resource
from nvcf_operator.api import names
from nvcf_operator.api.crd import crd, crd_yaml, crds_yaml
from nvcf_operator.api.definitions import DEFINITIONS
from nvcf_operator.api.function_spec import CloudFunctionSpec
from nvcf_operator.api.function_status import FUNCTION_CONDITION_TYPES, FunctionPhase
from nvcf_operator.api.model import MUTABILITY
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, KINDS, Kind
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.api.status import CONDITION_TYPES, Phase

ROOT = Path(__file__).parents[3]


def walk(schema: dict[str, Any], path: str, *, in_list: bool = False) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every schema at and below `path`, and whether it lies inside an item of a list."""
    yield path, schema, in_list
    for name, field in schema.get("properties", {}).items():
        yield from walk(field, f"{path}.{name}", in_list=in_list)
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]", in_list=True)


SCHEMAS: dict[Kind, dict[str, Any]] = {
    kind: crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"] for kind in KINDS
}
SPEC = [entry for kind in KINDS for entry in walk(SCHEMAS[kind]["spec"], "spec")]
ALL = SPEC + [entry for kind in KINDS for entry in walk(SCHEMAS[kind]["status"], "status")]
MODELS: dict[str, type[CloudFunctionSpec] | type[FunctionDeploymentSpec]] = {
    CLOUD_FUNCTION.name: CloudFunctionSpec,
    FUNCTION_DEPLOYMENT.name: FunctionDeploymentSpec,
}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


@pytest.mark.parametrize(
    ("path", "generated"),
    [
        ("crds/nvcf-operator.io_functiondeployments.yaml", lambda: crd_yaml(FUNCTION_DEPLOYMENT)),
        ("crds/nvcf-operator.io_cloudfunctions.yaml", lambda: crd_yaml(CLOUD_FUNCTION)),
        ("docs/resource.md", resource.reference_markdown),
        ("docs/cloudfunction.md", function.reference_markdown),
    ],
)
def test_generating_again_changes_nothing(path: str, generated: Any) -> None:
    assert (ROOT / path).read_text() == generated(), f"{path} is not what the models say: run `make generate`"


def test_the_yaml_is_the_crds() -> None:
    assert documents.load_all(crds_yaml()) == [crd(kind) for kind in KINDS]


def test_every_field_has_a_description_that_ends_as_a_sentence() -> None:
    fields = [(path, field) for path, field, _ in ALL if not path.endswith("[]") or "properties" in field]
    bad = [path for path, field in fields if not re.search(r"\w.*\.$", field.get("description", ""), re.DOTALL)]
    assert not bad


def test_every_field_of_the_spec_says_what_a_change_does() -> None:
    fields = [(path, field) for path, field, _ in SPEC if path != "spec" and not path.endswith("[]")]
    assert [path for path, field in fields if "Change: " not in field["description"]] == []


def test_every_default_is_shown_in_the_description() -> None:
    plain = [(path, field) for path, field, _ in SPEC if "default" in field and field["type"] != "object"]
    assert plain
    assert [path for path, field in plain if "Default: " not in field["description"]] == []


def test_no_default_lies_inside_a_list_so_that_applying_again_changes_nothing() -> None:
    assert [path for path, field, in_list in ALL if in_list and "default" in field] == []


def test_every_list_says_how_it_is_merged() -> None:
    lists = [(path, field) for path, field, _ in ALL if field["type"] == "array"]
    assert [path for path, field in lists if "x-kubernetes-list-type" not in field] == []


def test_everything_that_a_manifest_may_fill_is_bounded_so_that_rules_have_a_cost() -> None:
    bound_of = {"array": "maxItems", "string": "maxLength"}
    unbounded = [
        path
        for path, field, _ in SPEC
        if (bound := bound_of.get(field["type"])) and bound not in field and "enum" not in field
    ]
    assert unbounded == []


def test_every_rule_has_a_message_that_names_its_field() -> None:
    rules = [(path, rule) for path, field, _ in SPEC for rule in field.get("x-kubernetes-validations", ())]
    assert rules
    for path, rule in rules:
        field = rule.get("fieldPath", path).rpartition(".")[2]
        assert field in rule["message"], (path, rule)


def test_rules_use_only_what_kubernetes_1_28_knows() -> None:
    functions = {
        call
        for _, field, _ in SPEC
        for rule in field.get("x-kubernetes-validations", ())
        for call in re.findall(r"(\w+)\(", rule["rule"])
    }
    assert functions <= {
        "all",
        "contains",
        "duration",
        "exists",
        "has",
        "lowerAscii",
        "size",
        "split",
        "startsWith",
        "substring",
    }, functions


def test_nothing_but_keywords_of_kubernetes_reaches_the_crd() -> None:
    assert MUTABILITY not in {key for _, field, _ in ALL for key in field}


@each_kind
def test_a_resource_that_no_operator_has_touched_says_so(kind: Kind) -> None:
    assert SCHEMAS[kind]["status"]["default"] == {"observedGeneration": -1}
    assert [path for path, field, _ in ALL if path.startswith("status.") and "default" in field] == []


@pytest.mark.parametrize(
    ("kind", "name", "short"),
    [
        (FUNCTION_DEPLOYMENT, "functiondeployments.nvcf-operator.io", "fd"),
        (CLOUD_FUNCTION, "cloudfunctions.nvcf-operator.io", "cf"),
    ],
    ids=str,
)
def test_names_version_and_subresources(kind: Kind, name: str, short: str) -> None:
    body = crd(kind)
    (version,) = body["spec"]["versions"]
    assert body["metadata"]["name"] == kind.crd_name == name
    assert body["spec"]["scope"] == "Namespaced"
    assert body["spec"]["names"]["shortNames"] == [short]
    assert body["spec"]["names"]["categories"] == ["nvcf"]
    assert body["spec"]["conversion"] == {"strategy": "None"}
    assert version["name"] == "v1alpha1"
    assert version["subresources"] == {"status": {}}, "NVCF scales on its own: an autoscaler must not find a scale"


@pytest.mark.parametrize(
    ("kind", "shown", "wide"),
    [
        (FUNCTION_DEPLOYMENT, "READY PHASE FUNCTION GPU INSTANCES AGE", "RUNNING VERSION ACCOUNT MESSAGE"),
        (CLOUD_FUNCTION, "READY PHASE FUNCTION_ID REVISION VERSION AGE", "HASH ACCOUNT MESSAGE"),
    ],
    ids=str,
)
def test_columns(kind: Kind, shown: str, wide: str) -> None:
    columns = DEFINITIONS[kind].columns
    found = [
        " ".join(column["name"].upper().replace(" ", "_") for column in columns if bool(column.get("priority")) == late)
        for late in (False, True)
    ]
    assert found == [shown, wide]


@pytest.mark.parametrize(
    ("kind", "page", "words", "phases"),
    [
        (FUNCTION_DEPLOYMENT, resource, {*CONDITION_TYPES, *Phase}, Phase),
        (CLOUD_FUNCTION, function, {*FUNCTION_CONDITION_TYPES, *FunctionPhase}, FunctionPhase),
    ],
    ids=["FunctionDeployment", "CloudFunction"],
)
def test_the_reference_names_every_field_phase_and_condition(
    kind: Kind, page: Any, words: set[str], phases: Any
) -> None:
    text = page.reference_markdown()
    entries = [*walk(SCHEMAS[kind]["spec"], "spec"), *walk(SCHEMAS[kind]["status"], "status")]
    fields = {path.rpartition(".")[2] for path, _, _ in entries if "." in path and not path.endswith("[]")}
    assert [name for name in sorted(fields | words) if name not in text] == []
    assert set(page.PHASES) == set(phases)


@pytest.mark.parametrize("path", sorted((ROOT / "deploy/examples").glob("*.yaml")), ids=lambda path: path.name)
def test_an_example_reads_as_a_manifest_without_problems(path: Path) -> None:
    for document in documents.load_all(path.read_text()):
        assert document["apiVersion"] == names.API_VERSION
        assert MODELS[document["kind"]].model_validate(document["spec"]).problems() == ()


def test_no_two_examples_claim_one_version() -> None:
    examples = [
        document
        for path in (ROOT / "deploy/examples").glob("*.yaml")
        for document in documents.load_all(path.read_text())
        if "functionVersionId" in document["spec"]
    ]
    claims = [(doc["spec"]["functionId"], doc["spec"]["functionVersionId"]) for doc in examples]
    assert len(set(claims)) == len(claims)
