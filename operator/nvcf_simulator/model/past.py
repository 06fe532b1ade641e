"""Versions as they were a moment ago, for reads that lag behind, as those of another region do."""

from copy import copy
from dataclasses import dataclass

from nvcf_simulator.model.clock import SECOND, Clock
from nvcf_simulator.model.entities import Function
from nvcf_simulator.settings import Races

_MOST = 64
"""Entries kept for each version."""


@dataclass(frozen=True, slots=True)
class _Former:
    until: int
    function: Function | None
    """None: the version did not exist."""


class Past:
    """Former values of the versions that were changed while reads lagged behind."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._former: dict[str, list[_Former]] = {}

    def remember(self, version_id: str, function: Function | None, races: Races) -> None:
        """Keep a version, or its absence, as it is before a change. Without a lag nothing is kept."""
        if races.list_lag or races.read_lag:
            kept = self._former.setdefault(version_id, [])
            kept.append(_Former(self._clock.now(), copy(function) if function is not None else None))
            del kept[:-_MOST]

    def seen(self, version_id: str, current: Function | None, lag: float) -> Function | None:
        """Return a version as it was `lag` simulated seconds ago, or None if it did not exist."""
        if lag:
            then = self._clock.now() - int(lag * SECOND)
            for former in self._former.get(version_id, ()):
                if former.until > then:
                    return former.function
        return current

    def versions(self) -> list[str]:
        """Return the ids of the versions that are kept."""
        return list(self._former)
