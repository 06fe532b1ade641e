"""The entities: accounts, keys, functions, deployments and instances.

Plain data, so that the whole state can be saved to a file and loaded. Times are nanoseconds since 1970 of the simulated
clock. An instance refers to its deployment by id only: as in the real service, it outlives a row that is lost or
overwritten.
"""

import random
import re
import uuid
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Annotated, Any, Literal

from pydantic import Field

from nvcf_simulator.problems import named

_NAMESPACE = uuid.UUID("6f4d8d52-6c0b-5d7c-9b62-3f1d1f3c0a11")
_LENGTHS = (8, 4, 4, 4, 12)
_HEX = re.compile(r"[0-9a-fA-F]+")

Status = Literal["INACTIVE", "DEPLOYING", "ACTIVE", "DEGRADING", "DEGRADED", "ERROR"]
"""Status of a function version."""

BUSY: frozenset[Status] = frozenset({"DEPLOYING", "ACTIVE", "DEGRADING", "DEGRADED"})
"""Statuses in which a deployment may be changed in place."""

InstanceState = Literal["starting", "running", "failed", "lost", "terminated"]
"""State of an instance. In the last two it has ended, and costs nothing."""

Outcome = Literal["run", "wait", "fail"]
"""What becomes of a starting instance: it runs, keeps starting, or fails."""

SavedOutcome = Annotated[Outcome, Field(alias="fate")]
"""An outcome in a state file, whose names are those of scenarios."""

KeyKind = Literal["api-key", "jwt"]
"""Both are bearer tokens; only an API key carries a resource policy, and only a JWT expires."""

SCOPES = (
    "deploy_function",
    "list_functions",
    "list_functions_details",
    "register_function",
    "update_function",
    "delete_function",
    "queue_details",
    "authorize_clients",
    "update_secrets",
    "gpu_capacity",
    "read_gpu_quota_rule",
)
"""All scopes."""


@dataclass(slots=True)
class Account:
    """An NVIDIA Cloud Account."""

    nca_id: str
    org: str | None = None
    """The only name in org URLs that resolves to it; None: any does."""
    requests_per_second: float | None = None
    """Requests above it get 429; None: no limit."""
    max_functions: int | None = None
    """With this many versions, new functions are rejected; None: no limit."""
    telemetries: dict[str, list[str]] = field(default_factory=dict)
    """Types (LOGS, METRICS, TRACES) of its telemetry endpoints by id."""


@dataclass(slots=True)
class Key:
    """A bearer token, and what it grants."""

    name: str
    token: str = field(repr=False)
    nca_id: str
    kind: KeyKind = "api-key"
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    resources: list[str] = field(default_factory=lambda: ["account-functions:*"])
    """Resource policy: `account-functions:*`, `authorized-functions:*`, `function:ID/*`, `function:ID/VERSION`."""
    revoked: bool = False
    expires_at: int | None = None
    effective_at: int = 0
    """The key is unknown until then."""
    service_status: int | None = None
    """Error status that the key service returns for this key."""


@dataclass(slots=True)
class InstanceBehaviour:
    """How the instances of one function version behave."""

    outcome: SavedOutcome = "run"
    outcomes: Annotated[dict[str, Outcome], Field(alias="fates")] = field(default_factory=dict)
    """By instance type, in place of `outcome`."""
    supply: bool = True
    """False: the allocator accepts requests and provides nothing."""
    capacity: int | None = None
    """Maximum number of concurrent instances of this version."""
    deploy_seconds: float | None = None
    """Start-up time in place of the server's."""
    allocation_seconds: float | None = None
    """Duration of each allocator call in POST, in place of `slowPost`."""
    error: str | None = None
    """Error text of failing instances."""


