"""From pydantic's JSON schema to the structural schema of a CRD, with descriptions that state default and mutability.

JSON schema allows more than a CRD, and expresses some things differently: references, unions with null, titles, numeric
exclusive bounds. Each is converted to the CRD's form; whatever has no such form is refused, so that no constraint is
lost silently.
"""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from nvcf_operator.api.model import MUTABILITY

Schema = dict[str, Any]

_KEPT = frozenset(
    {
        "default",
        "description",
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "required",
        "type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-validations",
        MUTABILITY,
    }
)
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


class UnsupportedSchemaError(ValueError):
    """The JSON schema says something that no structural schema can say. The text names the place and the keyword."""


def flatten(schema: Mapping[str, Any]) -> Schema:
    """Turn a JSON schema as `model_json_schema()` gives it into a structural schema.

    Inlines references, drops titles and null defaults, reads `X | None` as an optional X, and writes `const` as
    `enum`, exclusive bounds as OpenAPI 3.0 has them, and objects of any content as
    `x-kubernetes-preserve-unknown-fields`. Keeps `mutability`.

    Raises:
        UnsupportedSchemaError: for any other union, recursion, tuples of fixed length, or an unknown keyword.

    """
    named = {key: value for key, value in schema.items() if key != "$defs"}
    return _Flattener(schema.get("$defs", {})).flatten(named, "$", ())


class _Flattener:
    """One run over a schema. `path` says where we are, `open_refs` which definitions we are inside of."""

    def __init__(self, defs: Mapping[str, Any]) -> None:
        self._defs = defs

    def flatten(self, schema: Mapping[str, Any], path: str, open_refs: tuple[str, ...]) -> Schema:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in open_refs:
                raise UnsupportedSchemaError(f"{path}: {name} contains itself, and a CRD has no references")
            siblings = {key: value for key, value in schema.items() if key != "$ref"}
            return self.flatten({**self._defs[name], **siblings}, path, (*open_refs, name))
        if "anyOf" in schema:
            return self.flatten(_without_null(schema, path), path, open_refs)
        found: Schema = {}
        for key, value in schema.items():
            found |= self._container(key, value, path, open_refs) or _keyword(key, value, path)
        if "type" not in found:
            raise UnsupportedSchemaError(f"{path}: a structural schema needs a type")
        return found

    def _container(self, key: str, value: Any, path: str, open_refs: tuple[str, ...]) -> Schema | None:
        """Write a keyword that holds schemas; None for any other."""
        match key:
            case "properties":
                fields = {name: self.flatten(field, f"{path}.{name}", open_refs) for name, field in value.items()}
                return {"properties": fields}
            case "items":
                return {"items": self.flatten(value, f"{path}[]", open_refs)}
            case "additionalProperties" if value is False:
                raise UnsupportedSchemaError(f"{path}: additionalProperties false is not structural; fields are pruned")
            case "additionalProperties" if self._is_free(value):
                return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            case "additionalProperties":
                return {"additionalProperties": self.flatten(value, f"{path}.*", open_refs)}
        return None

    def _is_free(self, value: Any) -> bool:
        """Whether a mapping's values may be anything."""
        named = isinstance(value, Mapping) and "$ref" in value
        return (self._defs[value["$ref"].rpartition("/")[2]] if named else value) in (True, {})


def _keyword(key: str, value: Any, path: str) -> Schema:
    """Write a keyword that holds no schema."""
    if key == "title" or (key == "default" and value is None):
        return {}
    if key == "const":
        return {"enum": [value]}
    if key in _EXCLUSIVE:
        return {_EXCLUSIVE[key]: value, key: True}
    if key not in _KEPT:
        raise UnsupportedSchemaError(f"{path}: {key} has no form in a structural schema")
    return {key: value}


def _without_null(schema: Mapping[str, Any], path: str) -> Schema:
    """Read `anyOf: [X, null]` as X; keywords beside the anyOf describe the field and take precedence."""
    members = [member for member in schema["anyOf"] if member != {"type": "null"}]
    if len(members) != 1 or len(schema["anyOf"]) != 2:
        raise UnsupportedSchemaError(f"{path}: only a union of one type and null has a form in a structural schema")
    return {**members[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def inherit(schema: Mapping[str, Any], mutability: str | None = None) -> Schema:
    """Give every field the mutability of the nearest field around it that states one."""
    here = schema.get(MUTABILITY, mutability)
    found = dict(schema)
    if here:
        found[MUTABILITY] = here
    if "properties" in schema:
        found["properties"] = {name: inherit(field, here) for name, field in schema["properties"].items()}
    if "items" in schema:
        found["items"] = inherit(schema["items"], here)
    return found


def prose(schema: Mapping[str, Any]) -> str:
    """What the field is: its own text, on one line for each paragraph."""
    paragraphs = inspect.cleandoc(schema.get("description", "")).split("\n\n")
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def default_of(schema: Mapping[str, Any]) -> str:
    """The field's default as a manifest writes it; empty when there is none, or when its fields have their own."""
    value = schema.get("default")
    if value is None or isinstance(value, (dict, list)):
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def without_defaults(schema: Mapping[str, Any]) -> Schema:
    """Take every default out of a schema: those of a status are for readers of an incomplete one, not for writers."""
    found = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in schema:
        found["properties"] = {name: without_defaults(field) for name, field in schema["properties"].items()}
    if "items" in schema:
        found["items"] = without_defaults(schema["items"])
    return found


def described(schema: Mapping[str, Any]) -> Schema:
    """Write default and mutability into every description, and take the mutability itself out of the schema."""
    found = {key: value for key, value in schema.items() if key != MUTABILITY}
    sentences = [prose(schema)] if "description" in schema else []
    if sentences and (default := default_of(schema)):
        sentences.append(f"Default: {default}.")
    if sentences and MUTABILITY in schema:
        sentences.append(f"Change: {schema[MUTABILITY]}.")
    if sentences:
        found["description"] = " ".join(sentences)
    if "properties" in schema:
        found["properties"] = {name: described(field) for name, field in schema["properties"].items()}
    if "items" in schema:
        items = {key: value for key, value in schema["items"].items() if key != MUTABILITY}
        found["items"] = described(items)
    return found
