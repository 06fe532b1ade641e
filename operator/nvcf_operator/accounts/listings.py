"""What an account lists, what a GET disproved of it, and the guard against too many deployments gone at once."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from nvcf_client import endpoints, urls
from nvcf_client import errors as nvcf_errors
from nvcf_client.requests import Request
from nvcf_client.responses import DeploymentsResponse, FunctionsResponse
from nvcf_operator.accounts.registered import NOTHING_REGISTERED, Registered
from nvcf_operator.api.names import Key
from nvcf_operator.core.model.observed import FunctionStatus
from nvcf_operator.core.rules import error_classification
from nvcf_operator.core.rules.poll_rules import DeploymentFingerprint, Entry, differ, fingerprint_of
from nvcf_operator.flowcontrol.limiters import LimiterClosed


@dataclass(frozen=True, slots=True)
class Listing:
    """All function versions that the key may see, as of one answer."""

    asked_at: float
    """Monotonic time at which it was asked for: it says nothing about writes that ended later."""
    entries: dict[str, Entry] = field(repr=False)
    """By version id."""
    account_ids: frozenset[str]
    """The accounts of the key's own private functions."""
    skipped: frozenset[str] = frozenset()
    """Version ids of entries that could not be read; an empty one where not even the id could. They are not absent."""
    registered: Registered = NOTHING_REGISTERED
    """What it shows to CloudFunctions."""

    @classmethod
    def of(cls, answer: FunctionsResponse, asked_at: float, registered: Registered = NOTHING_REGISTERED) -> "Listing":
        """Read the answer of the call."""
        entries = {
            item.version_id: Entry(item.id, item.status, item.nca_id, not item.owned_by_different_account)
            for item in answer.functions
        }
        ids = frozenset(item.account_id for item in entries.values() if item.ours and item.account_id)
        return cls(asked_at, entries, ids, answer.skipped_versions, registered)

    def entry(self, function_id: str, version: str) -> Entry | None:
        """The entry of a version of that very function."""
        found = self.entries.get(version)
        return found if found is not None and found.function_id == function_id else None

    def shows_deployed(self, function_id: str, version: str) -> bool:
        """Whether it shows the version, by a status that only a deployment has."""
        entry = self.entry(function_id, version)
        return entry is not None and FunctionStatus.of(entry.status) not in (None, FunctionStatus.INACTIVE)

    def hides(self, function_id: str, version: str) -> bool:
        """Whether it does not show the version at all, though it shows all that could be read."""
        return self.entry(function_id, version) is None and not self.skipped


log = logging.getLogger(__name__)


class DeploymentList:
    """Reads the list.

    Args:
        call: makes a call with the key.
        base_url: of the account.

    """

    def __init__(
        self, call: Callable[[Request[DeploymentsResponse]], Awaitable[DeploymentsResponse]], base_url: str
    ) -> None:
        self._call = call
        self._base_url = base_url
        self._exists = urls.is_org(base_url)

    async def read(self) -> dict[str, DeploymentFingerprint]:
        """What the list shows, by version id; empty where there is no such list, or no answer.

        Once the server has said no, or something that cannot be read, it is not asked again. A refusal of this call
        says nothing about the key, which has just been accepted by the list of functions.
        """
        if not self._exists:
            return {}
        try:
            answer = await self._call(endpoints.list_deployments())
        except LimiterClosed:
            return {}
        except nvcf_errors.NvcfError as error:
            if not error_classification.may_pass(error):
                self._exists = False
                log.info("deployments are not listed at %s: %s", self._base_url, error)
            return {}
        return {item.function_version_id: fingerprint_of(item) for item in answer.deployments}


class DisprovedListings:
    """Which deployments must be read. A list that keeps contradicting what was read triggers no further read."""

    def __init__(self) -> None:
        self._wanted: dict[Key, DeploymentFingerprint] = {}
        self._belied: dict[Key, DeploymentFingerprint] = {}

    def shown(self, key: Key, recorded: DeploymentFingerprint, listed: DeploymentFingerprint) -> bool:
        """Take in what a poll lists beside the record, and say whether the deployment is to be read."""
        if not differ(recorded, listed) or self._belied.get(key) == listed:
            self._wanted.pop(key, None)
            return False
        self._wanted[key] = listed
        return True

    def want(self, key: Key) -> bool:
        """Whether the deployment of a resource is to be read."""
        return key in self._wanted

    def read(self, key: Key, found: DeploymentFingerprint | None) -> None:
        """Take in what a GET showed, None for no deployment: where it belies the list, that entry counts no more."""
        listed = self._wanted.pop(key, None)
        if listed is not None and (found is None or differ(listed, found)):
            self._belied[key] = listed

    def leave(self, key: Key) -> None:
        """Forget a resource."""
        self._wanted.pop(key, None)
        self._belied.pop(key, None)


ABSENCE_WINDOW = 600.0
"""Seconds within which absences count as one event."""

FEW, SHARE = 5, 0.2
"""So many, or that share of all, may be gone before the brake is on."""


class MassDeletionGuard:
    """The absences that a key's polls show. Starts with the process, from its first poll."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[Key, float] = {}
        self._managed = 0
        self._reported: set[str] = set()

    def counts(self, missing: Mapping[Key, bool]) -> None:
        """Take in one poll: for each deployment on record, whether it is missing."""
        now = self._clock()
        self._managed = len(missing)
        self._since = {key: self._since.get(key, now) for key, gone in missing.items() if gone}
        if not self._on():
            self._reported.clear()

    def holds_back(self, key: Key) -> bool:
        """Whether this resource's deployment is one of too many that are gone."""
        return key in self._since and self._on()

    def first_reported_in(self, namespace: str) -> bool:
        """Whether it was not reported in that namespace yet; from then on it is."""
        first = namespace not in self._reported
        self._reported.add(namespace)
        return first

    def _on(self) -> bool:
        now = self._clock()
        recent = sum(1 for since in self._since.values() if now - since <= ABSENCE_WINDOW)
        return recent > max(FEW, SHARE * self._managed)
