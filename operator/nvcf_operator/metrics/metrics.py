"""All metrics of one operator, recorded by the name of what happened."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
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

from nvcf_client.options import installed_version
from nvcf_operator.api.function_status import FUNCTION_CONDITION_TYPES
from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Kind
from nvcf_operator.api.status import CONDITION_TYPES
from nvcf_operator.core.diff.fields import FIELDS
from nvcf_operator.metrics.collectors import (
    PREFIX,
    UNKNOWN,
    AccountCollector,
    AccountFigures,
    PerResourceGauge,
    QueueFigures,
    ResourceGauge,
    ResourceKey,
    watch_queue,
)

LATENCY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Buckets of the duration of calls and reconciles, in seconds."""

LONG: Final = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
"""Buckets of the time that NVCF takes to deploy, in seconds."""

ConditionState = tuple[str, str]
"""Type and status of a condition."""

InstanceRequest = tuple[str, str, int, int]
"""GPU, instance type, minimum and maximum number of instances."""

WRITES: Final = ("finalizer", "intent", "status", "event")
"""Kinds of calls to the Kubernetes API that change something."""

OF_VERSIONS: Final = ("register", "delete_version", "update_version", "remove_rate_limit", "send_secrets")
CHANGES: Final = ("create", "change", "undeploy", *OF_VERSIONS)
"""Kinds of actions that change something in NVCF."""

RESULTS: Final = ("done", "crowded", "outdated", "kube_error", "error")
"""How a reconcile ends: completed; postponed, because too many wait for the account; restarted, because the resource
has changed in the meantime; failed because of the Kubernetes API; or because of a bug."""

CATALOGUE_RESULTS: Final = ("success", "refused", "failure")
"""How a call that reads the catalogue ends."""

DRIFTING: Final = ("deployment", "deploymentSpecifications", *FIELDS, "version", "tags", "rateLimit")
"""What others may change: the deployment is gone, it has more or fewer specifications, or a field of one; the latest
version of a function is gone, or a version in use has other tags or another rate limit."""

