"""What another controller brings a little later is no failure: tools that wait for a resource go on waiting."""

import uuid
from typing import Any

from tests.support.cluster import condition_of, manifest
from tests.support.kstatus import kstatus
from tests.support.sandbox import Sandbox
from tests.support.simulator import KEY
from tests.support.waiting import eventually

SECRET = ("secret", "nvcf-credentials")


def reported_until_ready(sandbox: Sandbox, name: str = "echo") -> list[tuple[str, str]]:
    """What kstatus makes of each different state, with the reason of Ready, until the resource is Ready."""
    seen: list[tuple[str, str]] = []

    def read() -> dict[str, Any]:
        found = sandbox.namespace.get(name)
        state = (kstatus(found), condition_of(found, "Ready").get("reason", ""))
        if state not in seen[-1:]:
            seen.append(state)
        return found

    eventually(read, lambda found: condition_of(found, "Ready").get("status") == "True", within=40, what="Ready")
    return seen


def test_a_secret_that_comes_after_the_resource_is_no_failure(sandbox: Sandbox) -> None:
    sandbox.namespace.plane.kubectl("-n", sandbox.namespace.name, "delete", *SECRET)
    with sandbox.operator(stalled_grace_seconds=60):
        sandbox.namespace.apply(sandbox.manifest())
        found = sandbox.namespace.wait_for("echo", "Reconciling", reason="NoCredentials")
        assert kstatus(found) == "InProgress"
        sandbox.namespace.secret(KEY)
        seen = reported_until_ready(sandbox)
    assert "Failed" not in {result for result, _ in seen}, seen


def test_a_function_that_is_made_after_the_resource_is_no_failure_and_found_within_seconds(sandbox: Sandbox) -> None:
    function, version = str(uuid.uuid4()), str(uuid.uuid4())
    with sandbox.operator(stalled_grace_seconds=60):
        sandbox.namespace.apply(manifest("late", function, version))
        sandbox.namespace.wait_for("late", "Reconciling", reason="FunctionNotFound")
        sandbox.simulator.add_function(functionId=function, functionVersionId=version)
        seen = reported_until_ready(sandbox, "late")
    assert "Failed" not in {result for result, _ in seen}, seen


def test_a_secret_that_does_not_come_is_reported_as_stalled_and_stays_so_over_a_restart(sandbox: Sandbox) -> None:
    sandbox.namespace.plane.kubectl("-n", sandbox.namespace.name, "delete", *SECRET)
    with sandbox.operator(stalled_grace_seconds=2):
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.namespace.wait_for("echo", "Reconciling", reason="NoCredentials")
        before = sandbox.namespace.wait_for("echo", "Stalled", reason="NoCredentials")
    with sandbox.operator(stalled_grace_seconds=60) as operator:
        eventually(
            lambda: operator.metric("nvcf_operator_reconciles_total", result="done"),
            bool,
            within=20,
            what="a reconcile",
        )
        assert sandbox.namespace.get("echo")["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
