"""How many resources show which condition with which status, kept up to date as each of them is looked at.

Not counted when the metrics are read: that would read all resources each time.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nvcf_operator.api.conditions import CONDITION_TYPES
from nvcf_operator.metrics.names import PREFIX

State = tuple[str, str]
"""Type and status of a condition."""


class Census(Collector):
    """Counts the conditions of all resources."""

    def __init__(self) -> None:
        self._of_key: dict[Hashable, frozenset[State]] = {}
        # Shown as 0 from the start, so that the first one is seen as a rise.
        self._counts: Counter[State] = Counter(
            {(kind, status): 0 for kind in CONDITION_TYPES for status in ("True", "False")}
        )
        # Few sets are different: each is kept once, so that a resource costs one entry.
        self._sets: dict[frozenset[State], frozenset[State]] = {}

    def put(self, key: Hashable, states: Iterable[State]) -> None:
        """Take down what a resource shows now."""
        shown = frozenset(states)
        shown = self._sets.setdefault(shown, shown)
        if self._of_key.get(key) is not shown:
            self.drop(key)
            self._of_key[key] = shown
            self._counts.update(shown)

    def drop(self, key: Hashable) -> None:
        """Strike out a resource that is gone. No error if it is not known."""
        self._counts.subtract(self._of_key.pop(key, ()))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the figures. What was counted once stays as 0, so that an alert on it ends."""
        family = GaugeMetricFamily(
            PREFIX + "resources", "Resources by condition and its status.", labels=["condition", "status"]
        )
        for state, count in sorted(self._counts.items()):
            family.add_metric(state, count)
        yield family
