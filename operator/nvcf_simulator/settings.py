"""How the simulated server behaves: pace, generation, envelope, races. Set by scenarios and the control API."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Seconds = Annotated[float, Field(ge=0)]
Status = Annotated[int, Field(ge=400, le=599)]
DependencyName = Literal[
    "allocator", "instances", "keys", "catalogue", "queue", "artifacts", "helm", "secrets", "deployments"
]
"""What the service depends on: allocating and releasing instances, reading them, the key service, the GPU catalogue,
the message bus with the queues, the registry of images and charts, the validation of Helm values, the secret store,
the deletion of a deployment's row from the database."""


class Model(BaseModel):
    """A model in camelCase that rejects unknown names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", validate_assignment=True)


class Failure(Model):
    """How a dependency fails, or how slow it is."""

    status: Status | None = 503
    """Status of its response; None, the default if only `seconds` is given: it works."""
    seconds: Seconds = 0
    """Duration of each write of the secret store."""
    count: Annotated[int, Field(gt=0)] | None = None
    """Number of failing calls, after which it works again; None: it fails until reset."""

    @model_validator(mode="before")
    @classmethod
    def _slow_is_not_failing(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("seconds") and "status" not in value:
            return {**value, "status": None}
        return value


class VersionRaces(Model):
    """Switches that provoke the races of registering, changing and deleting function versions."""

    slow_register: Seconds | tuple[Seconds, Seconds] = 0
    """Duration of the checks of a registration, or a range to choose it from at random. The new version is written
    after them, whether or not the client still waits."""
    slow_update: Seconds = 0
    """Delay between read and write of a version's row by PUT, DELETE of the rate limit and changes of its sharing, also
    for those that wait when it is set."""
    failed_registration: int = Field(0, ge=0)
    """Number of registrations that fail after their secrets are stored and before the version is."""
    undone_update: int = Field(0, ge=0)
    """Number of changes of tags or rate limit that the loop's next pass undoes."""
    returning_version: int = Field(0, ge=0)
    """Number of deleted versions that the loop's next pass writes back."""
    stale_rows: bool = False
    """A slow pass of the loop writes versions as it has read them at its start, as newer servers do: a transition
    undoes changes of tags and rate limit, and brings a deleted version back."""
    list_lag: Seconds = 0
    """How long lists lag behind: they miss new versions, and show deleted versions and old values."""
    read_lag: Seconds = 0
    """How long GET of a version lags behind lists: 404 for a new version, and still there for a deleted one."""


class Races(VersionRaces):
    """Switches that provoke the races of the real server. All are off by default."""

    slow_post: Seconds | tuple[Seconds, Seconds] = 0
    """Duration of each allocator call in POST, or a range to choose it from at random. POST makes one call for each
    specification with minInstances > 0, one after the other, and writes row and status after the last one."""
    slow_patch: Seconds = 0
    """Delay between read and write of PATCH and PUT: parallel ones lose updates."""
    slow_loop: Seconds = 0
    """Duration of a loop pass: it reads all rows first and writes them last. It undoes a PATCH of a DEPLOYING
    deployment with a failing specification, brings a deleted row back, and writes it over a new deployment."""
    write_gap: Seconds = 0
    """Delay between the two writes of POST (row, then status) and of DELETE (status, then row)."""
    undone_patch: int = Field(0, ge=0)
    """Number of PATCH and PUT of DEPLOYING deployments that the loop's next pass undoes."""
    returning_row: int = Field(0, ge=0)
    """Number of deleted rows that the loop's next pass writes back, over whatever exists by then."""
    late_health_info: Seconds = 0
    """How long ERROR is visible before its healthInfo."""
    public_cache: Seconds = 0
    """How long the check for public functions is cached (real: 180)."""
    catalogue_cache: Seconds = 0
    """How long the catalogue is cached, bad responses included (real: 900)."""
    key_cache: Seconds = 0
    """How long the decision about a key is cached (real: 60); 60 times as long while the key service is down."""


class Behaviour(Model):
    """The settings of the server."""

    generation: Literal["current", "old"] = "current"
    """old: the API of OpenAPI 2.87."""
    envelope: Literal["auto", "direct", "gateway"] = "auto"
    """Format of errors: problem JSON, or the NGC gateway's requestStatus; auto: the latter on org URLs."""
    put: bool = True
    """False: PUT of a deployment is 405."""
    notice: str | None = None
    """Text that the NGC gateway announces in a header of each response, wherever its envelope is used."""
    period: Annotated[float, Field(gt=0)] = 1.0
    """Simulated seconds between two passes of the server's loop (real: 60)."""
    deploy_seconds: Seconds = 3.0
    """Simulated seconds that an instance takes to start."""
    allocation_timeout: Seconds = 30.0
    """An allocator call that takes longer is aborted, and the POST is 500 (real: 30)."""
    plain: bool = False
    """True: responses contain known fields only, and timestamps no more digits than needed."""
    shuffle: bool = True
    """Specifications come back in a different order."""
    forget_unserved: bool = True
    """True: instances requested without capacity are never requested again (real); False: the request waits."""
    deletion: Literal["row-first", "deployment-first"] = "row-first"
    """Order in which DELETE of a version removes its row and its deployment; secrets come last."""
    artifact_rules: bool = False
    """True: registries must be known, and images, charts and URIs must have the form that they require."""
    catalogue: bool = True
    """False: nothing of the catalogue is served to clients, 404. What can be deployed stays the same."""
    quota_format: Literal["json", "yaml"] = "json"
    """Format of the quota rules."""
    placement: bool = True
    """False: every requested cluster, region and attribute is accepted as existing."""
    loop: bool = True
    """False: the server's loop is stopped, and statuses become stale."""
    races: Races = Field(default_factory=Races)
    dependencies: dict[DependencyName, Failure] = Field(default_factory=dict)
    """Dependencies that fail for everybody."""
