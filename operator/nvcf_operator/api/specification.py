"""One GPU specification of a deployment: NVCF's own fields and names, all that a request may carry.

Only what a manifest sets is sent and compared; what it leaves out is the server's. So nothing here has a default, in
Python or in the CRD.
"""

import json
from enum import StrEnum
from math import isfinite
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer

from nvcf_operator.api.model import ApiModel, Mutability, cel, changes, of_type, rules

CONFIGURATION_LIMIT = 32 * 1024
"""Largest `configuration` in bytes of compact JSON. NVCF took 20 kB and failed with 40 kB."""

Name = Annotated[str, Field(max_length=256)]
Count = Annotated[int, Field(le=2**31 - 1)]
Names = Annotated[tuple[Name, ...], changes(Mutability.REDEPLOY, max_length=64, json_schema_extra=of_type("set"))]

Number = Annotated[float, PlainSerializer(lambda value: int(value) if value.is_integer() else value)]
"""A number that is written as the manifest has it: 2 stays 2 and does not become 2.0."""

Percentage = Annotated[
    int,
    Field(ge=0, le=100),
    BeforeValidator(lambda value: int(value) if isinstance(value, float) and isfinite(value) else value),
]
"""A whole number. One with a fraction, stored under an older CRD, is cut as NVCF cuts it: 75.5 is 75."""

Duration = Annotated[
    str,
    Field(
        max_length=24,
        pattern=r"^PT([0-9]{1,5}H([0-9]{1,5}M)?([0-9]{1,5}(\.[0-9]{1,3})?S)?"
        r"|[0-9]{1,5}M([0-9]{1,5}(\.[0-9]{1,3})?S)?|[0-9]{1,5}(\.[0-9]{1,3})?S)$",
    ),
]
"""An ISO-8601 duration of hours, minutes and seconds: without `PT` and in lower case, what CEL's duration() reads."""

_SIZE = "duration(self.size.substring(2).lowerAscii())"
_THRESHOLD = "duration(self.threshold.substring(2).lowerAscii())"


class Stickiness(ApiModel):
    """For how long the metric must be past its threshold before NVCF acts: `threshold` out of the last `size`."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(f"{_SIZE} <= duration('1h')", "size must not be longer than PT1H", field="size"),
            cel(f"{_THRESHOLD} < {_SIZE}", "threshold must be shorter than size", field="threshold"),
        )
    )

    size: Duration
    """Length of the window that is evaluated, as an ISO-8601 duration of hours, minutes and seconds, for example
    `PT10M`. PT1H at most."""

    threshold: Duration
    """How much of the window the metric must have been past its threshold, as an ISO-8601 duration shorter than
    `size`."""


class _ScaleDetails(ApiModel):
    metric: Annotated[str | None, Field(min_length=1, max_length=256)] = None
    """Name of the metric that is evaluated. Chosen by the server if unset."""

    threshold: Percentage
    """Value of the metric at which NVCF acts, a whole number from 0 to 100."""

    stickiness: Stickiness | None = None
    """For how long the metric must be past `threshold`. Chosen by the server if unset."""


class ScaleUpDetails(_ScaleDetails):
    """When and how fast instances are added."""

    factor: Annotated[Number, Field(gt=1)]
    """Factor by which NVCF raises the number of instances; greater than 1."""


class ScaleDownDetails(_ScaleDetails):
    """When and how fast instances are removed."""

    factor: Annotated[Number, Field(gt=0, lt=1)]
    """Factor by which NVCF lowers the number of instances; greater than 0 and less than 1."""


class AutoscalingConfiguration(ApiModel):
    """When NVCF adds and removes instances between `minInstances` and `maxInstances`."""

    scale_up_details: ScaleUpDetails | None = None
    """When and how fast instances are added. Chosen by the server if unset."""

    scale_down_details: ScaleDownDetails | None = None
    """When and how fast instances are removed. Chosen by the server if unset."""


class AutoscalingConfigurationPolicy(StrEnum):
    """Whose autoscaling rules apply."""

    CUSTOM = "CUSTOM_CONFIGURATION"
    PLATFORM = "PLATFORM_CONFIGURATION"


class HelmValidation(StrEnum):
    """How strictly NVCF validates what a Helm chart renders."""

    DEFAULT = "Default"
    UNRESTRICTED = "Unrestricted"


class KubernetesType(ApiModel):
    """A kind of Kubernetes object."""

    group: Annotated[str, Field(min_length=1, max_length=253)]
    """API group of the kind, for example `batch`. NVCF takes no empty group, so the core kinds cannot be named."""

    version: Annotated[str, Field(min_length=1, max_length=63)]
    """API version of the kind, for example `v1`."""

    kind: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the kind, for example `Job`."""


