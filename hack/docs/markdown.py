"""Fields of a schema as Markdown: tables, types in words, bounds."""

from collections.abc import Iterable, Mapping
from typing import Any

INT32_MAX = 2**31 - 1


def code(text: str) -> str:
    """Render `text` as code."""
    return f"`{text}`"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Render a table."""
    head = tuple(head)
    lines = (head, tuple("---" for _ in head), *rows)
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def filled(page: str, begin: str, end: str, text: str) -> str:
    """The page with a text between two marks, whatever stood there.

    Raises:
        ValueError: the page lacks a mark, or has one twice.

    """
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"the page must have each of these lines once, in this order: {begin} and {end}")
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def type_in_words(schema: Mapping[str, Any]) -> str:
    """Name the type of a field with the values or bounds that a manifest must keep."""
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    kind = str(schema.get("format", schema["type"]))
    if kind == "array":
        return f"list of {type_in_words(schema['items'])}{_bounds(schema, 'minItems', 'maxItems', ' items')}"
    if kind in ("integer", "number"):
        return kind + _bounds(schema, "minimum", "maximum", "")
    return kind


def _bounds(schema: Mapping[str, Any], least: str, most: str, unit: str) -> str:
    low, high = schema.get(least), schema.get(most)
    parts = []
    if low is not None:
        parts.append(f"{'>' if schema.get('exclusiveMinimum') else '≥'} {low}")
    if high not in (None, INT32_MAX):  # what a 32-bit number holds is no bound that a reader looks for
        parts.append(f"{'<' if schema.get('exclusiveMaximum') else '≤'} {high}")
    return f", {' and '.join(parts)}{unit}" if parts else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
