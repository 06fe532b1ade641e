"""The tag by which a version of ours is known: it is read back as it was written, and nothing else is taken for one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvcf_operator.core.functions.model.mark import LONGEST, PREFIX, Mark, mark_of, parse
from tests.unit.core.functions.templates import UID

HASH, TOKEN = "h10123456789abcdef", "fedcba9876543210"
TAG = f"{PREFIX}3e4666bf0f9c4c8a9a516f0d3c4b2a10:0123456789abcdef:fedcba9876543210"
digits = st.text("0123456789abcdef", min_size=16, max_size=16)
revisions = st.none() | st.from_regex(re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", re.ASCII), fullmatch=True)


def test_the_form_of_a_mark() -> None:
    assert Mark.of(UID, HASH, TOKEN).tag == TAG
    assert Mark.of(UID, HASH, TOKEN, "1-4-2").tag == f"{TAG}:1-4-2"


@given(st.uuids(), digits, digits, revisions)
def test_a_mark_is_a_tag_of_nvcf_and_is_read_back(uid: object, hash_: str, token: str, revision: str | None) -> None:
    mark = Mark.of(str(uid), f"h1{hash_}", token, revision)
    assert len(mark.tag) <= LONGEST
    assert re.fullmatch(r"[a-zA-Z0-9\-_:=]+", mark.tag)
    assert parse(mark.tag) == mark


@given(st.text(max_size=140) | st.builds(lambda rest: PREFIX + rest, st.text(max_size=120)))
def test_no_text_fails_to_be_read(tag: str) -> None:
    found = parse(tag)
    assert found is None or found.tag == tag


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "team-a",
        PREFIX,
        TAG.replace(":1:", ":2:"),
        TAG.upper(),
        TAG[:-1],
        f"{TAG}:",
        f"{TAG}:-a",
        f"{TAG}:{'a' * 41}",
        f"{TAG}:a:b",
        f"x{TAG}",
        f"{TAG}\n",
    ],
)
def test_what_is_not_a_mark_is_not_taken_for_one(tag: str) -> None:
    assert parse(tag) is None


def test_a_mark_stands_among_other_tags() -> None:
    assert mark_of(["team-a", TAG, "prod"]) == parse(TAG)
    assert mark_of([TAG, TAG]) == parse(TAG)
    assert mark_of(["team-a"]) is None
    assert mark_of(None) is None


def test_marks_that_contradict_each_other_say_nothing() -> None:
    assert mark_of([TAG, f"{TAG}:other"]) is None


@pytest.mark.parametrize(
    ("uid", "hash_", "token", "revision"),
    [
        ("not-a-uid", HASH, TOKEN, None),
        (UID, HASH[2:], TOKEN, None),
        (UID, "h2" + HASH[2:], TOKEN, None),
        (UID, HASH, "short", None),
        (UID, HASH, TOKEN, "with space"),
    ],
)
def test_a_mark_that_could_not_be_read_back_is_not_made(uid: str, hash_: str, token: str, revision: str | None) -> None:
    with pytest.raises(ValueError, match="no mark can be made"):
        Mark.of(uid, hash_, token, revision)