class HelmValidationPolicy(ApiModel):
    """How NVCF validates what the function's Helm chart renders."""

    name: HelmValidation
    """Name of the policy in NVCF's words, `Default` or `Unrestricted`."""

    extra_kubernetes_types: Annotated[
        tuple[KubernetesType, ...] | None, Field(min_length=1, max_length=64, json_schema_extra=of_type("atomic"))
    ] = None
    """Kinds permitted beyond those of the policy."""


class DeploymentSpecification(ApiModel):
    """One kind of GPU instance for the function and how many of it NVCF may run."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "self.minInstances <= self.maxInstances",
                "minInstances must not be greater than maxInstances",
                field="minInstances",
            ),
            cel(
                "!has(self.backend) || size(self.backend) == 0 || !has(self.clusters) || size(self.clusters) == 0",
                "backend and clusters are mutually exclusive: clusters is the current form, backend the legacy one",
                field="clusters",
            ),
            cel(
                "!has(self.autoscalingConfigurationPolicy) || !has(self.autoscalingConfiguration)"
                " || self.autoscalingConfigurationPolicy != 'PLATFORM_CONFIGURATION'",
                "autoscalingConfigurationPolicy PLATFORM_CONFIGURATION removes a custom autoscaling and so excludes"
                " autoscalingConfiguration",
                field="autoscalingConfiguration",
            ),
        )
    )

    gpu: Annotated[str, changes(Mutability.REDEPLOY, min_length=1, max_length=256)]
    """Name of the GPU as in NVCF's catalogue, for example `L40S`; case-insensitive."""

    instance_type: Annotated[str | None, changes(Mutability.REDEPLOY, min_length=1, max_length=256)] = None
    """Instance type as in NVCF's catalogue, for example `NCP.GPU.L40S_1x`; case-insensitive. Current servers require
    it, old ones do not."""

    min_instances: Annotated[Count, changes(Mutability.PATCH, ge=0)]
    """Minimum number of instances that NVCF keeps running. 0 scales to zero when there are no requests."""

    max_instances: Annotated[Count, changes(Mutability.PATCH, ge=1)]
    """Maximum number of instances that NVCF may run."""

    max_request_concurrency: Annotated[int | None, changes(Mutability.PUT, ge=1, le=16384)] = None
    """Requests that one instance may handle at a time. The server's default is 1; old servers take 1024 at most."""

    backend: Annotated[Name | None, changes(Mutability.REDEPLOY)] = None
    """Legacy name of the place to deploy to. Old servers require it; excludes a non-empty `clusters`."""

    clusters: Names | None = None
    """Clusters that may run the instances. Not restricted when unset."""

    regions: Names | None = None
    """Regions that may run the instances. Not restricted when unset."""

    attributes: Names | None = None
    """Attributes that a cluster must have to run the instances."""

    availability_zones: Names | None = None
    """Availability zones that may run the instances. Not restricted when unset."""

    preferred_order: Annotated[int | None, changes(Mutability.REDEPLOY, ge=1, le=99)] = None
    """Place of this specification in NVCF's order of preference, 1 to 99. The server's default is 1."""

    configuration: Annotated[
        dict[str, JsonValue] | None, changes(Mutability.REDEPLOY, max_length=256), Field(repr=False)
    ] = None
    """Values for the function's Helm chart, which override the chart's own. Only for functions based on a Helm
    chart: NVCF rejects it, even when empty, for a container. At most 32 kB as JSON, which the operator checks. Do
    not put secrets here: everyone who may read this resource can read them."""

    helm_validation_policy: Annotated[HelmValidationPolicy | None, changes(Mutability.REDEPLOY)] = None
    """How NVCF validates what the function's Helm chart renders. Only for functions based on a Helm chart."""

    autoscaling_configuration: Annotated[AutoscalingConfiguration | None, changes(Mutability.PATCH)] = None
    """Autoscaling of this specification, instead of the platform's. Removing it from the manifest changes nothing;
    set `autoscalingConfigurationPolicy: PLATFORM_CONFIGURATION` to remove it."""

    autoscaling_configuration_policy: Annotated[AutoscalingConfigurationPolicy | None, changes(Mutability.PATCH)] = None
    """`CUSTOM_CONFIGURATION`: `autoscalingConfiguration` applies; this is also the case when the policy is unset.
    `PLATFORM_CONFIGURATION`: the platform's autoscaling applies, and a custom one is removed."""

    @property
    def configuration_bytes(self) -> int:
        """Size of `configuration` as compact JSON, in bytes; 0 when there is none."""
        if self.configuration is None:
            return 0
        return len(json.dumps(self.configuration, separators=(",", ":"), ensure_ascii=False).encode())
