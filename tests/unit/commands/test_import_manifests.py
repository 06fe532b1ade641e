"""Names and YAML of the manifests that are printed."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nvcf_client.models import Deployment, Function
from nvcf_operator.api.spec import FunctionDeploymentSpec
from nvcf_operator.commands.manifests import Manifest, manifest, resource_names
from nvcf_operator.commands.specifications import NotExpressibleError
from nvcf_operator.settings.options import ImportOptions

FUNCTION = "3E4666BF-d5e5-4aa7-b8ce-cefe41c7568a"
VERSION = "7c1e0b4a-9a39-4c7e-8d1f-3f5f0f7b9a10"
DNS_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

uuids = st.uuids().map(str)
functions = st.builds(
    lambda name, function, version: Function(
        id=function, version_id=version, nca_id="acme", name=name, status="ACTIVE"
    ),
    st.none() | st.text(max_size=100) | st.sampled_from(["echo", "Echo", "echo_", "a" * 80, "-", "ΑΒΓ", "İ"]),
    uuids,
    uuids,
)


def function(name: str | None = "echo", version: str = VERSION) -> Function:
    return Function(id=FUNCTION, version_id=version, nca_id="acme", name=name, status="ACTIVE")


def made(name: str | None = "echo", *, gpu: dict[str, Any] | None = None, **options: Any) -> Manifest:
    shown = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2, **(gpu or {})}
    deployment = Deployment.model_validate(
        {
            "functionId": FUNCTION,
            "functionVersionId": VERSION,
            "ncaId": "acme",
            "functionStatus": "ACTIVE",
            "deploymentSpecifications": [shown],
        }
    )
    return manifest("echo-7c1e0b4a", function(name), deployment, ImportOptions(**options), key="nvapi-test-key")


@given(st.lists(functions, max_size=20, unique_by=lambda item: item.version_id))
def test_names_are_unique_and_what_kubernetes_takes(listed: list[Function]) -> None:
    names = resource_names(listed)
    assert names.keys() == {item.version_id for item in listed}
    assert len(set(names.values())) == len(names)
    assert all(DNS_1123.fullmatch(name) and len(name) <= 63 for name in names.values())


@given(functions, st.lists(functions, max_size=10))
def test_a_name_does_not_depend_on_what_else_is_there(one: Function, others: list[Function]) -> None:
    if all(other.version_id[:8] != one.version_id[:8] for other in others):
        assert resource_names([*others, one])[one.version_id] == resource_names([one])[one.version_id]


def test_a_name_shows_the_function_and_the_version() -> None:
    assert resource_names([function("My_Echo.v2")]) == {VERSION: "my-echo-v2-7c1e0b4a"}
    assert resource_names([function(None), function("", "7c1e0b4b" + VERSION[8:])]) == {
        VERSION: "function-7c1e0b4a",
        "7c1e0b4b" + VERSION[8:]: "function-7c1e0b4b",
    }


def test_versions_that_begin_alike_are_distinguished_by_all_of_their_ids() -> None:
    other = VERSION[:-1] + "1"
    names = resource_names([function("echo"), function("echo", other), function("else", VERSION[:-1] + "2")])
    assert sorted(names.values()) == ["echo-" + VERSION, "echo-" + other, "else-7c1e0b4a"]
    assert len(resource_names([function("x" * 90), function("x" * 90, other)])[other]) == 63


def test_an_id_that_is_no_uuid_has_no_name() -> None:
    assert resource_names([function("echo", "../etc")]) == {}


def test_a_manifest_says_what_is_deployed_and_leaves_the_rest_to_the_defaults() -> None:
    assert yaml.safe_load(made().to_yaml()) == {
        "apiVersion": "nvcf-operator.io/v1alpha1",
        "kind": "FunctionDeployment",
        "metadata": {"name": "echo-7c1e0b4a"},
        "spec": {
            "functionId": FUNCTION.lower(),
            "functionVersionId": VERSION,
            "deploymentSpecifications": [
                {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
            ],
            "deletionPolicy": "Retain",
        },
    }


def test_namespace_secret_and_deletion_policy_are_written_where_asked_for() -> None:
    body = made(namespace="team-a", secret_name="nvcf", deletion_policy="Delete").body
    assert body["metadata"] == {"name": "echo-7c1e0b4a", "namespace": "team-a"}
    assert body["spec"]["credentials"] == {"secretRef": {"name": "nvcf"}}
    assert body["spec"]["deletionPolicy"] == "Delete"
    body = made(secret_name="nvcf", secret_key="KEY").body
    assert body["spec"]["credentials"] == {"secretRef": {"name": "nvcf", "key": "KEY"}}
    FunctionDeploymentSpec.model_validate(body["spec"])


def test_what_is_left_out_stands_above_the_manifest() -> None:
    text = made(gpu={"configuration": {"password": "hunter2"}}).to_yaml()
    assert text.startswith("---\n# Function echo\n# Left out: deploymentSpecifications[0].configuration: Helm values")
    assert "hunter2" not in text
    assert "password" not in text
    assert "hunter2" in made(gpu={"configuration": {"password": "hunter2"}}, include_configuration=True).to_yaml()


@pytest.mark.parametrize("name", ["a\nkind: Secret", "a\u2028b: c", "a\x85b", "\ufeff", "nvapi-test-key"])
def test_a_functions_name_cannot_write_into_the_manifest(name: str) -> None:
    text = made(name).to_yaml()
    assert yaml.safe_load(text) == made().body
    assert len(text.splitlines()) == len(made().to_yaml().splitlines())
    assert "nvapi-test-key" not in text


def test_ids_that_the_resource_does_not_take_are_refused() -> None:
    shown = {"functionId": "x", "functionVersionId": VERSION, "ncaId": "a", "functionStatus": "ACTIVE"}
    one = {"gpu": "a", "minInstances": 1, "maxInstances": 1}
    deployment = Deployment.model_validate({**shown, "deploymentSpecifications": [one]})
    with pytest.raises(NotExpressibleError, match="functionId"):
        manifest("a", function(), deployment, ImportOptions(), key="")


@pytest.mark.parametrize(
    "value",
    ["1e5", "y", "no", "0x10", "1_000", "12:30", "~", "", "1.0", "2024-01-01", "a: b", "'", "é", "\x85", "NULL"],
)
def test_texts_that_a_parser_could_take_for_something_else_are_quoted(value: str) -> None:
    text = made(gpu={"configuration": {"a": value, value or "b": 1}}, include_configuration=True).to_yaml()
    values = yaml.safe_load(text)["spec"]["deploymentSpecifications"][0]["configuration"]
    assert values == {"a": value, value or "b": 1}
    assert re.search(r"""^ +"a": ["']""", text, re.M)


@given(
    st.dictionaries(
        st.text(), st.text() | st.lists(st.text()) | st.none() | st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_yaml_says_what_the_manifest_says(values: dict[str, Any]) -> None:
    item = made(gpu={"configuration": values}, include_configuration=True)
    assert yaml.safe_load(item.to_yaml()) == item.body


@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        ((), True),
        (("echo",), True),
        (("Echo",), False),
        (("ec*",), True),
        (("x", "e?ho"), True),
        ((FUNCTION.lower(),), True),
        ((VERSION.upper(),), True),
        (("7c1e*",), True),
        (("other",), False),
    ],
)
def test_functions_are_chosen_by_name_or_by_either_id(patterns: tuple[str, ...], wanted: bool) -> None:
    assert ImportOptions(function=patterns).wants("echo", FUNCTION.lower(), VERSION) is wanted
