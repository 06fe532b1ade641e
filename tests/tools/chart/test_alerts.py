"""The chart's alerts and the dashboard's queries, as Prometheus itself reads them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack import documents
from hack.chart import CHART, Helm
from hack.promtool import Promtool, SaysNoError

CASES = Path(__file__).with_name("alerts.test.yaml")
VALUES = {"metrics": {"prometheusRule": {"enabled": True}}}


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The groups of rules that the chart renders."""
    objects = Helm(4, tmp_path_factory.mktemp("helm")).template(VALUES)
    (rule,) = [each for each in objects if each["kind"] == "PrometheusRule"]
    found: list[dict[str, Any]] = rule["spec"]["groups"]
    return found


def written(folder: Path, groups: list[dict[str, Any]], alert: str | None = None) -> Path:
    """The rules as a file of Prometheus, and the cases beside them: all, or those that concern one alert."""
    rules = folder / "rules.yaml"
    rules.write_text(yaml.safe_dump({"groups": groups}))
    cases = CASES.read_text()
    if alert is not None:
        parsed = documents.load(cases)
        parsed["tests"] = [case for case in parsed["tests"] if alert in _alerts_of(case)]
        cases = yaml.safe_dump(parsed)
    (folder / CASES.name).write_text(cases)
    return rules


def _alerts_of(case: dict[str, Any]) -> set[str]:
    return {check["alertname"] for check in case["alert_rule_test"]}


def expectations() -> Iterator[tuple[str, bool]]:
    """Each alert that a case checks, and whether it is to fire there."""
    for case in documents.load(CASES.read_text())["tests"]:
        yield from ((check["alertname"], bool(check["exp_alerts"])) for check in case["alert_rule_test"])


def test_prometheus_takes_the_rules(promtool: Promtool, groups: list[dict[str, Any]], tmp_path: Path) -> None:
    said = promtool("check", "rules", "--lint=all", "--lint-fatal", written(tmp_path, groups))
    assert f"SUCCESS: {len(groups[0]['rules'])} rules found" in said


def test_each_alert_fires_when_it_should_and_not_otherwise(
    promtool: Promtool, groups: list[dict[str, Any]], tmp_path: Path
) -> None:
    written(tmp_path, groups)
    promtool("test", "rules", tmp_path / CASES.name)


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(groups: list[dict[str, Any]]) -> None:
    alerts = {rule["alert"] for rule in groups[0]["rules"]}
    assert {alert for alert, fires in expectations() if fires} == alerts
    assert {alert for alert, fires in expectations() if not fires} >= alerts


@pytest.mark.parametrize("alert", sorted({alert for alert, _ in expectations()}))
@pytest.mark.parametrize("expression", ["vector(0) > 1", "vector(1)"], ids=["never fires", "always fires"])
def test_the_cases_reveal_an_alert_that_is_wrong(
    promtool: Promtool, groups: list[dict[str, Any]], tmp_path: Path, alert: str, expression: str
) -> None:
    rules = [{**rule, **({"expr": expression} if rule["alert"] == alert else {})} for rule in groups[0]["rules"]]
    written(tmp_path, [{**groups[0], "rules": rules}], alert)
    with pytest.raises(SaysNoError, match=alert):
        promtool("test", "rules", tmp_path / CASES.name)


def test_prometheus_can_read_each_query_of_the_dashboard(promtool: Promtool, tmp_path: Path) -> None:
    panels = json.loads((CHART / "files" / "dashboard.json").read_text())["panels"]
    queries = {
        f"panel:{panel['id']}:{target['refId']}": target["expr"] for panel in panels for target in panel["targets"]
    }
    rules = tmp_path / "rules.yaml"

    def check(queries: dict[str, str]) -> str:
        found = [{"record": name, "expr": query} for name, query in queries.items()]
        rules.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": found}]}))
        return promtool("check", "rules", rules)

    assert f"SUCCESS: {len(queries)} rules found" in check(queries)
    with pytest.raises(SaysNoError, match="could not parse expression"):
        check({"panel:0:A": "sum by (priority (nvcf_operator_queue_depth)"})
