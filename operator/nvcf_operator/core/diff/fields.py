"""Which field of a GPU specification changes how, and what counts as the same value of it.

Differences are field by field and named: values are the same that the server takes for the same, however they are
written. A field that the manifest leaves out is the server's: never compared, never sent. One that is there but empty
(a list without names, a blank backend) is said: it wants none, as the server shows it by leaving the field out.
"""

import ctypes
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from nvcf_client.text import duration_seconds

MINUTE = 60

Path = tuple[str | int, ...]
"""A place in a value: keys of objects and positions in lists; empty for the value itself."""


def itself(wanted: Any, found: Any) -> Iterator[Path]:
    """The place of a difference in what is compared as a whole."""
    yield ()


@dataclass(frozen=True, slots=True)
class Rule:
    """When two values of a field are the same, and how documentation says it.

    It takes the manifest's value, which is never None, and the server's, None where it shows none, both as plain JSON.
    Rules are total: whatever a server shows, they answer.
    """

    same: Callable[[Any, Any], bool]
    words: str
    parts: Mapping[str, "Rule"] = field(default_factory=dict)
    """The rules of an object that is compared part by part."""
    places: Callable[[Any, Any], Iterator[Path]] = itself
    """Where two values differ that are not the same, always in the same order; at least one place."""


def values(wanted: Any, found: Any) -> bool:
    """As JSON, modulo what Kubernetes and its tools do to free-form objects.

    Merge patches and client-side apply drop members that are null, at every depth, so a null member means the same as
    none; so does an empty object as a member, which is what is left of one whose members were all null. Keys have no
    order, and whole numbers are one type with the others, since Kubernetes stores 1.0 as 1. All else counts: the type
    of each value, and length and order of lists, whose nulls and empty objects stay.
    """
    return _equal(_normal(wanted), _normal({} if found is None else found))


def places_of_values(wanted: Any, found: Any) -> Iterator[Path]:
    """Where free-form values differ: the members, as far down as both sides have them, in the order of their keys."""
    return _paths(_normal(wanted), _normal({} if found is None else found))


def number(wanted: Any, found: Any) -> bool:
    """By value."""
    return found is not None and bool(wanted == found)


def number_or_one(wanted: Any, found: Any) -> bool:
    """By value, where the server's default is 1 and a server that does not know the field shows none."""
    return bool(wanted == (1 if found is None else found))


def single_precision(wanted: Any, found: Any) -> bool:
    """By value, to the precision of the server, which keeps 32 bits and shows the shortest text for them."""
    return found is not None and _single(wanted) == _single(found)


def whole(wanted: Any, found: Any) -> bool:
    """By value, both cut to whole numbers: the server keeps those only and cuts others."""
    cut = isinstance(found, int | float) and math.isfinite(found)
    return number(wanted, found) or (cut and number(math.trunc(wanted), math.trunc(found)))


def text(wanted: Any, found: Any) -> bool:
    """To the letter."""
    return bool(wanted == found)


def letters(wanted: Any, found: Any) -> bool:
    """In any letter case: the server finds such names so, and echoes them as they were sent. A blank one is none."""
    return str(wanted).strip().casefold() == str(found or "").strip().casefold()


def names(wanted: Any, found: Any) -> bool:
    """As sets: the server keeps no order, and drops duplicates and blanks. An empty set is none."""
    return set(named(wanted)) == set(named(found))


def named(items: Any) -> list[str]:
    """The members of a set as the server keeps them, each once and sorted, blanks dropped."""
    return sorted({item for item in items or () if item.strip()})


def kinds(wanted: Any, found: Any) -> bool:
    """As sets of Kubernetes kinds."""
    return _kinds(wanted) == _kinds(found or ())


def duration(wanted: Any, found: Any) -> bool:
    """By length: the server writes `PT10M` where `PT600S` was sent."""
    length = _length(wanted)
    return length is not None and length == _length(found)


def minutes(wanted: Any, found: Any) -> bool:
    """By length, or rounded to a whole minute, as the API says that it does with a window's size."""
    ours, theirs = _length(wanted), _length(found)
    if ours is None or theirs is None:
        return False
    return ours == theirs or (abs(theirs - ours) <= MINUTE / 2 and theirs % MINUTE == 0)


def by_parts(parts: Mapping[str, Rule], words: str) -> Rule:
    """A rule for objects: equal in the parts that the manifest names; the others are the server's."""

    def same(wanted: Any, found: Any) -> bool:
        there = found if isinstance(found, Mapping) else {}
        return all(parts[name].same(value, there.get(name)) for name, value in wanted.items())

    def places(wanted: Any, found: Any) -> Iterator[Path]:
        if not isinstance(found, Mapping) or not isinstance(wanted, Mapping):
            yield ()
            return
        for name, rule in parts.items():
            value, there = wanted.get(name), found.get(name)
            if value is not None and not rule.same(value, there):
                yield from ((name, *place) for place in rule.places(value, there))

    return Rule(same, words, parts, places)


