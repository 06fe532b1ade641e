"""What a scrape of the running operator shows, read by Prometheus itself: its form, and all that the chart asks for."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from hack import documents
from hack.chart import CHART
from hack.controlplane import ControlPlane
from hack.promtool import Promtool, SaysNoError
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("scraped")

MADE_UP = Path(__file__).parents[1] / "tools" / "chart" / "alerts.test.yaml"
AFTER = "60m"
"""When the queries are asked, of samples that stand unchanged before."""

EMPTY = '""'


class Series(NamedTuple):
    """One series of the scrape."""

    name: str
    labels: dict[str, str]
    value: float


@pytest.fixture(scope="module")
def scrape(
    control_plane: ControlPlane, operator_identity: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """What /metrics shows once a resource is Ready, its deployment was changed outside, and the operator mended it.

    The operator watches this namespace alone: in others stand resources that their operators left.
    """
    control_plane.kubectl("create", "namespace", "scraped")
    folder = tmp_path_factory.mktemp("scraped")
    with (
        Sandbox.made(control_plane, operator_identity, "scraped", folder) as sandbox,
        sandbox.operator(running_instances=True, queue_depth=True) as operator,
    ):
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        sandbox.simulator.scale(sandbox.version, maxInstances=9)
        sandbox.namespace.annotate("echo", reconcile_requested_at="scraped")
        eventually(
            lambda: (
                operator.metric("nvcf_operator_nvcf_writes_total", kind="change"),
                operator.metric("nvcf_operator_resources", condition="Ready", status="True"),
                operator.metric("nvcf_operator_instances_running"),
                'nvcf_operator_queued_requests{name="echo",namespace="scraped"} 0' in operator.get("/metrics"),
            ),
            lambda seen: seen == (1, 1, 1, True),
            within=60,
            what="the change from outside is undone, and instances and queue are read",
        )
        sandbox.ready()
        yield operator.get("/metrics")
        assert operator.running


@pytest.fixture(scope="module")
def series(scrape: str) -> list[Series]:
    """Its series, each with the label that Prometheus adds."""
    return [
        Series(sample.name, {**sample.labels, "instance": "10.0.0.1:8080"}, sample.value)
        for family in text_string_to_metric_families(scrape)
        for sample in family.samples
    ]


def test_prometheus_has_nothing_to_say_against_it(promtool: Promtool, scrape: str) -> None:
    assert promtool("check", "metrics", text=scrape) == ""
    with pytest.raises(SaysNoError, match="no help text"):
        promtool("check", "metrics", text=scrape + "nvcf_operator_more 1\n")


def test_it_reports_what_was_done(series: list[Series]) -> None:
    def value(name: str, **labels: str) -> float:
        return sum(x.value for x in series if x.name == "nvcf_operator_" + name and labels.items() <= x.labels.items())

    assert value("nvcf_requests_total", operation="create_deployment", code="200") == 1
    assert value("nvcf_writes_total", kind="create") == value("nvcf_writes_total", kind="change") == 1
    assert value("drift_total") == value("drift_total", field="maxInstances") == 1
    assert value("resources", condition="Ready", status="True") == 1
    assert value("instances_min", gpu="L40S", instance_type="NCP.GPU.L40S_1x") == 1
    assert value("instances_max", gpu="L40S", instance_type="NCP.GPU.L40S_1x") == 2
    assert value("time_to_ready_seconds_count") >= 1
    assert value("nvcf_calls_left", account=account_of(series)) > 0
    assert value("reconciles_total", result="done") >= 2
    assert value("reconciles_total", result="error") == 0
    assert value("leader") == 1


def account_of(series: Iterable[Series]) -> str:
    (account,) = {x.labels["account"] for x in series if x.name == "nvcf_operator_breaker_open"}
    assert account != "unknown"
    return account


OF_RESOURCES = {
    f"nvcf_operator_{name}" for name in ("instances_running", "active_without_instances", "queued_requests")
}
"""Metrics with a series for each resource, which a setting asks for."""


def test_a_metric_that_a_setting_asks_for_names_its_resource(series: list[Series]) -> None:
    found = {(x.name, x.labels["namespace"], x.labels["name"]) for x in series if "namespace" in x.labels}
    assert found == {(name, "scraped", "echo") for name in OF_RESOURCES}


def test_no_key_and_no_name_of_a_resource_is_in_any_other_label(series: list[Series]) -> None:
    values = {value for each in series if each.name not in OF_RESOURCES for value in each.labels.values()}
    assert not [value for value in values if KEY in value or "nvapi" in value or value in ("echo", "scraped")]


def asked() -> Iterator[tuple[str, str, list[str]]]:
    """Each query of the dashboard with its name and the labels of its legend; each selector of the alerts."""
    for panel in json.loads((CHART / "files" / "dashboard.json").read_text())["panels"]:
        for target in panel["targets"]:
            legend = re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"])
            yield f"panel:{panel['id']}:{target['refId']}", target["expr"], legend
    for group in documents.load((CHART / "files" / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            for index, selector in enumerate(re.findall(r"nvcf_operator_\w+(?:\{[^}]*\})?", rule["expr"])):
                yield f"alert:{rule['alert']}:{index}", selector, []


def played(promtool: Promtool, folder: Path, series: list[Series], queries: list[tuple[str, str, list[str]]]) -> None:
    """Ask the queries of the series, each of which is to give something that carries its labels."""
    rules = [{"record": name, "expr": query} for name, query, _ in queries]
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    case: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": written(each), "values": f"{each.value!r}+0x60"} for each in series],
        "promql_expr_test": [
            {
                "expr": f"count({name}{{{', '.join(f'{label}!={EMPTY}' for label in labels)}}}) > bool 0",
                "eval_time": AFTER,
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
            for name, _, labels in queries
        ],
    }
    tests = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [case]}
    (folder / "tests.yaml").write_text(yaml.safe_dump(tests))
    promtool("test", "rules", folder / "tests.yaml")


def written(series: Series) -> str:
    labels = ", ".join(f"{name}={json.dumps(value)}" for name, value in series.labels.items())
    return f"{series.name}{{{labels}}}"


def test_each_query_of_dashboard_and_alerts_finds_something(
    promtool: Promtool, series: list[Series], tmp_path: Path
) -> None:
    played(promtool, tmp_path, series, [*asked()])


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("nvcf_operator_resource", []),
        ('nvcf_operator_resources{condition="Redy"}', []),
        ('nvcf_operator_resources{kind="Ready"}', []),
        ("sum by (priorities) (nvcf_operator_queue_depth)", ["priorities"]),
        ("sum(nvcf_operator_queue_depth)", ["priority"]),
    ],
)
def test_a_query_for_what_is_not_there_is_noticed(
    promtool: Promtool, series: list[Series], tmp_path: Path, query: str, labels: list[str]
) -> None:
    with pytest.raises(SaysNoError, match="alert:wrong"):
        played(promtool, tmp_path, series, [*asked(), ("alert:wrong", query, labels)])


def test_the_alerts_are_played_with_series_that_there_are(series: list[Series]) -> None:
    there = {(each.name, name) for each in series for name in each.labels} | {(each.name, "") for each in series}
    for case in documents.load(MADE_UP.read_text())["tests"]:
        for each in case["input_series"]:
            name, labels = re.fullmatch(r"(\w+)(?:\{(.*)\})?", each["series"]).groups()  # type: ignore[union-attr]
            wanted = {(name, ""), *((name, label) for label in re.findall(r"(\w+)=", labels or ""))}
            assert wanted <= there, f"{case['name']}: {each['series']}"
