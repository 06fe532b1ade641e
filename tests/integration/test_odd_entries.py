"""Entries of the account's list that this operator cannot read: they are no sign that something is gone."""

from tests.support.place import Place
from tests.support.waiting import eventually

CREATED = ("createDeployment", 200)
ODD = "nvcf_operator_nvcf_odd_values_total"


def test_the_entry_of_what_is_deployed_is_read_by_itself_and_counts_for_no_absence(place: Place) -> None:
    """An entry of another function hides its version id, and that of this one its status."""
    with place.operator() as operator:
        place.namespace.apply(place.manifest())
        place.ready()
        _, other = place.simulator.add_function("odd")
        place.simulator.change(other, odd={"versionId": None})
        place.simulator.change(place.version, odd={"status": 5})
        since = place.simulator.cursor

        def reads() -> int:
            return len(place.simulator.log(since, operation="getDeployment", functionVersionId=place.version))

        eventually(reads, lambda number: number >= 2, within=15, what="the deployment is read at each poll")
        assert operator.metric(ODD, operation="list_functions") >= 2
        assert operator.output().count("functions[].status: ") == 1
        place.simulator.undeploy(place.version)
        place.namespace.wait_for("echo", "Ready", "False")
        place.ready()
    assert place.writes() == [CREATED, CREATED]
