"""What a plan says: one entry for each manifest, and the sums over all of them. Plain data, for renderers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What the operator would do first for a resource."""

    UNCHANGED = "unchanged"
    """Nothing: NVCF runs what the manifest says, or is on its way there."""
    ADOPT = "adopt"
    """Adopt what already exists in NVCF. A CloudFunction is marked by a tag; a deployment stays as it is."""
    REGISTER = "register"
    """Register a function or another version of one."""
    DEPLOY = "deploy"
    """Deploy a version where none is deployed."""
    PATCH = "patch"
    """Change the deployment in place, one specification after the other."""
    PUT = "put"
    """Change the deployment in place, all specifications in one call."""
    REDEPLOY = "redeploy"
    """Undeploy and deploy again: nothing serves in between."""
    ROLLOUT = "rollout"
    """Deploy another version beside the one that serves: both hold GPUs until the former one is undeployed."""
    UNDEPLOY = "undeploy"
    """Undeploy a version, and deploy nothing in its place."""
    DELETE = "delete"
    """Delete a version of a function."""
    UPDATE_IN_PLACE = "update-in-place"
    """Change tags, rate limit or secrets of a function version."""
    REFUSE = "refuse"
    """The operator does nothing, because the manifest or its policies do not allow what would be needed."""
    NOT_FOUND = "not-found"
    """The account has no such function, version or reference."""
    CONFLICT = "conflict"
    """Another resource holds the same function version, or the same function."""
    WAIT = "wait"
    """Nothing for now: the operator waits for something else, which the message names."""
    ERROR = "error"
    """The plan cannot be told: NVCF does not answer, the key is not good, or the manifest cannot be read."""

    @property
    def changes(self) -> bool:
        """Whether something changes in NVCF, or comes under the operator's management."""
        return self in _CHANGES

    @property
    def fails(self) -> bool:
        """Whether the operator could not do what the manifest asks for."""
        return self in _FAILS


_CHANGES = frozenset(
    {
        Action.ADOPT,
        Action.REGISTER,
        Action.DEPLOY,
        Action.PATCH,
        Action.PUT,
        Action.REDEPLOY,
        Action.ROLLOUT,
        Action.UNDEPLOY,
        Action.DELETE,
        Action.UPDATE_IN_PLACE,
    }
)
_FAILS = frozenset({Action.REFUSE, Action.NOT_FOUND, Action.CONFLICT, Action.ERROR})


class Basis(StrEnum):
    """What the object is that was planned for."""

    NEW = "new"
    """A new object: the cluster was not read, or does not have it."""
    DRY_RUN = "dry-run"
    """The object of the cluster, after a server-side apply that was tried only."""
    MERGED = "merged"
    """The object of the cluster, with the manifest merged into it here."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a manifest stands."""

    file: str
    """As it was given; `-` for standard input."""
    document: int = 1
    """Number of the document in the file, from 1."""

    def __str__(self) -> str:
        return f"{self.file}#{self.document}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest to plan for."""

    source: Source
    document: dict[str, Any] = field(repr=False)
    """As it was read, with a namespace in its metadata and the schema's defaults in its spec."""
    recorded: dict[str, Any] | None = field(default=None, repr=False)
    """The object in the cluster, if it was read and is there."""
    basis: Basis = Basis.NEW
    """Whether `recorded` is what a tried apply gave; `Basis.MERGED` merges the document into it."""
    applied: dict[str, Any] | None = field(default=None, repr=False)
    """The spec without defaults, as an apply sends it; None where it is the document's."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that changes. A field that is not set is None."""

    path: str
    """As in the manifest, such as `deploymentSpecifications[0].maxInstances`."""
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Write:
    """The first write to NVCF. Values of secrets are hidden."""

    method: str
    path: str
    """Below the base URL, with its query."""
    body: Any = None
    """As JSON; None without one."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Instances that are ordered, and their GPUs where the catalogue says how many an instance has."""

    min_instances: int = 0
    max_instances: int = 0
    min_gpus: int | None = 0
    max_gpus: int | None = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.min_instances + other.min_instances,
            self.max_instances + other.max_instances,
            _sum(self.min_gpus, other.min_gpus),
            _sum(self.max_gpus, other.max_gpus),
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Orders:
    """What is ordered of NVCF: by what is deployed, at most while the plan is carried out, and after it."""

    now: Amount = NOTHING
    during: Amount = NOTHING
    then: Amount = NOTHING

    def __add__(self, other: "Orders") -> "Orders":
        return Orders(self.now + other.now, self.during + other.during, self.then + other.then)


@dataclass(frozen=True, slots=True)
class Planned:
    """What the operator would do for one resource."""

    kind: str
    namespace: str
    name: str
    source: Source
    action: Action
    reason: str = ""
    """Of the condition Ready, as the operator would report it; of a change the one that it reports meanwhile."""
    message: str = ""
    """The condition's own words."""
    ways_out: tuple[str, ...] = ()
    """Of what is refused, not found or in conflict: what a user can do."""
    changes: tuple[FieldChange, ...] = ()
    first_write: Write | None = None
    """The first write to NVCF, with `<new version>` and the like for ids that are not known yet; None for none."""
    after: str | None = None
    """Name of the CloudFunction, of the same namespace, that has to be registered or brought up to date first."""
    waits: float = 0.0
    """Seconds that the operator waits before that, as for the next attempt after a failure."""
    adopts: bool = False
    """Whether something that is in NVCF already is taken over, whatever else is done."""
    downtime: bool = False
    """Whether nothing serves for a while."""
    orders: Orders = Orders()
    """None of it for a CloudFunction."""
    basis: Basis = Basis.NEW
    notes: tuple[str, ...] = ()
    """What else is worth knowing, such as what could not be read."""

    @property
    def title(self) -> str:
        """Kind, namespace and name."""
        return f"{self.kind} {self.namespace}/{self.name}"


UNCHANGED, FAILED, CHANGES = 0, 1, 2
"""Exit codes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the operator would do for all manifests."""

    planned: tuple[Planned, ...]
    """In the order of the manifests."""
    skipped: int = 0
    """Documents of other kinds."""
    notes: tuple[str, ...] = ()
    """About the whole of it, such as what the gateway announces."""

    @property
    def orders(self) -> Orders:
        """What all of them order."""
        return total([item.orders for item in self.planned])

    @property
    def counts(self) -> dict[Action, int]:
        """How many resources there are of each action, in the order of `Action`; those with none are left out."""
        found = [item.action for item in self.planned]
        return {action: found.count(action) for action in Action if action in found}

    @property
    def exit_code(self) -> int:
        """1 where something is refused or failed, else 2 where something changes or waits to, else 0."""
        if any(item.action.fails for item in self.planned):
            return FAILED
        changed = any(item.action.changes or item.action == Action.WAIT for item in self.planned)
        return CHANGES if changed else UNCHANGED


def total(orders: Sequence[Orders]) -> Orders:
    """The sum of orders."""
    return sum(orders, start=Orders())
