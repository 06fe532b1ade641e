"""A second signal while the operator ends its work."""

from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually


def test_a_second_sigterm_changes_nothing_while_a_post_ends(sandbox: Sandbox) -> None:
    sandbox.simulator.fault(operation="createDeployment", delay=3, count=1)
    with sandbox.operator(fresh=True) as operator:
        sandbox.namespace.apply(sandbox.manifest())
        eventually(
            lambda: sandbox.namespace.get("echo").get("status", {}).get("intent"),
            bool,
            within=30,
            what="a deployment is asked for",
        )
        operator.terminate()
        eventually(
            operator.output, lambda text: "SIGTERM: the operator is stopping" in text, within=10, what="it stops"
        )
        operator.terminate()
        eventually(operator.output, lambda text: "is already stopping" in text, within=10, what="it hears")
        assert operator.wait(20) == 0
        assert "Traceback" not in operator.output()
    assert [code for _, code in sandbox.writes()] == [200]
