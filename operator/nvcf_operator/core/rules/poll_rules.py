"""When the account's list is enough, and when the deployment itself must be read.

The list costs one call for all resources of a key; a GET costs one each. The list shows a function's status only, so it
can confirm what is on record and never show that something is gone. NGC's list of deployments is described by its shape
alone, so what it leaves out is no difference, and a difference is never more than a reason to read the deployment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from nvcf_client.models import Deployment
from nvcf_operator.core.diff.compare import all_listed
from nvcf_operator.core.model.observed import FunctionStatus
from nvcf_operator.core.model.reasons import Trait, reasons_with
from nvcf_operator.core.model.references import FollowedFunction
from nvcf_operator.core.model.resource import Resource

Numbers = tuple[str, int, int]
"""Id of a GPU specification (empty when it has none), fewest and most instances."""


@dataclass(frozen=True, slots=True)
class DeploymentFingerprint:
    """A deployment in short."""

    deployment_id: str | None
    specifications: tuple[Numbers, ...]
    """Sorted, since their order is arbitrary; empty when nothing is known of them."""


def deployment_fingerprint(
    deployment_id: str | None, specifications: Iterable[tuple[str | None, int | None, int | None]]
) -> DeploymentFingerprint:
    """Make a fingerprint of an id, and of id, minimum and maximum of each specification."""
    numbers = [
        (name or "", least, most) for name, least, most in specifications if least is not None and most is not None
    ]
    return DeploymentFingerprint(deployment_id, tuple(sorted(numbers)))


def fingerprint_of(deployment: Deployment) -> DeploymentFingerprint:
    """The fingerprint of a deployment as NVCF shows it. Of specifications that cannot all be read nothing is known."""
    if not all_listed(deployment):
        return DeploymentFingerprint(deployment.deployment_id, ())
    return deployment_fingerprint(
        deployment.deployment_id,
        (
            (item.gpu_specification_id, item.min_instances, item.max_instances)
            for item in deployment.deployment_specifications
        ),
    )


def differ(one: DeploymentFingerprint, other: DeploymentFingerprint) -> bool:
    """Whether two fingerprints contradict each other in something that both know."""
    if one.deployment_id and other.deployment_id and one.deployment_id != other.deployment_id:
        return True
    if not one.specifications or not other.specifications:
        return False
    if all(name for name, _, _ in one.specifications + other.specifications):
        return one.specifications != other.specifications
    return sorted(item[1:] for item in one.specifications) != sorted(item[1:] for item in other.specifications)


CONFIRMED = reasons_with(Trait.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Entry:
    """A function version in an account's list."""

    function_id: str
    status: str
    account_id: str | None
    ours: bool


def was_confirmed(resource: Resource) -> bool:
    """Whether the deployment was as this manifest says when it was last read, by the record."""
    status, ready = resource.status, resource.condition("Ready")
    recorded = resource.holds and status.function_version_id == resource.wanted_version
    current = status.observed_generation == resource.generation
    return recorded and current and ready is not None and ready.reason in CONFIRMED


def list_is_enough(resource: Resource, entry: Entry | None, *, deep: bool) -> bool:
    """Whether the list's entry can stand for a GET. `deep` asks for the GET in any case."""
    if deep or entry is None or resource.deleting or resource.spec is None or resource.paused:
        return False
    status = resource.status
    if resource.observes or resource.open_intent is not None:
        return False
    if status.retiring or status.incoming is not None:
        return False
    if not was_confirmed(resource) or resource.reconcile_requested or resource.redeploy_requested:
        return False
    if entry.status in (FunctionStatus.ACTIVE, FunctionStatus.DEPLOYING):
        return entry.status == FunctionStatus.ACTIVE or status.function_status in (FunctionStatus.DEPLOYING, None)
    return entry.status == status.function_status and entry.status in (
        FunctionStatus.DEGRADED,
        FunctionStatus.DEGRADING,
    )


