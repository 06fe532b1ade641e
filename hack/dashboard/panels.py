"""The panels of the chart's dashboard, and their queries as Grafana sends them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hack.chart import CHART

DASHBOARD = CHART / "files" / "dashboard.json"
SCRAPE_SECONDS, STEP_SECONDS, HOUR = 30, 60, 3600

VARIABLES: Mapping[str, str] = {
    "__interval": f"{STEP_SECONDS}s",
    "__rate_interval": f"{max(STEP_SECONDS + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s",
    "__range": f"{HOUR}s",
    "datasource": "prometheus",
}
"""What Grafana puts in place of its variables for an hour at a point a minute."""


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    name: str
    """`panel:refId`."""
    expr: str
    legend: str

    def title(self, labels: Mapping[str, str]) -> str:
        """Return the legend of a series with these labels; a label that is not there stays empty, as in Grafana."""
        return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), self.legend).strip()

    @property
    def labels(self) -> list[str]:
        """The labels that the legend names."""
        return re.findall(r"\{\{\s*(\w+)\s*\}\}", self.legend)


@dataclass(frozen=True)
class Panel:
    """One panel."""

    id: int
    kind: str
    title: str
    description: str
    unit: str
    targets: tuple[Target, ...]

    @property
    def file(self) -> str:
        """The name of its picture."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-") + ".svg"


def panels() -> list[Panel]:
    """Return all panels, from the top."""
    return list(_read(json.loads(DASHBOARD.read_text())))


def substituted(expr: str, variables: Mapping[str, str] = VARIABLES) -> str:
    """Return an expression with its variables replaced. Raises :class:`KeyError` for one that is unknown."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: variables[found[1]], expr)


def _read(dashboard: dict[str, object]) -> Iterator[Panel]:
    found = dashboard["panels"]
    assert isinstance(found, list)
    for panel in sorted(found, key=lambda each: (each["gridPos"]["y"], each["gridPos"]["x"])):
        yield Panel(
            panel["id"],
            panel["type"],
            panel["title"],
            panel["description"],
            panel["fieldConfig"]["defaults"]["unit"],
            tuple(
                Target(f"{panel['id']}:{target['refId']}", substituted(target["expr"]), target["legendFormat"])
                for target in panel["targets"]
            ),
        )
