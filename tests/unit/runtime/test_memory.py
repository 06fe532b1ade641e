"""Sightings of versions: how long 404 has lasted, and for how long a version that went is remembered."""

from nvcf_operator.runtime.memory import Sightings

TARGET = ("https://nvcf.example/v2/nvcf", "function", "version")


def test_a_404_counts_from_the_first_one_seen() -> None:
    sightings = Sightings(remember=75)
    assert [sightings.missed(TARGET, 100.0 + after) for after in (0, 30, 60, 90)] == [0.0, 30.0, 60.0, 90.0]


def test_a_time_in_which_nobody_looked_breaks_the_404() -> None:
    sightings = Sightings(remember=75)
    sightings.missed(TARGET, 100.0)
    assert sightings.missed(TARGET, 138.0) == 0.0


def test_many_that_wait_at_once_are_looked_at_as_often_as_the_rate_allows() -> None:
    sightings = Sightings(remember=75, rate=50)
    for number in range(2500):
        sightings.missed(("https://nvcf.example/v2/nvcf", "function", str(number)), 100.0)
    assert sightings.missed(("https://nvcf.example/v2/nvcf", "function", "0"), 160.0) == 60.0


def test_a_sight_of_the_deployment_breaks_the_404() -> None:
    sightings = Sightings(remember=75)
    sightings.missed(TARGET, 100.0)
    sightings.saw(TARGET, 130.0)
    assert sightings.missed(TARGET, 160.0) == 0.0


def test_a_version_that_went_is_remembered_until_the_404_has_lasted() -> None:
    sightings = Sightings(remember=75)
    sightings.saw(TARGET, 0.0)
    assert sightings.seen_lately(TARGET, 1000.0), "nobody has seen it gone"
    sightings.missed(TARGET, 1000.0)
    assert sightings.seen_lately(TARGET, 1074.0)
    assert not sightings.seen_lately(TARGET, 1075.0)
    assert not sightings.seen_lately(TARGET, 1001.0), "it is forgotten for good"


def test_a_version_that_nobody_saw_is_not_remembered() -> None:
    sightings = Sightings(remember=75)
    sightings.missed(TARGET, 0.0)
    assert not sightings.seen_lately(TARGET, 1.0)


def test_pruning_drops_only_what_no_decision_asks_for() -> None:
    sightings = Sightings(remember=75)
    sightings.saw(TARGET, 0.0)
    sightings.missed(TARGET, 10.0)
    sightings.prune(70.0)
    assert sightings.seen_lately(TARGET, 70.0)
    sightings.prune(1000.0)
    assert not sightings.seen_lately(TARGET, 1000.0)
