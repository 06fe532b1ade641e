"""What was seen of a CloudFunction: its versions, its Secrets, and what became of this process's changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nvcf_operator.core.functions.model.mark import Mark
from nvcf_operator.core.model.observed import Failure, FunctionStatus


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """One version of a function as the account's list, or a read of the version itself, shows it."""

    function_id: str
    version_id: str
    name: str
    status: str
    """NVCF's word."""
    mark: Mark | None
    """None where the version has no mark, or one that cannot be read: it is nobody's to delete."""
    meaning: str
    """Digest of its content with the server's defaults filled in. Equal digests need no other version. Empty where its
    content is not known, or cannot be read."""
    created_at: datetime | None = None
    """None where NVCF shows none, or none that can be read."""
    account_id: str | None = None
    """The account that holds it, where NVCF says so."""
    tags: frozenset[str] = frozenset()
    """All its tags, a mark among them."""
    rate_limit: str | None = None
    """Its rate limit in the one form of all spellings (`model.rate_limit`); None where it has none."""
    secret_names: frozenset[str] | None = None
    """The names of its secrets; None where they are not shown, as in lists."""
    unreadable: frozenset[str] = frozenset()
    """Of `tags` and `rateLimit`, what NVCF shows in a form that is not known: it is neither compared nor replaced."""

    @property
    def known_status(self) -> FunctionStatus | None:
        """The status, if the operator knows it."""
        return FunctionStatus.of(self.status)

    @property
    def is_deployed(self) -> bool:
        """Whether NVCF shows it with a deployment, or with a word that the operator does not know."""
        return self.known_status != FunctionStatus.INACTIVE


@dataclass(frozen=True, slots=True)
class SecretsSeen:
    """What the Secrets behind `spec.secrets` are by now. It holds no value, nor anything made of one."""

    sources: str | None = None
    """Digest over uid, resourceVersion, key and name of each; None while not all of them can be read."""
    failure: Failure | None = None
    """Why not all of them can be read, or sent."""
    changed_since: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Digest by digest, as far as this process has seen that one: the secrets whose value is another now. None of them
    where only the metadata of a Secret have changed."""
    large: bool = False
    """Whether the values are together larger than hosted NVCF is documented to accept."""


@dataclass(frozen=True, slots=True)
class RefusedChange:
    """A change of a version in place that NVCF has refused."""

    name: str
    """Of the change, by its content."""
    failure: Failure
    left: float
    """Seconds until it is tried again."""
    request: str | None = None
    """The token of the request to reconcile that it answered."""


@dataclass(frozen=True, slots=True)
class LastChange:
    """The last change of a version's tags or rate limit that this process has made."""

    name: str
    """What the manifest said then."""
    seconds: float
    """Since then."""
    repeats: bool
    """Whether it repeated another one that NVCF had undone."""
    request: str | None = None
    """The token of the request to reconcile that it answered."""
