"""NVCF answers a change by an error of its own, again and again: reported in its words, and asked ever more rarely."""

from itertools import pairwise

from tests.support.cluster import condition_of
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

POST, PATCH = "createDeployment", "updateGpuSpecification"
WORDS = "chart values too large"


def events_of(sandbox: Sandbox) -> set[tuple[str, str]]:
    """Types and reasons of the Events that repeat NVCF's words."""
    return eventually(
        lambda: {(kind, reason) for kind, reason, message in sandbox.namespace.events("echo") if WORDS in message},
        bool,
        within=10,
        what="an Event with NVCF's words",
    )


def gaps_between_posts(sandbox: Sandbox, posts: int) -> list[float]:
    """Seconds between so many POSTs, from start to start."""
    found = eventually(
        lambda: sandbox.simulator.log(operation=POST), lambda it: len(it) >= posts, within=40, what=f"{posts} POSTs"
    )
    starts = [entry["started"] for entry in found[:posts]]
    return [later - earlier for earlier, later in pairwise(starts)]


def test_a_post_that_is_refused_by_5xx_is_reported_and_made_ever_more_rarely(sandbox: Sandbox) -> None:
    sandbox.simulator.fault(operation=POST, status=500, detail=WORDS)
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest(rollout={"progressDeadlineSeconds": 4}))
        found = sandbox.namespace.wait_for("echo", "Reconciling", reason="AwaitingAnswer")
        assert f"NVCF answered create_deployment with 500: {WORDS}" in condition_of(found, "Ready")["message"]
        assert events_of(sandbox) == {("Warning", "NVCFUnavailable")}
        sandbox.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
        first, second, third = gaps_between_posts(sandbox, 4)
        assert first >= 2.0, "the settle"
        assert third > 1.5 * second
        sandbox.simulator.clear_faults()
        sandbox.ready()


def test_a_change_that_is_refused_by_5xx_is_reported_and_stalled_at_the_deadline(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest(rollout={"progressDeadlineSeconds": 4}))
        sandbox.ready()
        sandbox.simulator.fault(operation=PATCH, status=500, detail=WORDS)
        sandbox.namespace.scale("echo", maxInstances=3)
        found = sandbox.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
        assert WORDS in condition_of(found, "Stalled")["message"]
        assert ("Warning", "NVCFUnavailable") in events_of(sandbox)
        sandbox.simulator.clear_faults()
        sandbox.ready()


def test_a_pause_that_does_not_grow_is_found(sandbox: Sandbox) -> None:
    sandbox.simulator.fault(operation=POST, status=500, detail=WORDS)
    with sandbox.operator("pauses_do_not_grow"):
        sandbox.namespace.apply(sandbox.manifest())
        _, second, third = gaps_between_posts(sandbox, 4)
    assert third < 1.5 * second
