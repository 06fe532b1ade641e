"""What people write into annotations counts, or they are told that it does not."""

from tests.support.cluster import condition_of
from tests.support.place import Place
from tests.support.waiting import eventually

CREATED, CHANGED = ("createDeployment", 200), ("updateGpuSpecification", 200)


def test_a_word_that_is_neither_true_nor_false_is_told_and_true_counts_in_any_spelling(place: Place) -> None:
    with place.operator():
        body = place.manifest()
        annotations = {"nvcf-operator.io/paused": "yes"}
        place.namespace.apply({**body, "metadata": {**body["metadata"], "annotations": annotations}})
        found = place.namespace.wait_for("echo")
        assert 'paused is "yes"' in condition_of(found, "Ready")["message"]
        told = eventually(
            lambda: [event for event in place.namespace.events("echo") if event[1] == "AnnotationIgnored"],
            bool,
            within=20,
            what="the Event",
        )
        assert [(kind, 'only "true" and "false" count' in said) for kind, _, said in told] == [("Warning", True)]
        place.namespace.scale("echo", maxInstances=4)
        place.ready()
        assert place.writes() == [CREATED, CHANGED]
        place.namespace.annotate("echo", paused="True")
        found = place.namespace.wait_for("echo", reason="Suspended")
        assert 'is "' not in condition_of(found, "Ready")["message"]
