"""What a manifest asks for: `FunctionDeploymentSpec`."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, model_validator

from nvcf_operator.api.common import (
    AdoptionPolicy,
    Credentials,
    DeletionPolicy,
    ManagementPolicy,
    Revision,
    Seconds,
    SecretRef,
    SubdomainName,
    Uuid,
)
from nvcf_operator.api.model import ApiModel, Mutability, cel, changes, of_type, rules
from nvcf_operator.api.specification import (
    CONFIGURATION_LIMIT,
    AutoscalingConfiguration,
    AutoscalingConfigurationPolicy,
    DeploymentSpecification,
    HelmValidation,
    HelmValidationPolicy,
    KubernetesType,
    ScaleDownDetails,
    ScaleUpDetails,
    Stickiness,
)

__all__ = [
    "AdoptionPolicy",
    "AutoscalingConfiguration",
    "AutoscalingConfigurationPolicy",
    "Credentials",
    "DeletionPolicy",
    "DeploymentSpecification",
    "FunctionDeploymentSpec",
    "FunctionRef",
    "HelmValidation",
    "HelmValidationPolicy",
    "ImmutableChange",
    "KubernetesType",
    "ManagementPolicy",
    "OnDrainTimeout",
    "Rollout",
    "ScaleDownDetails",
    "ScaleUpDetails",
    "Seconds",
    "SecretRef",
    "Stickiness",
    "UndeploySpec",
    "Uuid",
    "VersionChange",
]


class VersionChange(StrEnum):
    """How another `functionVersionId` is rolled out."""

    BLUE_GREEN = "BlueGreen"
    RECREATE = "Recreate"


class ImmutableChange(StrEnum):
    """What a change does that NVCF cannot make in place."""

    REJECT = "Reject"
    REDEPLOY = "Redeploy"


class OnDrainTimeout(StrEnum):
    """What follows when a drain takes too long."""

    FORCE = "Force"
    WAIT = "Wait"


class Rollout(ApiModel):
    """How changes that NVCF cannot make in place are rolled out."""

    version_change: Annotated[VersionChange, changes(Mutability.OPERATOR)] = VersionChange.BLUE_GREEN
    """How another `functionVersionId` is rolled out. `BlueGreen`: the new version is deployed and becomes ACTIVE,
    then the old one is drained; in the meantime NVCF spreads requests over both and twice the GPUs are in use.
    `Recreate`: the old version is undeployed before the new one is deployed."""

    immutable_change: Annotated[ImmutableChange, changes(Mutability.OPERATOR)] = ImmutableChange.REJECT
    """What happens when a field changes that NVCF cannot change in place. `Reject`: the resource is Stalled, nothing
    is changed. `Redeploy`: the version is undeployed and deployed again, and does not serve in the meantime."""

    progress_deadline_seconds: Seconds = 3600
    """Seconds that NVCF may take to deploy before that counts as a failure. NVCF itself has no deadline."""


class UndeploySpec(ApiModel):
    """How a deployment is taken down."""

    graceful: Annotated[bool, changes(Mutability.OPERATOR)] = True
    """Whether queued requests are served before the instances are removed. If false, they are lost."""

    drain_timeout_seconds: Seconds = 3600
    """Seconds that a graceful undeployment may take. NVCF itself has no limit."""

    on_drain_timeout: Annotated[OnDrainTimeout, changes(Mutability.OPERATOR)] = OnDrainTimeout.FORCE
    """What happens when `drainTimeoutSeconds` has passed. `Force`: undeploy immediately, queued requests are lost.
    `Wait`: keep waiting."""


class FunctionRef(ApiModel):
    """The CloudFunction to deploy a version of."""

    name: Annotated[
        SubdomainName,
        changes(
            Mutability.FIXED,
            json_schema_extra=rules(
                cel(
                    "self == oldSelf",
                    "functionRef.name is immutable: delete this resource, or create another one for the other function",
                )
            ),
        ),
    ]
    """Name of the CloudFunction, in the namespace of this resource."""

    revision: Annotated[Revision | None, changes(Mutability.ROLLOUT)] = None
    """The revision to deploy. If unset: the latest one that is registered."""


class FunctionDeploymentSpec(ApiModel):
    """The desired deployment of one version of an NVCF function."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            cel(
                "has(self.functionRef) ? !has(self.functionId) && !has(self.functionVersionId)"
                " : has(self.functionId) && has(self.functionVersionId)",
                "set either functionRef, or functionId and functionVersionId",
                field="functionRef",
            )
        )
    )

    function_id: Annotated[
        Uuid | None,
        changes(
            Mutability.FIXED,
            json_schema_extra=rules(
                cel(
                    "self.lowerAscii() == oldSelf.lowerAscii()",
                    "functionId is immutable: delete this resource, or create another one for the other function",
                )
            ),
        ),
    ] = None
    """Id of the function, a UUID in either case."""

    function_version_id: Annotated[Uuid | None, changes(Mutability.ROLLOUT)] = None
    """Id of the version of the function that is to serve, a UUID in either case."""

    function_ref: Annotated[FunctionRef | None, changes(Mutability.ROLLOUT)] = None
    """The CloudFunction whose version to deploy, instead of the two ids."""

    deployment_specifications: Annotated[
        tuple[DeploymentSpecification, ...],
        changes(Mutability.REDEPLOY, min_length=1, max_length=16, json_schema_extra=of_type("atomic")),
    ]
    """The kinds of GPU instances to run the function on, 1 to 16. Adding or removing one cannot be done in place."""

    credentials: Annotated[Credentials | None, changes(Mutability.OPERATOR)] = None
    """Where the NVCF API key is. If unset: the Secret `nvcf-credentials` of this namespace, otherwise the operator's
    own key if the installation lets this namespace use it."""

    rollout: Annotated[Rollout, changes(Mutability.OPERATOR)] = Rollout()
    """How changes that NVCF cannot make in place are rolled out."""

    undeploy: Annotated[UndeploySpec, changes(Mutability.OPERATOR)] = UndeploySpec()
    """How the deployment is taken down."""

    deletion_policy: Annotated[DeletionPolicy, changes(Mutability.OPERATOR)] = DeletionPolicy.DELETE
    """What deleting this resource does. `Delete`: the deployment is taken down first. `Retain`: NVCF is left alone, and
    no credentials are needed."""

    adoption_policy: Annotated[AdoptionPolicy, changes(Mutability.OPERATOR)] = AdoptionPolicy.ADOPT
    """What to do when this version is already deployed. `Adopt`: manage that deployment. `Refuse`: the resource is
    Stalled, nothing is changed."""

    management_policy: Annotated[ManagementPolicy, changes(Mutability.OPERATOR)] = ManagementPolicy.MANAGE
    """`Manage`: make NVCF match this manifest. `Observe`: report, never write to NVCF."""

    suspend: Annotated[bool, changes(Mutability.OPERATOR)] = False
    """Whether NVCF is left as it is until this is false again. Deletion still works. The annotation
    `nvcf-operator.io/paused: "true"` does the same."""

    @model_validator(mode="after")
    def _names_one_version(self) -> "FunctionDeploymentSpec":
        if self.function_ref is None:
            for name, value in (("functionId", self.function_id), ("functionVersionId", self.function_version_id)):
                if value is None:
                    raise ValueError(f"{name} is required where functionRef is not set")
        return self

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the manifest that the API server cannot see, a sentence each with the field's path."""
        return tuple(
            f"spec.deploymentSpecifications[{index}].configuration: {size} bytes as JSON, at most"
            f" {CONFIGURATION_LIMIT} are allowed; move what is large into the chart"
            for index, size in enumerate(item.configuration_bytes for item in self.deployment_specifications)
            if size > CONFIGURATION_LIMIT
        )
