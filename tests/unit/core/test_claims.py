"""Two resources, one version: the holder keeps it, else the oldest claims it."""

from dataclasses import replace
from typing import Any

import pytest

from nvcf_operator.core.claims import other_holder
from nvcf_operator.core.resource import Resource
from unit.core.situations import OTHER_VERSION, TOKEN, VERSION, held, resource

MINE = resource()
HERE, ELSEWHERE = "https://a.example/v2/nvcf", "https://b.example/v2/nvcf"


def other(found: Resource, *, created: str = "2026-01-31T12:00:00Z", uid: str = "2") -> Resource:
    marks = {name: text.replace(found.uid, uid) for name, text in found.annotations.items()}
    return replace(found, uid=uid, created=created, annotations=marks, key=found.key._replace(name="other"))


OBSERVE = {"managementPolicy": "Observe"}
CASES: list[tuple[str, Resource, Resource, bool]] = [
    ("a younger one without a deployment", MINE, other(resource()), False),
    ("an older one without a deployment", MINE, other(resource(), created="2026-01-01T00:00:00Z"), True),
    ("one of the same second with a smaller uid", MINE, other(resource(), created=MINE.created, uid="0"), True),
    ("a younger one that holds it", MINE, other(held()), True),
    ("a younger one with an open intent", MINE, other(resource(intent=TOKEN, finalizer=True)), True),
    ("an older one that only observes", MINE, other(resource(spec=OBSERVE), created="2026-01-01T00:00:00Z"), False),
    ("one that is being deleted and holds it still", MINE, other(held(deleting=True)), True),
    ("one that is being deleted and let go", MINE, other(held(deleting=True, finalizer=False)), False),
    ("one that wants another version", MINE, other(resource(spec={"functionVersionId": OTHER_VERSION})), False),
    ("one that retains it", MINE, other(held(spec={"deletionPolicy": "Retain"}, finalizer=False)), True),
    ("an older one, but this one holds it", held(), other(resource(), created="2026-01-01T00:00:00Z"), False),
]


@pytest.mark.parametrize(("mine", "theirs", "waits"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_who_comes_first(mine: Resource, theirs: Resource, waits: bool) -> None:
    found: Any = other_holder(mine, VERSION, [theirs], base_url=HERE, places={theirs.key: HERE})
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
    places = {} if place is None else {theirs.key: place}
    assert (other_holder(MINE, VERSION, [theirs], base_url=HERE, places=places) is not None) == waits
