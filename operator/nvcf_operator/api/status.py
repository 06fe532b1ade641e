"""What the operator found, did and must remember, with the conditions, which people and tools read first.

What echoes NVCF is plain text without enum, pattern or format, so that a new value of the server never fails a write.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from nvcf_operator.api.common import LastWrite, Retry, StatusModel
from nvcf_operator.api.conditions import (
    AVAILABLE,
    CREDENTIALS_VALID,
    DELETION_BLOCKED,
    MESSAGE_LIMIT,
    READY,
    RECONCILING,
    STALLED,
    Condition,
    merge,
)
from nvcf_operator.api.model import ApiModel, Time, of_type

__all__ = [
    "AVAILABLE",
    "CONDITION_TYPES",
    "CREDENTIALS_VALID",
    "DELETION_BLOCKED",
    "MESSAGE_LIMIT",
    "READY",
    "RECONCILING",
    "STALLED",
    "Condition",
    "Failed",
    "FunctionDeploymentStatus",
    "Incoming",
    "Intent",
    "LastWrite",
    "ObservedGpuSpecification",
    "Phase",
    "Retiring",
    "Retry",
    "TakenReference",
    "merge",
]

CONDITION_TYPES: Final[Mapping[str, str]] = {
    READY: "The manifest of `observedGeneration` is fully in effect.",
    AVAILABLE: "A version managed by this resource is serving.",
    RECONCILING: "The operator is working, or waiting for NVCF, to apply the manifest. Never True with Stalled.",
    STALLED: "The operator cannot proceed on its own; the message says what you can do. Never True with Reconciling.",
    CREDENTIALS_VALID: "The API key was accepted by NVCF and has the scopes that the operator needs.",
    DELETION_BLOCKED: "Only while deleting: the deployment cannot be undeployed; the message says why and how to "
    "unblock it.",
}
"""Every type of condition in the order in which they are written, with its meaning when True."""


class Phase(StrEnum):
    """One word for people: where the deployment stands. Tools should read the conditions."""

    PENDING = "Pending"
    DEPLOYING = "Deploying"
    ACTIVE = "Active"
    DEGRADED = "Degraded"
    ROLLING_OUT = "RollingOut"
    DRAINING = "Draining"
    SUSPENDED = "Suspended"
    OBSERVING = "Observing"
    FAILED = "Failed"


class ObservedGpuSpecification(ApiModel):
    """A GPU specification as NVCF last reported it."""

    gpu_specification_id: str | None = None
    """NVCF's id of the specification. Old servers have none."""

    gpu: str | None = None
    """Name of the GPU."""

    instance_type: str | None = None
    """Instance type."""

    min_instances: int | None = None
    """Minimum number of instances that NVCF keeps running."""

    max_instances: int | None = None
    """Maximum number of instances that NVCF may run."""


class Incoming(ApiModel):
    """The version that a rollout brings up."""

    function_version_id: str
    """Id of the version."""

    deployment_id: str | None = None
    """NVCF's id of its deployment, once there is one."""

    since: Time | None = None
    """When its rollout began."""


class Retiring(ApiModel):
    """A version that is being undeployed."""

    function_version_id: str
    """Id of the version."""

    deployment_id: str | None = None
    """NVCF's id of the deployment that is being undeployed. The record says nothing about another one."""

    since: Time | None = None
    """When its undeployment began."""

    deadline: Time | None = None
    """When the drain is overdue."""

    forced: bool = False
    """Whether the drain was cut short."""

    queued_requests: int | None = None
    """Requests in the queue when the drain began, as far as that is known. Needs `--queue-depth`."""


class Intent(ApiModel):
    """The POST that is under way, or was last: recorded before it is sent, so that a crash in between is detected.

    It is open until `answered`; until then the POST may or may not have reached NVCF.
    """

    uid: str
    """The `metadata.uid` of the object that it was written for. In a copy or a restored object it means nothing."""

    function_version_id: str
    """The version to deploy."""

    token: str
    """Name of this one POST."""

    specifications: int = 1
    """GPU specifications that ask for instances. NVCF serves them one after the other, so each takes its time."""

    answered: bool = False
    """Whether the answer to the POST is known."""

    deployment_id: str | None = None
    """NVCF's id of the deployment that the POST made, once that is known."""

    last_updated_at: str | None = None
    """NVCF's `lastUpdatedAt` of that deployment, as text. A deployment with an older one was there before."""


class Failed(ApiModel):
    """A version that was given up, until the manifest changes or reconcile-now."""

    function_version_id: str
    """Id of the version."""

    generation: int
    """The `metadata.generation` that asked for it."""

    reason: str = ""
    """Why it was given up."""


class TakenReference(ApiModel):
    """What was taken from the CloudFunction that `spec.functionRef` names."""

    generation: int
    """The CloudFunction's `metadata.generation`."""

    hash: str
    """Hash of its template."""

    revision: str | None = None
    """Its revision, if it has one."""


class FunctionDeploymentStatus(StatusModel):
    """What the operator found, did and must remember."""

    conditions: Annotated[tuple[Condition, ...], Field(json_schema_extra=of_type("map", keys=["type"]))] = ()
    """Ready, Available, Reconciling, Stalled, CredentialsValid and, while deleting, DeletionBlocked."""

    phase: str | None = None
    """One word for people: Pending, Deploying, Active, Degraded, RollingOut, Draining, Suspended, Observing, Failed."""

    account_id: str | None = None
    """The NVCF account (`ncaId`) that holds the function."""

    credential: str | None = None
    """Short salted fingerprint of the API key that proved the account. Says nothing about the key itself."""

    function_id: str | None = None
    """Id of the function."""

    function_name: str | None = None
    """Name of the function."""

    function_ref: TakenReference | None = None
    """What was taken from the CloudFunction that `spec.functionRef` names."""

    function_version_id: str | None = None
    """The version that serves, or that is to serve while none does."""

    deployment_id: str | None = None
    """NVCF's id of that version's deployment. Old servers have none."""

    function_status: str | None = None
    """That version's status in NVCF's words."""

    gpu_specifications: Annotated[tuple[ObservedGpuSpecification, ...], Field(json_schema_extra=of_type("atomic"))] = ()
    """The GPU specifications as NVCF last reported them."""

    instances: str | None = None
    """Instances ordered, minimum and maximum, as one text like `1-4`."""

    running: int | None = None
    """Instances of that version that run, as of the last read of them; absent while that is not known. Needs
    `--running-instances`, and a key with the scope `list_functions_details`."""

    intent: Intent | None = None
    """The POST that is under way, or was last."""

    incoming: Incoming | None = None
    """The version that a rollout brings up."""

    retiring: Annotated[tuple[Retiring, ...], Field(json_schema_extra=of_type("map", keys=["functionVersionId"]))] = ()
    """Versions that are being undeployed."""

    failed: Failed | None = None
    """A version that was given up."""

    progressing_since: Time | None = None
    """Start of the current progress deadline."""

    last_write: LastWrite | None = None
    """The last change made in NVCF."""

    health: Annotated[tuple[str, ...], Field(json_schema_extra=of_type("atomic"))] = ()
    """What NVCF says about instances that did not come up: 10 messages of 512 characters at most."""

    retry: Retry | None = None
    """This resource's own failures."""

    last_handled_reconcile_at: str | None = None
    """Token of the last `nvcf-operator.io/reconcile-requested-at` that was acted on."""

    last_handled_redeploy_at: str | None = None
    """Token of the last `nvcf-operator.io/redeploy-requested-at` that was acted on."""
