"""Another controller keeps a condition of its own in the status: it stays, and nobody writes in circles."""

import json

from tests.support.cluster import RESOURCE, condition_of
from tests.support.place import Place

SYNCED = {
    "type": "example.com/Synced",
    "status": "True",
    "reason": "Copied",
    "message": "größe < 1 & more",
    "lastTransitionTime": "2026-01-31T12:00:00.123456Z",
}


def put_first(place: Place) -> None:
    """Write the condition in front of ours, as a tool may merge it."""
    patch = json.dumps([{"op": "add", "path": "/status/conditions/0", "value": SYNCED}])
    there = ("-n", place.namespace.name, "patch", RESOURCE, "echo", "--subresource=status")
    place.namespace.plane.kubectl(*there, "--type=json", "-p", patch)


def test_another_writers_condition_stays_and_costs_no_write(place: Place) -> None:
    with place.operator() as operator:
        place.namespace.apply(place.manifest())
        place.ready()
        before = operator.metric("nvcf_operator_kube_writes_total", kind="status")
        put_first(place)
        place.namespace.annotate("echo", reconcile_requested_at="1")
        place.namespace.wait_until(
            "echo", lambda found: found["status"].get("lastHandledReconcileAt") == "1", what="the answer"
        )
        assert operator.metric("nvcf_operator_kube_writes_total", kind="status") == before + 1, "the answer alone"
        assert condition_of(place.namespace.get("echo"), SYNCED["type"]) == SYNCED
        place.namespace.edit("echo", suspend=True)
        found = place.namespace.wait_for("echo", "Ready", reason="Suspended")
        assert condition_of(found, SYNCED["type"]) == SYNCED, "a write of ours leaves it as it is"
