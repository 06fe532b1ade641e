"""What names, labels and buckets have in common."""

from typing import Final

PREFIX: Final = "nvcf_operator_"

UNKNOWN: Final = "unknown"
"""The account of a key that has not shown one yet."""

LATENCY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Buckets of calls and of looks at a resource, in seconds."""

LONG: Final = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
"""Buckets of what NVCF takes to deploy, in seconds."""
