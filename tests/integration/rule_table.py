"""What the tables of rules are made of and how they are asked of the API server.

A rule is a keyword of the schema at a field. The bad manifest breaks that one rule, the good one is as near to it as a
manifest may come. `untried` compares a table with the CRD, so that no rule goes untried.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hack.controlplane import ControlPlane, KubectlError
from nvcf_operator.api.names import Kind
from tests.integration.resource_manifests import MEMBER, REMOVED, changed, manifest, spec_fields, value_at


@dataclass(frozen=True)
class Rule:
    """One rule, the value at `at` that breaks it, and the nearest that does not (None: leave the manifest complete)."""

    reason: str
    at: str
    keyword: str
    bad: Any
    says: str
    good: Any = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    """What else differs from the complete manifest, in the good and in the bad example."""

    @property
    def id(self) -> str:
        return f"{self.at} {self.keyword}: {self.reason}"


def required(at: str, reason: str) -> Rule:
    return Rule(reason, at, "required", REMOVED, "Required value")


def at_most(at: str, most: int, reason: str, beside: Mapping[str, Any] | None = None) -> Rule:
    return Rule(reason, at, "maximum", most + 1, f"less than or equal to {most}", most, beside or {})


def enum(at: str, reason: str, bad: str, *good: str) -> list[Rule]:
    says = f'supported values: "{good[0]}"'
    return [Rule(f"{reason}, for one {value}", at, "enum", bad, says, value) for value in good]


def asked(rules: Iterable[Rule], complete: Mapping[str, Any], kind: Kind) -> list[dict[str, Any]]:
    """The complete manifest, and the bad and the good one of each rule, by its number."""
    manifests = [manifest("complete", complete, kind)]
    for number, rule in enumerate(rules):
        base = changed(complete, rule.beside)
        manifests.append(manifest(f"bad-{number}", changed(base, {rule.at: rule.bad}), kind))
        if rule.good is not None:
            manifests.append(manifest(f"good-{number}", changed(base, {rule.at: rule.good}), kind))
    return manifests


def check(refused: Mapping[str, str], number: int, rule: Rule) -> None:
    """The bad manifest is refused by field and rule, the good one is not."""
    text = refused.get(f"bad-{number}")
    assert text is not None, f"{rule.at}: {rule.bad!r} was accepted"
    assert re.search(rf"spec\.{re.escape(rule.at)}(\[\d+\])?: ", text), text
    assert rule.says in text, text
    assert f"good-{number}" not in refused, refused[f"good-{number}"]


def refusals(control_plane: ControlPlane, manifests: list[dict[str, Any]]) -> Mapping[str, str]:
    """Apply manifests in one go, without storing them; the API server's complaint by the name of each it refuses."""
    try:
        control_plane.kubectl("apply", "--dry-run=server", "-f", "-", input="\n---\n".join(map(json.dumps, manifests)))
    except KubectlError as error:
        _, *parts = re.split(r'(?:FunctionDeployment|CloudFunction)\S* "([^"]+)" is invalid: ?', str(error))
        if not parts:
            raise
        return dict(zip(parts[::2], parts[1::2], strict=True))
    return {}


@dataclass(frozen=True)
class Limit:
    """A bound on a field's length: a value one longer, one that just fits (None: a pattern forbids it)."""

    keyword: str
    bad: Any
    good: Any
    says: str


def limit_of(complete: Mapping[str, Any], at: str, schema: Mapping[str, Any]) -> Limit | None:
    """The bound of a field, if it has one."""
    if most := schema.get("maxLength"):
        text = "a" * (most + 1)
        return Limit("maxLength", text, None if "pattern" in schema else text[1:], f"may not be more than {most}")
    if most := schema.get("maxItems"):
        sample = value_at(complete, at)[0]
        keys = schema.get("x-kubernetes-list-map-keys", ())
        items = [
            {**sample, **dict.fromkeys(keys, f"item{number}")} if isinstance(sample, dict) else f"item{number}"
            for number in range(most + 1)
        ]
        return Limit("maxItems", items, items[1:], f"must have at most {most} items")
    if most := schema.get("maxProperties"):
        value = value_at(complete, at).get(MEMBER, 1)
        members = {f"key{number}": value for number in range(most)}
        return Limit("maxProperties", {**members, "more": value}, members, f"must have at most {most} items")
    return None


def limits_of(kind: Kind, complete: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> list[Rule]:
    """A rule for each bound on a length.

    Args:
        kind: the kind of resource.
        complete: its complete manifest.
        beside: what else differs from it, by the beginning of the field's path.

    """
    rules = []
    for at, schema in spec_fields(kind):
        around: Mapping[str, Any] = next((more for start, more in beside.items() if at.startswith(start)), {})
        if (limit := limit_of(changed(complete, around), at, schema)) is not None:
            rules.append(Rule("not longer", at, limit.keyword, limit.bad, limit.says, limit.good, around))
    return rules


KEYWORDS = frozenset(
    {
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
    }
)


def rules_of(kind: Kind) -> set[tuple[str, str]]:
    """Field and keyword of every rule that the CRD has."""
    rules = set()
    for at, schema in spec_fields(kind):
        rules |= {(at, keyword) for keyword in KEYWORDS & schema.keys()}
        rules |= {(f"{at}.{name}".removeprefix("."), "required") for name in schema.get("required", ())}
        rules |= {
            ((at + rule.get("fieldPath", "")).removeprefix("."), "x-kubernetes-validations")
            for rule in schema.get("x-kubernetes-validations", ())
        }
        if schema.get("x-kubernetes-list-type") in ("set", "map"):
            rules.add((at, "x-kubernetes-list-type"))
    return rules


def tried(rules: Iterable[Rule]) -> set[tuple[str, str]]:
    """Field and keyword of every rule of a table."""
    return {(rule.at, rule.keyword) for rule in rules if rule.keyword != "type"}
