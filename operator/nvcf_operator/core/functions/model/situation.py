"""What a decision on a CloudFunction is made from: the resource, its account, and the versions and followers seen.

Times named ``*_for`` are seconds of this process's own monotonic clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nvcf_operator.api.function_status import Registration
from nvcf_operator.api.names import Key
from nvcf_operator.backoff import Backoff, long
from nvcf_operator.core.functions.model.claims import Follower
from nvcf_operator.core.functions.model.decision import FunctionAction
from nvcf_operator.core.functions.model.observed import LastChange, RefusedChange, SecretsSeen, VersionSeen
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.model.observed import AccountView, Failure, Observation, Proof, Scope
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.situation import Remembered, Timing

LONGEST_PAUSE = 1800.0
"""Seconds between two POSTs without an answer, at most."""


@dataclass(frozen=True, slots=True)
class FunctionSituation:
    """All that one decision on a CloudFunction may know."""

    resource: CloudFunction
    now: datetime
    timing: Timing = field(default_factory=Timing)
    access: Failure | None = None
    """Why there is no key to use, or None."""
    unlisted: Failure | None = None
    """Why the account's list could not be read after this resource's last write; `versions` says nothing then."""
    account: AccountView | None = None
    """What the list shows of the account; None where there is no list."""
    versions: tuple[VersionSeen, ...] = ()
    """Versions with a mark of this uid, those on record, and those of the function on record.

    A version on record that the list lacks and a read of the version itself shows is among them.
    """
    named_alike: tuple[str, ...] = ()
    """Ids of the account's functions with the manifest's name and without a version of this uid, sorted."""
    of_another_account: bool = False
    """The list shows the function that the manifest names as another account's."""
    followers: tuple[Follower, ...] = ()
    holder: Key | None = None
    """Another CloudFunction that comes first for the same function, or for the same name in the same account."""
    deployments: Mapping[str, Observation] = field(default_factory=dict)
    """Version by version, what GET of its deployment showed; only of versions that a decision may delete."""
    deployed_lately: frozenset[str] = frozenset()
    """Those of `deployments` that this process has seen deployed, and not yet gone for the redeploy settle."""
    free_for: Mapping[str, float] = field(default_factory=dict)
    """Version by version, the seconds since this process last saw a FunctionDeployment hold it."""
    searched_for: float = 0.0
    """Seconds that this process has searched in vain for the open intent's token.

    They count from the end of its own POST, or from its first sight of an intent that another process has written.
    """
    absent_for: Mapping[str, float] = field(default_factory=dict)
    """Version by version, the seconds for which GET of the version itself has said 404 without a break."""
    listed_for: Mapping[str, float] = field(default_factory=dict)
    """Version by version, the seconds since this process first saw it. Without a readable `created_at`, its age."""
    claims_current: bool = False
    """Whether the cache of FunctionDeployments is proven current, so that `followers` is complete."""
    mass_absence: bool = False
    """A large part of what the account held for us is gone at once, a version of this resource with it."""
    delete_sent_for: Mapping[str, float] = field(default_factory=dict)
    """Version by version, the seconds since our last DELETE of it was answered."""
    secrets: SecretsSeen | None = None
    """What the Secrets are by now; None where the manifest names none, or where they were not read."""
    locked_for: Mapping[str, float] = field(default_factory=dict)
    """Version by version, the seconds for which it is not to be changed in place: something else writes it, or may."""
    refused_changes: Mapping[tuple[str, str], RefusedChange] = field(default_factory=dict)
    """By version and kind of change (the name of the action's class), those that wait."""
    put_off: tuple[str, str] | None = None
    """Version and kind of the change in place that failed in the reconcile before: others come first."""
    last_changes: Mapping[str, LastChange] = field(default_factory=dict)
    """Version by version, the last change of tags or rate limit."""
    finalizer_found_for: float | None = None
    """Seconds since this process found the object with its finalizer and without a record: a POST may have been made.
    None where it did not."""
    wrote: FunctionAction | None = None
    """The write that was just made, when NVCF took it."""
    answer: VersionSeen | None = None
    """The version that a POST has just registered."""
    answered_intent: Registration | None = None
    """The intent whose POST was just answered, with yes or no."""
    failure: Failure | None = None
    """What came of the write that was just tried, when it failed."""
    tried: FunctionAction | None = None
    """That write."""
    unanswered: Failure | None = None
    """What came of the POST that was just tried, when NVCF may register the version all the same."""
    unsure: FunctionAction | None = None
    """A PUT of secrets that was just tried, when NVCF may have taken the values all the same."""
    refused: str | None = None
    """What to report of a write to the object that the API server has just refused."""
    local: Remembered = field(default_factory=Remembered)

    @property
    def intent(self) -> Registration | None:
        """The last intent, with what is known of it since a moment ago."""
        return self.answered_intent or self.resource.intent

    @property
    def open_intent(self) -> Registration | None:
        """The intent whose answer is neither on record nor known since a moment ago."""
        intent = self.intent
        return intent if intent is not None and not intent.answered else None

    @property
    def search_pause(self) -> float:
        """Seconds between a POST without an answer and the next one: for so long its version is searched for."""
        retry = self.resource.status.retry
        in_vain = retry.attempts if retry is not None and retry.reason == Reason.AWAITING_REGISTRATION else 0
        return self.search_pause_after(in_vain)

    def search_pause_after(self, in_vain: int) -> float:
        """The same after a number of POSTs that were all searched for in vain: it grows, so that duplicates are few."""
        settle = self.timing.register_settle
        return max(settle, min(long(in_vain), Backoff(settle, LONGEST_PAUSE).after(in_vain - 1)))

    @property
    def shown(self) -> tuple[VersionSeen, ...]:
        """The versions that are there, with the one that was just registered."""
        answer = () if self.answer is None else (self.answer,)
        known = {seen.version_id for seen in answer}
        return (*answer, *(seen for seen in self.versions if seen.version_id not in known))

    @property
    def own(self) -> tuple[VersionSeen, ...]:
        """The versions that bear a mark of this very object."""
        uid = self.resource.mark_uid
        return tuple(seen for seen in self.shown if seen.mark is not None and seen.mark.uid == uid)

    def is_held(self, version_id: str) -> bool:
        """Whether a FunctionDeployment names that version."""
        return any(follower.holds(version_id) for follower in self.followers)

    @property
    def credential_failure(self) -> Failure | None:
        """What is wrong with the credentials, as far as this situation shows."""
        failures = (self.access, self.unlisted, self.failure)
        return next((item for item in failures if item is not None and item.scope == Scope.CREDENTIAL), None)

    @property
    def believes_absence(self) -> bool:
        """Whether a 404 counts: the account answers, and nothing says that it is another one than that on record."""
        return self.account is not None and self.account.proof in (Proof.PROVEN, Proof.NEVER_PINNED)
