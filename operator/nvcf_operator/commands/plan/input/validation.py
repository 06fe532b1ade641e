"""What the API server would say of a manifest, by the CRD's schema and rules; it prunes and sets defaults alike."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from nvcf_operator.api.crd import crd
from nvcf_operator.api.names import Kind
from nvcf_operator.commands.plan.input.rules import RULES, broken

MOST_ERRORS: Final = 20
"""Errors of one manifest that are listed."""

_KNOWN_BESIDE_SPEC = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_NOUNS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}


@dataclass(slots=True)
class Validated:
    """A spec as the API server would store it, and what it would say of it.

    Attributes:
        spec: without unknown fields and nulls, with defaults.
        applied: the same without defaults, as an apply sends it: others may own what the manifest leaves out.
        errors: why it would be refused, a line each.
        warnings: what it would drop, a line each.

    """

    spec: dict[str, Any] = field(default_factory=dict)
    applied: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@cache
def schema(kind: Kind) -> Mapping[str, Any]:
    """The schema of the spec of a kind, as its CRD has it."""
    found: Mapping[str, Any] = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def validated(kind: Kind, document: Mapping[str, Any]) -> Validated:
    """Validate what a document says in `spec`."""
    found = Validated()
    found.warnings += [f"unknown field {name}: it is dropped" for name in document if name not in _KNOWN_BESIDE_SPEC]
    spec = document.get("spec")
    if not isinstance(spec, dict):
        found.errors.append("spec: is required" if spec is None else "spec: must be a mapping")
        return found
    found.spec = _stored(spec, schema(kind), "spec", found.warnings)
    found.applied = _stored(spec, schema(kind), "spec", [], defaults=False)
    found.errors += _errors(found.spec, schema(kind), "spec")
    if not found.errors:  # the API server evaluates rules only where the schema is kept
        found.errors += _rules(found.spec, schema(kind), "spec")
    if len(found.errors) > MOST_ERRORS:
        more = len(found.errors) - MOST_ERRORS
        found.errors[MOST_ERRORS:] = [f"and {more} more errors"]
    return found


def changed_immutables(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Which rules about changes the API server would refuse the change of a stored spec by, a line each."""
    return tuple(_transitions(old, new, schema(kind), "spec"))


