"""The writes that a decision may ask for. At most one of those to NVCF is carried out per reconcile."""

from dataclasses import dataclass
from enum import StrEnum

from nvcf_client.models import GpuSpecification
from nvcf_operator.core.diff.changes import Patch, Put


@dataclass(frozen=True, slots=True)
class Create:
    """Write the intent, then POST. The finalizer, where the object needs one, is there before."""

    function_version_id: str
    specifications: tuple[GpuSpecification, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """PATCH or PUT the deployment of the wanted version in place."""

    function_version_id: str
    deployment_id: str | None
    change: Patch | Put


class Purpose(StrEnum):
    """Why a version is undeployed."""

    GONE = "gone"
    """No manifest wants it any more."""
    GIVEN_UP = "given up"
    """It did not come up in a rollout, and the former version goes on."""
    REDEPLOY = "redeploy"
    """The manifest differs in fields that only another deployment changes."""
    REQUESTED = "requested"
    """A user asked for another deployment."""
    FAILED = "failed"
    """NVCF has given it up, and only a DELETE ends that."""
    STALE = "stale"
    """NVCF shows the row of an earlier deployment in place of the one that was made since."""


@dataclass(frozen=True, slots=True)
class Undeploy:
    """DELETE the deployment of a version."""

    function_version_id: str
    graceful: bool
    purpose: Purpose = Purpose.GONE
    deployment_id: str | None = None
    """The deployment that was seen. Old servers have no ids."""


@dataclass(frozen=True, slots=True)
class TakeFinalizer:
    """Put our finalizer on the object, before anything of it is ours."""


@dataclass(frozen=True, slots=True)
class DropFinalizer:
    """Take our finalizer off: nothing is left to undeploy, or it is to stay."""


Action = Create | Change | Undeploy | TakeFinalizer | DropFinalizer
