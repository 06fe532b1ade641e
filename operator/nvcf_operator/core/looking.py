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


def is_news(resource: Resource, entry: Entry | None) -> bool:
    """Whether a poll shows something else than what is on record, so that the resource wants a look."""
    if not resource.holds or resource.status.function_version_id != resource.wanted_version:
        return False
    return entry is None or entry.status != resource.status.function_status
