"""What a manifest asks for: `FunctionDeploymentSpec`."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from nvcf_operator.api import names
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
    "HelmValidation",
    "HelmValidationPolicy",
    "ImmutableChange",
    "KubernetesType",
    "ManagementPolicy",
    "OnDrainTimeout",
    "Rollout",
    "ScaleDownDetails",
    "ScaleUpDetails",
    "SecretRef",
    "Stickiness",
    "UndeploySpec",
    "VersionChange",
]

Uuid = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        max_length=36,
        to_lower=True,
    ),
]
"""An id of NVCF. Manifests may write it in either case; NVCF echoes lower case, and lower case is what is read here."""

Seconds = Annotated[int, changes(Mutability.OPERATOR, ge=1, le=2**31 - 1)]
"""A whole number of seconds, at least one."""


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


class DeletionPolicy(StrEnum):
    """What deleting the resource does to the deployment."""

    DELETE = "Delete"
    RETAIN = "Retain"


class AdoptionPolicy(StrEnum):
    """What to do about a deployment that somebody else made."""

    ADOPT = "Adopt"
    REFUSE = "Refuse"


class ManagementPolicy(StrEnum):
    """Whether the operator may write to NVCF for this resource."""

    MANAGE = "Manage"
    OBSERVE = "Observe"


class SecretRef(ApiModel):
    """A key of a Secret in the resource's own namespace."""

    name: Annotated[
        str,
        changes(
            Mutability.OPERATOR,
            min_length=1,
            max_length=253,
            pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        ),
    ]
    """Name of the Secret. It must be one that the operator's RBAC lets it read (`nvcf-credentials` unless the
    installation says otherwise)."""

    key: Annotated[str, changes(Mutability.OPERATOR, min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] = (
        names.DEFAULT_SECRET_KEY
    )
    """Key of the Secret that holds the NVCF API key."""


class Credentials(ApiModel):
    """Where the NVCF API key is."""

    secret_ref: Annotated[SecretRef, changes(Mutability.OPERATOR)]
    """The Secret with the API key, in the namespace of this resource. It may contain `NVCF_BASE_URL`, which must
    then be one of the base URLs that the operator allows."""


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


class FunctionDeploymentSpec(ApiModel):
    """The desired deployment of one version of an NVCF function."""

    function_id: Annotated[
        Uuid,
        changes(
            Mutability.FIXED,
            json_schema_extra=rules(
                cel(
                    "self.lowerAscii() == oldSelf.lowerAscii()",
                    "functionId is immutable: delete this resource, or create another one for the other function",
                )
            ),
        ),
    ]
    """Id of the function, a UUID in either case."""

    function_version_id: Annotated[Uuid, changes(Mutability.ROLLOUT)]
    """Id of the version of the function that is to serve, a UUID in either case."""

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

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the manifest that the API server cannot see, a sentence each with the field's path."""
        return tuple(
            f"spec.deploymentSpecifications[{index}].configuration: {size} bytes as JSON, at most"
            f" {CONFIGURATION_LIMIT} are allowed; move what is large into the chart"
            for index, size in enumerate(item.configuration_bytes for item in self.deployment_specifications)
            if size > CONFIGURATION_LIMIT
        )
