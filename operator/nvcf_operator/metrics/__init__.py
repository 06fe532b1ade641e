"""The Prometheus metrics of the operator: base units, help on all, and never a key in a label.

The label `account` is the NVCF account's id, or `unknown` before a key has shown one.
"""

from nvcf_operator.metrics.metrics import Metrics

__all__ = ["Metrics"]
