"""Bodies of the control API."""

import json
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import Field

from nvcf_simulator.entries import Uuid
from nvcf_simulator.model.catalogue import QuotaRule
from nvcf_simulator.model.entities import Status
from nvcf_simulator.model.registries import Artifact
from nvcf_simulator.settings import DependencyName, Failure, Model, Seconds

AnyModel = TypeVar("AnyModel", bound=Model)


class KeyChange(Model):
    """Changes of a key."""

    nca_id: str | None = None
    scopes: list[str] | None = None
    resources: list[str] | None = None
    revoked: bool | None = None
    service_status: int | None = Field(None, ge=400, le=599)


class AccountChange(Model):
    """Changes of an account; null: no limit."""

    max_functions_allowed: int | None = Field(None, ge=0)
    requests_per_second: float | None = Field(None, gt=0)


class Artifacts(Model):
    """Which artifacts are unavailable, by reference or pattern; null: it is there."""

    artifacts: dict[str, Artifact | None]


class VersionChange(Model):
    """Changes of a function version."""

    queue_depth: int | None = Field(None, ge=0)
    requests: list[Uuid] | None = None
    """Ids of invocations: the first is being worked on, the others are queued."""
    public: bool | None = None
    status: Status | None = None
    """Written as is: the server's loop continues from there."""
    tags: list[str] | None = None
    """The whole set; null or an empty list removes it."""
    rate_limit: dict[str, Any] | None = None
    """null removes it."""
    shared_with: list[str] | None = None
    """Accounts that may use it."""
    older_by_days: float | None = None
    """Moves the last update of its deployment back by this many days."""
    odd: dict[str, Any] | None = None
    """Overlays it in responses, including its entry in lists; {} reverts it."""
    odd_deployment: dict[str, Any] | None = None
    """Overlays its deployment in responses."""
    odd_specifications: dict[str, Any] | None = None
    """Overlays each specification of its deployment in responses."""


class Scaling(Model):
    """New numbers for every specification of a deployment."""

    min_instances: int | None = Field(None, ge=0)
    max_instances: int | None = Field(None, ge=1)
    max_request_concurrency: int | None = Field(None, ge=1)


class Loss(Model):
    """How many instances are lost; None: all running ones."""

    count: int | None = Field(None, ge=0)


class Jump(Model):
    """How far the clock moves forward."""

    seconds: Seconds


class Hidden(Model):
    """Instance types and GPUs that are missing from the catalogue for the time being."""

    hidden: list[str]


class Quota(Model):
    """The quota rules of every account."""

    quota: list[QuotaRule]


class Capacity(Model):
    """Maximum number of concurrent instances by instance type; null: the catalogue's number."""

    capacity: dict[str, Annotated[int, Field(ge=0)] | None]


class Dependencies(Model):
    """Which dependencies fail and how; the others work."""

    dependencies: dict[DependencyName, Failure]


async def read(request: web.Request, model: type[AnyModel]) -> AnyModel:
    """Read a body. Raises ValueError or pydantic's ValidationError."""
    return model.model_validate(await read_object(request))


async def read_object(request: web.Request) -> dict[str, Any]:
    """Read a body that is a JSON object, or nothing. Raises ValueError."""
    text = await request.text()
    value = json.loads(text) if text else {}
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    return value