def _stored(value: Any, rules: Mapping[str, Any], path: str, warnings: list[str], *, defaults: bool = True) -> Any:
    """The value without unknown fields and nulls, and with defaults if they are wanted."""

    def stored(inside: Any, inner: Mapping[str, Any], step: str) -> Any:
        return _stored(inside, inner, path + step, warnings, defaults=defaults)

    if isinstance(value, list) and "items" in rules:
        return [stored(item, rules["items"], f"[{i}]") for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if isinstance(each := rules.get("additionalProperties"), dict):
        return {k: stored(v, each, f".{k}") for k, v in value.items() if v is not None}
    properties = rules.get("properties")
    if properties is None:
        return value
    warnings += [f"unknown field {path}.{name}: it is dropped" for name in value if name not in properties]
    found = {}
    for name, inner in properties.items():
        if value.get(name) is not None:
            found[name] = stored(value[name], inner, f".{name}")
        elif defaults and "default" in inner:
            found[name] = _stored(deepcopy(inner["default"]), inner, f"{path}.{name}", [])
    return found


def _errors(value: Any, rules: Mapping[str, Any], path: str) -> Iterator[str]:
    kind = rules["type"]
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield f"{path}: must be {_NOUNS[kind]}"
        return
    if "enum" in rules and value not in rules["enum"]:
        yield f"{path}: must be {' or '.join(map(str, rules['enum']))}"
    match value:
        case str():
            yield from _text_errors(value, rules, path)
        case int() | float():
            yield from _number_errors(value, rules, path)
        case list():
            yield from _size_errors(value, rules, path, "Items", "entry", "entries")
            yield from _duplicates(value, rules, path)
            for index, item in enumerate(value):
                yield from _errors(item, rules.get("items", {}), f"{path}[{index}]")
        case dict():
            yield from _size_errors(value, rules, path, "Properties", "entry", "entries")
            yield from (f"{path}.{name}: is required" for name in rules.get("required", ()) if name not in value)
            if isinstance(each := rules.get("additionalProperties"), dict):
                for name, item in value.items():
                    yield from _errors(item, each, f"{path}.{name}")
            for name, inner in rules.get("properties", {}).items():
                if name in value:
                    yield from _errors(value[name], inner, f"{path}.{name}")


def _text_errors(value: str, rules: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from _size_errors(value, rules, path, "Length", "character", "characters")
    if "pattern" in rules and not _pattern(rules["pattern"]).search(value):
        yield f"{path}: must match {rules['pattern']}"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # As in Go, where $ is the end of the text and not also the line end before it, and classes are ASCII.
    return re.compile(re.sub(r"(?<!\\)\$(?=\||\)|$)", r"\\Z", text), re.ASCII)


def _number_errors(value: float, rules: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, bool):
        return
    least, most = rules.get("minimum", -math.inf), rules.get("maximum", math.inf)
    if value < least or (value == least and rules.get("exclusiveMinimum")):
        yield f"{path}: must be {'greater than' if rules.get('exclusiveMinimum') else 'at least'} {least}"
    if value > most or (value == most and rules.get("exclusiveMaximum")):
        yield f"{path}: must be {'less than' if rules.get('exclusiveMaximum') else 'at most'} {most}"


def _size_errors(
    value: Sequence[Any] | Mapping[str, Any], rules: Mapping[str, Any], path: str, what: str, one: str, several: str
) -> Iterator[str]:
    least, most = rules.get(f"min{what}", 0), rules.get(f"max{what}", math.inf)
    if len(value) < least:
        yield f"{path}: needs at least {least} {one if least == 1 else several}"
    if len(value) > most:
        yield f"{path}: has {len(value)} {several}, at most {most} are allowed"


def _duplicates(value: list[Any], rules: Mapping[str, Any], path: str) -> Iterator[str]:
    kind = rules.get("x-kubernetes-list-type")
    members: Sequence[str] = rules.get("x-kubernetes-list-map-keys", ())
    if kind not in ("set", "map"):
        return
    seen: list[Any] = []
    for index, item in enumerate(value):
        mark = [item.get(name) for name in members] if kind == "map" and isinstance(item, dict) else item
        if mark in seen:
            yield f"{path}[{index}]: duplicates an earlier entry"
        seen.append(mark)


def _rules(value: Any, rules: Mapping[str, Any], path: str) -> Iterator[str]:
    for rule in rules.get("x-kubernetes-validations", ()):
        if RULES[rule["rule"]] is not None and broken(rule["rule"], value):
            yield f"{path}{rule.get('fieldPath', '')}: {rule['message']}"
    for at, item, inner in _inside(value, rules):
        yield from _rules(item, inner, path + at)


def _transitions(old: Any, new: Any, rules: Mapping[str, Any], path: str) -> Iterator[str]:
    for rule in rules.get("x-kubernetes-validations", ()):
        if "oldSelf" in rule["rule"] and broken(rule["rule"], new, old):
            yield f"{path}{rule.get('fieldPath', '')}: {rule['message']}"
    if isinstance(old, dict) and isinstance(new, dict):
        for name, inner in rules.get("properties", {}).items():
            if name in old and name in new:
                yield from _transitions(old[name], new[name], inner, f"{path}.{name}")


def _inside(value: Any, rules: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """What a value contains: where, what, and its schema."""
    if isinstance(value, list):
        yield from ((f"[{index}]", item, rules["items"]) for index, item in enumerate(value) if "items" in rules)
    elif isinstance(value, dict):
        for name, inner in rules.get("properties", {}).items():
            if name in value:
                yield f".{name}", value[name], inner
