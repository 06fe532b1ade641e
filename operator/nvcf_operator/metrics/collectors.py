"""The collectors: sums over all resources, and what is read at each scrape, from the queue and from the accounts."""

import math
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, cast

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nvcf_operator.flowcontrol.limiters import HoldReason, LimiterClosed

PREFIX: Final = "nvcf_operator_"

UNKNOWN: Final = "unknown"
"""The account of a key that has not shown one yet."""


class ResourceKey(Hashable, Protocol):
    """A resource, by its name."""

    @property
    def namespace(self) -> str:
        """Its namespace."""

    @property
    def name(self) -> str:
        """Its name within that."""


Share = tuple[tuple[str, ...], tuple[int, ...]]
"""What a resource adds to the gauges: values of the labels, and a number for each gauge."""


class PerResourceGauge(Collector):
    """Gauges with the same labels that sum up the shares of all resources, updated at each reconcile.

    Summing up at each scrape instead would read all resources each time.

    Args:
        texts: the help of each gauge, by its name.
        labels: their labels.
        initial: values of the labels that are shown as 0 from the start, so that the first share is seen as a rise.

    """

    def __init__(
        self, texts: Mapping[str, str], labels: Sequence[str], initial: Iterable[tuple[str, ...]] = ()
    ) -> None:
        self._texts = texts
        self._labels = labels
        self._sums: dict[tuple[str, ...], list[int]] = {values: [0] * len(texts) for values in initial}
        self._of_key: dict[Hashable, tuple[Share, ...]] = {}
        # Many resources have equal shares: these are kept once, so that a resource costs one entry.
        self._interned: dict[tuple[Share, ...], tuple[Share, ...]] = {}

    def put(self, key: Hashable, shares: Iterable[Share]) -> None:
        """Replace the shares of a resource."""
        current = tuple(shares)
        current = self._interned.setdefault(current, current)
        if self._of_key.get(key) is not current:
            self.drop(key)
            self._of_key[key] = current
            self._add(current, 1)

    def drop(self, key: Hashable) -> None:
        """Remove the shares of a resource that is gone. No error if it is not known."""
        self._add(self._of_key.pop(key, ()), -1)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the sums. Labels that had a share once stay as 0, so that an alert on them ends."""
        for index, (name, text) in enumerate(self._texts.items()):
            family = GaugeMetricFamily(PREFIX + name, text, labels=self._labels)
            for values, sums in sorted(self._sums.items()):
                family.add_metric(values, sums[index])
            yield family

    def _add(self, shares: Iterable[Share], sign: int) -> None:
        for values, numbers in shares:
            sums = self._sums.setdefault(values, [0] * len(self._texts))
            for index, number in enumerate(numbers):
                sums[index] += sign * number


class ResourceGauge(Collector):
    """A gauge with a series for each resource of which the value is known, by namespace and name.

    Args:
        name: its name, without the prefix.
        text: its help.

    """

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._values: dict[ResourceKey, float] = {}

    def put(self, key: ResourceKey, value: float | None) -> None:
        """Record the value of a resource; None: it is not known, and has no series."""
        if value is None:
            self.drop(key)
        else:
            self._values[key] = value

    def drop(self, key: Hashable) -> None:
        """Remove the series of a resource. No error if there is none."""
        self._values.pop(cast("ResourceKey", key), None)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield a series for each."""
        family = GaugeMetricFamily(PREFIX + self._name, self._text, labels=["namespace", "name"])
        for key, value in sorted(self._values.items(), key=lambda item: (item[0].namespace, item[0].name)):
            family.add_metric([key.namespace, key.name], value)
        yield family


class QueueFigures(Protocol):
    """What is read of the work queue."""

    @property
    def in_work(self) -> int:
        """Keys being worked on."""

    def depth(self) -> Mapping[Any, int]:
        """Keys due, by priority."""

    def overdue(self) -> Mapping[Any, float]:
        """Seconds that the longest-waiting key is overdue, by priority."""


