"""The chart as its users handle it: helm 3 and helm 4, on the real API server."""

from hack.chart.helm import Helm, HelmError
from hack.chart.rendering import CHART, RENDERED

__all__ = ["CHART", "RENDERED", "Helm", "HelmError"]
