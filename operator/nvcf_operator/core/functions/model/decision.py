"""What a decision on a CloudFunction says: at most one write, the conditions, and what goes on record."""

from dataclasses import dataclass
from enum import StrEnum

from nvcf_operator.api.common import LastWrite, Retry
from nvcf_operator.api.function_status import FailedTemplate, LatestVersion, RegisteredVersion, Registration
from nvcf_operator.core.model.decision import AnyDecision, DropFinalizer, TakeFinalizer


@dataclass(frozen=True, slots=True)
class Register:
    """Write the intent, then POST a version, with the mark among its tags. The actuator names the POST by a token.

    The content is the manifest's: the actuator sends the template, description, tags and rate limit of the resource
    that was decided on, and only while that is proven to be current.
    """

    function_id: str | None
    """The function that gets the version; None: a new function."""
    hash: str
    """Of the template; with the generation it names what is registered."""
    revision: str | None = None


class DeletionPurpose(StrEnum):
    """Why a version is deleted."""

    DUPLICATE = "duplicate"
    """A POST that was given up has registered its version after all, and another one is in use."""
    UNUSED = "unused"
    """A former version that nobody uses and that the history does not keep."""
    RESOURCE_GONE = "resource gone"
    """The CloudFunction is being deleted."""


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """DELETE a version that bears this object's mark. The last version takes its function with it."""

    function_id: str
    version_id: str
    purpose: DeletionPurpose


@dataclass(frozen=True, slots=True)
class UpdateVersion:
    """PUT tags, rate limit or both of a version. What is None stays as it is."""

    function_id: str
    version_id: str
    tags: frozenset[str] | None = None
    """All tags that the version is to have, the mark among them."""
    rate_limit: bool = False
    """Whether the manifest's rate limit is sent."""
    corrects: tuple[str, ...] = ()
    """The fields that were as the manifest says, and that somebody else has changed since."""


@dataclass(frozen=True, slots=True)
class RemoveRateLimit:
    """DELETE the rate limit of a version."""

    function_id: str
    version_id: str
    corrects: tuple[str, ...] = ()
    """As of `UpdateVersion`."""


@dataclass(frozen=True, slots=True)
class SendSecrets:
    """PUT values of secrets of a version that has secrets. The actuator adds the values that were just read."""

    function_id: str
    version_id: str
    sources: str
    """Digest of the Secrets that the values are from."""
    names: frozenset[str]
    """The secrets whose values are sent."""


InPlaceAction = UpdateVersion | RemoveRateLimit | SendSecrets
"""A change of a version in place."""

FunctionAction = Register | DeleteVersion | InPlaceAction | TakeFinalizer | DropFinalizer


@dataclass(frozen=True, slots=True)
class FunctionRecordUpdate:
    """What goes on record with a decision, beside the conditions."""

    function_id: str | None
    latest: LatestVersion | None
    versions: tuple[RegisteredVersion, ...]
    intent: Registration | None
    failed: FailedTemplate | None
    last_write: LastWrite | None
    retry: Retry | None
    new_version_handled: str | None
    """The token of the request for another version that was answered last."""
    new_function_handled: str | None
    """The token of the request for a new function that was answered last."""
    secrets_handled: str | None
    """The token of the request to send all secrets again that was answered last."""


@dataclass(frozen=True, slots=True)
class FunctionDecision(AnyDecision):
    """What is to be done in one situation of a CloudFunction."""

    action: FunctionAction | None = None
    taken: str | None = None
    """The version that has the content of the manifest: it is the latest one from now on."""
    record: FunctionRecordUpdate | None = None
    """What goes on record; `decide` adds it to what the table of situations gives."""


def write(action: FunctionAction, *, drift: tuple[str, ...] = ()) -> FunctionDecision:
    """Decide to write."""
    return FunctionDecision(action=action, drift=drift)
