"""When the account's list is enough, and when the deployment itself must be read.

The list costs one call for all resources of a key; a GET costs one each. The list shows a function's status only, so it
can confirm what is on record and never tell that something is gone.
"""

from dataclasses import dataclass

from nvcf_operator.api.spec import ManagementPolicy
from nvcf_operator.core.reasons import Reason
from nvcf_operator.core.resource import Resource

CONFIRMED = frozenset({Reason.ACTIVE, Reason.DEPLOYING, Reason.DEGRADED, Reason.DEGRADING})
"""Reasons of a recorded Ready under which the deployment was as specified when it was last read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A function version in an account's list."""

    function_id: str
    status: str
    account_id: str | None
    ours: bool


def list_is_enough(resource: Resource, entry: Entry | None, *, deep: bool) -> bool:
    """Whether the list's entry can stand for a GET. `deep` asks for the GET in any case."""
    if deep or entry is None or resource.deleting or resource.spec is None or resource.paused:
        return False
    status, ready = resource.status, resource.condition("Ready")
    if resource.spec.management_policy == ManagementPolicy.OBSERVE or resource.open_intent is not None:
        return False
    recorded = resource.holds and status.function_version_id == resource.wanted_version
    current = status.observed_generation == resource.generation and ready is not None
    if not recorded or not current or resource.reconcile_requested or resource.redeploy_requested:
        return False
    assert ready is not None, "current says so"
    if ready.reason not in CONFIRMED:
        return False
    if entry.status in ("ACTIVE", "DEPLOYING"):
        return entry.status == "ACTIVE" or status.function_status in ("DEPLOYING", None)
    return entry.status == status.function_status and entry.status in ("DEGRADED", "DEGRADING")


@dataclass(frozen=True, slots=True)
class Glance:
    """What a poll holds against the list: the few fields that are read for thousands of resources at once."""

    function_id: str
    wanted_version: str
    held_version: str | None
    """The version on record, None when the record holds no deployment."""
    function_status: str | None
    credentials_refused: bool
    """The record says that the key was not accepted; before the first look it says nothing."""
    deleting: bool
    secret: tuple[str, str] | None
    """Name and key of the Secret that the manifest names."""


def is_news(glance: Glance, entry: Entry | None) -> bool:
    """Whether a poll shows something else than what is on record, so that the resource wants a look."""
    if glance.held_version is None or glance.held_version != glance.wanted_version:
        return False
    return entry is None or entry.status != glance.function_status
