"""NVCF's statuses: known in any letter case; words that the operator does not know say nothing."""

from collections.abc import Callable

import pytest

from nvcf_operator.core.model.observed import FunctionStatus, Listed, Present
from tests.unit.core.situations import deployment


@pytest.mark.parametrize("status", list(FunctionStatus))
@pytest.mark.parametrize("spell", [str.upper, str.lower, str.title])
def test_a_known_status_is_known_in_any_letter_case(status: FunctionStatus, spell: Callable[[str], str]) -> None:
    for seen in (Listed(spell(status)), Present(deployment(spell(status)))):
        assert seen.known_status == status
        assert seen.is_inactive == (status == FunctionStatus.INACTIVE)
        assert seen.is_error == (status == FunctionStatus.ERROR)
        assert seen.serves == (status in (FunctionStatus.ACTIVE, FunctionStatus.DEGRADING))


@pytest.mark.parametrize("word", ["", "ACTIVE ", "HIBERNATING", "größe"])
def test_an_unknown_word_stays_what_it_is(word: str) -> None:
    seen = Listed(word)
    assert (seen.status, seen.known_status) == (word, None)
    assert [seen.is_inactive, seen.is_error, seen.serves] == [False] * 3
