"""Another controller keeps a condition of its own in the status: it stays, and nobody writes in circles."""

import json

from tests.support.cluster import RESOURCE, condition_of
from tests.support.sandbox import Sandbox

SYNCED = {
    "type": "example.com/Synced",
    "status": "True",
    "reason": "Copied",
    "message": "größe < 1 & more",
    "lastTransitionTime": "2026-01-31T12:00:00.123456Z",
}


def put_first(sandbox: Sandbox) -> None:
    """Write the condition in front of ours, as a tool may merge it."""
    patch = json.dumps([{"op": "add", "path": "/status/conditions/0", "value": SYNCED}])
    there = ("-n", sandbox.namespace.name, "patch", RESOURCE, "echo", "--subresource=status")
    sandbox.namespace.plane.kubectl(*there, "--type=json", "-p", patch)


def test_another_writers_condition_stays_and_costs_no_write(sandbox: Sandbox) -> None:
    with sandbox.operator() as operator:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        before = operator.metric("nvcf_operator_kube_writes_total", kind="status")
        put_first(sandbox)
        sandbox.namespace.annotate("echo", reconcile_requested_at="1")
        sandbox.namespace.wait_until(
            "echo", lambda found: found["status"].get("lastHandledReconcileAt") == "1", what="the answer"
        )
        assert operator.metric("nvcf_operator_kube_writes_total", kind="status") == before + 1, "the answer alone"
        assert condition_of(sandbox.namespace.get("echo"), SYNCED["type"]) == SYNCED
        sandbox.namespace.edit("echo", suspend=True)
        found = sandbox.namespace.wait_for("echo", "Ready", reason="Suspended")
        assert condition_of(found, SYNCED["type"]) == SYNCED, "a write of ours leaves it as it is"
