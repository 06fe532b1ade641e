"""What many CloudFunctions cost: one POST and three writes to the cluster each, and nothing at rest or at a restart."""

from collections import Counter
from typing import Any

from tests.support.cluster import Namespace, condition_of, follower
from tests.support.functions import Functions
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

MANY = 40
NAMES = [f"llama-{number}" for number in range(MANY)]
FOLLOWED = NAMES[:10]
POLL = 2.0
"""Seconds between two polls."""
WRITES = "nvcf_operator_kube_writes_total"


def asked(functions: Functions, since: int) -> Counter[str]:
    """How often each operation was asked for."""
    return Counter(entry["operation"] for entry in functions.simulator.log(since))


def test_each_function_costs_one_post_and_three_writes_and_a_restart_writes_nothing(sandbox: Sandbox) -> None:
    functions = Functions.of(sandbox.namespace, sandbox.simulator)
    with sandbox.operator() as operator:
        for name in NAMES:
            functions.apply(name)
        for name in NAMES:
            functions.namespace.wait_for(name, within=60)
        eventually(
            lambda: sum(condition_of(functions.namespace.get(name), "Ready")["status"] == "True" for name in NAMES),
            lambda ready: ready == MANY,
            within=30,
            what="all are Ready",
        )
        counted = asked(functions, functions.cursor)
        assert counted["createFunction"] == MANY
        assert not counted["getFunction"] + counted["getDeployment"]
        written = {kind: operator.metric(WRITES, kind=kind) for kind in ("finalizer", "intent", "status")}
        assert written == {"finalizer": MANY, "intent": MANY, "status": MANY}
    cursor = functions.simulator.cursor
    with sandbox.operator() as operator:
        eventually(lambda: asked(functions, cursor)["listFunctions"], lambda lists: lists >= 3, within=60, what="polls")
        assert {kind: operator.metric(WRITES, kind=kind) for kind in written} == dict.fromkeys(written, 0)
    assert set(asked(functions, cursor)) == {"listFunctions"}


def test_one_poll_serves_functions_and_deployments_and_a_restart_of_both_writes_nothing(sandbox: Sandbox) -> None:
    functions = Functions.of(sandbox.namespace, sandbox.simulator)
    with sandbox.operator():
        for name in FOLLOWED:
            functions.apply(name)
            sandbox.namespace.apply(follower(name))
        for name in FOLLOWED:
            sandbox.namespace.wait_for(name, within=60)
            functions.namespace.wait_until(name, has_served, what="it is on record that the version serves", within=60)
    before = [each.get(name)["metadata"]["resourceVersion"] for each in both(functions, sandbox) for name in FOLLOWED]
    cursor = functions.simulator.cursor
    with sandbox.operator(poll_interval=POLL, busy_poll_interval=POLL):
        eventually(lambda: asked(functions, cursor)["listFunctions"], lambda lists: lists >= 6, within=60, what="polls")
    lists = [entry["started"] for entry in functions.simulator.log(cursor, operation="listFunctions")]
    assert set(asked(functions, cursor)) <= {"listFunctions", "getDeployment"}
    assert len(lists) <= 2 + (lists[-1] - lists[0]) / (0.8 * POLL), "one for both kinds in each interval"
    after = [each.get(name)["metadata"]["resourceVersion"] for each in both(functions, sandbox) for name in FOLLOWED]
    assert after == before


def has_served(found: dict[str, Any]) -> bool:
    """Whether the record of a CloudFunction says so of its latest version."""
    return bool(found.get("status", {}).get("versions", [{}])[0].get("served"))


def both(functions: Functions, sandbox: Sandbox) -> tuple[Namespace, Namespace]:
    """Where the resources of both kinds are."""
    return functions.namespace, sandbox.namespace