def _normal(value: Any) -> Any:
    """Free-form JSON without the members that mean nothing: null, and objects of which nothing is left."""
    if isinstance(value, Mapping):
        members = ((name, _normal(item)) for name, item in value.items())
        return {name: item for name, item in members if item is not None and item != {}}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    return value


def _paths(wanted: Any, found: Any) -> Iterator[Path]:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name in sorted({*wanted, *found}):
            if name not in wanted or name not in found:
                yield (name,)
            else:
                yield from ((name, *place) for place in _paths(wanted[name], found[name]))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for position, (ours, theirs) in enumerate(zip(wanted, found, strict=True)):
            yield from ((position, *place) for place in _paths(ours, theirs))
    elif not _equal(wanted, found):
        yield ()


def _equal(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return wanted.keys() == found.keys() and all(_equal(value, found[name]) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_equal, wanted, found))
    if isinstance(wanted, bool) or isinstance(found, bool):  # to Python, True is 1
        return wanted is found
    return bool(wanted == found)


def _kinds(types: Any) -> set[tuple[str, str, str]]:
    return {(item.get("group", ""), item.get("version", ""), item.get("kind", "")) for item in types}


def _single(value: float) -> float:
    try:
        return ctypes.c_float(value).value
    except OverflowError:
        return math.inf


def _length(value: Any) -> Decimal | None:
    try:
        return None if value is None else duration_seconds(value)
    except ValueError:
        return None


class How(StrEnum):
    """By which call a field of a running deployment changes."""

    PATCH = "PATCH"
    PUT = "PUT"
    IMMUTABLE = "not in place"


@dataclass(frozen=True, slots=True)
class Field:
    """A row: how the field changes, and when two values of it are the same."""

    how: How
    rule: Rule
    shown: bool = True
    """Whether its values may stand in a message; Helm values may contain secrets."""


LETTERS = Rule(letters, "case-insensitive")
NAMES = Rule(names, "as sets, ignoring blanks and duplicates; an empty set means none")
NUMBER = Rule(number, "by value")
NUMBER_OR_ONE = Rule(number_or_one, "by value; the server's default is 1")

DETAILS = by_parts(
    {
        "metric": Rule(text, "exactly equal"),
        "factor": Rule(single_precision, "by value; the server keeps 32-bit numbers"),
        "threshold": Rule(whole, "by value; the server truncates to whole numbers"),
        "stickiness": by_parts(
            {
                "size": Rule(minutes, "by length; the server may round to a minute"),
                "threshold": Rule(duration, "by length"),
            },
            "in the parts that the manifest sets",
        ),
    },
    "in the parts that the manifest sets",
)
AUTOSCALING = by_parts(
    {"scaleUpDetails": DETAILS, "scaleDownDetails": DETAILS}, "in the parts that the manifest sets, see below"
)
HELM_POLICY = by_parts(
    {
        "name": LETTERS,
        "extraKubernetesTypes": Rule(kinds, "as sets"),
    },
    "in the parts that the manifest sets: the name case-insensitive, the types as sets",
)
VALUES = Rule(
    values,
    "all keys and values, types included; a member that is null, or an object of which nothing is left, counts as "
    "absent",
    places=places_of_values,
)

FIELDS: Mapping[str, Field] = {
    "gpu": Field(How.IMMUTABLE, LETTERS),
    "instanceType": Field(How.IMMUTABLE, LETTERS),
    "backend": Field(How.IMMUTABLE, Rule(letters, "case-insensitive; a blank one means none")),
    "clusters": Field(How.IMMUTABLE, NAMES),
    "regions": Field(How.IMMUTABLE, NAMES),
    "attributes": Field(How.IMMUTABLE, NAMES),
    "availabilityZones": Field(How.IMMUTABLE, NAMES),
    "preferredOrder": Field(How.IMMUTABLE, NUMBER_OR_ONE),
    "configuration": Field(How.IMMUTABLE, VALUES, shown=False),
    "helmValidationPolicy": Field(How.IMMUTABLE, HELM_POLICY),
    "minInstances": Field(How.PATCH, NUMBER),
    "maxInstances": Field(How.PATCH, NUMBER),
    "autoscalingConfiguration": Field(How.PATCH, AUTOSCALING),
    "maxRequestConcurrency": Field(How.PUT, NUMBER_OR_ONE),
}
"""In the order in which messages name them. `autoscalingConfigurationPolicy: PLATFORM_CONFIGURATION` is no field of a
deployment: it wants no `autoscalingConfiguration` at all."""

PLATFORM = "PLATFORM_CONFIGURATION"
