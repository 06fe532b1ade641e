"""Durations are compared by value."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvcf_client.text import duration_seconds


@pytest.mark.parametrize(
    ("text", "length", "reason"),
    [
        ("PT10M", "600", "minutes"),
        ("PT600S", "600", "the same in seconds"),
        (600, "600", "a number is seconds"),
        (0.1, "0.1", "a fraction means the decimal that was written"),
        ("PT0.1S", "0.1", "and equals its text"),
        ("PT1H", "3600", "hours"),
        ("P1DT2H3M4.5S", "93784.5", "all units"),
        ("P1D", "86400", "days alone"),
        ("pt1m", "60", "letter case does not matter"),
        ("-PT1M", "-60", "a sign in front"),
        ("PT-1M", "-60", "a sign at the unit"),
        ("PT1,5S", "1.5", "a comma may stand for the point"),
        (" PT1S ", "1", "blanks around"),
    ],
)
def test_the_length_is_exact(text: str | int | float, length: str, reason: str) -> None:
    assert duration_seconds(text) == Decimal(length), reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing"),
        ("P", "no unit"),
        ("PT", "no unit after T"),
        ("P1DT", "nothing after T"),
        ("600", "a number in text has no unit"),
        ("P1Y", "a year has no fixed length"),
        ("P1M", "a month has no fixed length"),
        ("P1W", "the server takes no weeks"),
        ("PT1M1H", "wrong order"),
        ("PTS", "no digits"),
        ("PT.S", "no digits around the point"),
        ("PT١M", "digits of another script"),
        (float("nan"), "not a number"),
        (float("inf"), "endless"),
    ],
)
def test_what_is_no_duration_is_refused(text: str | float, reason: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration_seconds(text)


@given(st.text() | st.floats() | st.integers())
def test_any_input_gives_a_length_or_a_value_error(value: str | float | int) -> None:
    with suppress(ValueError):
        assert duration_seconds(value).is_finite()


@given(st.integers(0, 10**9))
def test_seconds_and_iso_text_agree(number: int) -> None:
    minutes, rest = divmod(number, 60)
    assert duration_seconds(number) == duration_seconds(f"PT{minutes}M{rest}S") == duration_seconds(f"PT{number}S")
