"""What was seen of NVCF: deployments, instances and the account, and why something could not be seen or done.

Seconds are of this process's own monotonic clock.
"""

from dataclasses import dataclass
from enum import StrEnum

from nvcf_client.models import Deployment
from nvcf_operator.core.model.reasons import Reason


class Scope(StrEnum):
    """Whom a failure concerns, and so who else has to wait."""

    CREDENTIAL = "credential"
    RESOURCE = "resource"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that keeps us from knowing or doing. Never taken for absence."""

    reason: Reason
    message: str
    scope: Scope
    retry_after: float | None = None
    """Seconds that the server, the breaker or the credential's probe wants us to wait."""
    words: str = ""
    """NVCF's words to a write of which it leaves open what became of it, with the call and the status; else empty."""
    general: bool = False
    """It says that nothing is sent now, and not what the last call met."""


class FunctionStatus(StrEnum):
    """The statuses of a function version that the operator knows."""

    ACTIVE = "ACTIVE"
    DEPLOYING = "DEPLOYING"
    DEGRADING = "DEGRADING"
    DEGRADED = "DEGRADED"
    INACTIVE = "INACTIVE"
    ERROR = "ERROR"

    @classmethod
    def of(cls, word: str) -> "FunctionStatus | None":
        """The status that a word of NVCF's means, in any letter case; None for one that the operator does not know."""
        return cls._value2member_map_.get(word.upper())  # type: ignore[return-value]

    @property
    def serves(self) -> bool:
        """Whether NVCF takes requests for the version."""
        return self in (FunctionStatus.ACTIVE, FunctionStatus.DEGRADING)


class _Shown:
    """What is asked of a status, wherever NVCF shows it."""

    __slots__ = ()

    status: str

    @property
    def known_status(self) -> FunctionStatus | None:
        """The status, if the operator knows it."""
        return FunctionStatus.of(self.status)

    @property
    def is_inactive(self) -> bool:
        """Whether the deployment is draining, or is only being created."""
        return self.known_status == FunctionStatus.INACTIVE

    @property
    def is_error(self) -> bool:
        """Whether NVCF has given the deployment up, so that it stays there until it is undeployed."""
        return self.known_status == FunctionStatus.ERROR

    @property
    def serves(self) -> bool:
        """Whether the version answers requests."""
        known = self.known_status
        return known is not None and known.serves


@dataclass(frozen=True, slots=True)
class Present(_Shown):
    """NVCF answered GET (or a write) with the deployment."""

    deployment: Deployment

    @property
    def status(self) -> str:  # type: ignore[override]
        """The function's status in NVCF's words."""
        return self.deployment.function_status


@dataclass(frozen=True, slots=True)
class Listed(_Shown):
    """The account's list, asked for after our last own write, shows the recorded deployment with this status."""

    status: str


@dataclass(frozen=True, slots=True)
class Absent:
    """NVCF answered GET with 404. Whether to believe it is decided with the account beside it."""

    absent_for: float
    """Seconds for which this process has seen 404 for this version without a break."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """NVCF could not be asked, or its answer says nothing about the deployment."""

    failure: Failure


Observation = Present | Listed | Absent | Unknown


@dataclass(frozen=True, slots=True)
class InstancesSeen:
    """The instances that NVCF showed of a version, with the function's status in the same answer."""

    status: str
    running: int
    """Instances that run."""
    listed: int
    """Instances that NVCF showed, whatever their state."""
    none_for: float = 0.0
    """Seconds for which every read showed the version ACTIVE and no instance at all."""


class FunctionSeen(StrEnum):
    """What is known of the function version itself."""

    OURS = "ours"
    PUBLIC = "public"
    NOT_FOUND = "not found"
    UNKNOWN = "unknown"


class Proof(StrEnum):
    """Whether the key was shown to belong to the account on record. A 404 counts only with a proof."""

    PROVEN = "proven"
    NEVER_PINNED = "never pinned"
    MISMATCH = "mismatch"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class AccountView:
    """What the account's own list says, as far as this resource is concerned."""

    proof: Proof
    account_id: str | None = None
    """The account that the key's private functions belong to; None when the list holds none."""
    fingerprint: str | None = None
    """The key's fingerprint, salted with the resource's uid."""
