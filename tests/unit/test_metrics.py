"""Metrics: names and units as Prometheus wants them, and figures that say what happened."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.api.status import CONDITION_TYPES
from nvcf_operator.core.diff.fields import FIELDS
from nvcf_operator.core.model.decision import Change, Create, Undeploy
from nvcf_operator.flowcontrol.limiters import Limiter
from nvcf_operator.flowcontrol.priority import Priority
from nvcf_operator.metrics import Metrics
from nvcf_operator.queue.delay_queue import DelayQueue

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Listing:
    asked_at: float


@dataclass
class Account:
    """What the metrics ask of an account, with a real gate."""

    account_id: str | None
    listing: Listing | None = None
    limiter: Limiter = field(default_factory=lambda: Limiter(100, 10))
    keys: set[str] = field(default_factory=lambda: {"ns/name"})


def busy_metrics() -> Metrics:
    """Metrics to which everything has happened once."""
    metrics = Metrics()
    metrics.nvcf_request("create_deployment", "200", "nca-1", 0.2)
    metrics.kube_request("status", "200", 0.01)
    metrics.reconciled("done", 0.1)
    metrics.reconciled_write("create")
    metrics.odd_values("list_functions", 1)
    metrics.polled("nca-1")
    metrics.drifted(("minInstances",))
    metrics.became_ready(60.0)
    metrics.left_behind()
    metrics.resource_shows("ns/name", [("Ready", "True")])
    metrics.resource_shows("ns/function", [("Ready", "True")], CLOUD_FUNCTION)
    metrics.listed(CLOUD_FUNCTION, True)
    metrics.resource_orders("ns/name", [("L40S", "NCP.GPU.L40S_1x", 1, 2)])
    metrics.resource_runs(Key("ns", "name"), 1, none_running=False)
    metrics.resource_queues(Key("ns", "name"), 2)
    queue: DelayQueue[str] = DelayQueue(group=lambda key: "")
    metrics.watch_queue(queue)
    metrics.watch_accounts([Account("nca-1", Listing(time.monotonic()))])
    metrics.watch_leader(lambda: True)
    return metrics


def value(metrics: Metrics, name: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"nvcf_operator_{name}", labels)


def samples(metrics: Metrics, name: str) -> list[Sample]:
    return [item for family in metrics.registry.collect() for item in family.samples if item.name.endswith(name)]


def test_every_metric_has_help_our_prefix_and_base_units() -> None:
    text = busy_metrics().exposition()[0].decode()
    families = [item for item in text_string_to_metric_families(text) if not item.name.startswith("process_")]
    assert len(families) >= 19
    for family in families:
        assert family.name.startswith("nvcf_operator_")
        assert family.documentation.endswith("."), family.name
        assert not family.name.endswith(("_ms", "_milliseconds", "_minutes", "_kb", "_count")), family.name
        assert family.samples, f"{family.name} shows nothing though it happened"
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples), family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds")


def test_the_list_in_the_documentation_is_the_metrics_that_there_are() -> None:
    rows = {}
    for family in busy_metrics().registry.collect():
        if not family.name.startswith("process_"):
            name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
            labels = {label: None for sample in family.samples for label in sample.labels if label != "le"}
            rows[name] = (
                f"| `{name}` | {family.type} | {', '.join(f'`{x}`' for x in labels)} | {family.documentation} |"
            )
    documented = [line for line in OPERATIONS.read_text().splitlines() if line.startswith("| `nvcf_operator_")]
    wanted = [line.replace("|  |", "| |") for _, line in sorted(rows.items())]
    assert documented == wanted, "docs/operations.md is to hold\n" + "\n".join(wanted)


def test_two_operators_in_one_process_count_apart() -> None:
    one, other = busy_metrics(), busy_metrics()
    one.reconciled("done", 0.1)
    assert value(one, "reconciles_total", result="done") == 2
    assert value(other, "reconciles_total", result="done") == 1


def test_a_call_is_counted_by_operation_code_and_account() -> None:
    metrics = Metrics()
    metrics.nvcf_request("get_deployment", "404", "nca-1", 0.2)
    metrics.nvcf_request("get_deployment", "OutcomeUnknown", None, 30.0)
    assert value(metrics, "nvcf_requests_total", operation="get_deployment", code="404", account="nca-1") == 1
    assert value(metrics, "nvcf_requests_total", operation="get_deployment", code="OutcomeUnknown", account="unknown")
    assert value(metrics, "nvcf_request_duration_seconds_sum", operation="get_deployment") == pytest.approx(30.2)


@pytest.mark.parametrize(
    ("kind", "code", "written", "reason"),
    [
        ("status", "200", 1, "a write that was taken"),
        ("event", "201", 1, "created"),
        ("finalizer", "200", 1, "a write"),
        ("intent", "200", 1, "a write"),
        ("status", "409", 0, "refused: nothing was written"),
        ("status", "timeout", 0, "not known to be written"),
        ("get", "200", 0, "reading"),
        ("secret", "200", 0, "reading"),
    ],
)
def test_converged_means_silent_can_be_seen(kind: str, code: str, written: int, reason: str) -> None:
    metrics = Metrics()
    metrics.kube_request(kind, code, 0.1)
    assert sum(sample.value for sample in samples(metrics, "kube_writes_total")) == written, reason
    assert value(metrics, "kube_requests_total", kind=kind, code=code) == 1


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("kube_writes_total", "kind", {"finalizer", "intent", "status", "event"}),
        (
            "nvcf_writes_total",
            "kind",
            {action.__name__.lower() for action in (Create, Change, Undeploy)}
            | {"register", "delete_version", "update_version", "remove_rate_limit", "send_secrets"},
        ),
        ("reconciles_total", "result", {"done", "crowded", "outdated", "kube_error", "error"}),
        ("drift_total", "field", {"deployment", "deploymentSpecifications", *FIELDS, "version", "tags", "rateLimit"}),
        ("resources", "condition", set(CONDITION_TYPES)),
    ],
)
def test_what_can_be_named_is_shown_before_it_happens(name: str, label: str, values: set[str]) -> None:
    shown = samples(Metrics(), name)
    assert {item.labels[label] for item in shown} == values
    assert all(item.value == 0 for item in shown)


def test_polls_are_counted_by_their_result() -> None:
    metrics = Metrics()
    metrics.odd_values("list_functions", 1)
    metrics.polled("nca-1")
    metrics.polled("nca-1", result="failure")
    metrics.polled(None, result="failure")
    assert value(metrics, "polls_total", account="nca-1", result="success") == 1
    assert value(metrics, "polls_total", account="unknown", result="failure") == 1


def test_the_queue_is_read_when_the_metrics_are() -> None:
    clock = Clock()
    queue: DelayQueue[str] = DelayQueue(group=lambda key: "", clock=clock)
    metrics = Metrics()
    metrics.watch_queue(queue)
    for key in ("a", "b", "c"):
        queue.add(key, Priority.HIGH)
    queue.add("later", Priority.LOW, delay=60)
    queue.take()
    clock.now += 7
    assert value(metrics, "queue_depth", priority="high") == 2
    assert value(metrics, "queue_depth", priority="low") == 0
    assert value(metrics, "queue_oldest_overdue_seconds", priority="high") == 7
    assert value(metrics, "queue_oldest_overdue_seconds", priority="normal") == 0
    assert value(metrics, "workers_busy") == 1


def test_an_account_shows_when_it_last_answered() -> None:
    metrics = Metrics()
    metrics.watch_accounts([Account("nca-1", Listing(time.monotonic() - 50)), Account("nca-2"), Account(None)])
    at = value(metrics, "last_successful_poll_timestamp_seconds", account="nca-1")
    assert at == pytest.approx(time.time() - 50, abs=1)
    assert value(metrics, "last_successful_poll_timestamp_seconds", account="nca-2") == 0
    assert value(metrics, "last_successful_poll_timestamp_seconds", account="unknown") == 0


def test_of_several_keys_of_one_account_the_worst_is_shown() -> None:
    clock = Clock()
    failing = Limiter(100, 10, clock=clock)
    for _ in range(10):
        failing.failed()
    metrics = Metrics()
    now = time.monotonic()
    metrics.watch_accounts([Account("nca", Listing(now - 500), failing), Account("nca", Listing(now))])
    at = value(metrics, "last_successful_poll_timestamp_seconds", account="nca")
    assert at == pytest.approx(time.time() - 500, abs=1)
    assert value(metrics, "breaker_open", account="nca") == 1
    clock.now += 1000
    assert value(metrics, "breaker_open", account="nca") == 0


def test_a_server_that_asks_for_a_pause_is_no_failing_one() -> None:
    throttled = Account("nca")
    throttled.limiter.throttled(60)
    metrics = Metrics()
    metrics.watch_accounts([throttled])
    assert value(metrics, "breaker_open", account="nca") == 0


async def test_an_account_shows_what_is_left_of_its_rate() -> None:
    clock = Clock()
    limiter = Limiter(10, 2, clock=clock)
    metrics = Metrics()
    metrics.watch_accounts([Account("nca", limiter=limiter), Account("nca", limiter=limiter), Account("full")])
    full = value(metrics, "nvcf_calls_left", account="nca")
    async with limiter.admitted(Priority.HIGH), limiter.admitted(Priority.HIGH):
        waiting = asyncio.create_task(limiter.admitted(Priority.HIGH).__aenter__())
        await asyncio.sleep(0)
        assert value(metrics, "nvcf_calls_left", account="nca") == (full or 0) - 2
        assert value(metrics, "nvcf_calls_in_flight", account="nca") == 2, "two keys of one account share its gate"
        assert value(metrics, "nvcf_calls_waiting", account="nca") == 1
        waiting.cancel()
    assert value(metrics, "nvcf_calls_in_flight", account="nca") == 0
    limiter.throttled(60)
    assert value(metrics, "nvcf_calls_left", account="nca") == 0, "the server asked for a pause"
    clock.now += 61
    assert (value(metrics, "nvcf_calls_left", account="nca") or 0) > 0


def test_an_account_that_is_left_raises_no_alert() -> None:
    unused = Account("nca-2", keys=set())
    accounts = [Account("nca-1"), unused]
    metrics = Metrics()
    metrics.watch_accounts(accounts)
    assert [item.labels["account"] for item in samples(metrics, "breaker_open")] == ["nca-1"]
    accounts.clear()
    assert samples(metrics, "last_successful_poll_timestamp_seconds") == []


def test_each_kind_is_counted_for_itself() -> None:
    metrics = Metrics()
    metrics.resource_shows("a", [("Ready", "True")])
    metrics.resource_shows("b", [("Ready", "True")], CLOUD_FUNCTION)
    assert value(metrics, "resources", condition="Ready", status="True") == 1
    assert value(metrics, "cloudfunctions", condition="Ready", status="True") == 1
    metrics.resource_gone("b")
    assert value(metrics, "cloudfunctions", condition="Ready", status="True") == 0


def test_fields_that_are_missing_are_counted_over_all_crds() -> None:
    metrics = Metrics()
    metrics.crd_lacks(2)
    metrics.crd_lacks(1, CLOUD_FUNCTION)
    assert value(metrics, "crd_fields_missing") == 3
    metrics.crd_lacks(0)
    assert value(metrics, "crd_fields_missing") == 1


def test_resources_are_counted_by_what_they_show_now() -> None:
    metrics = Metrics()
    metrics.resource_shows("a", [("Ready", "False"), ("Stalled", "True")])
    metrics.resource_shows("b", [("Ready", "True")])
    metrics.resource_shows("a", [("Ready", "True"), ("Stalled", "False")])
    metrics.resource_shows("a", [("Stalled", "False"), ("Ready", "True")])
    assert value(metrics, "resources", condition="Ready", status="True") == 2
    assert value(metrics, "resources", condition="Stalled", status="True") == 0, "an alert on it has to end"
    for _ in range(2):
        metrics.resource_gone("a")
    assert value(metrics, "resources", condition="Ready", status="True") == 1


def test_ordered_instances_are_summed_up_by_gpu_and_type() -> None:
    metrics = Metrics()
    small, large = {"gpu": "L40S", "instance_type": "one"}, {"gpu": "H100", "instance_type": "eight"}
    metrics.resource_orders("a", [("L40S", "one", 1, 4), ("H100", "eight", 0, 2)])
    metrics.resource_orders("b", [("L40S", "one", 2, 3)])
    assert [value(metrics, name, **small) for name in ("instances_min", "instances_max")] == [3, 7]
    assert [value(metrics, name, **large) for name in ("instances_min", "instances_max")] == [0, 2]
    metrics.resource_orders("a", [("L40S", "one", 1, 1)])
    assert value(metrics, "instances_max", **small) == 4
    assert value(metrics, "instances_max", **large) == 0, "an alert on it has to end"
    for _ in range(2):
        metrics.resource_gone("b")
    assert value(metrics, "instances_max", **small) == 1


def test_a_resource_has_a_series_while_its_number_is_known() -> None:
    metrics, one, two = Metrics(), Key("team", "écho & <co>"), Key("team-b", "écho & <co>")
    gauges = ("instances_running", "active_without_instances", "queued_requests")

    def values(key: Key) -> list[float | None]:
        return [value(metrics, name, namespace=key.namespace, name=key.name) for name in gauges]

    metrics.resource_runs(one, 0, none_running=True)
    metrics.resource_runs(two, 0, none_running=False)
    metrics.resource_queues(two, 12)
    assert (values(one), values(two)) == ([0, 1, None], [0, 0, 12])
    metrics.resource_runs(one, 3, none_running=False)
    metrics.resource_runs(two, None, none_running=False)
    assert (values(one), values(two)) == ([3, 0, None], [None, None, 12])
    for _ in range(2):
        metrics.resource_gone(one)
        metrics.resource_gone(two)
    assert values(one) == values(two) == [None, None, None]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0"),
    ],
)
def test_the_form_is_the_one_that_is_asked_for(accept: str, content_type: str) -> None:
    body, reported = busy_metrics().exposition(accept)
    assert reported.startswith(content_type)
    assert body.endswith(b"# EOF\n") is accept.startswith("application/openmetrics")


def test_the_process_itself_is_measured() -> None:
    assert (Metrics().registry.get_sample_value("process_resident_memory_bytes") or 0) > 1e6
