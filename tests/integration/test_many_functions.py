"""What many CloudFunctions cost: one POST and three writes to the cluster each, and nothing at rest or at a restart."""

from collections import Counter

from tests.support.cluster import condition_of
from tests.support.functions import Functions
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

MANY = 40
NAMES = [f"llama-{number}" for number in range(MANY)]
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
