"""What FunctionDeployments learn of the versions that CloudFunctions bring up to date, and whom that wakes."""

import pytest

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Key
from nvcf_operator.state.versions_up_to_date import Findings, VersionsUpToDate

FUNCTION, OTHER = (Key("team", name, CLOUD_FUNCTION) for name in ("llama", "écho"))
ONE, TWO = (Key("team", name, FUNCTION_DEPLOYMENT) for name in ("llama", "canary"))


@pytest.fixture
def woken() -> list[Key]:
    return []


@pytest.fixture
def found(woken: list[Key]) -> VersionsUpToDate:
    return VersionsUpToDate(woken.append)


def awaits(found: VersionsUpToDate, key: Key = ONE, version: str = "v", uid: str = "u", generation: int = 3) -> bool:
    return found.awaits(key, FUNCTION, uid, generation, version)


@pytest.mark.parametrize(
    ("note", "waits", "rule"),
    [
        (None, True, "it was not reconciled in this process yet"),
        (Findings("u", 3, frozenset({"v"})), False, "the version is up to date"),
        (Findings("u", 3, frozenset({"w"})), True, "another one is"),
        (Findings("u", 2, frozenset({"v"})), True, "it was, by an earlier manifest"),
        (Findings("t", 3, frozenset({"v"})), True, "it was, by another object of the name"),
        (Findings("u", 3, able=False), False, "nothing can be changed"),
        (Findings("u", 2, able=False), True, "nothing could be, by an earlier manifest"),
    ],
)
def test_who_waits(found: VersionsUpToDate, note: Findings | None, waits: bool, rule: str) -> None:
    if note is not None:
        found.note(FUNCTION, note)
    assert awaits(found) is waits, rule


def test_a_finding_wakes_those_that_wait_for_it_once(found: VersionsUpToDate, woken: list[Key]) -> None:
    assert awaits(found, ONE)
    assert awaits(found, TWO, "w")
    found.note(OTHER, Findings("u", 3, frozenset({"v", "w"})))
    found.note(FUNCTION, Findings("u", 3))
    assert woken == []
    found.note(FUNCTION, Findings("u", 3, frozenset({"v"})))
    assert woken == [ONE]
    found.note(FUNCTION, Findings("u", 3, frozenset({"v", "w"})))
    assert woken == [ONE, TWO]
    found.note(FUNCTION, Findings("u", 4, frozenset({"v", "w"})))
    assert woken == [ONE, TWO]


def test_a_cloud_function_that_can_do_nothing_wakes_all(found: VersionsUpToDate, woken: list[Key]) -> None:
    assert awaits(found, ONE)
    assert awaits(found, TWO, "w")
    found.note(FUNCTION, Findings("u", 3, able=False))
    assert woken == [ONE, TWO]


def test_a_cloud_function_that_is_gone_wakes_all(found: VersionsUpToDate, woken: list[Key]) -> None:
    assert awaits(found, ONE)
    found.forget(FUNCTION)
    assert woken == [ONE]
    assert awaits(found, ONE)


def test_only_what_is_there_is_kept(found: VersionsUpToDate) -> None:
    found.note(FUNCTION, Findings("u", 3, frozenset({"v"})))
    found.prune(lambda key: key == FUNCTION)
    assert not awaits(found)
    found.prune(lambda key: key == OTHER)
    assert awaits(found)