def watch_queue(queue: QueueFigures, registry: CollectorRegistry) -> None:
    """Show how many resources wait at which priority, for how long, and how many workers have one."""
    busy = Gauge(PREFIX + "workers_busy", "Workers that are reconciling a resource.", registry=registry)
    depth = Gauge(PREFIX + "queue_depth", "Resources that are waiting for a worker.", ["priority"], registry=registry)
    overdue = Gauge(
        PREFIX + "queue_oldest_overdue_seconds",
        "How long the longest-waiting resource has been due for a worker.",
        ["priority"],
        registry=registry,
    )
    busy.set_function(lambda: queue.in_work)
    for priority in queue.depth():
        depth.labels(priority.name.lower()).set_function(partial(_of, priority, queue.depth))
        overdue.labels(priority.name.lower()).set_function(partial(_of, priority, queue.overdue))


def _of(priority: Any, read: Callable[[], Mapping[Any, float]]) -> float:
    return read()[priority]


class ListingFigures(Protocol):
    """What is read of an account's last list."""

    @property
    def asked_at(self) -> float:
        """Monotonic time at which it was requested."""


class LimiterFigures(Protocol):
    """What is read of an account's limiter."""

    @property
    def tokens(self) -> float:
        """Calls that the rate would let pass immediately."""

    @property
    def in_flight(self) -> int:
        """Calls in flight."""

    @property
    def waiting(self) -> int:
        """Calls that wait for the rate limit or a concurrency slot."""

    def closed_for(self) -> LimiterClosed | None:
        """Why no call may pass now."""


class AccountFigures(Protocol):
    """What is read of one credential's view of NVCF."""

    @property
    def account_id(self) -> str | None:
        """The NVCF account, as far as it is known."""

    @property
    def listing(self) -> ListingFigures | None:
        """The last successful list."""

    @property
    def limiter(self) -> LimiterFigures:
        """The limiter that its calls pass."""

    @property
    def keys(self) -> Sized:
        """The resources that use it."""


@dataclass
class _Totals:
    """The figures of one account, over all its keys and limiters."""

    polled: float = math.inf
    shut: bool = False
    left: float = math.inf
    out: int = 0
    waiting: int = 0


class AccountCollector(Collector):
    """When each account last answered, and what its limiter lets pass.

    Args:
        accounts: those in use, iterated at each scrape, so that an unused one leaves no figure that raises an alert.
        clock: seconds, that of their listings.

    """

    def __init__(self, accounts: Iterable[AccountFigures], clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the gauges without reading them."""
        yield from self._families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the figures: of several keys of one account the worst, of several limiters the least and the sums."""
        families = self._families()
        for name, totals in sorted(self._read().items()):
            shown = (totals.polled, float(totals.shut), totals.left, float(totals.out), float(totals.waiting))
            for family, value in zip(families, shown, strict=True):
                family.add_metric([name], value)
        yield from families

    def _read(self) -> dict[str, _Totals]:
        offset = time.time() - self._clock()
        found: dict[str, _Totals] = {}
        counted: set[int] = set()
        for account in self._accounts:
            if not account.keys:
                continue
            totals = found.setdefault(account.account_id or UNKNOWN, _Totals())
            at = 0.0 if account.listing is None else account.listing.asked_at + offset
            totals.polled = min(totals.polled, at)
            limiter = account.limiter
            if id(limiter) in counted:  # keys of one account share it
                continue
            counted.add(id(limiter))
            closed = limiter.closed_for()
            totals.shut = totals.shut or (closed is not None and closed.reason != HoldReason.THROTTLED)
            totals.left = min(totals.left, limiter.tokens if closed is None else 0.0)
            totals.out += limiter.in_flight
            totals.waiting += limiter.waiting
        return found

    def _families(self) -> tuple[GaugeMetricFamily, ...]:
        texts = {
            "last_successful_poll_timestamp_seconds": "Unix time at which the account's last successful list was "
            "requested; 0 if there was none.",
            "breaker_open": "1 while nothing is sent because the account's NVCF is failing or unreachable.",
            "nvcf_calls_left": "Calls to NVCF that may be sent immediately: what is left of the account's rate limit; "
            "0 while nothing may be sent.",
            "nvcf_calls_in_flight": "Calls to NVCF in flight.",
            "nvcf_calls_waiting": "Calls to NVCF that are waiting for the account's rate limit or a concurrency slot.",
        }
        return tuple(GaugeMetricFamily(PREFIX + name, text, labels=["account"]) for name, text in texts.items())
