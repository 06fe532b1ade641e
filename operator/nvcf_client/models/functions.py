"""Function versions: what lists identify them by, what they hold, and what registers one."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import AliasChoices, Field, JsonValue, PrivateAttr

from nvcf_client.models.base import REVEALED, Hidden, Model

_ENTRIES = "_entries"


class Instance(Model):
    """A worker that runs, or ran, for a function version."""

    instance_id: str | None = None
    instance_type: str | None = None
    instance_status: str | None = None
    gpu: str | None = None
    backend: str | None = None
    location: str | None = None
    instance_created_at: str | None = None
    instance_updated_at: str | None = None
    function_id: str | None = None
    function_version_id: str | None = None
    nca_id: str | None = None
    sis_request_id: str | None = Field(
        default=None, validation_alias=AliasChoices("sisRequestId", "icmsRequestId", "sis_request_id")
    )


class RateLimit(Model):
    """How many requests a function takes. A rate is a count and a unit of S, M, H or D, such as `100-M, 5-S`."""

    rate_limit: str | None = None
    per_nca_id_rate: dict[str, str] | None = None
    exempted_nca_ids: tuple[str, ...] | None = None
    sync_check: bool | None = None
    per_user_rate: str | None = None


class _Entries(Protocol):
    """What an answer holds of its functions."""

    def details(self, function: "Function") -> "FunctionDetails":
        """All that it holds of one."""


class Function(Model):
    """One version of a function. Lists hold thousands of these, so only what identifies a version is read, and what can
    be changed in place.

    What else a version holds (environment of its container, names of its secrets, arguments) is in
    `FunctionDetails`, which an answer gives on demand; a function in the result of a client's call shows its attributes
    as well, and reads them when the first one is asked for. `active_instances` is None when the server did not say
    (lists; keys without `list_functions_details`).
    """

    id: str
    version_id: str
    nca_id: str
    name: str | None = None
    status: str
    function_type: str | None = None
    container_image: str | None = None
    helm_chart: str | None = None
    description: str | None = None
    created_at: str | None = None
    tags: tuple[str, ...] | None = None
    rate_limit: RateLimit | None = None
    active_instances: tuple[Instance, ...] | None = None
    owned_by_different_account: bool | None = None

    def remember(self, entries: _Entries) -> None:
        """Keep where to read what else the version holds. As with a cached property, it is no part of comparisons."""
        self.__dict__[_ENTRIES] = entries

    if TYPE_CHECKING:

        @property
        def inference_port(self) -> int | None:
            """As in `FunctionDetails`."""

        @property
        def health_uri(self) -> str | None:
            """As in `FunctionDetails`."""

        @property
        def container_args(self) -> str | None:
            """As in `FunctionDetails`."""

        @property
        def container_environment(self) -> "tuple[EnvironmentVariable, ...] | None":
            """As in `FunctionDetails`."""

        @property
        def helm_chart_service_name(self) -> str | None:
            """As in `FunctionDetails`."""

        @property
        def inference_url(self) -> str | None:
            """As in `FunctionDetails`."""

        @property
        def models_field(self) -> "tuple[ModelArtifact, ...] | None":
            """As in `FunctionDetails`."""

        @property
        def resources(self) -> "tuple[Artifact, ...] | None":
            """As in `FunctionDetails`."""

        @property
        def api_body_format(self) -> str | None:
            """As in `FunctionDetails`."""

    else:

        def __getattr__(self, name):
            if name not in _ON_DEMAND:
                return super().__getattr__(name)
            entries = self.__dict__.get(_ENTRIES)
            if entries is None:
                raise AttributeError(f"a Function does not hold {name}: ask the answer for its details()")
            return getattr(entries.details(self), "models" if name == "models_field" else name)


class Health(Model):
    """How NVCF asks a container or chart whether it is up. `timeout` is an ISO-8601 duration."""

    protocol: str
    uri: str
    port: int
    timeout: str | int | float
    expected_status_code: int


class EnvironmentVariable(Model):
    """A variable of a function's container. No text shows its value; lists of the account do, so it is no secret."""

    key: str
    value: Hidden[str]


class Artifact(Model):
    """Files from a registry that NVCF puts beside the container, such as a resource."""

    name: str
    version: str | None = None
    uri: str | None = None


class ModelArtifact(Artifact):
    """A model. NVCF requires `version` and `uri` unless the function is an LLM function, which has `llm_config`."""

    llm_config: dict[str, JsonValue] | None = None


class Telemetries(Model):
    """The account's telemetry endpoints that a function sends to, by id."""

    logs_telemetry_id: str | None = None
    metrics_telemetry_id: str | None = None
    traces_telemetry_id: str | None = None


class Secret(Model):
    """A secret of a function version: text, or a JSON object. No text and no answer of NVCF shows its value."""

    name: str
    value: Hidden[str | dict[str, JsonValue]]


class _Content(Model):
    """What a request to register a version and an answer about it share."""

    inference_port: int | None = None
    health_uri: str | None = None
    health: Health | None = None
    container_args: str | None = Field(default=None, repr=False)
    container_environment: tuple[EnvironmentVariable, ...] | None = Field(default=None, repr=False)
    helm_chart_service_name: str | None = None
    models: tuple[ModelArtifact, ...] | None = None
    resources: tuple[Artifact, ...] | None = None
    api_body_format: str | None = None
    llm_invocation_config: dict[str, JsonValue] | None = None
    telemetries: Telemetries | None = None


class FunctionDetails(_Content, Function):
    """A version of a function with all that it holds.

    NVCF fills in what was not given: `health`, `health_uri`, `description`, `function_type`, `api_body_format`. It
    orders models by name, and tags and resources at random. `secrets` are names, and only present in the answer to a
    registration, and in that to a read with the scope `list_functions_details`.
    """

    inference_url: str | None = None
    secrets: tuple[str, ...] | None = None

    _unreadable: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def unreadable(self) -> frozenset[str]:
        """Fields that the answer held in a form that is not known, so that they are missing here, by NVCF's names."""
        return self._unreadable


_ON_DEMAND = {*FunctionDetails.model_fields, "models_field"} - {*Function.model_fields}
"""Attributes of a version that are read when they are asked for."""


class FunctionDefinition(_Content):
    """A function version to register: a container image or a Helm chart, and how it is called.

    LLM configurations are sent as given, in NVCF's own names. What may be confidential stays out of the repr.
    """

    name: str
    inference_url: str
    container_image: str | None = None
    helm_chart: str | None = None
    function_type: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    rate_limit: RateLimit | None = None
    secrets: tuple[Secret, ...] | None = Field(default=None, repr=False)
    utils_container_image: str | None = None

    def to_request(self) -> dict[str, Any]:
        """The definition as a POST carries it: as given, without what is None, with all values."""
        return to_request(self)

    def confidential(self) -> tuple[str, ...]:
        """The texts that no error may repeat: values of secrets and of environment variables."""
        variables = (item.value.get_secret_value() for item in self.container_environment or ())
        return (*confidential(self.secrets or ()), *variables)


def to_request(model: Model) -> dict[str, Any]:
    """A model as a request carries it, with the values that are hidden otherwise."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True, context=REVEALED)


def confidential(secrets: tuple[Secret, ...]) -> tuple[str, ...]:
    """The texts that the values of secrets consist of."""
    return tuple(text for secret in secrets for text in _texts(secret.value.get_secret_value()))


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield json.dumps(value, ensure_ascii=False)
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case int() | float() if not isinstance(value, bool):
            yield str(value)
