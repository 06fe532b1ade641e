"""NVCF answers a change by an error of its own, again and again: told in its words, and asked ever more rarely."""

from operating import Place, condition_of, eventually

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


def test_a_post_that_is_refused_by_5xx_is_told_and_made_ever_more_rarely(place: Place) -> None:
    place.simulator.fault(operation=POST, status=500, detail=WORDS)
    with place.operator():
        place.namespace.apply(place.manifest(rollout={"progressDeadlineSeconds": 4}))
        found = place.namespace.wait_for("echo", "Reconciling", reason="AwaitingAnswer")
        assert f"NVCF answered create_deployment with 500: {WORDS}" in condition_of(found, "Ready")["message"]
        assert told(place) == {("Warning", "NVCFUnavailable")}
        place.namespace.wait_for("echo", "Stalled", reason="ProgressDeadlineExceeded")
        posts = eventually(
            lambda: place.simulator.log(operation=POST), lambda it: len(it) >= 4, within=40, what="four POSTs"
        )
        first, second, third, fourth = (entry["started"] for entry in posts[:4])
        assert fourth - third > 1.5 * (third - second)
        assert second - first >= 2.0, "the settle"
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
