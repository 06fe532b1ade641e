"""Types of arguments."""

from typing import Any, NotRequired, TypedDict


class ArtifactDto(TypedDict):
    """A model or resource of a function."""

    name: str
    uri: str
    version: str


class AuthorizedPartyDto(TypedDict):
    """An account that may invoke a function."""

    client_id: NotRequired[str]
    nca_id: str


class ContainerEnvironmentEntryDto(TypedDict):
    """A variable of a function's container."""

    key: str
    value: str


class GpuSpecificationDto(TypedDict):
    """A GPU specification of a deployment."""

    availability_zones: NotRequired[list[str]]
    backend: str
    configuration: NotRequired[dict[str, Any]]
    gpu: str
    instance_type: NotRequired[str]
    max_instances: int
    max_request_concurrency: NotRequired[int]
    min_instances: int
