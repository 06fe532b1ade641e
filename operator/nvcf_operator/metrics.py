"""What the operator counts, for Prometheus. Base units, and never a key in a label."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LONG = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
UNKNOWN = "unknown"


class Queue(Protocol):
    """What is asked of the work queue."""

    @property
    def in_work(self) -> int:
        """Keys being worked on."""

    def depth(self) -> Mapping[Any, int]:
        """Keys due, by lane."""

    def overdue(self) -> Mapping[Any, float]:
        """Seconds that the longest waiting key is overdue, by lane."""


class Metrics:
    """One operator's figures, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._calls = Counter(
            "nvcf_operator_nvcf_requests", "Calls to NVCF.", ["operation", "code", "account"], registry=registry
        )
        self._call_seconds = Histogram(
            "nvcf_operator_nvcf_request_duration_seconds",
            "Duration of calls to NVCF.",
            ["operation"],
            buckets=LATENCY,
            registry=registry,
        )
        self._kube = Counter(
            "nvcf_operator_kube_requests", "Calls to the Kubernetes API.", ["kind", "code"], registry=registry
        )
        self._kube_seconds = Histogram(
            "nvcf_operator_kube_request_duration_seconds", "Duration of calls to the Kubernetes API.", ["kind"],
            buckets=LATENCY, registry=registry,
        )  # fmt: skip
        self._reconciles = Counter("nvcf_operator_reconciles", "Looks at a resource.", ["result"], registry=registry)
        self._reconcile_seconds = Histogram(
            "nvcf_operator_reconcile_duration_seconds",
            "Duration of looks at a resource.",
            buckets=LATENCY,
            registry=registry,
        )
        self._writes = Counter("nvcf_operator_writes", "Changes made in NVCF.", ["kind"], registry=registry)
        self._drift = Counter("nvcf_operator_drift", "Changes by others that were found.", ["field"], registry=registry)
        self._ready = Histogram(
            "nvcf_operator_time_to_ready_seconds",
            "From creation of a resource to its Ready.",
            buckets=LONG,
            registry=registry,
        )
        self._polled = Gauge(
            "nvcf_operator_last_successful_poll_timestamp_seconds",
            "When an account last answered.",
            ["account"],
            registry=registry,
        )
        Info("nvcf_operator_build", "The running version.", registry=registry).info({"version": _version()})

    def nvcf_request(self, operation: str, code: str, account: str | None, seconds: float) -> None:
        """Count a call to NVCF."""
        self._calls.labels(operation, code, account or UNKNOWN).inc()
        self._call_seconds.labels(operation).observe(seconds)

    def kube_request(self, kind: str, code: str, seconds: float) -> None:
        """Count a call to the Kubernetes API."""
        self._kube.labels(kind, code).inc()
        self._kube_seconds.labels(kind).observe(seconds)

    def reconciled(self, result: str, seconds: float) -> None:
        """Count a look at a resource."""
        self._reconciles.labels(result).inc()
        self._reconcile_seconds.observe(seconds)

    def reconciled_write(self, kind: str) -> None:
        """Count a change in NVCF."""
        self._writes.labels(kind).inc()

    def drifted(self, fields: tuple[str, ...]) -> None:
        """Count fields that somebody else changed."""
        for field in fields:
            self._drift.labels(field).inc()

    def became_ready(self, now: datetime, created: str) -> None:
        """Note how long a resource took to its first Ready."""
        if created:
            self._ready.observe(max(0.0, (now - datetime.fromisoformat(created)).total_seconds()))

    def polled(self, account: str | None) -> None:
        """Note that an account answered."""
        self._polled.labels(account or UNKNOWN).set_to_current_time()

    def watch_queue(self, queue: Queue) -> None:
        """Show the work queue, read when the metrics are."""
        depth = Gauge(
            "nvcf_operator_queue_depth", "Resources that wait for a worker.", ["lane"], registry=self.registry
        )
        overdue = Gauge(
            "nvcf_operator_queue_overdue_seconds", "Longest wait for a worker.", ["lane"], registry=self.registry
        )
        busy = Gauge("nvcf_operator_workers_busy", "Workers that have a resource.", registry=self.registry)
        busy.set_function(lambda: queue.in_work)
        for lane in queue.depth():
            name = str(getattr(lane, "name", lane)).lower()
            depth.labels(name).set_function(partial(_in, queue.depth, lane))
            overdue.labels(name).set_function(partial(_in, queue.overdue, lane))

    def exposition(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self.registry)


def _in(read: Callable[[], Mapping[Any, float]], lane: Any) -> float:
    return read()[lane]


def _version() -> str:
    try:
        return version("nvcf-operator")
    except PackageNotFoundError:
        return "unknown"
