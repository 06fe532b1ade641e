"""Observations of versions: how long 404 has lasted, and for how long a version that went is remembered."""

from nvcf_operator.state.deployments import PresenceHistory, Target
from nvcf_operator.state.local_state import LocalState

TARGET = Target("https://nvcf.example/v2/nvcf", "function", "version")


def test_a_404_counts_from_the_first_one_seen() -> None:
    observations = PresenceHistory(remember=75)
    assert [observations.missed(TARGET, 100.0 + after) for after in (0, 30, 60, 90)] == [0.0, 30.0, 60.0, 90.0]


def test_a_time_in_which_nothing_was_read_breaks_the_404() -> None:
    observations = PresenceHistory(remember=75)
    observations.missed(TARGET, 100.0)
    assert observations.missed(TARGET, 138.0) == 0.0


def test_many_that_wait_at_once_are_reconciled_as_often_as_the_rate_allows() -> None:
    observations = PresenceHistory(remember=75, rate=50)
    for number in range(2500):
        observations.missed(Target("https://nvcf.example/v2/nvcf", "function", str(number)), 100.0)
    assert observations.missed(Target("https://nvcf.example/v2/nvcf", "function", "0"), 160.0) == 60.0


def test_a_sight_of_the_deployment_breaks_the_404() -> None:
    observations = PresenceHistory(remember=75)
    observations.missed(TARGET, 100.0)
    observations.saw(TARGET, 130.0)
    assert observations.missed(TARGET, 160.0) == 0.0


def test_a_version_that_went_is_remembered_until_the_404_has_lasted() -> None:
    observations = PresenceHistory(remember=75)
    observations.saw(TARGET, 0.0)
    assert observations.seen_lately(TARGET, 1000.0), "nobody has seen it gone"
    observations.missed(TARGET, 1000.0)
    assert observations.seen_lately(TARGET, 1074.0)
    assert not observations.seen_lately(TARGET, 1075.0)
    assert not observations.seen_lately(TARGET, 1001.0), "it is forgotten for good"


def test_a_version_that_nobody_saw_is_not_remembered() -> None:
    observations = PresenceHistory(remember=75)
    observations.missed(TARGET, 0.0)
    assert not observations.seen_lately(TARGET, 1.0)


def test_pruning_drops_only_what_no_decision_asks_for() -> None:
    observations = PresenceHistory(remember=75)
    observations.saw(TARGET, 0.0)
    observations.missed(TARGET, 10.0)
    observations.prune(70.0)
    assert observations.seen_lately(TARGET, 70.0)
    observations.prune(1000.0)
    assert not observations.seen_lately(TARGET, 1000.0)


def test_news_in_an_outage_does_not_add_up_to_a_long_wait_after_it() -> None:
    local = LocalState(uid="u")
    local.ended(100.0, wait=1.0)
    for at in (100.1, 100.2, 100.3):
        local.ended(at, wait=2.0)
    assert local.attempts == 1
    local.ended(102.4, wait=4.0)
    assert local.attempts == 2


def test_what_a_user_asks_for_while_a_failure_is_waited_out_is_tried_like_something_new() -> None:
    local = LocalState(uid="u", attempts=6, retry_at=160.0)
    local.requested(130.0)
    assert local.attempts == 0


def test_a_try_in_its_turn_keeps_the_count_of_those_before_it() -> None:
    local = LocalState(uid="u", attempts=6, retry_at=160.0)
    local.requested(160.0)
    assert local.attempts == 6
    local.ended(161.0, wait=None)
    assert local.attempts == 0
