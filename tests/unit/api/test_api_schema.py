"""From pydantic's JSON schema to a structural schema: what is rewritten, and what is refused."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, JsonValue

from nvcf_operator.api.schema import UnsupportedSchemaError, flatten


class Inner(BaseModel):
    """Text of the class."""

    size: int


class Holder(BaseModel):
    plain: Inner
    described: Inner = Field(description="Text of the field.")


class Node(BaseModel):
    children: "list[Node]"


@dataclass(frozen=True)
class Rewrite:
    reason: str
    given: Any
    expected: dict[str, Any]


REWRITES = [
    Rewrite("a plain type stays", str, {"type": "string"}),
    Rewrite("null stands for a field left out", int | None, {"type": "integer"}),
    Rewrite("a constant is an enum of one", Literal["a"], {"enum": ["a"], "type": "string"}),
    Rewrite(
        "an exclusive bound is a flag beside the bound in OpenAPI 3.0",
        Annotated[float, Field(gt=1)],
        {"type": "number", "minimum": 1, "exclusiveMinimum": True},
    ),
    Rewrite(
        "so above as below",
        Annotated[float, Field(lt=1)],
        {"type": "number", "maximum": 1, "exclusiveMaximum": True},
    ),
    Rewrite(
        "an object of any content keeps what the schema does not know",
        dict[str, JsonValue],
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    ),
    Rewrite(
        "a mapping of one type says so",
        dict[str, int],
        {"type": "object", "additionalProperties": {"type": "integer"}},
    ),
    Rewrite(
        "bounds inside an optional list survive",
        Annotated[tuple[str, ...], Field(max_length=3)] | None,
        {"type": "array", "items": {"type": "string"}, "maxItems": 3},
    ),
]


@pytest.mark.parametrize("case", REWRITES, ids=lambda case: case.reason)
def test_a_type_is_written_as_a_structural_schema_has_it(case: Rewrite) -> None:
    class Model(BaseModel):
        field: case.given  # type: ignore[name-defined]

    assert flatten(Model.model_json_schema())["properties"]["field"] == case.expected


def test_a_null_default_is_no_default() -> None:
    class Model(BaseModel):
        field: int | None = None

    assert flatten(Model.model_json_schema())["properties"]["field"] == {"type": "integer"}


def test_references_are_inlined_and_the_fields_own_text_wins() -> None:
    inner = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
    assert flatten(Holder.model_json_schema())["properties"] == {
        "plain": {**inner, "description": "Text of the class."},
        "described": {**inner, "description": "Text of the field."},
    }


@dataclass(frozen=True)
class Refusal:
    reason: str
    schema: dict[str, Any]
    names: tuple[str, ...]


REFUSALS = [
    Refusal(
        "a union of two types",
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}},
        ("$.a", "union"),
    ),
    Refusal("a tuple of fixed length", {"type": "array", "prefixItems": [{"type": "string"}]}, ("$", "prefixItems")),
    Refusal("a oneOf", {"type": "object", "properties": {"a": {"oneOf": []}}}, ("$.a", "oneOf")),
    Refusal("a closed object", {"type": "object", "additionalProperties": False}, ("$", "additionalProperties")),
    Refusal("no type", {"type": "array", "items": {}}, ("$[]", "type")),
    Refusal("a recursive model", Node.model_json_schema(), ("Node", "itself")),
]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.reason)
def test_what_a_crd_cannot_say_is_refused_with_place_and_keyword(case: Refusal) -> None:
    with pytest.raises(UnsupportedSchemaError) as caught:
        flatten(case.schema)
    assert all(name in str(caught.value) for name in case.names), caught.value
