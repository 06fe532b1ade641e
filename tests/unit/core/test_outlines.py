"""What a listed deployment may differ in from the record."""

import pytest

from nvcf_operator.core.outlines import Outline, differ, outline, outline_of
from tests.unit.core.situations import DEPLOYMENT, SPECIFICATION, deployment

RECORDED = outline(DEPLOYMENT, [("b", 1, 2), ("a", 0, 4)])

CASES: list[tuple[str, Outline, bool]] = [
    ("the same in another order", outline(DEPLOYMENT, [("a", 0, 4), ("b", 1, 2)]), False),
    ("another id", outline("another", [("a", 0, 4), ("b", 1, 2)]), True),
    ("another maximum", outline(DEPLOYMENT, [("a", 0, 5), ("b", 1, 2)]), True),
    ("another minimum", outline(DEPLOYMENT, [("a", 0, 4), ("b", 2, 2)]), True),
    ("the same numbers changed over", outline(DEPLOYMENT, [("a", 1, 2), ("b", 0, 4)]), True),
    ("one specification more", outline(DEPLOYMENT, [("a", 0, 4), ("b", 1, 2), ("c", 1, 1)]), True),
    ("no ids of specifications, the same numbers", outline(DEPLOYMENT, [(None, 1, 2), (None, 0, 4)]), False),
    ("no ids of specifications, other numbers", outline(DEPLOYMENT, [(None, 1, 2), (None, 0, 5)]), True),
    ("no specifications", outline(DEPLOYMENT, []), False),
    ("no id", outline(None, [("a", 0, 4), ("b", 1, 2)]), False),
    ("nothing", outline(None, []), False),
]


@pytest.mark.parametrize(("listed", "expected"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_only_what_both_know_can_differ(listed: Outline, expected: bool) -> None:
    assert differ(RECORDED, listed) == expected
    assert differ(listed, RECORDED) == expected


def test_the_outline_of_a_deployment_is_what_status_records_of_it() -> None:
    assert outline_of(deployment()) == outline(DEPLOYMENT, [(SPECIFICATION, 1, 4)])