@dataclass(slots=True)
class Function:
    """One version of a function."""

    id: str
    version_id: str
    nca_id: str
    name: str
    created_at: int
    details: dict[str, Any] = field(default_factory=dict)
    """The other fields in responses, by NVCF's names."""
    status: Status = "INACTIVE"
    public: bool = False
    shared_function: list[str] = field(default_factory=list)
    """Accounts that may use every version."""
    shared_version: list[str] = field(default_factory=list)
    """Accounts that may use this version."""
    has_secrets: bool = False
    """Whether it is recorded that the secret store has some."""
    queue_depth: int = 0
    requests: list[str] = field(default_factory=list)
    """Ids of invocations, in their order: the first is being worked on, the others are queued."""
    instance_behaviour: Annotated[InstanceBehaviour, Field(alias="weather")] = field(default_factory=InstanceBehaviour)
    odd: dict[str, Any] = field(default_factory=dict)
    """Overlays the function in responses, including its entry in lists, by NVCF's names."""
    odd_deployment: dict[str, Any] = field(default_factory=dict)
    """Overlays its deployment in responses."""
    odd_specifications: dict[str, Any] = field(default_factory=dict)
    """Overlays each specification of its deployment in responses."""

    @property
    def label(self) -> str:
        """How error details name it."""
        return named(self.id, self.version_id)

    def is_shared_with(self, nca_id: str) -> bool:
        """Whether an account other than its own may use it."""
        return nca_id in self.shared_function or nca_id in self.shared_version

    @property
    def is_helm(self) -> bool:
        """Whether it is made from a Helm chart, not from a container image."""
        return "helmChart" in self.details


@dataclass(slots=True)
class GpuSpecification:
    """One GPU specification of a deployment."""

    id: str
    gpu: str
    instance_type: str
    min_instances: int
    max_instances: int
    max_request_concurrency: int = 1
    preferred_order: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    """The optional fields of the request, by NVCF's names, normalised."""


@dataclass(slots=True)
class Deployment:
    """The row of a deployment."""

    id: str
    function_id: str
    version_id: str
    nca_id: str
    created_at: int
    updated_at: int
    specifications: list[GpuSpecification]
    health: list[dict[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Instance:
    """A worker. It costs money while it starts or runs."""

    id: str
    deployment_id: str
    specification_id: str
    function_id: str
    version_id: str
    nca_id: str
    request_id: str
    gpu: str
    instance_type: str
    backend: str
    location: str
    created_at: int
    ready_at: int
    """When its outcome takes effect."""
    outcome: SavedOutcome = "run"
    state: InstanceState = "starting"
    error: str | None = None
    ended_at: int | None = None

    @property
    def alive(self) -> bool:
        """Whether it is starting or running."""
        return self.state in ("starting", "running")


@dataclass(slots=True)
class Backlog:
    """Instances requested without capacity: the server does not request them again."""

    deployment_id: str
    specification_id: str
    version_id: str
    count: int
    wanted: dict[str, str]
    """Fields of an instance that is provided later."""


@dataclass
class State:
    """Everything that a state file saves."""

    accounts: dict[str, Account] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    """By name."""
    functions: dict[str, Function] = field(default_factory=dict)
    """By version id."""
    deployments: dict[str, Deployment] = field(default_factory=dict)
    """By version id, one row each: the last writer wins."""
    instances: dict[str, Instance] = field(default_factory=dict)
    backlog: list[Backlog] = field(default_factory=list)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    """Keyed digests of secret values, by version id and name."""
    digest_key: str = field(default_factory=lambda: token_hex(16), repr=False)
    """Key of these digests."""
    capacity: dict[str, int] = field(default_factory=dict)
    """Maximum number of concurrent instances by instance type, in place of the catalogue's."""
    clock_offset: int = 0
    """How far the simulated clock was ahead of the machine's."""


def random_id() -> str:
    """Return a new random UUID."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def derived_id(*names: object) -> str:
    """Return the UUID that is derived from these names."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, names))))


def parse_id(text: str) -> str | None:
    """Return a UUID in its usual form, or None if the text is not a UUID. Groups may lack leading zeros."""
    groups = text.strip().split("-")
    if len(groups) != len(_LENGTHS) or not all(
        _HEX.fullmatch(group) and len(group) <= length for group, length in zip(groups, _LENGTHS, strict=True)
    ):
        return None
    return "-".join(group.lower().rjust(length, "0") for group, length in zip(groups, _LENGTHS, strict=True))
