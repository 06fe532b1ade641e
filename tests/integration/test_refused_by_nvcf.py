"""NVCF answers a change by an error of its own, again and again: told in its words, and asked ever more rarely."""

from itertools import pairwise

from tests.support.cluster import condition_of
from tests.support.place import Place
from tests.support.waiting import eventually

POST, PATCH = "createDeployment", "updateGpuSpecification"
WORDS = "chart values too large"


def told(place: Place) -> set[tuple[str, str]]:
    """Types and reasons of the Events that repeat NVCF's words."""
    return eventually(
        lambda: {(kind, reason) for kind, reason, message in place.namespace.events("echo") if WORDS in message},
        bool,
        within=10,
        what="an Event with NVCF's words",
    )


def gaps_between_posts(place: Place, posts: int) -> list[float]:
    """Seconds between so many POSTs, from start to start."""
    found = eventually(
        lambda: place.simulator.log(operation=POST), lambda it: len(it) >= posts, within=40, what=f"{posts} POSTs"
    )
    starts = [entry["started"] for entry in found[:posts]]
    return [later - earlier for earlier, later in pairwise(starts)]


def test_a_post_that_is_refused_by_5xx_is_told_and_made_ever_more_rarely(place: Place) -> None:
    place.simulator.fault(operation=POST, status=500, detail=WORDS)
    with place.operator():
        place.namespace.apply(place.manifest(rollout={"progressDeadlineSeconds": 4}))
        found = place.namespace.wait_for("echo", "Reconciling", reason="AwaitingAnswer")
        assert f"NVCF answered create_deployment with 500: {WORDS}" in condition_of(found, "Ready")["message"]
        assert told(place) == {("Warning", "NVCFUnavailable")}
        place.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
        first, second, third = gaps_between_posts(place, 4)
        assert first >= 2.0, "the settle"
        assert third > 1.5 * second
        place.simulator.clear_faults()
        place.ready()


def test_a_change_that_is_refused_by_5xx_is_told_and_stalled_at_the_deadline(place: Place) -> None:
    with place.operator():
        place.namespace.apply(place.manifest(rollout={"progressDeadlineSeconds": 4}))
        place.ready()
        place.simulator.fault(operation=PATCH, status=500, detail=WORDS)
        place.namespace.scale("echo", maxInstances=3)
        found = place.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
        assert WORDS in condition_of(found, "Stalled")["message"]
        assert ("Warning", "NVCFUnavailable") in told(place)
        place.simulator.clear_faults()
        place.ready()


def test_a_pause_that_does_not_grow_is_found(place: Place) -> None:
    place.simulator.fault(operation=POST, status=500, detail=WORDS)
    with place.operator("pauses_do_not_grow"):
        place.namespace.apply(place.manifest())
        _, second, third = gaps_between_posts(place, 4)
    assert third < 1.5 * second
