"""Counts the deployments of a key that are gone at once: more than a few at a time is rather a mistake than drift."""

from collections.abc import Callable, Mapping

from nvcf_operator.api.names import Key

WINDOW = 600.0
"""Seconds within which absences count as one event."""

FEW, SHARE = 5, 0.2
"""So many, or that share of all, may be gone before the brake is on."""


class MassDeletionGuard:
    """The absences that a key's polls show. Begins anew with the process, from its first poll."""

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
        recent = sum(1 for since in self._since.values() if now - since <= WINDOW)
        return recent > max(FEW, SHARE * self._managed)
