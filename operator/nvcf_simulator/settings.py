"""How the simulated server behaves: pace, generation, envelope, races. Set by scenario and control API alike."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Seconds = Annotated[float, Field(ge=0)]
Status = Annotated[int, Field(ge=400, le=599)]
DependencyName = Literal["allocator", "instances", "keys", "catalogue", "queue", "artifacts", "helm"]
"""What the service leans on: allocation and release of instances, reading them, the key service, the catalogue of
GPUs, the message bus with the queues, the registry of images and charts, the check of Helm values."""


class Model(BaseModel):
    """Written in camelCase; a name it does not know is an error."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", validate_assignment=True)


class Failure(Model):
    """What a dependency answers instead of working."""

    status: Status = 503
    count: Annotated[int, Field(gt=0)] | None = None
    """So many times, then it works again; None: until it is taken away."""


class Races(Model):
    """Switches for the races of the real server, all off. Those with a time are about how long something takes."""

    slow_post: Seconds | tuple[Seconds, Seconds] = 0
    """Each call to the allocator in POST takes so long (two numbers: at random between). There is one call for each
    specification with minInstances > 0, one after the other; row and status are written after the last one."""
    slow_patch: Seconds = 0
    """PATCH and PUT write so long after they have read: parallel ones lose updates."""
    slow_loop: Seconds = 0
    """A pass of the loop takes so long: it reads all rows first and writes them last. It undoes a PATCH of a DEPLOYING
    deployment with a failing specification, brings a deleted row back, and writes it over a new deployment."""
    write_gap: Seconds = 0
    """Between the two writes of POST (row, then status) and of DELETE (status, then row)."""
    undone_patch: int = Field(0, ge=0)
    """So many PATCH or PUT of DEPLOYING deployments are undone at the loop's next pass."""
    returning_row: int = Field(0, ge=0)
    """So many deleted rows are written back at the loop's next pass, over whatever is there then."""
    late_health_info: Seconds = 0
    """ERROR is seen so long before its healthInfo."""
    public_cache: Seconds = 0
    """The check for public functions remembers its answer so long (real: 180)."""
    catalogue_cache: Seconds = 0
    """The catalogue is remembered so long, bad answers included (real: 900)."""
    key_cache: Seconds = 0
    """A key's decision is remembered so long (real: 60), and 60 times as long while the key service is down."""


class Behaviour(Model):
    """All that can be chosen about the server."""

    generation: Literal["current", "old"] = "current"
    """old: the API of OpenAPI 2.87."""
    envelope: Literal["auto", "direct", "gateway"] = "auto"
    """Shape of errors: problem JSON, or the NGC gateway's requestStatus; auto: the latter on org URLs."""
    put: bool = True
    """False: deployments cannot be changed by PUT any more, which is 405."""
    notice: str | None = None
    """What the NGC gateway announces in a header of each answer on org URLs, and elsewhere under its envelope."""
    period: Annotated[float, Field(gt=0)] = 1.0
    """Simulated seconds between two passes of the server's loop (real: 60)."""
    deploy_seconds: Seconds = 3.0
    """Simulated seconds an instance takes to start."""
    allocation_timeout: Seconds = 30.0
    """A call to the allocator that takes longer is cut, and the POST is 500 (real: 30)."""
    plain: bool = False
    """True: answers hold known fields only, and times have no more digits than they need."""
    shuffle: bool = True
    """Specifications come back in another order."""
    forget_unserved: bool = True
    """Without capacity the server never asks again (real); False: the request waits for capacity."""
    placement: bool = True
    """False: every cluster, region and attribute that is asked for is taken for one that there is."""
    loop: bool = True
    """False: the server's loop stands still, and statuses become stale."""
    races: Races = Field(default_factory=Races)
    dependencies: dict[DependencyName, Failure] = Field(default_factory=dict)
    """Dependencies that fail for everybody."""
