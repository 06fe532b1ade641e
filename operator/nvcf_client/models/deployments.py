"""Deployments and their GPU specifications."""

from typing import Annotated, Any

from pydantic import AliasChoices, Field, JsonValue, PrivateAttr

from nvcf_client.models.base import NULL_IS_EMPTY, Model


class Stickiness(Model):
    """How long a metric must hold before the autoscaler acts: `threshold` out of `size`.

    Durations are ISO-8601 text or a number of seconds, kept as given; NVCF answers text. Compare them by value, with
    `nvcf_client.text.duration_seconds`.
    """

    size: str | int | float
    threshold: str | int | float


class ScaleDetails(Model):
    """One direction of autoscaling: the number of instances is multiplied by `factor` at `threshold` (0..100)."""

    metric: str | None = None
    factor: int | float
    threshold: int | float
    stickiness: Stickiness | None = None


class AutoscalingConfiguration(Model):
    """A specification's own autoscaling, in place of the platform's."""

    scale_up_details: ScaleDetails | None = None
    scale_down_details: ScaleDetails | None = None


class KubernetesType(Model):
    """A Kubernetes kind that a Helm chart may contain."""

    group: str
    version: str
    kind: str


class HelmValidationPolicy(Model):
    """How strictly NVCF validates a Helm chart: `Default` or `Unrestricted`."""

    name: str
    extra_kubernetes_types: tuple[KubernetesType, ...] | None = None


RESPONSE_ONLY = frozenset(
    {
        "gpu_specification_id",
        "cpu_arch",
        "os",
        "driver_version",
        "storage",
        "system_memory",
        "gpu_memory",
    }
)
"""Fields of a GPU specification that only the server sets; they come and go with its catalogue."""

UPDATABLE = frozenset(
    {
        "gpu_specification_id",
        "gpu",
        "instance_type",
        "backend",
        "clusters",
        "min_instances",
        "max_instances",
        "max_request_concurrency",
    }
)
"""Fields of a GPU specification that a PUT carries. It changes the last three; the others identify it."""

TOLD_BY_ID = frozenset({"gpu", "instance_type"})
"""Those of them that are not to be sent beside an id, which identifies the specification alone."""


class GpuSpecification(Model):
    """One kind of instance of a deployment and how many of it may run, in requests and in answers alike.

    The server matches `gpu`, `instance_type` and `backend` case-blind and echoes them as sent. `configuration`
    (Helm values) is kept out of the repr.
    """

    gpu: str
    instance_type: str | None = None
    min_instances: int
    max_instances: int
    backend: str | None = None
    clusters: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    attributes: tuple[str, ...] | None = None
    availability_zones: tuple[str, ...] | None = None
    max_request_concurrency: int | None = None
    configuration: dict[str, JsonValue] | None = Field(default=None, repr=False)
    helm_validation_policy: HelmValidationPolicy | None = None
    preferred_order: int | None = None
    autoscaling_configuration: AutoscalingConfiguration | None = None

    gpu_specification_id: str | None = None
    cpu_arch: str | None = None
    os: str | None = None
    driver_version: str | None = None
    storage: str | None = None
    system_memory: str | None = None
    gpu_memory: str | None = None

    def to_request(self) -> dict[str, Any]:
        """The specification as a POST carries it: as given, without unset and response-only fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(RESPONSE_ONLY))

    def to_update(self) -> dict[str, Any]:
        """The specification as a PUT carries it: its id, else what identifies it, and the numbers to change.

        `backend` and `clusters` go along in any case, for the server wants them repeated.
        """
        fields = set(UPDATABLE - TOLD_BY_ID if self.gpu_specification_id else UPDATABLE)
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, include=fields)


class HealthInfo(Model):
    """Why instances did not come up. Show `error`; the other fields are often placeholders, so join on none of them."""

    error: str | None = None
    icms_request_id: str | None = Field(
        default=None, validation_alias=AliasChoices("icmsRequestId", "sisRequestId", "icms_request_id")
    )
    gpu: str | None = None
    backend: str | None = None
    instance_type: str | None = None

    @property
    def sis_request_id(self) -> str | None:
        """Another name of `icms_request_id`."""
        return self.icms_request_id


class Deployment(Model):
    """The deployment of one function version.

    `deployment_id` is new on every POST (None on old servers): another id means that somebody redeployed. The order
    of `deployment_specifications` is arbitrary and differs from answer to answer. Timestamps are ISO-8601 text with 0
    to 9 fractional digits.
    """

    function_id: str
    function_version_id: str
    deployment_id: str | None = None
    function_name: str | None = None
    nca_id: str
    function_status: str
    health_info: Annotated[tuple[HealthInfo, ...], NULL_IS_EMPTY] = ()
    deployment_specifications: Annotated[tuple[GpuSpecification, ...], NULL_IS_EMPTY] = ()
    created_at: str | None = None
    last_updated_at: str | None = None
    request_queue_url: str | None = None

    _unreadable: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def unreadable(self) -> frozenset[str]:
        """What the answer held in a form that is not known, so that it is missing here, by NVCF's names.

        `healthInfo` is a field; `deploymentSpecifications.backend` one of a specification; `deploymentSpecifications`
        means that a whole specification is missing.
        """
        return self._unreadable
