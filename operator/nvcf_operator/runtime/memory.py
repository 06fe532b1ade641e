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
    """When versions were last seen deployed, and since when they are seen to be gone; for whichever resource asks."""

    def __init__(self, remember: float) -> None:
        self._remember = remember
        self._present: dict[Target, float] = {}
        self._absent: dict[Target, float] = {}

    def saw(self, target: Target, now: float) -> None:
        """GET showed a deployment, or a write of ours was taken."""
        self._present[target] = now
        self._absent.pop(target, None)

    def missed(self, target: Target, now: float) -> float:
        """A believed 404; says for how many seconds it has been so without a break."""
        return now - self._absent.setdefault(target, now)

    def seen_lately(self, target: Target, now: float) -> bool:
        """Whether the version was seen deployed and has not been gone long enough since."""
        last = self._present.get(target)
        if last is None:
            return False
        gone = self._absent.get(target)
        if gone is not None and now - gone >= self._remember:
            self.forget(target)
            return False
        return True

    def forget(self, target: Target) -> None:
        """Drop both."""
        self._present.pop(target, None)
        self._absent.pop(target, None)

    def prune(self, now: float) -> None:
        """Drop what no decision asks for any more."""
        for target, gone in list(self._absent.items()):
            if now - gone > 10 * self._remember and not self.seen_lately(target, now):
                self.forget(target)
