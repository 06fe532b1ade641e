"""A second signal while the operator ends its work."""

from tests.support.place import Place
from tests.support.waiting import eventually


def test_a_second_sigterm_changes_nothing_while_a_post_ends(place: Place) -> None:
    place.simulator.fault(operation="createDeployment", delay=3, count=1)
    with place.operator() as operator:
        place.namespace.apply(place.manifest())
        eventually(
            lambda: place.namespace.get("echo").get("status", {}).get("intent"),
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
    assert [code for _, code in place.writes()] == [200]
