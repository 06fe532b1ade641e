"""What a caller gives to create a function or a version of one."""

from pydantic import Field, JsonValue

from nvcf_client.models import Model


class Health(Model):
    """How NVCF asks a container or chart whether it is up. `timeout` is an ISO-8601 duration."""

    protocol: str
    uri: str
    port: int
    timeout: str | int | float
    expected_status_code: int


class FunctionDefinition(Model):
    """A function to create: a container image or a Helm chart, and how it is called.

    Nested objects without a type of their own (`models`, `resources`, `telemetries`, ...) are sent as given, in
    NVCF's own names. What may hold secrets stays out of the repr.
    """

    name: str
    inference_url: str
    inference_port: int | None = None
    health_uri: str | None = None
    health: Health | None = None
    container_image: str | None = None
    container_args: str | None = Field(default=None, repr=False)
    container_environment: tuple[dict[str, JsonValue], ...] | None = Field(default=None, repr=False)
    helm_chart: str | None = None
    helm_chart_service_name: str | None = None
    models: tuple[dict[str, JsonValue], ...] | None = None
    resources: tuple[dict[str, JsonValue], ...] | None = None
    api_body_format: str | None = None
    function_type: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None
    secrets: tuple[dict[str, JsonValue], ...] | None = Field(default=None, repr=False)
    rate_limit: dict[str, JsonValue] | None = None
    llm_invocation_config: dict[str, JsonValue] | None = None
    telemetries: dict[str, JsonValue] | None = None
