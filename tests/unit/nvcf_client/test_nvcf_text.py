"""Shortened texts: never longer than asked for, and marked where something is missing."""

import pytest

from nvcf_client.text import shorten


@pytest.mark.parametrize(
    ("text", "most", "mark", "expected", "reason"),
    [
        ("abcd", 4, "…", "abcd", "what fits is left alone"),
        ("abcde", 4, "…", "abc…", "the mark is part of the length"),
        ("abcde", 4, "...", "a...", "another mark"),
        ("", 0, "…", "", "nothing"),
        ("abc", 1, "…", "…", "the mark alone"),
    ],
)
def test_a_cut_is_marked(text: str, most: int, mark: str, expected: str, reason: str) -> None:
    assert shorten(text, most, mark) == expected, reason
