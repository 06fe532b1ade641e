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


_OCTAL = re.compile(r"[-+]?0o?[0-7]+", re.ASCII)
_TRUE, _FALSE = ("y", "yes", "true", "on"), ("n", "no", "false", "off")


class _Number:
    """Recognises the plain scalars that are numbers; underscores between digits do not count.

    Args:
        pattern: how they are written without underscores.

    """

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern, re.ASCII)

    def match(self, text: str) -> bool:
        """Whether it is one. A number that 64 bits do not hold is a text."""
        return self._pattern.fullmatch(text.replace("_", "")) is not None and math.isfinite(_number(text))


def _number(text: str) -> int | float:
    """The number that a scalar stands for; one that 64 bits do not hold as an integer is a float, or none."""
    plain = text.replace("_", "").lower()
    try:
        found = int(plain, 8 if _OCTAL.fullmatch(plain) else 0)
        if -(2**63) <= found < 2**63:
            return found
    except ValueError:  # such as 1.5 and 089
        pass
    try:
        return float(plain.replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return math.nan


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # one of two classes
    """YAML as kubectl reads it: see the module."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str] | _Number]]]] = {}


def _key(key: Any, node: yaml.Node) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int | float):
        return f"{key:g}" if isinstance(key, float) else str(key)  # as Go writes it
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


def _as_number(loader: Any, node: yaml.ScalarNode) -> int | float:
    return _number(loader.construct_scalar(node))


def _as_truth(loader: Any, node: yaml.ScalarNode) -> bool:
    text = loader.construct_scalar(node).lower()
    if text not in _TRUE + _FALSE:
        raise yaml.constructor.ConstructorError(None, None, "it is neither true nor false", node.start_mark)
    return text in _TRUE


def _resolvers() -> Iterator[tuple[str, re.Pattern[str] | _Number, str]]:
    """Which plain scalars are no texts: tag, what recognises them, first characters."""
    truths = "|".join(spelt for word in _TRUE + _FALSE for spelt in (word, word.capitalize(), word.upper()))
    yield "bool", re.compile(rf"^(?:{truths})$"), "yYnNtTfFoO"
    yield "int", _Number(r"[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)"), "-+0123456789"
    yield "float", _Number(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), "-+.0123456789"
    yield "float", re.compile(r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"), "-+."
    yield "null", re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN\0"
    yield "merge", re.compile(r"^<<$"), "<"


for _tag, _recognised, _first in _resolvers():
    for _character in _first:
        _entry = (f"tag:yaml.org,2002:{_tag}", _recognised)
        Loader.yaml_implicit_resolvers.setdefault("" if _character == "\0" else _character, []).append(_entry)
Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
Loader.add_constructor("tag:yaml.org,2002:bool", _as_truth)
for _tag in ("int", "float"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _as_number)
for _tag in ("binary", "timestamp", "set", "omap", "pairs"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _unknown)
Loader.add_constructor(None, _unknown)
