"""etcd is restored from a backup under a running operator, which must not go on deaf to all that comes after it."""

import json
from collections.abc import Iterator

import pytest

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace, manifest
from tests.support.installation import install
from tests.support.process import Operator
from tests.support.simulator import KEY, Simulator

pytestmark = pytest.mark.needs_assets

NAMESPACE = "default"
LOST = 300
"""Versions that the backup lacks: more than an API server makes on its own while a test lasts."""


@pytest.fixture
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane of its own, which others would not like to go back."""
    with ControlPlane.start(tmp_path_factory.mktemp("restored"), controller_manager=False) as started:
        yield started


def pass_versions(plane: ControlPlane, number: int) -> None:
    """Write so many other objects."""
    meta = [{"name": f"other-{index}", "namespace": NAMESPACE} for index in range(number)]
    items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": each} for each in meta]
    plane.kubectl("create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def test_a_restored_etcd_ends_the_operator_and_the_next_one_sees_what_is_there(plane: ControlPlane) -> None:
    identity, team = install(plane), Namespace(plane, NAMESPACE)
    team.secret(KEY)
    log = plane.root / "operator.log"
    with Simulator.start() as simulator:
        function, version = simulator.add_function()
        with Operator.start(identity, simulator.url, log, bug="minutes_pass_fast") as operator:
            team.apply(manifest("echo", function, version))
            team.wait_for("echo")
            backup = plane.back_up()
            team.scale("echo", maxInstances=4)
            team.wait_for("echo")
            assert operator.running, "a restart of the API server alone ends nothing"
            pass_versions(plane, LOST)
            team.scale("echo", maxInstances=5)
            team.wait_for("echo")
            plane.restore(backup)
            assert operator.wait(within=60) == 1
        assert "the cluster's data went back in time: resourceVersion" in operator.output()
        assert "Traceback" not in operator.output()
        assert team.get("echo")["spec"]["deploymentSpecifications"][0]["maxInstances"] < 4
        with Operator.start(identity, simulator.url, log):
            team.scale("echo", maxInstances=6)
            team.wait_for("echo")
            (specification,) = simulator.deployments()[version]["deploymentSpecifications"]
            assert specification["maxInstances"] == 6
        operations = [entry["operation"] for entry in simulator.log() if entry["mutating"]]
        assert operations.count("createDeployment") == 1
