"""The dashboard over the recorded hour, by Prometheus' engine: each query finds something, and the pages are drawn."""

from pathlib import Path

import pytest

from hack.dashboard.engine import EngineError, Series, evaluate
from hack.dashboard.page import DOCS, files, unused
from hack.dashboard.panels import HOUR, SCRAPE_SECONDS, Panel, Target, panels, substituted
from hack.dashboard.recording import RECORDING, times

pytestmark = [pytest.mark.xdist_group("dashboard"), pytest.mark.usefixtures("promql")]

OPTIONAL = {
    "nvcf_operator_instances_running": "--running-instances",
    "nvcf_operator_active_without_instances": "--running-instances",
    "nvcf_operator_queued_requests": "--queue-depth",
}
"""Metrics that exist only with a setting that is off by default. The recording was made without them."""

KILOBYTES_OF_A_PICTURE, KILOBYTES_OF_THE_RECORDING = 30, 300

Answers = dict[str, list[Series]]


@pytest.fixture(scope="module")
def answers(promql: Path) -> Answers:
    return evaluate(target for panel in panels() for target in panel.targets)


def test_the_recording_is_an_hour_and_small() -> None:
    begin, end = times()
    assert end - begin >= HOUR - SCRAPE_SECONDS
    assert RECORDING.stat().st_size < 1000 * KILOBYTES_OF_THE_RECORDING


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel.title)
def test_each_query_of_a_panel_finds_series_with_the_labels_of_its_legend(panel: Panel, answers: Answers) -> None:
    for target in panel.targets:
        found = [series for series in answers[target.name] if series.samples]
        assert found or any(name in target.expr for name in OPTIONAL), f"{target.expr} finds nothing"
        for series in found:
            assert set(target.labels) <= set(series.labels), target.expr
        titles = [target.title(series.labels) for series in found]
        assert len(titles) == len(set(titles)), f"{panel.title} has two lines of one name: after a failover, say"


def test_each_panel_says_what_it_shows_and_when_to_worry() -> None:
    silent = [panel.title for panel in panels() if "Worry " not in panel.description]
    assert not silent


def test_the_series_of_a_leader_that_is_gone_end(promql: Path) -> None:
    """They do not last for the five minutes that Prometheus looks back: nobody sees two leaders after a failover."""
    answers = evaluate(
        [Target("sum", "sum(nvcf_operator_leader)", ""), Target("each", "nvcf_operator_leader > 0", "{{instance}}")]
    )
    assert {value for _, value in answers["sum"][0].samples} <= {0, 1}
    first, second = sorted(answers["each"], key=lambda series: series.samples[0][0])
    assert first.samples[-1][0] < second.samples[0][0]


def test_a_query_that_finds_nothing_gives_nothing(promql: Path) -> None:
    wrong = Target("0:A", 'sum by (priorities) (nvcf_operator_resources{condition="Redy"})', "")
    assert evaluate([wrong]) == {"0:A": []}


def test_a_query_that_prometheus_cannot_read_is_refused(promql: Path) -> None:
    with pytest.raises(EngineError, match="parse error"):
        evaluate([Target("0:A", "sum by (priority (nvcf_operator_queue_depth)", "")])


def test_grafanas_variables_are_substituted() -> None:
    assert substituted("rate(a[$__rate_interval])") == "rate(a[120s])"
    assert substituted("increase(a[${__range}])") == "increase(a[3600s])"
    with pytest.raises(KeyError, match="cluster"):
        substituted('a{cluster="$cluster"}')


def test_the_page_and_its_pictures_are_up_to_date(promql: Path) -> None:
    made = files()
    stale = [path.name for path, text in made.items() if not path.exists() or path.read_text() != text]
    assert not stale, "run .venv/bin/python -m hack.dashboard draw"
    pictures = set((DOCS / "dashboard").iterdir())
    assert pictures == {path for path in made if path.suffix == ".svg"}
    assert max(path.stat().st_size for path in pictures) < 1000 * KILOBYTES_OF_A_PICTURE


def test_metrics_without_a_panel_are_listed() -> None:
    assert "nvcf_operator_build_info" in unused()
    assert "nvcf_operator_leader" not in unused()
