"""All figures of one operator, each by the name of what has happened."""

from collections.abc import Callable, Hashable, Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from nvcf_operator.core.fields import FIELDS
from nvcf_operator.metrics import queue
from nvcf_operator.metrics.accounts import Account, AccountFigures
from nvcf_operator.metrics.census import Census, State
from nvcf_operator.metrics.names import LATENCY, LONG, PREFIX, UNKNOWN
from nvcf_operator.metrics.orders import Order, Orders
from nvcf_operator.metrics.queue import Queue

WRITES: Final = ("finalizer", "intent", "status", "event")
"""Kinds of calls to the Kubernetes API that change something."""

CHANGES: Final = ("create", "change", "undeploy")
"""Kinds of actions that change something in NVCF."""

RESULTS: Final = ("done", "crowded", "outdated", "kube_error", "error")
"""How a look at a resource ends: to its end; put off, for too many are waiting for the account; begun anew, for the
resource has changed meanwhile; cut short by the Kubernetes API; or by a bug."""

DRIFTING: Final = ("deployment", "deploymentSpecifications", *FIELDS)
"""What somebody else may change: the deployment is gone, it has more or fewer specifications, or a field of one."""

# A second series for each counter, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Counts what happens, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = self._counter(
            "nvcf_requests",
            "Calls to NVCF; code is the HTTP status, or what happened instead.",
            "operation",
            "code",
            "account",
        )
        self._call_seconds = self._histogram(
            "nvcf_request_duration_seconds", "Duration of calls to NVCF.", LATENCY, "operation"
        )
        self._changes = self._counter("nvcf_writes", "Changes made in NVCF, by kind of action.", "kind")
        self._kube = self._counter(
            "kube_requests",
            "Calls to the Kubernetes API; code is the HTTP status, or what happened instead.",
            "kind",
            "code",
        )
        self._kube_writes = self._counter("kube_writes", "Writes that the Kubernetes API accepted.", "kind")
        self._kube_seconds = self._histogram(
            "kube_request_duration_seconds", "Duration of calls to the Kubernetes API.", LATENCY, "kind"
        )
        self._reconciles = self._counter(
            "reconciles",
            "Reconciles of a resource; the result error marks a bug, kube_error a failure of the Kubernetes API.",
            "result",
        )
        self._reconcile_seconds = self._histogram(
            "reconcile_duration_seconds", "Duration of reconciles of a resource.", LATENCY
        )
        self._odd_values = self._counter(
            "nvcf_odd_values",
            "Kinds of odd values in NVCF's responses that were ignored, counted once per response.",
            "operation",
        )
        self._polls = self._counter("polls", "Lists of all functions that a key may see.", "account", "result")
        self._drift = self._counter("drift", "Changes by others that were detected, by field.", "field")
        self._ready = self._histogram(
            "time_to_ready_seconds",
            "How long a resource took to become Ready, from its creation or from when it stopped being Ready.",
            LONG,
        )
        self._left_behind = self._counter(
            "deletions_left_behind",
            "Deployments left in NVCF that no resource manages: by force-delete, a lost finalizer, or NVCF itself.",
        )
        self._events_dropped = self._counter(
            "events_dropped", "Events that were dropped: the namespace accepts none, or too many were waiting."
        )
        self._crd_fields = Gauge(
            PREFIX + "crd_fields_missing",
            "Fields that the CRD lacks because it is older than the operator; also 0 before it was read.",
            registry=self.registry,
        )
        self._census = Census()
        self._orders = Orders()
        self.registry.register(self._census)
        self.registry.register(self._orders)
        Info(PREFIX + "build", "The running version.", registry=self.registry).info({"version": _version()})
        ProcessCollector(registry=self.registry)
        # Shown as 0 from the start, so that the first one is seen as a rise.
        for counter, values in (
            (self._changes, CHANGES),
            (self._kube_writes, WRITES),
            (self._reconciles, RESULTS),
            (self._drift, DRIFTING),
        ):
            for value in values:
                counter.labels(value)

    def nvcf_request(self, operation: str, code: str, account: str | None, seconds: float) -> None:
        """Count a call to NVCF; `code` is the HTTP status, or the name of the error when no answer came."""
        self._calls.labels(operation, code, account or UNKNOWN).inc()
        self._call_seconds.labels(operation).observe(seconds)

    def odd_values(self, operation: str, kinds: int) -> None:
        """Count what of an answer was passed over, since it has another form than is known."""
        self._odd_values.labels(operation).inc(kinds)

    def reconciled_write(self, kind: str) -> None:
        """Count a change in NVCF by the kind of action, such as `create`."""
        self._changes.labels(kind).inc()

    def kube_request(self, kind: str, code: str, seconds: float) -> None:
        """Count a call to the Kubernetes API; `code` is the HTTP status, or what happened when no answer came."""
        self._kube.labels(kind, code).inc()
        self._kube_seconds.labels(kind).observe(seconds)
        if kind in WRITES and code.startswith("2"):
            self._kube_writes.labels(kind).inc()

    def reconciled(self, result: str, seconds: float) -> None:
        """Count a look at a resource by one of `RESULTS`."""
        self._reconciles.labels(result).inc()
        self._reconcile_seconds.observe(seconds)

    def polled(self, account: str | None, *, result: str = "success") -> None:
        """Count a list of an account's functions: `success`, or `failure`."""
        self._polls.labels(account or UNKNOWN, result).inc()

    def drifted(self, fields: Iterable[str]) -> None:
        """Count fields that somebody else changed."""
        for field in fields:
            self._drift.labels(field).inc()

    def became_ready(self, seconds: float) -> None:
        """Note for how long a resource that became Ready had not been."""
        self._ready.observe(seconds)

    def left_behind(self, deployments: int = 1) -> None:
        """Count deployments that are left in NVCF and that no resource manages."""
        self._left_behind.inc(deployments)

    def event_dropped(self) -> None:
        """Count an Event that was given up."""
        self._events_dropped.inc()

    def crd_lacks(self, fields: int) -> None:
        """Note how many fields the cluster's CRD lacks."""
        self._crd_fields.set(fields)

    def resource_shows(self, key: Hashable, conditions: Iterable[State]) -> None:
        """Take down type and status of all conditions that a resource shows now."""
        self._census.put(key, conditions)

    def resource_orders(self, key: Hashable, orders: Iterable[Order]) -> None:
        """Take down the instances that a resource has ordered in NVCF now."""
        self._orders.put(key, orders)

    def resource_gone(self, key: Hashable) -> None:
        """Count a resource no more."""
        self._census.drop(key)
        self._orders.drop(key)

    def watch_queue(self, work: Queue) -> None:
        """Show the work queue, read when the metrics are."""
        queue.watch(work, self.registry)

    def watch_leader(self, leads: Callable[[], bool]) -> None:
        """Show whether this replica leads, read when the metrics are."""
        gauge = Gauge(
            PREFIX + "leader", "1 if this replica is the active leader, 0 if it is on standby.", registry=self.registry
        )
        gauge.set_function(leads)

    def watch_accounts(self, accounts: Iterable[Account]) -> None:
        """Show the accounts in use, read when the metrics are."""
        self.registry.register(AccountFigures(accounts))

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """All figures in the form that an Accept header asks for, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(PREFIX + name, text, labels, buckets=buckets, registry=self.registry)


def _version() -> str:
    try:
        return version("nvcf-operator")
    except PackageNotFoundError:
        return UNKNOWN