# A second series for each counter, which nobody needs.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """Records what happens, in a registry of its own."""

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
        self._catalogue_reads = self._counter(
            "catalogue_reads",
            "Calls that read NVCF's catalogue: answered, refused (the key may not, or there is none), or failed.",
            "result",
        )
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
        self._fields_missing: dict[Kind, int] = {}
        self._kind_listed = Gauge(
            PREFIX + "kind_listed",
            "1 if the resources of a kind could be listed, 0 while the CRD or the right to list them is missing.",
            ["resource"],
            registry=self.registry,
        )
        self._condition_counts = {
            FUNCTION_DEPLOYMENT: self._conditions(
                "resources", "Resources by condition and its status.", CONDITION_TYPES
            ),
            CLOUD_FUNCTION: self._conditions(
                "cloudfunctions", "CloudFunctions by condition and its status.", FUNCTION_CONDITION_TYPES
            ),
        }
        # The labels are what NVCF has accepted from its catalogue, so there are as many as it offers.
        self._requested_instances = self._per_resource(
            {
                "instances_min": "Minimum number of instances that NVCF keeps running for the deployments of all "
                "resources.",
                "instances_max": "Maximum number of instances that NVCF may run for the deployments of all resources.",
            },
            ("gpu", "instance_type"),
        )
        # A series for each resource, which users ask for by a setting. Sums would not show of how many it is not known.
        self._running_instances = self._of_resources(
            "instances_running", "Running instances of the serving version of a resource, as of their last read."
        )
        self._without_instances = self._of_resources(
            "active_without_instances",
            "1 if NVCF reports the serving version of a resource as ACTIVE and runs no instance of it, though "
            "minInstances is 1 or more; 0 if an instance runs, or none has to.",
        )
        self._queued_requests = self._of_resources(
            "queued_requests", "Requests in the queue of the serving version of a resource, as of their last read."
        )
        version = installed_version() or UNKNOWN
        Info(PREFIX + "build", "The running version.", registry=self.registry).info({"version": version})
        ProcessCollector(registry=self.registry)
        # Shown as 0 from the start, so that the first one is seen as a rise.
        for counter, values in (
            (self._changes, CHANGES),
            (self._kube_writes, WRITES),
            (self._reconciles, RESULTS),
            (self._catalogue_reads, CATALOGUE_RESULTS),
            (self._drift, DRIFTING),
        ):
            for value in values:
                counter.labels(value)

    def nvcf_request(self, operation: str, code: str, account: str | None, seconds: float) -> None:
        """Count a call to NVCF; `code` is the HTTP status, or the name of the error when no answer came."""
        self._calls.labels(operation, code, account or UNKNOWN).inc()
        self._call_seconds.labels(operation).observe(seconds)

    def odd_values(self, operation: str, kinds: int) -> None:
        """Count the kinds of odd values in a response that were ignored."""
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
        """Count a reconcile by one of `RESULTS`."""
        self._reconciles.labels(result).inc()
        self._reconcile_seconds.observe(seconds)

    def polled(self, account: str | None, *, result: str = "success") -> None:
        """Count a list of an account's functions: `success`, or `failure`."""
        self._polls.labels(account or UNKNOWN, result).inc()

    def catalogue_read(self, result: str) -> None:
        """Count a call that reads the catalogue by one of `CATALOGUE_RESULTS`."""
        self._catalogue_reads.labels(result).inc()

    def drifted(self, fields: Iterable[str]) -> None:
        """Count fields that somebody else changed."""
        for field in fields:
            self._drift.labels(field).inc()

    def became_ready(self, seconds: float) -> None:
        """Record how long a resource took to become Ready."""
        self._ready.observe(seconds)

    def left_behind(self, deployments: int = 1) -> None:
        """Count deployments that are left in NVCF and that no resource manages."""
        self._left_behind.inc(deployments)

    def event_dropped(self) -> None:
        """Count an Event that was dropped."""
        self._events_dropped.inc()

    def crd_lacks(self, fields: int, kind: Kind = FUNCTION_DEPLOYMENT) -> None:
        """Record how many fields the cluster's CRD of a kind lacks; all kinds are shown as one number."""
        self._fields_missing[kind] = fields
        self._crd_fields.set(sum(self._fields_missing.values()))

    def listed(self, kind: Kind, listed: bool) -> None:
        """Record whether the resources of a kind can be listed."""
        self._kind_listed.labels(kind.plural).set(listed)

    def resource_shows(
        self, key: Hashable, conditions: Iterable[ConditionState], kind: Kind = FUNCTION_DEPLOYMENT
    ) -> None:
        """Record type and status of all conditions that a resource has now."""
        self._condition_counts[kind].put(key, [(state, (1,)) for state in sorted(set(conditions))])

    def resource_orders(self, key: Hashable, requests: Iterable[InstanceRequest]) -> None:
        """Record the instances that a resource requests from NVCF now."""
        shares = [((gpu, kind), (fewest, most)) for gpu, kind, fewest, most in requests]
        self._requested_instances.put(key, shares)

    def resource_runs(self, key: ResourceKey, running: int | None, *, none_running: bool) -> None:
        """Record how many instances of a resource run; None while that is not known."""
        self._running_instances.put(key, running)
        self._without_instances.put(key, None if running is None else none_running)

    def resource_queues(self, key: ResourceKey, requests: int | None) -> None:
        """Record how many requests are queued for a resource; None while that is not known."""
        self._queued_requests.put(key, requests)

    def resource_gone(self, key: Hashable) -> None:
        """Stop counting a resource."""
        for gauge in (self._running_instances, self._without_instances, self._queued_requests):
            gauge.drop(key)
        for counts in self._condition_counts.values():
            counts.drop(key)
        self._requested_instances.drop(key)

    def watch_queue(self, queue: QueueFigures) -> None:
        """Show the work queue, read at each scrape."""
        watch_queue(queue, self.registry)

    def watch_leader(self, leads: Callable[[], bool]) -> None:
        """Show whether this replica leads, read at each scrape."""
        gauge = Gauge(
            PREFIX + "leader", "1 if this replica is the active leader, 0 if it is on standby.", registry=self.registry
        )
        gauge.set_function(leads)

    def watch_accounts(self, accounts: Iterable[AccountFigures]) -> None:
        """Show the accounts in use, read at each scrape."""
        self.registry.register(AccountCollector(accounts))

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics in the format that an Accept header asks for, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(PREFIX + name, text, labels, buckets=buckets, registry=self.registry)

    def _of_resources(self, name: str, text: str) -> ResourceGauge:
        gauge = ResourceGauge(name, text)
        self.registry.register(gauge)
        return gauge

    def _conditions(self, name: str, text: str, types: Iterable[str]) -> PerResourceGauge:
        initial = [(kind, status) for kind in types for status in ("True", "False")]
        return self._per_resource({name: text}, ("condition", "status"), initial)

    def _per_resource(
        self, texts: Mapping[str, str], labels: Sequence[str], initial: Iterable[tuple[str, ...]] = ()
    ) -> PerResourceGauge:
        gauges = PerResourceGauge(texts, labels, initial)
        self.registry.register(gauges)
        return gauges
