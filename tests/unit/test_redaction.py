"""Registered keys are found wherever they stand in a text, and quickly however many there are."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvcf_operator.logs import MARK, Redactor

VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=40)
TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E))


def redactor(*secrets: str, most: int = 4096) -> Redactor:
    made = Redactor(most)
    for secret in secrets:
        made.add(secret)
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hunter2-opaque", MARK),
        ("key=hunter2-opaque,", f"key={MARK},"),
        ("xhunter2-opaquehunter2-opaquex", f"x{MARK}{MARK}x"),
        ("hunter2", "hunter2"),
        ("", ""),
        ("short", "short"),
    ],
)
def test_a_key_is_taken_out_wherever_it_stands(text: str, expected: str) -> None:
    assert redactor("hunter2-opaque").clean(text) == expected


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "  "])
@pytest.mark.parametrize("length", range(6, 12))
def test_a_key_is_found_in_the_data_of_a_secret_too(length: int, end: str) -> None:
    key = "hunter2-abcdef"[:length]
    data = base64.b64encode(f"{key}{end}".encode()).decode()
    shown = redactor(key).clean(f"data: {{NGC_API_KEY: {data}}}")
    assert MARK in shown
    assert data[:8] not in shown


@pytest.mark.parametrize("order", [("hunter2", "hunter2-opaque"), ("hunter2-opaque", "hunter2")])
def test_of_a_key_within_a_key_nothing_is_left(order: tuple[str, str]) -> None:
    assert redactor(*order).clean("hunter2-opaque hunter2") == f"{MARK} {MARK}"


@pytest.mark.parametrize("short", ["", "a", "abcde"])
def test_what_is_too_short_for_a_key_blots_out_nothing(short: str) -> None:
    assert redactor(short).clean(f"abcde {short}") == f"abcde {short}"


def test_what_looks_like_a_key_is_taken_out_without_being_registered() -> None:
    assert "hunter2" not in redactor().clean("nvapi-hunter2 and Bearer hunter2")


def test_the_number_of_keys_is_bounded_and_the_oldest_leave() -> None:
    bounded = redactor("first-key", "second-key", "second-key", "third-key", most=2)
    assert bounded.clean("first-key second-key third-key") == f"first-key {MARK} {MARK}"


def test_a_key_that_leaves_takes_no_other_along() -> None:
    bounded = redactor("first-hunter2", "second-hunter2", "third-hunter2", most=2)
    assert bounded.clean("second-hunter2 third-hunter2") == f"{MARK} {MARK}", "they end alike"


@given(st.lists(VISIBLE, max_size=5), TEXTS, TEXTS)
def test_no_registered_key_is_left_in_any_text(secrets: list[str], before: str, after: str) -> None:
    shown = redactor(*secrets).clean(before + "".join(secrets) + after)
    for secret in secrets:
        assert secret not in shown or secret in MARK * 2
