"""How many instances are ordered in NVCF, by GPU and instance type, kept up to date as each resource is looked at.

Both labels are what NVCF has accepted from its catalogue, so there are as many as it offers. What runs is asked of
nobody: it would take a call for each resource and poll.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nvcf_operator.metrics.names import PREFIX

Order = tuple[str, str, int, int]
"""GPU, instance type, fewest and most instances."""

LABELS = ("gpu", "instance_type")


class Orders(Collector):
    """Sums up what all resources have ordered."""

    def __init__(self) -> None:
        self._of_key: dict[Hashable, tuple[Order, ...]] = {}
        self._fewest: Counter[tuple[str, str]] = Counter()
        self._most: Counter[tuple[str, str]] = Counter()
        # Many resources order alike: each order is kept once, so that a resource costs one entry.
        self._kept: dict[tuple[Order, ...], tuple[Order, ...]] = {}

    def put(self, key: Hashable, orders: Iterable[Order]) -> None:
        """Take down what a resource has ordered now."""
        now = tuple(orders)
        now = self._kept.setdefault(now, now)
        if self._of_key.get(key) is not now:
            self.drop(key)
            self._of_key[key] = now
            self._count(now, 1)

    def drop(self, key: Hashable) -> None:
        """Strike out a resource that is gone. No error if it is not known."""
        self._count(self._of_key.pop(key, ()), -1)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the figures. What was ordered once stays as 0, so that an alert on it ends."""
        texts = {
            "instances_min": "Minimum number of instances that NVCF keeps running for the deployments of all "
            "resources.",
            "instances_max": "Maximum number of instances that NVCF may run for the deployments of all resources.",
        }
        for (name, text), counts in zip(texts.items(), (self._fewest, self._most), strict=True):
            family = GaugeMetricFamily(PREFIX + name, text, labels=LABELS)
            for labels, count in sorted(counts.items()):
                family.add_metric(labels, count)
            yield family

    def _count(self, orders: Iterable[Order], sign: int) -> None:
        for gpu, instance_type, fewest, most in orders:
            self._fewest[gpu, instance_type] += sign * fewest
            self._most[gpu, instance_type] += sign * most
