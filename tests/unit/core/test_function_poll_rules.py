"""A poll brings a CloudFunction back where the list and its record differ in its versions, and only there."""

from dataclasses import dataclass, field, replace

import pytest

from nvcf_operator.core.functions.model.metadata import metadata_of
from nvcf_operator.core.functions.model.poll_rules import FunctionPollKey
from nvcf_operator.core.functions.model.rate_limit import form_of
from nvcf_operator.core.model.observed import FunctionStatus
from nvcf_operator.core.rules.poll_rules import Entry

UID, MARK = "0b9a3c1e-0000-4000-8000-00000000000A", "0b9a3c1e00004000800000000000000a"
FUNCTION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"

RECORDED = FunctionPollKey(
    uid=UID,
    name="llama",
    function_id=FUNCTION,
    version_ids=("latest", "former"),
    credentials_refused=False,
    deleting=False,
    secret=None,
)


AWAITED = replace(RECORDED, version_ids=(), awaits_function=True)


@dataclass
class Shown:
    """A version in a list."""

    tags: frozenset[str]
    rate_limit: str | None = None
    unreadable: frozenset[str] = frozenset()
    known_status: FunctionStatus | None = FunctionStatus.INACTIVE


@dataclass
class Registered:
    by_owner: dict[str, tuple[str, ...]] = field(default_factory=dict)
    versions: dict[str, Shown] = field(default_factory=dict)


@dataclass
class Listing:
    """A list with some versions, of which some bear the object's mark."""

    versions: tuple[str, ...]
    marked: tuple[str, ...] = ()
    skipped: frozenset[str] = frozenset()
    shown: dict[str, Shown] = field(default_factory=dict)

    @property
    def entries(self) -> dict[str, Entry]:
        return {version: Entry(FUNCTION, "INACTIVE", "nca-1", True) for version in self.versions}

    @property
    def registered(self) -> Registered:
        return Registered({MARK: self.marked, FUNCTION: self.versions}, self.shown)


BOTH = ("latest", "former")
CASES = [
    pytest.param(RECORDED, Listing(BOTH, BOTH), (False, False), id="as recorded"),
    pytest.param(RECORDED, Listing(BOTH), (False, False), id="a mark that somebody removed"),
    pytest.param(RECORDED, Listing((*BOTH, "foreign"), BOTH), (False, False), id="a version of somebody else"),
    pytest.param(RECORDED, Listing((*BOTH, "late"), (*BOTH, "late")), (True, False), id="a late duplicate"),
    pytest.param(RECORDED, Listing(("latest",), ("latest",)), (True, False), id="a former version is gone"),
    pytest.param(RECORDED, Listing(("former",), ("former",)), (True, True), id="the latest version is gone"),
    pytest.param(RECORDED, Listing((), skipped=frozenset(BOTH)), (False, False), id="entries that cannot be read"),
    pytest.param(
        replace(RECORDED, deleting=True), Listing(("former",), ("former",)), (True, False), id="gone, being deleted"
    ),
    pytest.param(replace(RECORDED, version_ids=()), Listing(()), (False, False), id="nothing on record"),
    pytest.param(replace(RECORDED, version_ids=()), Listing(("lost",), ("lost",)), (True, False), id="a lost record"),
    pytest.param(AWAITED, Listing(()), (False, False), id="a function that is waited for"),
    pytest.param(AWAITED, Listing(("foreign",)), (True, False), id="a function that was waited for and is there"),
    pytest.param(
        replace(RECORDED, version_ids=()), Listing(("foreign",)), (False, False), id="a function nobody waits for"
    ),
]


@pytest.mark.parametrize(("poll_key", "listing", "found"), CASES)
def test_what_a_poll_shows(poll_key: FunctionPollKey, listing: Listing, found: tuple[bool, bool]) -> None:
    assert (poll_key.is_news(listing), poll_key.is_missing(listing)) == found


def test_what_has_versions_on_record_counts_for_the_brake_on_mass_absence() -> None:
    assert RECORDED.holds
    assert not replace(RECORDED, version_ids=()).holds
    assert RECORDED.deployment is None, "it has no deployment of its own"


OURS = f"nvcf-operator:1:{MARK}:{'0' * 16}:{'1' * 16}"
WANTED = replace(RECORDED, metadata=metadata_of(["a", "b"], {"rateLimit": "5-S, 1-M"}, None))
LIMIT = form_of({"rateLimit": "1-M,5-S", "exemptedNcaIds": []})
AS_WANTED = Shown(frozenset({OURS, "b", "a"}), LIMIT)
OTHER = replace(AS_WANTED, tags=frozenset({OURS, "a"}))

METADATA = [
    pytest.param(WANTED, {"latest": AS_WANTED, "former": OTHER}, False, id="as wanted; what is kept does not count"),
    pytest.param(WANTED, {"latest": OTHER}, True, id="other tags"),
    pytest.param(WANTED, {"latest": replace(AS_WANTED, rate_limit=None)}, True, id="no rate limit"),
    pytest.param(WANTED, {"latest": replace(AS_WANTED, tags=frozenset({"a", "b"}))}, True, id="no mark"),
    pytest.param(WANTED, {"latest": replace(OTHER, unreadable=frozenset({"tags"}))}, False, id="unreadable tags"),
    pytest.param(
        WANTED,
        {"latest": AS_WANTED, "former": replace(OTHER, known_status=FunctionStatus.ACTIVE)},
        True,
        id="a former version that serves",
    ),
    pytest.param(
        WANTED, {"latest": AS_WANTED, "former": replace(OTHER, known_status=None)}, True, id="an unknown status"
    ),
    pytest.param(RECORDED, {"latest": OTHER}, False, id="where nothing is to be written, or not all is in order"),
    pytest.param(
        replace(WANTED, metadata=metadata_of(None, None, "Unlimited")), {"latest": AS_WANTED}, True, id="a limit"
    ),
    pytest.param(
        replace(WANTED, metadata=metadata_of(None, None, "Limited")), {"latest": OTHER}, False, id="the server's own"
    ),
]


@pytest.mark.parametrize(("poll_key", "shown", "news"), METADATA)
def test_a_poll_compares_what_can_be_changed_in_place(
    poll_key: FunctionPollKey, shown: dict[str, Shown], news: bool
) -> None:
    assert poll_key.is_news(Listing(BOTH, BOTH, shown=shown)) is news


def test_manifests_that_say_the_same_share_what_is_kept_of_them() -> None:
    assert metadata_of(["a", "b"], {"rateLimit": "1-S"}, None) is metadata_of(
        ("b", "a"), {"rateLimit": "1-S"}, "Limited"
    )
