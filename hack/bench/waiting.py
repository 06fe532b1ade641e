"""Waiting for the operator: rarely enough to cost it nothing, and with a line now and then for whoever waits."""

import time
from collections.abc import Mapping

from hack.bench.printing import progress
from tests.support.process import Operator
from tests.support.waiting import eventually

PAUSE = 1.0
"""Seconds between two reads of the metrics: they cost the operator milliseconds of CPU each."""

RESTART_PAUSE = 0.25
"""Seconds between two reads after a restart, which takes seconds."""

BETWEEN_LINES = 30.0
"""Seconds between two lines about how far it is."""


def reached(
    operator: Operator,
    metric: str,
    number: float,
    *,
    within: float,
    what: str,
    pause: float = PAUSE,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Wait until a metric has reached a number.

    Args:
        operator: whose metric.
        metric: its name.
        number: what to wait for.
        within: seconds before it is given up.
        what: what is waited for.
        pause: seconds between two reads.
        labels: of the samples that count.

    """
    started = line_at = time.monotonic()

    def read() -> float:
        nonlocal line_at
        value = operator.metric(metric, **(labels or {}))
        if time.monotonic() - line_at >= BETWEEN_LINES:
            line_at = time.monotonic()
            progress(f"{what}: {value:.0f} of {number:.0f} after {line_at - started:.0f} s")
        return value

    eventually(read, lambda value: value >= number, within=within, what=what, rest=lambda: time.sleep(pause))
