"""The accounts in use, read when the metrics are: one that is left leaves no figure behind that raises an alert."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from nvcf_operator.flowcontrol.limiters import HoldReason, LimiterClosed
from nvcf_operator.metrics.names import PREFIX, UNKNOWN


class Listing(Protocol):
    """What is asked of an account's last list."""

    @property
    def asked_at(self) -> float:
        """Monotonic time at which it was asked for."""


class Gate(Protocol):
    """What is asked of an account's gate."""

    @property
    def tokens(self) -> float:
        """Calls that the rate would let pass at once."""

    @property
    def in_flight(self) -> int:
        """Calls that are out."""

    @property
    def waiting(self) -> int:
        """Calls that wait for rate or a place."""

    def closed_for(self) -> LimiterClosed | None:
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
    def limiter(self) -> Gate:
        """What its calls pass."""

    @property
    def keys(self) -> Sized:
        """The resources that use it."""


@dataclass
class _Figures:
    """Those of one account, by all keys and gates that speak for it."""

    polled: float = math.inf
    shut: bool = False
    left: float = math.inf
    out: int = 0
    waiting: int = 0


class AccountFigures(Collector):
    """When each account last answered, and what its gate lets pass.

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
        """Give the figures; of several keys of one account the worst, of several gates the least and the sums."""
        families = self._families()
        for name, figures in sorted(self._read().items()):
            shown = (figures.polled, float(figures.shut), figures.left, float(figures.out), float(figures.waiting))
            for family, value in zip(families, shown, strict=True):
                family.add_metric([name], value)
        yield from families

    def _read(self) -> dict[str, _Figures]:
        offset = time.time() - self._clock()
        found: dict[str, _Figures] = {}
        counted: set[int] = set()
        for account in self._accounts:
            if not account.keys:
                continue
            figures = found.setdefault(account.account_id or UNKNOWN, _Figures())
            at = 0.0 if account.listing is None else account.listing.asked_at + offset
            figures.polled = min(figures.polled, at)
            limiter = account.limiter
            if id(limiter) in counted:  # keys of one account share it
                continue
            counted.add(id(limiter))
            closed = limiter.closed_for()
            figures.shut = figures.shut or (closed is not None and closed.reason != HoldReason.THROTTLED)
            figures.left = min(figures.left, limiter.tokens if closed is None else 0.0)
            figures.out += limiter.in_flight
            figures.waiting += limiter.waiting
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
