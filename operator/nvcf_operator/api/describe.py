"""The sentences of a field's description: what it is, its default, and what a change of it does."""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from nvcf_operator.api.flatten import Schema
from nvcf_operator.api.model import MUTABILITY


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
