"""Prometheus' own tool, which says whether rules, queries and metrics are right, and plays alerts."""

from promtool.binary import PromtoolError, promtool_binary
from promtool.tool import Promtool, SaysNoError

__all__ = ["Promtool", "PromtoolError", "SaysNoError", "promtool_binary"]
