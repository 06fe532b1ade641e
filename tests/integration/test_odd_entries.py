"""Entries of the account's list that this operator cannot read: they are no sign that something is gone."""

from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually

CREATED = ("createDeployment", 200)
ODD = "nvcf_operator_nvcf_odd_values_total"


def test_the_entry_of_what_is_deployed_is_read_alone_and_counts_for_no_absence(sandbox: Sandbox) -> None:
    """An entry of another function hides its version id, and that of this one its status."""
    with sandbox.operator() as operator:
        sandbox.namespace.apply(sandbox.manifest())
        sandbox.ready()
        _, other = sandbox.simulator.add_function("odd")
        sandbox.simulator.change(other, odd={"versionId": None})
        sandbox.simulator.change(sandbox.version, odd={"status": 5})
        since = sandbox.simulator.cursor

        def reads() -> int:
            return len(sandbox.simulator.log(since, operation="getDeployment", functionVersionId=sandbox.version))

        eventually(reads, lambda number: number >= 2, within=15, what="the deployment is read at each poll")
        assert operator.metric(ODD, operation="list_functions") >= 2
        assert operator.output().count("functions[].status: ") == 1
        sandbox.simulator.undeploy(sandbox.version)
        sandbox.namespace.wait_for("echo", "Ready", "False")
        sandbox.ready()
    assert sandbox.writes() == [CREATED, CREATED]
