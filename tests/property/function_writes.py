"""What is written down of each change of a version that was asked for in NVCF, and how the world really was then."""

from dataclasses import dataclass, field
from typing import Any

from nvcf_operator.api.names import Key
from tests.property.registry_model import Version
from tests.property.row_races import Change
from tests.property.secrets_model import SecretStore

IN_PLACE = ("PUT", "DELETE rate limit", "PUT secrets")
"""The changes of a version that was registered."""


@dataclass(frozen=True, slots=True)
class RowAsItWas:
    """What can change of a version, at one moment."""

    tags: frozenset[str]
    rate_limit: dict[str, Any] | None
    secrets: dict[str, Any]
    touched_at: float
    """When somebody else changed its tags or rate limit last."""

    @classmethod
    def of(cls, version: Version) -> "RowAsItWas":
        """As it is by now."""
        return cls(version.tags, version.rate_limit, dict(version.secrets), version.touched_at)


@dataclass(slots=True)
class FunctionWrite:
    """A change of versions that was asked for in NVCF, and how the world really was then."""

    at: float
    kind: str
    """POST, DELETE, or one of `IN_PLACE`."""
    key: Key | None
    """The CloudFunction that was reconciled; None for one that is gone."""
    latest: dict[str, Any] | None
    """That object as it really was."""
    objects: tuple[tuple[Key, dict[str, Any]], ...]
    """All objects as they really were."""
    process: int
    tampered: bool
    body: dict[str, Any]
    """Of a POST or PUT."""
    function_id: str | None
    version: Version | None
    """Which one it is about, but for a POST."""
    row: RowAsItWas | None
    """That version as it really was."""
    deployed: bool
    """Whether NVCF had a deployment of it."""
    rows: tuple[Version, ...]
    """The versions that showed."""
    coming: tuple[Version, ...]
    """The versions whose POSTs still ran."""
    secrets: SecretStore
    changing: tuple[Change, ...] = ()
    """The changes of that version that still ran."""
    posting: tuple[tuple[str, int], ...] = ()
    """The uid and the process of each POST of its deployment that still ran."""

    @property
    def version_id(self) -> str:
        """Of the version that it is about."""
        return self.version.version_id if self.version is not None else ""


@dataclass(slots=True)
class DeploymentAsked:
    """What was true of a version when a change of its deployment was asked for."""

    version: Version | None
    row: RowAsItWas | None
    objects: tuple[tuple[Key, dict[str, Any]], ...] = field(repr=False)
    changing: tuple[Change, ...]
    process: int
