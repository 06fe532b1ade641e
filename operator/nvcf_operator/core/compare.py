"""A manifest held against a deployment: which specification is which, and what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nvcf_operator.api.spec import DeploymentSpecification
from nvcf_operator.core.fields import FIELDS, PLATFORM, How
from nvcf_operator.nvcf.models import GpuSpecification

MOST_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one specification of the manifest that is deployed otherwise."""

    index: int | None
    """Position in the manifest; None when the number of specifications differs."""
    field: str
    wanted: Any
    found: Any
    how: How

    def __str__(self) -> str:
        if self.index is None:
            return f"deploymentSpecifications: manifest has {self.wanted}, deployed are {self.found}"
        place = f"deploymentSpecifications[{self.index}].{self.field}"
        if not FIELDS[self.field].shown:
            return f"{place} differs"
        return f"{place}: manifest {_text(self.wanted)}, deployed {_text(self.found)}"


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

    def of(self, index: int) -> tuple[Difference, ...]:
        """The differences of one specification."""
        return tuple(item for item in self.differences if item.index == index)

    def describe(self) -> str:
        """Name the differences; those that cannot be mended in place alone, where there are any."""
        text = "; ".join(str(item) for item in self.immutable or self.differences)
        return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def compare(wanted: Sequence[DeploymentSpecification], found: Sequence[GpuSpecification]) -> Comparison:
    """Compare by meaning, whatever the order, which means nothing in NVCF's answers."""
    there = tuple(found)
    if len(wanted) != len(there):
        difference = Difference(None, "deploymentSpecifications", len(wanted), len(there), How.IMMUTABLE)
        return Comparison((), (difference,), there)
    shown = [item.to_json() for item in there]
    table = [[differences(index, item, other) for other in shown] for index, item in enumerate(wanted)]
    chosen = _assign([[_cost(cell) for cell in row] for row in table])
    pairs = tuple(Pair(index, wanted[index], there[other]) for index, other in enumerate(chosen))
    found_differences = tuple(item for index, other in enumerate(chosen) for item in table[index][other])
    return Comparison(pairs, found_differences, there)


def differences(index: int, wanted: DeploymentSpecification, found: dict[str, Any]) -> tuple[Difference, ...]:
    """What one specification of the manifest wants otherwise than one that is deployed."""
    manifest = wanted.to_dict()
    result = [
        Difference(index, name, manifest[name], found.get(name), row.how)
        for name, row in FIELDS.items()
        if manifest.get(name) is not None and not row.same(manifest[name], found.get(name))
    ]
    if manifest.get("autoscalingConfigurationPolicy") == PLATFORM and found.get("autoscalingConfiguration"):
        shown = found["autoscalingConfiguration"]
        result.append(Difference(index, "autoscalingConfiguration", PLATFORM, shown, How.PATCH))
    return tuple(result)


def create_body(wanted: Sequence[DeploymentSpecification]) -> tuple[GpuSpecification, ...]:
    """What POST sends: what the manifest says, and nothing else."""
    return tuple(
        GpuSpecification.model_validate(
            {
                name: value
                for name, value in item.to_dict().items()
                if name != "autoscalingConfigurationPolicy" and value not in ([], None)
            }
        )
        for item in wanted
    )


def instances(found: Sequence[GpuSpecification]) -> str:
    """The instances that are ordered, fewest and most, as `1-4`."""
    return f"{sum(item.min_instances for item in found)}-{sum(item.max_instances for item in found)}"


def _cost(cell: tuple[Difference, ...]) -> int:
    weight = {How.IMMUTABLE: 10_000, How.PUT: 100, How.PATCH: 1}
    return sum(weight[item.how] for item in cell)


def _assign(cost: list[list[int]]) -> list[int]:
    """The cheapest one-to-one assignment of rows to columns (Kuhn-Munkres with potentials), at most 16 by 16."""
    size = len(cost)
    infinity = 10**9
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


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return f"[{', '.join(str(item) for item in value)}]"
    return str(value)
