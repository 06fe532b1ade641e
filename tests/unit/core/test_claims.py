"""Two resources, one version: the holder keeps it, else the oldest claims it."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from nvcf_operator.api.status import CREDENTIALS_VALID, READY, Condition
from nvcf_operator.core.model.reasons import Reason
from nvcf_operator.core.model.resource import Resource
from nvcf_operator.core.rules.ownership import Rank, claim_of, other_holder
from tests.unit.core.situations import OTHER_VERSION, VERSION, held, intent, resource

MINE = resource()
ONE_O_CLOCK = "2026-01-31T13:00:00Z"
HERE, ELSEWHERE = "https://a.example/v2/nvcf", "https://b.example/v2/nvcf"


def other(found: Resource, *, created: str = "2026-01-31T12:00:00Z", uid: str = "2") -> Resource:
    known = found.status.intent
    own = found.status.model_copy(update={"uid": uid, "intent": known and known.model_copy(update={"uid": uid})})
    return replace(found, uid=uid, created=created, status=own, key=found.key._replace(name="other"))


OBSERVE = {"managementPolicy": "Observe"}
OLD = "2026-01-01T00:00:00Z"
ROLLS = held(spec={"functionVersionId": OTHER_VERSION}, status={"incoming": {"functionVersionId": OTHER_VERSION}})
COMES = resource(status={"observedGeneration": 1, "incoming": {"functionVersionId": VERSION}}, finalizer=True)
GOES = resource(
    spec={"functionVersionId": OTHER_VERSION},
    status={"observedGeneration": 1, "retiring": [{"functionVersionId": VERSION}]},
    finalizer=True,
)
COPY = held(status={"uid": "of the original"})

RANKS: list[tuple[str, Resource, Rank | None]] = [
    ("the version that serves", held(), Rank.CURRENT),
    ("it serves while another one comes up", ROLLS, Rank.CURRENT),
    ("the version that comes up", COMES, Rank.INCOMING),
    ("its POST is under way", resource(intent=intent(), finalizer=True), Rank.INCOMING),
    ("its POST is answered, and nothing came of it", resource(intent=intent(answered=True)), Rank.WANTED),
    ("it is on its way out", GOES, Rank.RETIRING),
    ("the manifest asks for it", resource(), Rank.WANTED),
    ("the manifest asks for it, and our finalizer is no record", resource(finalizer=True), Rank.WANTED),
    ("the record is that of the object which this one was copied from", COPY, Rank.WANTED),
    ("the intent is that of another object", resource(intent=intent(uid="another")), Rank.WANTED),
    ("the manifest asks for another one", resource(spec={"functionVersionId": OTHER_VERSION}), None),
    ("it serves and is only observed", held(spec=OBSERVE), None),
    ("deleted, and nothing is on record", resource(deleting=True, finalizer=True), None),
    ("deleted, and its POST may run", resource(deleting=True, finalizer=True, intent=intent()), Rank.INCOMING),
    ("deleted, and it serves still", held(deleting=True), Rank.CURRENT),
    ("deleted with Retain", held(deleting=True, spec={"deletionPolicy": "Retain"}), None),
    ("deleted, and our finalizer is off", held(deleting=True, finalizer=False), None),
]


@pytest.mark.parametrize(("of", "rank"), [pytest.param(*case[1:], id=case[0]) for case in RANKS])
def test_how_strong_a_claim_is(of: Resource, rank: Rank | None) -> None:
    claim = claim_of(of, VERSION)
    assert (None if claim is None else claim.rank) == rank


def test_a_claim_on_record_comes_before_every_older_one_that_is_weaker() -> None:
    strongest_first = [held(), COMES, GOES, resource()]
    for mine, theirs in pairwise(strongest_first):
        older = other(theirs, created=OLD)
        assert other_holder(mine, VERSION, [older], base_url=HERE, base_urls={}) is None
        assert other_holder(older, VERSION, [mine], base_url=HERE, base_urls={}) == mine.key


def test_a_copy_with_the_originals_record_holds_nothing_of_it() -> None:
    original, copy = other(held(), created=ONE_O_CLOCK), COPY
    assert other_holder(copy, VERSION, [original], base_url=HERE, base_urls={}) == original.key
    assert other_holder(original, VERSION, [copy], base_url=HERE, base_urls={}) is None


CASES: list[tuple[str, Resource, Resource, bool]] = [
    ("a younger one without a deployment", MINE, other(resource()), False),
    ("an older one without a deployment", MINE, other(resource(), created=OLD), True),
    ("one of the same second with a smaller uid", MINE, other(resource(), created=MINE.created, uid="0"), True),
    ("a younger one that holds it", MINE, other(held()), True),
    ("a younger one with an open intent", MINE, other(resource(intent=intent(), finalizer=True)), True),
    ("an older one that only observes", MINE, other(resource(spec=OBSERVE), created=OLD), False),
    ("one that is being deleted and holds it still", MINE, other(held(deleting=True)), True),
    ("one that is being deleted and let go", MINE, other(held(deleting=True, finalizer=False)), False),
    ("one that wants another version", MINE, other(resource(spec={"functionVersionId": OTHER_VERSION})), False),
    ("one that retains it", MINE, other(held(spec={"deletionPolicy": "Retain"}, finalizer=False)), True),
    ("an older one, but this one holds it", held(), other(resource(), created=OLD), False),
    ("an older one that has it on record too, and wants another one", held(), other(ROLLS, created=OLD), False),
    ("an older one that has it on record too, and goes", held(), other(held(deleting=True), created=OLD), False),
    ("a younger one that has it on record too, where this one wants another", ROLLS, other(held()), True),
    ("an older one that has it on record too", held(), other(held(), created=OLD), True),
]


def unable(found: Resource, kind: str, reason: Reason, *, generation: int = 1) -> Resource:
    """That resource, with a condition on record that is False."""
    said = Condition(type=kind, status="False", reason=reason)
    kept = [item for item in found.status.conditions if item.type != kind]
    status = found.status.model_copy(update={"conditions": (*kept, said), "observed_generation": generation})
    return replace(found, status=status)


KEYLESS = unable(resource(), CREDENTIALS_VALID, Reason.NO_CREDENTIALS)
SUSPENDED = unable(resource(spec={"suspend": True}), CREDENTIALS_VALID, Reason.NO_CREDENTIALS)
REFUSED = unable(resource(), CREDENTIALS_VALID, Reason.UNAUTHORIZED)
GONE = resource(deleting=True, finalizer=True)
OF_ANOTHER_ACCOUNT = unable(resource(), READY, Reason.FUNCTION_NOT_FOUND)
CORRECTED = unable(resource(), READY, Reason.FUNCTION_NOT_FOUND, generation=0)
REJECTED = unable(resource(), READY, Reason.REJECTED)
CASES += [
    ("an older one without a key", MINE, other(KEYLESS, created=OLD), False),
    ("an older one that is suspended and has no key", MINE, other(SUSPENDED, created=OLD), False),
    ("an older one whose key is refused", MINE, other(REFUSED, created=OLD), False),
    ("an older one whose account has no such version", MINE, other(OF_ANOTHER_ACCOUNT, created=OLD), False),
    ("an older one that was corrected since", MINE, other(CORRECTED, created=OLD), True),
    ("an older one that NVCF refused for another cause", MINE, other(REJECTED, created=OLD), True),
    (
        "one that holds it and has lost its key",
        MINE,
        other(unable(held(), CREDENTIALS_VALID, Reason.SECRET_NOT_FOUND)),
        True,
    ),
    (
        "one whose POST is under way and whose key was refused since",
        MINE,
        other(unable(resource(intent=intent(), finalizer=True), CREDENTIALS_VALID, Reason.UNAUTHORIZED)),
        True,
    ),
    ("an older one without a key, for one that goes and has lost its record", GONE, other(KEYLESS, created=OLD), True),
    ("this one is as recorded without a key, and acts by one since", KEYLESS, other(resource()), False),
]


@pytest.mark.parametrize(("mine", "theirs", "waits"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_who_comes_first(mine: Resource, theirs: Resource, waits: bool) -> None:
    found: Any = other_holder(mine, VERSION, [theirs], base_url=HERE, base_urls={theirs.key: HERE})
    assert found == (theirs.key if waits else None)


@pytest.mark.parametrize(
    ("place", "waits"),
    [
        pytest.param(HERE, True, id="at the same base URL"),
        pytest.param(ELSEWHERE, False, id="at another base URL"),
        pytest.param(None, True, id="at a base URL that is not known"),
    ],
)
def test_a_holder_counts_at_its_own_base_url(place: str | None, waits: bool) -> None:
    theirs = other(held())
    base_urls = {} if place is None else {theirs.key: place}
    assert (other_holder(MINE, VERSION, [theirs], base_url=HERE, base_urls=base_urls) is not None) == waits
