"""Which field of a GPU specification changes how, and what counts as the same value: one table.

A field that the manifest leaves out is the server's: never compared, never sent. One that is there but empty (a list
without names, a blank backend) is said: it wants none, as the server shows it by leaving the field out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from nvcf_operator.core.diff import equality
from nvcf_operator.core.diff.equality import Rule, by_parts


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


LETTERS = Rule(equality.letters, "in any letter case")
NAMES = Rule(equality.names, "as sets; blanks and duplicates do not count, an empty set means none")
NUMBER = Rule(equality.number, "by value")
NUMBER_OR_ONE = Rule(equality.number_or_one, "by value; the server's default is 1")

DETAILS = by_parts(
    {
        "metric": Rule(equality.text, "to the letter"),
        "factor": Rule(equality.single_precision, "by value; the server keeps 32-bit numbers"),
        "threshold": Rule(equality.whole, "by value; the server cuts to whole numbers"),
        "stickiness": by_parts(
            {
                "size": Rule(equality.minutes, "by length; the server may round to a minute"),
                "threshold": Rule(equality.duration, "by length"),
            },
            "in the parts that the manifest names",
        ),
    },
    "in the parts that the manifest names",
)
AUTOSCALING = by_parts(
    {"scaleUpDetails": DETAILS, "scaleDownDetails": DETAILS}, "in the parts that the manifest names, see below"
)
HELM_POLICY = by_parts(
    {
        "name": LETTERS,
        "extraKubernetesTypes": Rule(equality.kinds, "as sets"),
    },
    "in the parts that the manifest names: the name in any letter case, the types as sets",
)
VALUES = Rule(
    equality.values,
    "all keys and values, types included; a member that is null, or an object of which nothing is left, counts as "
    "absent",
    places=equality.places_of_values,
)

FIELDS: Mapping[str, Field] = {
    "gpu": Field(How.IMMUTABLE, LETTERS),
    "instanceType": Field(How.IMMUTABLE, LETTERS),
    "backend": Field(How.IMMUTABLE, Rule(equality.letters, "in any letter case; a blank one means none")),
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
