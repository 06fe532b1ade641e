"""When a poll shows something of a CloudFunction's versions that its record does not say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from nvcf_operator.core.functions.model.metadata import Metadata, Shown
from nvcf_operator.core.model.observed import FunctionStatus
from nvcf_operator.core.rules.poll_rules import AnyListing, DeploymentFingerprint


class ListedVersion(Shown, Protocol):
    """A version of a function in an account's list."""

    @property
    def known_status(self) -> FunctionStatus | None:
        """Its status, if the operator knows it."""


class RegisteredVersions(Protocol):
    """What an account's list shows to CloudFunctions."""

    @property
    def versions(self) -> Mapping[str, ListedVersion]:
        """By version id."""

    @property
    def by_owner(self) -> Mapping[str, tuple[str, ...]]:
        """The versions with an object's mark by its uid, as 32 hex digits, and those of a function by its id."""


@dataclass(frozen=True, slots=True)
class FunctionPollKey:
    """What a poll compares with the list."""

    uid: str
    name: str
    """The name that the manifest gives its function."""
    function_id: str | None
    """The function on record, else that which the manifest names."""
    version_ids: tuple[str, ...]
    """The versions on record, the latest first."""
    credentials_refused: bool
    """The record says that the key was not accepted; before the first reconcile it says nothing."""
    deleting: bool
    secret: tuple[str, str] | None
    """Name and key of the Secret that the manifest names."""
    adopts: bool = False
    """Whether a function of its name may be adopted."""
    awaits_function: bool = False
    """The record says that the account has no such function, or lacks much of what it held."""
    metadata: Metadata | None = None
    """What the manifest says of tags and rate limit, where the versions in use should be so by now. None where they
    need not be, or something keeps them from it."""

    @property
    def mark_uid(self) -> str:
        """The uid as marks hold it: 32 hex digits."""
        return self.uid.replace("-", "").lower()

    @property
    def deployment(self) -> tuple[str, DeploymentFingerprint] | None:
        """None: a CloudFunction has no deployment of its own."""
        return None

    @property
    def holds(self) -> bool:
        """Whether versions are on record."""
        return bool(self.version_ids)

    def is_news(self, listing: AnyListing) -> bool:
        """Whether the list shows other versions than the record, or one in use has other tags or another rate limit.

        A function that is waited for is news as well.
        """
        registered: RegisteredVersions = listing.registered
        if self.awaits_function and registered.by_owner.get(self.function_id or ""):
            return True
        marked = registered.by_owner.get(self.mark_uid, ())
        if self._lacks(listing, self.version_ids) or not set(marked) <= set(self.version_ids):
            return True
        wanted = self.metadata
        return wanted is not None and any(self._is_changed(registered, wanted, item) for item in self.version_ids)

    def _is_changed(self, registered: RegisteredVersions, wanted: Metadata, version: str) -> bool:
        """Whether a version in use is not as the manifest says. One that only a pin keeps in use is not seen here."""
        seen = registered.versions.get(version)
        if seen is None:
            return False
        used = version == self.version_ids[0] or seen.known_status != FunctionStatus.INACTIVE
        return used and bool(wanted.differs(seen, self.mark_uid))

    def is_missing(self, listing: AnyListing) -> bool:
        """Whether the latest version on record is not listed, and nobody here deletes it."""
        return not self.deleting and self._lacks(listing, self.version_ids[:1])

    def _lacks(self, listing: AnyListing, versions: tuple[str, ...]) -> bool:
        return any(version not in listing.entries and version not in listing.skipped for version in versions)