class AnyListing(Protocol):
    """What polls read of an account's list."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """By version id."""

    @property
    def skipped(self) -> frozenset[str]:
        """Version ids of entries that could not be read. They are not absent."""

    @property
    def registered(self) -> Any:
        """What it shows to CloudFunctions: `core.functions.model.poll_rules.RegisteredVersions`."""


class AnyPollKey(Protocol):
    """What a poll compares of a resource of whichever kind with the list."""

    @property
    def credentials_refused(self) -> bool:
        """The record says that the key was not accepted; before the first reconcile it says nothing."""

    @property
    def secret(self) -> tuple[str, str] | None:
        """Name and key of the Secret that the manifest names."""

    @property
    def deployment(self) -> tuple[str, DeploymentFingerprint] | None:
        """The version whose deployment is on record, and the deployment in short, for a list of deployments."""

    @property
    def holds(self) -> bool:
        """Whether the record holds anything in NVCF that may be missing from a list."""

    def is_news(self, listing: AnyListing) -> bool:
        """Whether the list shows something else than what is on record, so that the resource wants a reconcile."""

    def is_missing(self, listing: AnyListing) -> bool:
        """Whether the list shows that what is on record is not there any more, and nobody here has removed it."""


@dataclass(frozen=True, slots=True)
class PollKey:
    """What a poll holds against the list of a FunctionDeployment: few fields, read for thousands of them at once."""

    function_id: str
    held_version: str | None
    """The version on record, None when the record holds no deployment."""
    shown_version: str | None
    """The version that is only shown, since nothing may be written, when the record holds no deployment."""
    incoming_version: str | None
    """The version that comes up beside it."""
    missing_version: str | None
    """The version that the manifest asks for, if NVCF did not know it when it was last reconciled."""
    leaving: bool
    """The version on record is being undeployed by us."""
    function_status: str | None
    deployment_fingerprint: DeploymentFingerprint
    """The deployment on record, in short."""
    credentials_refused: bool
    """The record says that the key was not accepted; before the first reconcile it says nothing."""
    deleting: bool
    secret: tuple[str, str] | None
    """Name and key of the Secret that the manifest names."""
    shown_reference: tuple[str, str | None] | None = None
    """The CloudFunction, and the revision of it, that `shown_version` is of where the manifest has a reference."""

    def resolved(self, function: FollowedFunction | None) -> "PollKey":
        """What a poll compares, where the version that is only shown is that of a CloudFunction."""
        if self.shown_reference is None or function is None or function.function_id is None:
            return self
        found = function.version(self.shown_reference[1])
        version = found.version_id if found is not None else None
        return replace(self, function_id=function.function_id, shown_version=version)

    @property
    def deployment(self) -> tuple[str, DeploymentFingerprint] | None:
        """The deployment on record, and of which version."""
        return (self.held_version, self.deployment_fingerprint) if self.held_version else None

    @property
    def holds(self) -> bool:
        """Whether the record holds a deployment."""
        return bool(self.held_version)

    def is_news(self, listing: AnyListing) -> bool:
        """Whether the list shows another status than what is on record."""
        return is_news(self, listing.entries)

    def is_missing(self, listing: AnyListing) -> bool:
        """Whether the list shows that the deployment on record is gone."""
        return is_missing(self, listing.entries, listing.skipped)


def is_news(poll_key: PollKey, entries: Mapping[str, Entry]) -> bool:
    """Whether a poll shows something else than what is on record, so that the resource wants a reconcile."""
    if _of(poll_key, poll_key.missing_version, entries) is not None:
        return True
    if poll_key.held_version is None:
        entry = _of(poll_key, poll_key.shown_version, entries)
        return entry is not None and entry.status != (poll_key.function_status or FunctionStatus.INACTIVE)
    entry, coming = _of(poll_key, poll_key.held_version, entries), _of(poll_key, poll_key.incoming_version, entries)
    if coming is not None and coming.status not in (FunctionStatus.DEPLOYING, FunctionStatus.INACTIVE):
        return True
    return entry is None or entry.status != poll_key.function_status


def is_missing(poll_key: PollKey, entries: Mapping[str, Entry], skipped: frozenset[str] = frozenset()) -> bool:
    """Whether a poll shows that a deployment on record, which nobody here takes down, is not there any more.

    It is a hint for the brake on mass absence, never a proof. A version that is not in the list because its entry could
    not be read is not missing.

    Args:
        poll_key: what is on record.
        entries: the list, by version id.
        skipped: version ids of entries that could not be read.

    """
    if poll_key.held_version is None or poll_key.deleting or poll_key.leaving:
        return False
    entry = _of(poll_key, poll_key.held_version, entries)
    if entry is None and poll_key.held_version in skipped:
        return False
    return entry is None or entry.status == FunctionStatus.INACTIVE


def _of(poll_key: PollKey, version: str | None, entries: Mapping[str, Entry]) -> Entry | None:
    entry = entries.get(version) if version is not None else None
    return entry if entry is not None and entry.function_id == poll_key.function_id else None
