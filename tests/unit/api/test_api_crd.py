"""The CRD: generated, complete, and kind to those who read and apply it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.docs.resource import PHASES, reference_markdown
from nvcf_operator.api import names
from nvcf_operator.api.crd import COLUMNS, crd, crd_yaml
from nvcf_operator.api.model import MUTABILITY
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.api.status import CONDITION_TYPES, Phase

ROOT = Path(__file__).parents[3]
VERSION = crd()["spec"]["versions"][0]
SCHEMA: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]


def walk(schema: dict[str, Any], path: str, *, in_list: bool = False) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every schema at and below `path`, and whether it lies inside an item of a list."""
    yield path, schema, in_list
    for name, field in schema.get("properties", {}).items():
        yield from walk(field, f"{path}.{name}", in_list=in_list)
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]", in_list=True)


SPEC = list(walk(SCHEMA["properties"]["spec"], "spec"))
ALL = SPEC + list(walk(SCHEMA["properties"]["status"], "status"))


@pytest.mark.parametrize(
    ("path", "generated"),
    [
        ("crds/nvcf-operator.io_functiondeployments.yaml", crd_yaml),
        ("docs/resource.md", reference_markdown),
    ],
)
def test_generating_again_changes_nothing(path: str, generated: Any) -> None:
    assert (ROOT / path).read_text() == generated(), f"{path} is not what the models say: run `make generate`"


def test_the_yaml_is_the_crd() -> None:
    assert yaml.safe_load(crd_yaml()) == crd()


def test_every_field_has_a_description_that_ends_as_a_sentence() -> None:
    fields = [(path, field) for path, field, _ in ALL if not path.endswith("[]") or "properties" in field]
    bad = [path for path, field in fields if not re.search(r"\w.*\.$", field.get("description", ""), re.DOTALL)]
    assert not bad


def test_every_field_of_the_spec_says_what_a_change_does() -> None:
    fields = [(path, field) for path, field, _ in SPEC if path != "spec" and not path.endswith("[]")]
    assert [path for path, field in fields if "Change: " not in field["description"]] == []


def test_every_default_is_told_in_the_description() -> None:
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
    assert functions <= {"has", "size", "duration", "substring", "lowerAscii"}, functions


def test_nothing_but_keywords_of_kubernetes_reaches_the_crd() -> None:
    assert MUTABILITY not in {key for _, field, _ in ALL for key in field}


def test_a_resource_that_no_operator_has_touched_says_so() -> None:
    assert SCHEMA["properties"]["status"]["default"] == {"observedGeneration": -1}
    assert [path for path, field, _ in ALL if path.startswith("status.") and "default" in field] == []


def test_names_version_and_subresources() -> None:
    body = crd()
    assert body["metadata"]["name"] == names.CRD_NAME == "functiondeployments.nvcf-operator.io"
    assert body["spec"]["scope"] == "Namespaced"
    assert body["spec"]["names"]["shortNames"] == ["fd"]
    assert body["spec"]["names"]["categories"] == ["nvcf"]
    assert body["spec"]["conversion"] == {"strategy": "None"}
    assert VERSION["name"] == "v1alpha1"
    assert VERSION["subresources"] == {"status": {}}, "NVCF scales by itself: an autoscaler must not find a scale"


def test_columns() -> None:
    shown = [column["name"].upper() for column in COLUMNS if not column.get("priority")]
    wide = [column["name"].upper() for column in COLUMNS if column.get("priority")]
    assert shown == ["READY", "PHASE", "FUNCTION", "GPU", "INSTANCES", "AGE"]
    assert wide == ["VERSION", "ACCOUNT", "MESSAGE"]


def test_the_reference_names_every_field_phase_and_condition() -> None:
    text = reference_markdown()
    fields = {path.rpartition(".")[2] for path, _, _ in ALL if "." in path and not path.endswith("[]")}
    wanted = fields | {*CONDITION_TYPES, *Phase}
    assert [name for name in sorted(wanted) if name not in text] == []
    assert set(PHASES) == set(Phase)


@pytest.mark.parametrize("path", sorted((ROOT / "deploy/examples").glob("*.yaml")), ids=lambda path: path.name)
def test_an_example_reads_as_a_manifest_without_problems(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        assert (document["apiVersion"], document["kind"]) == (names.API_VERSION, names.KIND)
        assert FunctionDeploymentSpec.model_validate(document["spec"]).problems() == ()


def test_no_two_examples_claim_one_version() -> None:
    documents = [yaml.safe_load(path.read_text()) for path in (ROOT / "deploy/examples").glob("*.yaml")]
    claims = [(doc["spec"]["functionId"], doc["spec"]["functionVersionId"]) for doc in documents]
    assert len(set(claims)) == len(claims)
