"""What users write into annotations counts, or it is reported that it does not."""

from tests.support.cluster import condition_of
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

CREATED, CHANGED = ("createDeployment", 200), ("updateGpuSpecification", 200)


def test_a_word_that_is_neither_true_nor_false_is_reported_and_true_counts_in_any_spelling(sandbox: Sandbox) -> None:
    with sandbox.operator():
        body = sandbox.manifest()
        annotations = {"nvcf-operator.io/paused": "yes"}
        sandbox.namespace.apply({**body, "metadata": {**body["metadata"], "annotations": annotations}})
        found = sandbox.namespace.wait_for("echo")
        assert 'paused is "yes"' in condition_of(found, "Ready")["message"]
        events = eventually(
            lambda: [event for event in sandbox.namespace.events("echo") if event[1] == "AnnotationIgnored"],
            bool,
            within=20,
            what="the Event",
        )
        assert [(kind, 'only "true" and "false" count' in said) for kind, _, said in events] == [("Warning", True)]
        sandbox.namespace.scale("echo", maxInstances=4)
        sandbox.ready()
        assert sandbox.writes() == [CREATED, CHANGED]
        sandbox.namespace.annotate("echo", paused="True")
        found = sandbox.namespace.wait_for("echo", reason="Suspended")
        assert 'is "' not in condition_of(found, "Ready")["message"]
