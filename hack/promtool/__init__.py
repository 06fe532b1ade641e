"""Prometheus' own tool, which says whether rules, queries and metrics are right, and plays alerts."""

from hack.promtool.binary import PromtoolError, promtool_binary
from hack.promtool.tool import Promtool, SaysNoError

__all__ = ["Promtool", "PromtoolError", "SaysNoError", "promtool_binary"]
