"""The content of a function version, by NVCF's own fields and names: `Template`.

Nothing here has a default, in Python or in the CRD: a template's identity is what its manifest sets. Unlike a field of
a GPU specification, one that is left out is absent, so taking a field out makes a new version.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from nvcf_operator.api.common import Uuid
from nvcf_operator.api.model import ApiModel, cel, of_type, rules
from nvcf_operator.api.specification import Duration

Port = Annotated[int, Field(ge=1, le=65535)]
Address = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=r"^\S+$")]
"""A URI, or the path of one."""

ArtifactName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class FunctionType(StrEnum):
    """How the function is invoked."""

    DEFAULT = "DEFAULT"
    STREAMING = "STREAMING"
    LLM = "LLM"


class HealthProtocol(StrEnum):
    """How NVCF asks whether an instance is up."""

    HTTP = "HTTP"
    GRPC = "gRPC"


class ApiBodyFormat(StrEnum):
    """The form of the requests."""

    CUSTOM = "CUSTOM"
    PREDICT_V2 = "PREDICT_V2"


class Health(ApiModel):
    """How NVCF checks that an instance is up."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "self.protocol == 'gRPC' || self.expectedStatusCode >= 100 && self.expectedStatusCode <= 599",
                "expectedStatusCode must be an HTTP status, 100 to 599",
                field="expectedStatusCode",
            ),
            cel(
                "duration(self.timeout.substring(2).lowerAscii()) > duration('0s')",
                "timeout must be longer than zero",
                field="timeout",
            ),
        )
    )

    protocol: HealthProtocol
    """`HTTP` or `gRPC`."""

    uri: Address
    """Path of the check."""

    port: Port
    """Port of the check."""

    timeout: Duration
    """How long an answer may take, as an ISO-8601 duration of hours, minutes and seconds, for example `PT10S`."""

    expected_status_code: Annotated[int, Field(ge=0, le=2**31 - 1)]
    """Status that means up: an HTTP status, or a gRPC status, where 0 is OK."""


class EnvironmentVariable(ApiModel):
    """A variable of the container's environment."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel("!self.key.startsWith('NVCF_')", "key must not begin with NVCF_: those belong to NVCF", field="key")
        )
    )

    key: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    """Name of the variable. Those that begin with `NVCF_` belong to NVCF."""

    value: Annotated[str, StringConstraints(max_length=32768), Field(repr=False)]
    """Its value. Not for secrets: everyone who may list the account's functions can read it."""


class Artifact(ApiModel):
    """Files from a registry that NVCF puts beside the container."""

    name: ArtifactName
    """Name under which the function finds it."""

    version: ArtifactName
    """Its version."""

    uri: Address
    """Where it is, for example `https://api.ngc.nvidia.com/v2/org/…/files`."""


class ModelArtifact(Artifact):
    """A model that NVCF puts beside the container."""

    llm_config: dict[str, JsonValue] | None = None
    """Configuration of a large language model."""


class Telemetries(ApiModel):
    """The account's telemetry endpoints that the function sends to, by id."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.logsTelemetryId) || has(self.metricsTelemetryId) || has(self.tracesTelemetryId)",
                "telemetries needs at least one of logsTelemetryId, metricsTelemetryId and tracesTelemetryId",
            )
        )
    )

    logs_telemetry_id: Uuid | None = None
    """Id of the endpoint for logs."""

    metrics_telemetry_id: Uuid | None = None
    """Id of the endpoint for metrics."""

    traces_telemetry_id: Uuid | None = None
    """Id of the endpoint for traces."""


class Template(ApiModel):
    """The content of a function version. A change of its meaning is registered as a new version."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.containerImage) || has(self.helmChart) || has(self.models)",
                "set at least one of containerImage, helmChart and models",
                field="containerImage",
            ),
            cel(
                "!has(self.helmChart) || !has(self.containerImage) && !has(self.containerArgs)"
                " && !has(self.containerEnvironment)",
                "helmChart excludes containerImage, containerArgs and containerEnvironment: a chart has its own values",
                field="helmChart",
            ),
            cel(
                "has(self.helmChart) == has(self.helmChartServiceName)",
                "helmChart and helmChartServiceName belong together: set both or none",
                field="helmChartServiceName",
            ),
        )
    )

    function_type: FunctionType | None = None
    """How the function is invoked: `DEFAULT`, which is also the server's default, or `STREAMING`."""

    inference_url: Address
    """Path, or URL, that takes the requests. `/grpc` is for functions that speak gRPC."""

    inference_port: Annotated[
        Port | None,
        Field(
            json_schema_extra=rules(
                cel("!(self in [8080, 8010])", "inferencePort must not be 8080 or 8010, which belong to NVCF")
            )
        ),
    ] = None
    """Port that takes the requests. 8080 and 8010 belong to NVCF."""

    health: Health | None = None
    """How NVCF checks that an instance is up. If unset, the server requests `/v2/health/ready` at `inferencePort`, or
    8000, and expects 200 within 10 s."""

    container_image: Annotated[
        Address | None,
        Field(
            json_schema_extra=rules(
                cel("!self.contains('://')", "containerImage has no scheme: it begins with the registry's host"),
                cel(
                    "!self.startsWith('nvcr.io/') || !self.contains('@') || !self.split('@')[0].contains(':')",
                    "containerImage has a tag and a digest, and nvcr.io takes only one of them: leave the tag out",
                ),
            )
        ),
    ] = None
    """Image of the container, preferably by digest: `nvcr.io/org/image@sha256:…`. Moving a tag later makes no new
    version; `nvcf-operator.io/new-version-requested-at` asks for one."""

    container_args: Annotated[str | None, StringConstraints(min_length=1, max_length=32768), Field(repr=False)] = None
    """Arguments of the container, as one string."""

    container_environment: Annotated[
        tuple[EnvironmentVariable, ...] | None,
        Field(min_length=1, max_length=256, json_schema_extra=of_type("map", keys=["key"])),
    ] = None
    """Environment of the container, in order. At most 64 kB in total, which the operator checks. Not for secrets."""

    helm_chart: Annotated[
        str | None, StringConstraints(min_length=1, max_length=2048, pattern=r"^(https?|oci)://\S+$")
    ] = None
    """URL of the Helm chart: http, https or oci."""

    helm_chart_service_name: Annotated[str | None, StringConstraints(min_length=1, max_length=63)] = None
    """Service of the chart that takes the requests."""

    models: Annotated[
        tuple[ModelArtifact, ...] | None,
        Field(min_length=1, max_length=64, json_schema_extra=of_type("map", keys=["name"])),
    ] = None
    """Models beside the container. Their order means nothing."""

    resources: Annotated[
        tuple[Artifact, ...] | None,
        Field(min_length=1, max_length=64, json_schema_extra=of_type("map", keys=["name"])),
    ] = None
    """Other files beside the container. Their order means nothing."""

    api_body_format: ApiBodyFormat | None = None
    """Form of the requests: `CUSTOM`, which is also the server's default, or `PREDICT_V2`."""

    telemetries: Telemetries | None = None
    """The account's telemetry endpoints that the function sends to."""

    @property
    def environment_bytes(self) -> int:
        """Size of names and values of the environment, in bytes."""
        return sum(len(item.key.encode()) + len(item.value.encode()) for item in self.container_environment or ())
