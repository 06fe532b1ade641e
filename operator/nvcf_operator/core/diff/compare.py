"""A manifest held against a deployment: which specification is which, and what differs.

An odd value is no difference: nothing is written, and nothing taken down, because of a field that cannot be read.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nvcf_client.models import Deployment, GpuSpecification
from nvcf_client.text import shorten
from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.diff.fields import FIELDS, NAMES, PLATFORM, How, Path, named

MOST_CHARACTERS = 600
MOST_OF_A_VALUE = 100
MOST_PLACES = 3
"""So many places within one field are named; of the others the number."""

WEIGHT = {How.IMMUTABLE: 10_000, How.PUT: 100, How.PATCH: 1}
"""Of 16 specifications, all differences of a lighter kind together weigh less than one of the next."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one specification of the manifest that is deployed otherwise."""

    index: int | None
    """Position in the manifest; None when the number of specifications differs."""
    gpu: str
    """GPU of that specification as the manifest has it; empty when the number differs."""
    field: str
    """NVCF's name of the field."""
    wanted: Any
    found: Any
    how: How

    def __str__(self) -> str:
        if self.index is None:
            return f"deploymentSpecifications: manifest has {self.wanted}, deployed are {self.found}"
        top = f"deploymentSpecifications[{self.index}].{self.field}"
        row = FIELDS[self.field]
        places = list(row.rule.places(self.wanted, self.found))
        if not row.shown:
            if len(places) > 1:
                return f"{top}: {listed(places, MOST_PLACES)} differ"
            return f"{_below(top, places[0])} differs"
        shown = [
            f"{_below(top, place)}: manifest {_text(_at(self.wanted, place))}, deployed {_text(_at(self.found, place))}"
            for place in places[:MOST_PLACES]
        ]
        return "; ".join(shown) + (f"; and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else "")

    def __repr__(self) -> str:
        return f"<Difference {self}>"


@dataclass(frozen=True, slots=True)
class Pair:
    """A specification of the manifest and the one of the deployment that it stands for."""

    index: int
    wanted: DeploymentSpecification
    found: GpuSpecification


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, and the pairs that they were found in."""

    pairs: tuple[Pair, ...]
    differences: tuple[Difference, ...]
    found: tuple[GpuSpecification, ...]

    @property
    def in_force(self) -> bool:
        """Whether the deployment is as the manifest says."""
        return not self.differences

    @property
    def immutable(self) -> tuple[Difference, ...]:
        """The differences that only another deployment can mend."""
        return tuple(item for item in self.differences if item.how == How.IMMUTABLE)

    def without_put(self) -> "Comparison":
        """The comparison where the server has no PUT: what only that changes in place is immutable."""
        differences = (replace(x, how=How.IMMUTABLE) if x.how == How.PUT else x for x in self.differences)
        return replace(self, differences=tuple(differences))

    def of(self, index: int) -> tuple[Difference, ...]:
        """The differences of one specification."""
        return tuple(item for item in self.differences if item.index == index)

    def describe(self) -> str:
        """Name the differences; those that cannot be mended in place alone, where there are any."""
        return shorten("; ".join(str(item) for item in self.immutable or self.differences), MOST_CHARACTERS)


def compare(wanted: Sequence[DeploymentSpecification], found: Sequence[GpuSpecification]) -> Comparison:
    """Compare by meaning, whatever the order, which means nothing in NVCF's answers.

    Specifications are paired so that as little as possible has to change: first of what only a redeployment changes,
    then of what a PUT, then of what a PATCH does. The order of `found` changes nothing, not even among equals: the
    result leads to messages and to writes, and neither may come and go with the order of an answer.
    """
    there = tuple(found)
    if len(wanted) != len(there):
        difference = Difference(None, "", "deploymentSpecifications", len(wanted), len(there), How.IMMUTABLE)
        return Comparison((), (difference,), there)
    manifest = [item.to_dict() for item in wanted]
    ordered = sorted(((item.to_json(), item) for item in there), key=lambda both: _order(both[0]))
    table = [[_differences(index, item, shown) for shown, _ in ordered] for index, item in enumerate(manifest)]
    chosen = cheapest([[sum(WEIGHT[item.how] for item in cell) for cell in row] for row in table])
    pairs = tuple(Pair(index, wanted[index], ordered[other][1]) for index, other in enumerate(chosen))
    return Comparison(
        pairs, tuple(item for row, other in zip(table, chosen, strict=True) for item in row[other]), there
    )


def create_body(wanted: Sequence[DeploymentSpecification]) -> tuple[GpuSpecification, ...]:
    """What POST sends: what the manifest says, and nothing else. What is empty or blank is not sent at all."""
    return tuple(GpuSpecification.model_validate(_posted(item.to_dict())) for item in wanted)


def instances(found: Sequence[GpuSpecification]) -> str:
    """The instances that are ordered, fewest and most, as `1-4`."""
    return f"{sum(item.min_instances for item in found)}-{sum(item.max_instances for item in found)}"


def _differences(index: int, manifest: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What one specification of the manifest wants otherwise than one that is deployed, both as plain JSON."""
    platform = manifest.get("autoscalingConfigurationPolicy") == PLATFORM
    result = []
    for name, row in FIELDS.items():
        wanted, there = manifest.get(name), found.get(name)
        if name == "autoscalingConfiguration" and platform:
            wanted, same = PLATFORM, there is None
        else:
            same = wanted is None or row.rule.same(wanted, there)
        if not same:
            result.append(Difference(index, manifest["gpu"], name, wanted, there, row.how))
    return tuple(result)


def _posted(manifest: dict[str, Any]) -> dict[str, Any]:
    # The policy is a field of PATCH only; a POST without autoscalingConfiguration leaves it to the platform.
    platform = manifest.pop("autoscalingConfigurationPolicy", None) == PLATFORM
    if platform:
        manifest.pop("autoscalingConfiguration", None)
    for name in [name for name, row in FIELDS.items() if row.rule is NAMES and name in manifest]:
        manifest[name] = named(manifest[name])
    if not manifest.get("backend", "").strip():
        manifest.pop("backend", None)
    return {name: value for name, value in manifest.items() if value != []}


def _order(found: Mapping[str, Any]) -> tuple[str, str]:
    """By id; servers without ids show equal specifications or such that differ in their text."""
    return found.get("gpuSpecificationId", ""), json.dumps(found, sort_keys=True)


def _below(top: str, place: Path) -> str:
    """The name of a field with the place in it that differs."""
    text = path_text(place)
    return f"{top}{'' if text.startswith('[') or not text else '.'}{text}"


def _at(value: Any, place: Path) -> Any:
    """What is at a place that exists at least on the other side."""
    for step in place:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    """A value for messages: the same text for the same meaning, on one line, and short."""
    if value in (None, "", []):
        return "nothing"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return shorten(f"[{', '.join(map(_printable, named(value)))}]", MOST_OF_A_VALUE) if named(value) else "nothing"
    if isinstance(value, str):
        return shorten(_printable(value), MOST_OF_A_VALUE)
    return shorten(json.dumps(value, sort_keys=True), MOST_OF_A_VALUE)


def _printable(value: str) -> str:
    return value if value.isprintable() else json.dumps(value)


def cheapest(cost: Sequence[Sequence[int]]) -> list[int]:
    """For each row the column that it is assigned to, so that the sum of costs is the least possible.

    Kuhn-Munkres with potentials, exact, in cubic time: 16 rows take a millisecond. `cost` is square; the same costs
    always give the same assignment.
    """
    size = len(cost)
    infinity = 1 + 2 * size * sum(map(sum, cost))
    row_potential, column_potential = [0] * (size + 1), [0] * (size + 1)
    row_of, way = [0] * (size + 1), [0] * (size + 1)
    for row in range(1, size + 1):
        row_of[0], column = row, 0
        least, used = [infinity] * (size + 1), [False] * (size + 1)
        while row_of[column] != 0:
            used[column] = True
            current, delta, following = row_of[column], infinity, 0
            for other in range(1, size + 1):
                if used[other]:
                    continue
                reduced = cost[current - 1][other - 1] - row_potential[current] - column_potential[other]
                if reduced < least[other]:
                    least[other], way[other] = reduced, column
                if least[other] < delta:
                    delta, following = least[other], other
            for other in range(size + 1):
                if used[other]:
                    row_potential[row_of[other]] += delta
                    column_potential[other] -= delta
                else:
                    least[other] -= delta
            column = following
        while column:
            row_of[column] = row_of[way[column]]
            column = way[column]
    chosen = [0] * size
    for column in range(1, size + 1):
        chosen[row_of[column] - 1] = column - 1
    return chosen


MOST_OF_A_KEY = 48
MOST_OF_A_PATH = 120

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def path_text(path: Path) -> str:
    """The path on one line of printable characters, without a dot at its beginning; empty for the value itself.

    A key that is no plain word is quoted as JSON, and shortened like a path that is too long.
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else _key(step) for step in path).removeprefix(".")
    return cut_in_the_middle(text, MOST_OF_A_PATH)


def listed(paths: Sequence[Path], most: int) -> str:
    """The first paths, and how many more there are."""
    shown = ", ".join(path_text(path) for path in paths[:most])
    return shown if len(paths) <= most else f"{shown} and {len(paths) - most} more"


def cut_in_the_middle(text: str, most: int) -> str:
    """The text, or its two ends where it is too long: what is special of a path may be at either."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def _key(key: str) -> str:
    short = cut_in_the_middle(key, MOST_OF_A_KEY)
    if _PLAIN.fullmatch(key):
        return f".{short}"
    return f"[{json.dumps(short, ensure_ascii=not short.isprintable())}]"


SPECIFICATIONS = "deploymentSpecifications"

REPEATED_BY_PUT = frozenset({f"{SPECIFICATIONS}.backend", f"{SPECIFICATIONS}.clusters"})
"""What a PUT has to repeat exactly as it is deployed."""


def unreadable_for_comparison(wanted: Sequence[DeploymentSpecification], deployment: Deployment) -> tuple[str, ...]:
    """What cannot be read of a deployment and is wanted to compare it with a manifest, by NVCF's names."""
    if not all_listed(deployment):
        return (SPECIFICATIONS,)
    if not deployment.unreadable:
        return ()
    names = {name for item in wanted for name in item.to_dict()}
    if "autoscalingConfigurationPolicy" in names:
        names.add("autoscalingConfiguration")
    return tuple(sorted(deployment.unreadable & {f"{SPECIFICATIONS}.{name}" for name in names}))


def unreadable_for_put(deployment: Deployment) -> tuple[str, ...]:
    """What cannot be read of a deployment and a PUT has to repeat, by NVCF's names."""
    return tuple(sorted(deployment.unreadable & REPEATED_BY_PUT))


def all_listed(deployment: Deployment) -> bool:
    """Whether the answer held all specifications in a form that can be read, each of them once.

    There is no deployment without any, so an answer without them leaves them out.
    """
    found = deployment.deployment_specifications
    ids = [item.gpu_specification_id for item in found if item.gpu_specification_id]
    return SPECIFICATIONS not in deployment.unreadable and bool(found) and len(set(ids)) == len(ids)
