"""The time to Ready runs from creation, or from when a resource ceased to be Ready."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from nvcf_operator.api.status import Condition, FunctionDeploymentStatus
from nvcf_operator.core.report.events import seconds_to_ready
from tests.unit.core.situations import NOW, resource


def status(
    ready: str | None, *, since: datetime | None = None, older: datetime | None = None
) -> FunctionDeploymentStatus:
    """A status with Ready as given, and another condition that is perhaps older."""
    states = [("Stalled", "False", older or since)] + ([("Ready", ready, since)] if ready else [])
    found = [
        Condition.model_validate({"type": kind, "status": value, "reason": "Any", "last_transition_time": time})
        for kind, value, time in states
    ]
    return FunctionDeploymentStatus(conditions=tuple(found))


MINUTE, HOUR = NOW - timedelta(minutes=1), NOW - timedelta(minutes=50)
CREATED = "2026-01-31T11:00:00Z"

CASES: list[tuple[str, str, FunctionDeploymentStatus, str, float | None]] = [
    ("the first time", CREATED, status("False", since=HOUR), "True", 3600.0),
    ("at its first reconcile", CREATED, status(None), "True", 3600.0),
    ("at another offset", "2026-01-31T13:00:00+02:00", status(None), "True", 3600.0),
    ("the API server's clock is ahead", "2026-01-31T13:00:00Z", status(None), "True", 0.0),
    ("its creation is not known", "", status(None), "True", None),
    ("after it ceased to be Ready", CREATED, status("False", since=MINUTE, older=HOUR), "True", 60.0),
    ("after it was not known", CREATED, status("Unknown", since=MINUTE, older=HOUR), "True", 60.0),
    ("it was Ready", CREATED, status("True", since=MINUTE), "True", None),
    ("it is not Ready", CREATED, status("False", since=MINUTE), "False", None),
]


@pytest.mark.parametrize(
    ("created", "before", "now", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_how_long_it_was_not_ready(
    created: str, before: FunctionDeploymentStatus, now: str, expected: float | None
) -> None:
    of = replace(resource(), created=created, status=before)
    assert seconds_to_ready(of, status(now, since=NOW), NOW) == expected
