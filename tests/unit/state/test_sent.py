"""What this process has sent to NVCF, whatever becomes of the object and of its status."""

import pytest

from nvcf_operator.core.model.resource import Resource
from nvcf_operator.state.deployments import REMEMBERED, Sent, SentPost, Target
from tests.unit.core.situations import DEPLOYMENT, FUNCTION, OTHER_VERSION, UID, VERSION, resource

BASE = "https://nvcf.example/v2/nvcf"
TARGET = Target(BASE, FUNCTION, VERSION)
OTHER = Target(BASE, FUNCTION, OTHER_VERSION)
ELSEWHERE = Target("https://other.example/v2/nvcf", FUNCTION, VERSION)
SETTLE = 125.0
OF = resource(finalizer=True)


def posting(sent: Sent, target: Target = TARGET, *, of: Resource = OF, token: str = "first") -> SentPost:
    """A POST is on its way."""
    return sent.post(target, of, token, SETTLE)


def lost(sent: Sent, at: float = 100.0) -> SentPost:
    """A POST whose answer was lost."""
    post = posting(sent)
    sent.failed(post, at, maybe_done=True)
    return post


def test_a_post_on_its_way_may_run_for_the_whole_settle() -> None:
    sent = Sent()
    posting(sent)
    assert [sent.may_run_for(TARGET, now) for now in (0.0, 1000.0)] == [SETTLE, SETTLE]
    assert [sent.may_run_for(other, 0.0) for other in (OTHER, ELSEWHERE)] == [0.0, 0.0], "no other target waits for it"


def test_a_post_whose_answer_was_lost_may_run_until_its_settle_is_over() -> None:
    sent = Sent()
    lost(sent)
    assert [sent.may_run_for(TARGET, now) for now in (100.0, 160.0, 225.0, 1000.0)] == [125.0, 65.0, 0.0, 0.0]


def test_a_post_that_was_refused_is_over() -> None:
    sent = Sent()
    sent.failed(posting(sent), 100.0, maybe_done=False)
    assert sent.may_run_for(TARGET, 100.0) == 0.0
    assert sent.take(UID, 100.0) == []


def test_a_post_that_was_answered_is_over_and_what_it_made_is_known_by_its_id() -> None:
    sent = Sent()
    sent.answered(posting(sent), DEPLOYMENT, 100.0)
    assert sent.may_run_for(TARGET, 100.0) == 0.0
    assert (sent.made_ids([TARGET, OTHER], UID), sent.made_ids([OTHER, ELSEWHERE], UID)) == (
        frozenset({DEPLOYMENT}),
        frozenset(),
    )
    assert sent.made_ids([TARGET], "another object") == frozenset()


def test_a_server_without_ids_makes_deployments_that_are_known_by_none() -> None:
    sent = Sent()
    sent.answered(posting(sent), None, 100.0)
    assert sent.made_ids([TARGET], UID) == frozenset()


def test_of_two_posts_the_one_that_may_run_longest_counts_whichever_object_it_was_for() -> None:
    sent = Sent()
    lost(sent, at=100.0)
    sent.failed(posting(sent, of=resource(), token="second"), 150.0, maybe_done=True)
    assert sent.may_run_for(TARGET, 160.0) == 115.0


def test_a_post_is_dropped_once_the_status_holds_what_became_of_it() -> None:
    sent = Sent()
    lost(sent)
    sent.recorded("another")
    assert sent.may_run_for(TARGET, 100.0) == SETTLE
    sent.recorded("first")
    assert sent.may_run_for(TARGET, 100.0) == 0.0


def test_a_post_under_way_outlives_a_status_that_repeats_its_token() -> None:
    sent = Sent()
    posting(sent)
    sent.recorded("first")
    assert sent.may_run_for(TARGET, 0.0) == SETTLE


def test_what_an_object_that_is_gone_has_sent_is_taken_by_its_uid() -> None:
    sent = Sent()
    post = lost(sent)
    assert sent.take("another", 160.0) == []
    assert sent.take(UID, 160.0) == [post]
    assert sent.may_run_for(TARGET, 160.0) == 65.0, "no other object may ask for the version meanwhile"
    assert sent.take(UID, 225.0) == [], "it cannot come any more"


def test_what_was_made_for_an_object_that_is_gone_is_taken_once() -> None:
    sent = Sent()
    post = posting(sent)
    sent.answered(post, DEPLOYMENT, 100.0)
    assert sent.take(UID, 10_000.0) == [post], "it stays where it is, for however long"
    assert sent.take(UID, 10_000.0) == []


def test_a_deployment_counts_as_undeployed_when_it_is_not_shown_any_more() -> None:
    sent = Sent()
    sent.undeploying(TARGET, DEPLOYMENT)
    assert sent.undeployed_ids([TARGET]) == frozenset(), "a 200 from DELETE proves nothing"
    sent.missed(OTHER, 100.0)
    assert sent.undeployed_ids([TARGET, OTHER]) == frozenset()
    sent.missed(TARGET, 100.0)
    assert sent.undeployed_ids([TARGET]) == {DEPLOYMENT}
    assert sent.undeployed_ids([OTHER]) == frozenset()


def test_a_version_that_is_not_there_says_nothing_of_what_nobody_undeployed() -> None:
    sent = Sent()
    sent.undeploying(TARGET, None)
    sent.missed(TARGET, 100.0)
    assert sent.undeployed_ids([TARGET]) == frozenset()


@pytest.mark.parametrize(("now", "known"), [(100.0 + REMEMBERED, True), (101.0 + REMEMBERED, False)])
def test_ids_are_remembered_for_longer_than_a_row_can_come_back(now: float, known: bool) -> None:
    sent = Sent()
    sent.answered(posting(sent), "made", 100.0)
    sent.undeploying(TARGET, DEPLOYMENT)
    sent.missed(TARGET, 100.0)
    sent.prune(now)
    assert (sent.made_ids([TARGET], UID) == {"made"}, sent.undeployed_ids([TARGET]) == {DEPLOYMENT}) == (known, known)


def test_pruning_drops_only_posts_that_nobody_waits_for() -> None:
    sent = Sent()
    posting(sent, OTHER, token="under way")
    lost(sent)
    sent.prune(224.0)
    assert (sent.may_run_for(TARGET, 224.0), sent.may_run_for(OTHER, 224.0)) == (1.0, SETTLE)
    sent.prune(225.0)
    assert (sent.may_run_for(TARGET, 100.0), sent.may_run_for(OTHER, 225.0)) == (0.0, SETTLE), "it is forgotten"


@pytest.mark.parametrize(("ago", "taken"), [(1.0, True), (59.0, True), (61.0, False)])
def test_what_was_made_for_an_object_that_the_api_server_dropped_is_taken_once(ago: float, taken: bool) -> None:
    sent = Sent()
    post = posting(sent)
    sent.answered(post, DEPLOYMENT, 100.0)
    sent.recorded(post.token)
    assert sent.take(UID, 100.0 + ago) == []
    sent.prune(100.0 + ago)
    sent.ended(UID, True)
    assert sent.take(UID, 100.0 + ago) == ([post] if taken else [])
    assert sent.take(UID, 100.0 + ago) == []
