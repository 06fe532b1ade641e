"""Which field of a GPU specification changes how, and what counts as the same value: one table.

A field that the manifest leaves out is the server's: never compared, never sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from nvcf_operator.nvcf.durations import seconds

Same = Callable[[Any, Any], bool]


class How(StrEnum):
    """By which call a field of a running deployment changes."""

    PATCH = "PATCH"
    PUT = "PUT"
    IMMUTABLE = "not in place"


def equal(wanted: Any, found: Any) -> bool:
    """By value: numbers as numbers, objects and lists deeply, nulls and types included."""
    return type(wanted) is type(found) and bool(wanted == found)


def number(wanted: Any, found: Any) -> bool:
    """As numbers."""
    return found is not None and float(wanted) == float(found)


def letters(wanted: Any, found: Any) -> bool:
    """As text, in any letter case: the server finds names so and echoes them as they were sent."""
    return isinstance(found, str) and str(wanted).strip().lower() == found.strip().lower()


def names(wanted: Any, found: Any) -> bool:
    """As sets, without blanks: the server drops blanks and duplicates and keeps no order."""
    return {item for item in wanted if item.strip()} == {item for item in found or () if item.strip()}


def policy(wanted: Mapping[str, Any], found: Any) -> bool:
    """As a Helm validation policy: the name in any letter case, the types as a set."""
    if not isinstance(found, Mapping) or not letters(wanted["name"], found.get("name")):
        return False
    types = wanted.get("extraKubernetesTypes")
    return types is None or _kinds(types) == _kinds(found.get("extraKubernetesTypes") or ())


def autoscaling(wanted: Mapping[str, Any], found: Any) -> bool:
    """In what the manifest names: numbers by value, durations by their length."""
    if not isinstance(found, Mapping):
        return not wanted
    for name, value in wanted.items():
        other = found.get(name)
        if isinstance(value, Mapping):
            same = autoscaling(value, other)
        elif name == "size" or (name == "threshold" and isinstance(value, str)):
            same = other is not None and seconds(value) == seconds(other)
        else:
            same = letters(value, other) if isinstance(value, str) else number(value, other)
        if not same:
            return False
    return True


def _kinds(types: Any) -> set[tuple[str, str, str]]:
    return {(item.get("group", ""), item.get("version", ""), item.get("kind", "")) for item in types}


@dataclass(frozen=True, slots=True)
class Field:
    """A row: how the field changes, and when two values of it are the same."""

    how: How
    same: Same
    rule: str
    shown: bool = True
    """Whether its values may stand in a message; Helm values may hold secrets."""


FIELDS: Mapping[str, Field] = {
    "gpu": Field(How.IMMUTABLE, letters, "any letter case"),
    "instanceType": Field(How.IMMUTABLE, letters, "any letter case"),
    "backend": Field(How.IMMUTABLE, letters, "any letter case"),
    "clusters": Field(How.IMMUTABLE, names, "a set, blanks dropped"),
    "regions": Field(How.IMMUTABLE, names, "a set, blanks dropped"),
    "attributes": Field(How.IMMUTABLE, names, "a set, blanks dropped"),
    "availabilityZones": Field(How.IMMUTABLE, names, "a set, blanks dropped"),
    "preferredOrder": Field(How.IMMUTABLE, number, "a number"),
    "configuration": Field(How.IMMUTABLE, equal, "exactly, nulls and types included", shown=False),
    "helmValidationPolicy": Field(How.IMMUTABLE, policy, "name in any letter case, types as a set"),
    "minInstances": Field(How.PATCH, number, "a number"),
    "maxInstances": Field(How.PATCH, number, "a number"),
    "autoscalingConfiguration": Field(How.PATCH, autoscaling, "the parts that the manifest names, durations by length"),
    "maxRequestConcurrency": Field(How.PUT, number, "a number"),
}
"""In the order in which messages name them. `autoscalingConfigurationPolicy: PLATFORM_CONFIGURATION` is no field of a
deployment: it wants no `autoscalingConfiguration` at all."""

PLATFORM = "PLATFORM_CONFIGURATION"
