"""YAML as kubectl reads it: what it takes for a text, a number or a key differs from PyYAML's."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import yaml

DEEPEST: Final = 200
"""Levels of a document."""

MOST_VALUES: Final = 500_000
"""Values of a document once its aliases are written out: a few lines of aliases can stand for billions."""


def plain(value: Any) -> Any:
    """A value as JSON may hold it, with every alias written out.

    Raises:
        ValueError: JSON has no equivalent for it, or it is too deep or too large.

    """
    left = MOST_VALUES

    def copied(item: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise ValueError(f"it has more than {MOST_VALUES} values once its aliases are expanded")
        if depth > DEEPEST:
            raise ValueError(f"it is nested more than {DEEPEST} levels deep, or an alias contains itself")
        if isinstance(item, dict):
            return {key: copied(each, depth + 1) for key, each in item.items()}
        if isinstance(item, list):
            return [copied(each, depth + 1) for each in item]
        if isinstance(item, float) and not math.isfinite(item):
            raise ValueError("it contains a number that JSON does not have, such as .inf or .nan")
        if isinstance(item, float) and item.is_integer() and abs(item) < 2**53:
            return int(item)  # as the API server stores it
        return item

    return copied(value, 0)


def quoted(key: object) -> str:
    """A key as messages show it."""
    return json.dumps(str(key)[:100], ensure_ascii=False)


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # one of two classes
    """YAML as kubectl reads it: see the module."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


def _key(key: Any, node: yaml.Node) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int | float):
        return str(key)
    raise yaml.constructor.ConstructorError(None, None, "a key is not a string", node.start_mark)


def _mapping(loader: Any, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    """A mapping whose keys are texts and stand once each; what `<<` merges in may be overridden, as YAML says."""
    found: dict[str, Any] = {}
    yield found
    seen: set[str] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = _key(loader.construct_object(key_node, deep=True), key_node)
        if key in seen:
            problem = f"the key {quoted(key)} appears twice in the same mapping. Remove one of them"
            raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
        seen.add(key)
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = _key(loader.construct_object(key_node, deep=True), key_node)
        found[key] = loader.construct_object(value_node, deep=True)


def _unknown(loader: Any, node: yaml.Node) -> Any:
    raise yaml.constructor.ConstructorError(None, None, f"the tag {node.tag} has no JSON equivalent", node.start_mark)


def _resolvers() -> Iterator[tuple[str, str, str]]:
    """Which plain scalars are no texts: tag, pattern, first characters."""
    yield "bool", r"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$", "yYnNtTfFoO"
    yield (
        "float",
        r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+)(?:[eE][-+]?[0-9]+)?$",
        ("-+0123456789."),
    )
    yield "float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", "-+."
    yield "int", r"^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$", "-+0123456789"
    yield "null", r"^(?:~|null|Null|NULL|)$", "~nN\0"
    yield "merge", r"^<<$", "<"


for _tag, _pattern, _first in _resolvers():
    for _character in _first:
        _entry = (f"tag:yaml.org,2002:{_tag}", re.compile(_pattern))
        Loader.yaml_implicit_resolvers.setdefault("" if _character == "\0" else _character, []).append(_entry)
Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
for _tag in ("binary", "timestamp", "set", "omap", "pairs"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _unknown)
Loader.add_constructor(None, _unknown)
