"""What this process remembers beside the cluster's record. Losing all of it costs time, never correctness."""

from collections.abc import Callable
from dataclasses import dataclass, field

from nvcf_operator.api.key import Key
from nvcf_operator.core.credentials import Credential
from nvcf_operator.core.situation import Recollection

Target = tuple[str, str, str]
"""Base URL, function id, version id: what a deployment is in the world, whoever asks for it."""


@dataclass(slots=True)
class Memory:
    """One resource's. Times are this process's monotonic seconds."""

    uid: str
    attempts: int = 0
    """Failed tries in a row."""
    retry_at: float = float("-inf")
    """When the wait after the last of them is over."""
    last_write_at: float = float("-inf")
    """When our last write to NVCF ended; a list asked for before says nothing about it."""
    verify_at: float | None = None
    """When an in-place change is to be read back, after the server's own loop."""
    raised_minimum: bool = False
    undeploys: dict[str, float] = field(default_factory=dict)
    """Version by version, when our last DELETE of it was answered."""
    intent_seen: tuple[str, float] | None = None
    """Token of the open intent, and since when 404 counts for it."""
    last_get_at: float = float("-inf")
    """When the deployment itself was last read."""
    deep_at: float = 0.0
    """When the deployment itself is to be read next, though the list says nothing new."""
    credential: Credential | None = None
    """The last one that worked, for deletions only."""

    def asked_anew(self, now: float) -> None:
        """A person asks for something: where a failure is waited out, it is tried like something new."""
        if now < self.retry_at:
            self.attempts = 0

    def ended(self, now: float, *, wait: float | None) -> None:
        """Count a try that failed and is made again after `wait` seconds; None for one that did not fail.

        One that came before its time, since there was news, does not make the waits longer: many pieces of news in one
        short outage would add up to a long wait after it.
        """
        if wait is None:
            self.attempts, self.retry_at = 0, float("-inf")
            return
        self.attempts += now >= self.retry_at
        self.retry_at = now + wait

    def recollection(self, now: float, *, patch_supported: bool, version_seen_lately: bool) -> Recollection:
        """Put it in the form that decisions take."""
        return Recollection(
            intent_settled_for=now - self.intent_seen[1] if self.intent_seen is not None else 0.0,
            version_seen_lately=version_seen_lately,
            attempts=self.attempts,
            verify=self.verify_at is not None,
            raised_minimum=self.raised_minimum,
            patch_supported=patch_supported,
            undeploy_sent_for={version: now - at for version, at in self.undeploys.items()},
        )


class Memories:
    """All resources' memories."""

    def __init__(self) -> None:
        self._memories: dict[Key, Memory] = {}

    def of(self, key: Key, uid: str, make: Callable[[], Memory]) -> Memory:
        """The memory of this very object; a namesake made anew starts with none."""
        known = self._memories.get(key)
        if known is None or known.uid != uid:
            known = self._memories[key] = make()
        return known

    def forget(self, key: Key) -> None:
        """Drop what is remembered of an object that is gone."""
        self._memories.pop(key, None)


class Sightings:
    """When versions were last seen deployed, and since when they are seen to be gone; for whichever resource asks.

    Args:
        remember: seconds for which a version that went is remembered: the redeploy settle.
        rate: looks a second that are possible at most, so that many that wait at once do not take turns for blindness.

    """

    def __init__(self, remember: float, rate: float = 50.0) -> None:
        self._remember = remember
        self._rate = rate
        self._present: dict[Target, float] = {}
        self._gone: dict[Target, float] = {}
        """When a version that was seen deployed was first seen to be gone."""
        self._absent: dict[Target, tuple[float, float]] = {}
        """Since when 404 was seen without a break, and when last."""

    def saw(self, target: Target, now: float) -> None:
        """GET showed a deployment, or a write of ours was taken."""
        self._present[target] = now
        self._gone.pop(target, None)
        self._absent.pop(target, None)

    def missed(self, target: Target, now: float) -> float:
        """A believed 404; says for how many seconds it has been so without a break.

        A time in which nobody looked is a break: a deployment may have come and gone in it.
        """
        since, last = self._absent.get(target, (now, now))
        blind = max(self._remember / 2, 2 * len(self._absent) / self._rate)
        since = now if now - last > blind else since
        self._absent[target] = (since, now)
        if target in self._present:
            self._gone.setdefault(target, now)
        return now - since

    def seen_lately(self, target: Target, now: float) -> bool:
        """Whether the version was seen deployed and has not been gone long enough since."""
        if target not in self._present:
            return False
        if now - self._gone.get(target, now) >= self._remember:
            self._forget_sight(target)
            return False
        return True

    def prune(self, now: float) -> None:
        """Drop what no decision asks for any more."""
        for target, gone in list(self._gone.items()):
            if now - gone > 10 * self._remember:
                self._forget_sight(target)
        for target, (_, last) in list(self._absent.items()):
            if now - last > 10 * self._remember:
                del self._absent[target]

    def _forget_sight(self, target: Target) -> None:
        self._present.pop(target, None)
        self._gone.pop(target, None)
