"""What a listed deployment may differ in from the record."""

import pytest

from nvcf_operator.core.rules.poll_rules import DeploymentFingerprint, deployment_fingerprint, differ, fingerprint_of
from tests.unit.core.situations import DEPLOYMENT, SPECIFICATION, deployment

RECORDED = deployment_fingerprint(DEPLOYMENT, [("b", 1, 2), ("a", 0, 4)])

CASES: list[tuple[str, DeploymentFingerprint, bool]] = [
    ("the same in another order", deployment_fingerprint(DEPLOYMENT, [("a", 0, 4), ("b", 1, 2)]), False),
    ("another id", deployment_fingerprint("another", [("a", 0, 4), ("b", 1, 2)]), True),
    ("another maximum", deployment_fingerprint(DEPLOYMENT, [("a", 0, 5), ("b", 1, 2)]), True),
    ("another minimum", deployment_fingerprint(DEPLOYMENT, [("a", 0, 4), ("b", 2, 2)]), True),
    ("the same numbers changed over", deployment_fingerprint(DEPLOYMENT, [("a", 1, 2), ("b", 0, 4)]), True),
    ("one specification more", deployment_fingerprint(DEPLOYMENT, [("a", 0, 4), ("b", 1, 2), ("c", 1, 1)]), True),
    (
        "no ids of specifications, the same numbers",
        deployment_fingerprint(DEPLOYMENT, [(None, 1, 2), (None, 0, 4)]),
        False,
    ),
    ("no ids of specifications, other numbers", deployment_fingerprint(DEPLOYMENT, [(None, 1, 2), (None, 0, 5)]), True),
    ("no specifications", deployment_fingerprint(DEPLOYMENT, []), False),
    ("no id", deployment_fingerprint(None, [("a", 0, 4), ("b", 1, 2)]), False),
    ("nothing", deployment_fingerprint(None, []), False),
]


@pytest.mark.parametrize(("listed", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_only_what_both_know_can_differ(listed: DeploymentFingerprint, expected: bool) -> None:
    assert differ(RECORDED, listed) == expected
    assert differ(listed, RECORDED) == expected


def test_the_outline_of_a_deployment_is_what_status_records_of_it() -> None:
    assert fingerprint_of(deployment()) == deployment_fingerprint(DEPLOYMENT, [(SPECIFICATION, 1, 4)])
