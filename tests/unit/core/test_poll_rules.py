"""When a poll's list shows something that is not on record."""

from dataclasses import replace

import pytest

from nvcf_operator.core.rules.poll_rules import Entry, PollKey, deployment_fingerprint, is_missing, is_news

FUNCTION, VERSION, OTHER = "f", "v", "w"
HELD = PollKey(
    function_id=FUNCTION,
    held_version=VERSION,
    shown_version=None,
    incoming_version=None,
    missing_version=None,
    leaving=False,
    function_status="ACTIVE",
    deployment_fingerprint=deployment_fingerprint(None, ()),
    credentials_refused=False,
    deleting=False,
    secret=None,
)
NOTHING = replace(HELD, held_version=None, function_status=None)
SHOWN = replace(NOTHING, shown_version=VERSION)
COMING = replace(HELD, incoming_version=OTHER)
MISSING = replace(NOTHING, missing_version=VERSION)
MISSING_BESIDE = replace(HELD, missing_version=OTHER)


def entries(status: str | None, coming: str | None = None, function: str = FUNCTION) -> dict[str, Entry]:
    """A list with the version, and with the one that comes up, in these states; None leaves one out."""
    states = {VERSION: status, OTHER: coming}
    return {version: Entry(function, state, "acme", ours=True) for version, state in states.items() if state}


@pytest.mark.parametrize(
    ("poll_key", "listed", "news"),
    [
        (HELD, entries("ACTIVE"), False),
        (HELD, entries("DEGRADED"), True),
        (HELD, entries("INACTIVE"), True),
        (HELD, entries(None), True),
        (HELD, entries("ACTIVE", function="another"), True),
        (COMING, entries("ACTIVE", "DEPLOYING"), False),
        (COMING, entries("ACTIVE", "ACTIVE"), True),
        (COMING, entries("ACTIVE", "ERROR"), True),
        (NOTHING, entries("ACTIVE"), False),
        # What NVCF did not know is registered by now.
        (MISSING, entries(None), False),
        (MISSING, entries("INACTIVE"), True),
        (MISSING, entries("ACTIVE"), True),
        (MISSING, entries("INACTIVE", function="another"), False),
        (MISSING_BESIDE, entries("ACTIVE"), False),
        (MISSING_BESIDE, entries("ACTIVE", "INACTIVE"), True),
        # Of what is only shown, the record holds the state and no version.
        (SHOWN, entries("INACTIVE"), False),
        (SHOWN, entries("DEPLOYING"), True),
        (SHOWN, entries(None), False),
        (replace(SHOWN, function_status="ACTIVE"), entries("ACTIVE"), False),
        (replace(SHOWN, function_status="ACTIVE"), entries("DEGRADED"), True),
        (replace(SHOWN, function_status="ACTIVE"), entries("INACTIVE"), True),
        (replace(SHOWN, function_status="ACTIVE"), entries("DEGRADED", function="another"), False),
    ],
)
def test_what_differs_from_the_record_is_news(poll_key: PollKey, listed: dict[str, Entry], news: bool) -> None:
    assert is_news(poll_key, listed) is news


@pytest.mark.parametrize(
    ("listed", "skipped", "missing"),
    [
        (entries("ACTIVE"), set(), False),
        (entries("INACTIVE"), set(), True),
        (entries(None), set(), True),
        (entries(None), {OTHER}, True),
        (entries(None), {VERSION}, False),
        (entries(None), {""}, True),
    ],
    ids=["there", "idle", "not listed", "another cannot be read", "it cannot be read", "an id cannot be read"],
)
def test_an_entry_that_cannot_be_read_does_not_count_as_missing(
    listed: dict[str, Entry], skipped: set[str], missing: bool
) -> None:
    assert is_missing(HELD, listed, frozenset(skipped)) is missing
