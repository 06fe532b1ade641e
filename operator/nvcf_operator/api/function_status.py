"""What the operator found, did and must remember of a function: `CloudFunctionStatus`.

What echoes NVCF is plain text without enum, pattern or format, so that a new value of the server never fails a write.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from nvcf_operator.api.common import LastWrite, Retry, StatusModel
from nvcf_operator.api.conditions import (
    CREDENTIALS_VALID,
    DELETION_BLOCKED,
    READY,
    RECONCILING,
    REGISTERED,
    SECRETS_SYNCED,
    STALLED,
    Condition,
)
from nvcf_operator.api.model import ApiModel, Time, of_type

FUNCTION_CONDITION_TYPES: Final[Mapping[str, str]] = {
    READY: "The template of `observedGeneration` is registered, and everything else in the manifest is in effect.",
    REGISTERED: "The function has a version that this resource registered.",
    RECONCILING: "The operator is working, or waiting for NVCF, to apply the manifest. Never True with Stalled.",
    STALLED: "The operator cannot proceed on its own; the message says what you can do. Never True with Reconciling.",
    CREDENTIALS_VALID: "The API key was accepted by NVCF and has the scopes that the operator needs.",
    SECRETS_SYNCED: "The versions in use have the values of all secrets.",
    DELETION_BLOCKED: "Only while deleting: the function cannot be deleted; the message says why and how to unblock "
    "it.",
}
"""Every type of condition in the order in which they are written, with its meaning when True."""


class FunctionPhase(StrEnum):
    """One word for people: where the function stands. Tools should read the conditions."""

    PENDING = "Pending"
    REGISTERING = "Registering"
    REGISTERED = "Registered"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    OBSERVING = "Observing"
    FAILED = "Failed"
    DELETING = "Deleting"


class LatestVersion(ApiModel):
    """The version that a FunctionDeployment without a pinned revision follows."""

    version_id: str
    """Id of the version."""

    hash: str
    """Hash of its template."""

    revision: str | None = None
    """Its revision, if it has one."""

    generation: int
    """The `metadata.generation` whose template it is."""


class RegisteredVersion(ApiModel):
    """A version of the function that this resource registered."""

    version_id: str
    """Id of the version."""

    hash: str
    """Hash of its template."""

    revision: str | None = None
    """Its revision, if it has one."""

    created_at: Time | None = None
    """When NVCF registered it."""

    served: bool = False
    """Whether it has served requests."""

    leaving: bool = False
    """Whether its deletion was requested, so that it is never used again."""

    secrets: str | None = None
    """Which Secrets its secrets were sent from, as a digest. Says nothing about their values."""

    secret_names: str | None = None
    """Which secrets it has, as a digest of their names."""


class Registration(ApiModel):
    """The POST that is under way, or was last: recorded before it is sent, so that a crash in between is detected.

    It is open until `answered`; until then the POST may or may not have registered a version.
    """

    uid: str
    """The `metadata.uid` of the object that it was written for. In a copy or a restored object it means nothing."""

    hash: str
    """Hash of the template."""

    revision: str | None = None
    """The revision, if it has one."""

    token: str
    """Name of this one POST. The version bears it in a tag."""

    function_id: str | None = None
    """The function that gets the version. If unset, a new function."""

    secrets: str | None = None
    """Which Secrets the values in it are from, as a digest. Says nothing about their values."""

    secret_names: str | None = None
    """Which secrets the version gets, as a digest of their names."""

    answered: bool = False
    """Whether the answer to the POST is known."""


class FailedTemplate(ApiModel):
    """A template that NVCF refused, until the manifest changes or reconcile-now."""

    hash: str
    """Hash of the template."""

    generation: int
    """The `metadata.generation` that asked for it."""

    reason: str = ""
    """Why it was refused."""


class CloudFunctionStatus(StatusModel):
    """What the operator found, did and must remember."""

    conditions: Annotated[tuple[Condition, ...], Field(json_schema_extra=of_type("map", keys=["type"]))] = ()
    """Ready, Registered, Reconciling, Stalled, CredentialsValid, SecretsSynced and, while deleting, DeletionBlocked."""

    phase: str | None = None
    """One word for people: Pending, Registering, Registered, Degraded, Suspended, Observing, Failed, Deleting."""

    account_id: str | None = None
    """The NVCF account (`ncaId`) that holds the function."""

    credential: str | None = None
    """Short salted fingerprint of the API key that proved the account. Says nothing about the key itself."""

    function_id: str | None = None
    """Id of the function: the address of its clients."""

    latest: LatestVersion | None = None
    """The version that FunctionDeployments without a pinned revision follow."""

    versions: Annotated[tuple[RegisteredVersion, ...], Field(json_schema_extra=of_type("atomic"))] = ()
    """Versions that this resource registered: the latest first, then former ones, most recent first."""

    intent: Registration | None = None
    """The POST that is under way, or was last."""

    failed: FailedTemplate | None = None
    """A template that NVCF refused."""

    last_write: LastWrite | None = None
    """The last change made in NVCF."""

    retry: Retry | None = None
    """This resource's own failures."""

    last_handled_reconcile_at: str | None = None
    """Token of the last `nvcf-operator.io/reconcile-requested-at` that was acted on."""

    last_handled_new_version_at: str | None = None
    """Token of the last `nvcf-operator.io/new-version-requested-at` that was acted on."""

    last_handled_new_function_at: str | None = None
    """Token of the last `nvcf-operator.io/new-function-requested-at` that was acted on."""

    last_handled_secrets_at: str | None = None
    """Token of the last `nvcf-operator.io/secrets-requested-at` that was acted on."""
