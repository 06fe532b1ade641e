"""The accounts in use, read when the metrics are: one that is left leaves no figure behind that raises an alert."""

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nvcf_operator.metrics.names import PREFIX, UNKNOWN
from nvcf_operator.nvcf.pacing import Closed, Reason


class Listing(Protocol):
    """What is asked of an account's last list."""

    @property
    def asked_at(self) -> float:
        """Monotonic time at which it was asked for."""


class Gate(Protocol):
    """What is asked of an account's gate."""

    def closed_for(self) -> Closed | None:
        """Why no call may pass now."""


class Account(Protocol):
    """What is asked of one credential's view of NVCF."""

    @property
    def account_id(self) -> str | None:
        """The NVCF account, as far as it is known."""

    @property
    def listing(self) -> Listing | None:
        """The last list that was answered."""

    @property
    def gate(self) -> Gate:
        """What its calls pass."""

    @property
    def keys(self) -> Sized:
        """The resources that use it."""


class AccountFigures(Collector):
    """When each account last answered, and whether its breaker is open.

    Args:
        accounts: those in use; iterated at each reading.
        clock: seconds, that of their listings.

    """

    def __init__(self, accounts: Iterable[Account], clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the figures without reading them."""
        yield from self._families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the figures; of several keys of one account the worst."""
        offset = time.time() - self._clock()
        last: dict[str, float] = {}
        shut: dict[str, bool] = {}
        for account in self._accounts:
            if account.keys:
                name = account.account_id or UNKNOWN
                at = 0.0 if account.listing is None else account.listing.asked_at + offset
                last[name] = min(last.get(name, at), at)
                closed = account.gate.closed_for()
                shut[name] = shut.get(name, False) or (closed is not None and closed.reason != Reason.THROTTLED)
        polled, breaker = self._families()
        for name in sorted(last):
            polled.add_metric([name], last[name])
            breaker.add_metric([name], float(shut[name]))
        yield from (polled, breaker)

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                PREFIX + "last_successful_poll_timestamp_seconds",
                "When the last list that the account answered was asked for, as Unix time; 0 if it never did.",
                labels=["account"],
            ),
            GaugeMetricFamily(
                PREFIX + "breaker_open",
                "1 while nothing is sent because the account's NVCF fails or cannot be reached.",
                labels=["account"],
            ),
        )
