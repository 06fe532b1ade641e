"""What runs and what is queued, as status, metrics, Events and the message of a drain show it."""

import json
from typing import Any

from nvcf_operator.core.model.reasons import Reason
from tests.support.cluster import condition_of
from tests.support.process import Operator
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

REQUIRED = ["list_functions", "deploy_function"]
RUNNING, NONE, QUEUED = (
    f"nvcf_operator_{name}" for name in ("instances_running", "active_without_instances", "queued_requests")
)


def series(operator: Operator, name: str) -> dict[str, float]:
    """The values of a metric by the names of the resources that have one."""
    lines = [line for line in operator.get("/metrics").splitlines() if line.startswith(name + "{")]
    return {line.split('name="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def running(sandbox: Sandbox, name: str = "echo") -> int | None:
    found: int | None = sandbox.namespace.get(name)["status"].get("running")
    return found


def asked(sandbox: Sandbox, operation: str) -> list[dict[str, Any]]:
    return sandbox.simulator.log(sandbox.cursor, operation=operation)


def test_what_runs_and_what_is_queued_is_shown_and_a_key_without_the_scopes_lacks_nothing_else(
    sandbox: Sandbox,
) -> None:
    namespace, simulator = sandbox.namespace, sandbox.simulator
    simulator.add_key("few-scopes", "nvapi-test-few-scopes", scopes=REQUIRED)
    with sandbox.operator(running_instances=True, queue_depth=True) as operator:
        namespace.apply(sandbox.manifest())
        sandbox.ready()
        eventually(lambda: running(sandbox), lambda found: found == 1, within=60, what="the instance is shown")
        assert series(operator, RUNNING) == {"echo": 1}
        assert series(operator, NONE) == {"echo": 0}

        # Converged is silent: reads of queues go on, and nothing is written.
        written = namespace.get("echo")["metadata"]["resourceVersion"]
        before = len(asked(sandbox, "getQueue"))
        simulator.change(sandbox.version, queueDepth=7)
        eventually(lambda: series(operator, QUEUED), lambda found: found == {"echo": 7}, within=60, what="the queue")
        eventually(lambda: len(asked(sandbox, "getQueue")), lambda n: n >= before + 2, within=60, what="two rounds")
        assert namespace.get("echo")["metadata"]["resourceVersion"] == written

        # ACTIVE, and none runs: the server's loop stands still while the instance goes.
        simulator.behave(loop=False)
        simulator.instance_behaviour(sandbox.version, supply=False)
        simulator.lose(sandbox.version)
        namespace.annotate("echo", reconcile_requested_at="eins")
        eventually(lambda: running(sandbox), lambda found: found == 0, within=60, what="that none runs is certain")
        status = namespace.get("echo")["status"]
        assert (status["functionStatus"], condition_of({"status": status}, "Ready")["status"]) == ("ACTIVE", "True")
        eventually(
            lambda: [event for event in namespace.events("echo") if event[1] == Reason.NO_INSTANCES],
            lambda found: len(found) == 1,
            within=60,
            what="the Event",
        )
        assert series(operator, NONE) == {"echo": 1}

        # A drain says how much was queued when it began.
        namespace.delete("echo")
        namespace.wait_until(
            "echo",
            lambda found: "(7 when the drain began)" in condition_of(found, "Ready")["message"],
            what="the drain is reported",
            within=60,
        )
        assert namespace.get("echo")["status"]["retiring"][0]["queuedRequests"] == 7
        simulator.change(sandbox.version, queueDepth=0)
        simulator.behave(loop=True)
        namespace.wait_gone("echo", within=60)
        eventually(
            lambda: [series(operator, name) for name in (RUNNING, NONE, QUEUED)],
            lambda found: found == [{}, {}, {}],
            within=60,
            what="the series are gone",
        )

        simulator.instance_behaviour(sandbox.version, supply=True)
        namespace.secret("nvapi-test-few-scopes")
        namespace.apply(sandbox.manifest("few"))
        namespace.wait_for("few", within=60)
        eventually(lambda: asked(sandbox, "getQueue")[-1], lambda e: e["status"] == 403, within=60, what="a refusal")
        assert "running" not in namespace.get("few")["status"]
        assert condition_of(namespace.get("few"), "CredentialsValid")["status"] == "True"
        assert [series(operator, name) for name in (RUNNING, NONE, QUEUED)] == [{}, {}, {}]
        assert json.dumps(namespace.events("few")).count("NoInstances") == 0


def test_by_default_neither_is_read(sandbox: Sandbox) -> None:
    with sandbox.operator():
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        sandbox.namespace.annotate("echo", reconcile_requested_at="one")
        sandbox.namespace.wait_until(
            "echo", lambda found: found["status"].get("lastHandledReconcileAt") == "one", what="reconciled", within=60
        )
    assert asked(sandbox, "getQueue") == asked(sandbox, "getFunction") == []
    assert running(sandbox) is None
