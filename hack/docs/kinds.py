"""What the references of all kinds are made of, from the same schema as the CRDs."""

from collections.abc import Callable, Iterator
from typing import Any

from hack.docs.markdown import code, table, type_in_words
from nvcf_operator.api.model import MUTABILITY
from nvcf_operator.api.schema import Schema, default_of, prose


def objects(path: str, schema: Schema, render: Callable[[Schema], str]) -> Iterator[str]:
    """A heading, a sentence and a table for the object at `path`, then the same for each object that it holds."""
    yield f"##{'#' * (path.count('.') > 0)} {path}"
    if "description" in schema:
        yield prose(schema)
    yield render(schema)
    for name, field in schema["properties"].items():
        here, inner = (f"{path}.{name}[]", field["items"]) if "items" in field else (f"{path}.{name}", field)
        if "properties" in inner:
            yield from objects(here, inner, render)


def spec_table(schema: Schema) -> str:
    """The fields of an object of a manifest."""
    required = schema.get("required", ())
    rows = (
        (
            f"**{code(name)}**" if name in required else code(name),
            type_in_words(field),
            code(default_of(field)) if default_of(field) else "",
            field.get(MUTABILITY, ""),
            prose(field),
        )
        for name, field in schema["properties"].items()
    )
    return table(("Field", "Type", "Default", "Change", "Description"), rows)


def status_table(schema: Schema) -> str:
    """The members of an object of a status."""
    rows = ((code(name), type_in_words(field), prose(field)) for name, field in schema["properties"].items())
    return table(("Field", "Type", "Description"), rows)


def rule_texts(path: str, schema: Schema) -> Iterator[tuple[str, str]]:
    """The CEL rules at and below `path`: the field that each blames, and its message."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield path + rule.get("fieldPath", ""), rule["message"]
    for name, field in schema.get("properties", {}).items():
        yield from rule_texts(f"{path}.{name}", field)
    if "items" in schema:
        yield from rule_texts(f"{path}[]", schema["items"])


def column_row(column: dict[str, Any]) -> tuple[str, ...]:
    """A column of `kubectl get`."""
    shown = "with `-o wide`" if column.get("priority") else "always"
    return column["name"].upper(), code(column["jsonPath"]), shown, column["description"]
