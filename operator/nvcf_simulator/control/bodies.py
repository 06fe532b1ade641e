"""Bodies of the control API."""

import json
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import Field

from nvcf_simulator.model.entities import Status
from nvcf_simulator.settings import DependencyName, Failure, Model, Seconds

AnyModel = TypeVar("AnyModel", bound=Model)


class KeyChange(Model):
    """What of a key is to be different."""

    nca_id: str | None = None
    scopes: list[str] | None = None
    resources: list[str] | None = None
    revoked: bool | None = None
    service_status: int | None = Field(None, ge=400, le=599)


class VersionChange(Model):
    """What of a function version is to be different."""

    queue_depth: int | None = Field(None, ge=0)
    public: bool | None = None
    status: Status | None = None
    """Written as it is: the server's loop goes on from there."""
    older_by_days: float | None = None
    """The last update of its deployment was so long earlier."""
    odd: dict[str, Any] | None = None
    """What answers about it, its entry in lists included, show in place of the truth; {} for the truth again."""
    odd_deployment: dict[str, Any] | None = None
    """The same for its deployment."""
    odd_specifications: dict[str, Any] | None = None
    """The same for each specification of its deployment."""


class Scaling(Model):
    """New numbers for every specification of a deployment."""

    min_instances: int | None = Field(None, ge=0)
    max_instances: int | None = Field(None, ge=1)
    max_request_concurrency: int | None = Field(None, ge=1)


class Loss(Model):
    """How many instances vanish; None: all that run."""

    count: int | None = Field(None, ge=0)


class Jump(Model):
    """How far the clock moves."""

    seconds: Seconds


class Hidden(Model):
    """Instance types and GPUs that the catalogue lacks for the time being."""

    hidden: list[str]


class Capacity(Model):
    """Most instances at once by instance type; null: the catalogue's own number again."""

    capacity: dict[str, Annotated[int, Field(ge=0)] | None]


class Dependencies(Model):
    """Which dependencies fail, and how; the others work."""

    dependencies: dict[DependencyName, Failure]


async def read(request: web.Request, model: type[AnyModel]) -> AnyModel:
    """Read a body. Raises ValueError or pydantic's ValidationError."""
    return model.model_validate(await read_object(request))


async def read_object(request: web.Request) -> dict[str, Any]:
    """Read a body that is a JSON object, or nothing. Raises ValueError."""
    text = await request.text()
    value = json.loads(text) if text else {}
    if not isinstance(value, dict):
        raise ValueError("a JSON object is expected")
    return value
