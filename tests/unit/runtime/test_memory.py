"""Sightings of versions: how long 404 has lasted, and for how long a version that went is remembered."""

from nvcf_operator.runtime.memory import Memory, Sightings

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


def test_news_in_an_outage_does_not_add_up_to_a_long_wait_after_it() -> None:
    memory = Memory(uid="u")
    memory.ended(100.0, wait=1.0)
    for look in (100.1, 100.2, 100.3):
        memory.ended(look, wait=2.0)
    assert memory.attempts == 1
    memory.ended(102.4, wait=4.0)
    assert memory.attempts == 2


def test_what_a_person_asks_for_while_a_failure_is_waited_out_is_tried_like_something_new() -> None:
    memory = Memory(uid="u", attempts=6, retry_at=160.0)
    memory.asked_anew(130.0)
    assert memory.attempts == 0


def test_a_try_in_its_turn_keeps_the_count_of_those_before_it() -> None:
    memory = Memory(uid="u", attempts=6, retry_at=160.0)
    memory.asked_anew(160.0)
    assert memory.attempts == 6
    memory.ended(161.0, wait=None)
    assert memory.attempts == 0
