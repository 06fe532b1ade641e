"""NVCF's objects as typed data: what requests carry and what answers hold.

Attributes are snake_case, NVCF's own camelCase is the alias; both are accepted. Every model is frozen. Answers are
read leniently: unknown fields are dropped, and what an old server leaves out is None, so that neither an older nor a
newer server breaks a caller. Statuses stay plain text for the same reason. What a caller gives is read strictly, see
`nvcf_client.endpoints.arguments`.
"""

from nvcf_client.models.accounts import (
    AuthorizedFunction,
    AuthorizedParty,
    Cluster,
    ClusterGroup,
    Gpu,
    InstanceType,
    Queue,
)
from nvcf_client.models.base import Model
from nvcf_client.models.catalogue import (
    ClusterCapacity,
    ClusterQuota,
    GpuQuota,
    InstanceTypeCapacity,
    OfferedInstanceType,
    RegionCapacity,
    Usage,
)
from nvcf_client.models.deployments import (
    RESPONSE_ONLY,
    TOLD_BY_ID,
    UPDATABLE,
    AutoscalingConfiguration,
    Deployment,
    GpuSpecification,
    HealthInfo,
    HelmValidationPolicy,
    KubernetesType,
    ScaleDetails,
    Stickiness,
)
from nvcf_client.models.functions import (
    Artifact,
    EnvironmentVariable,
    Function,
    FunctionDefinition,
    FunctionDetails,
    Health,
    Instance,
    ModelArtifact,
    RateLimit,
    Secret,
    Telemetries,
)

__all__ = [
    "RESPONSE_ONLY",
    "TOLD_BY_ID",
    "UPDATABLE",
    "Artifact",
    "AuthorizedFunction",
    "AuthorizedParty",
    "AutoscalingConfiguration",
    "Cluster",
    "ClusterCapacity",
    "ClusterGroup",
    "ClusterQuota",
    "Deployment",
    "EnvironmentVariable",
    "Function",
    "FunctionDefinition",
    "FunctionDetails",
    "Gpu",
    "GpuQuota",
    "GpuSpecification",
    "Health",
    "HealthInfo",
    "HelmValidationPolicy",
    "Instance",
    "InstanceType",
    "InstanceTypeCapacity",
    "KubernetesType",
    "Model",
    "ModelArtifact",
    "OfferedInstanceType",
    "Queue",
    "RateLimit",
    "RegionCapacity",
    "ScaleDetails",
    "Secret",
    "Stickiness",
    "Telemetries",
    "Usage",
]
