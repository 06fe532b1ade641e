"""Admission that takes longer than a proof lasts delays a deployment and does not prevent it."""

from pathlib import Path

from hack.controlplane import ControlPlane
from tests.support.faulty import FaultyApiServer
from tests.support.place import Place
from tests.support.process import Operator


def test_admission_that_takes_6_seconds_is_no_obstacle(
    control_plane: ControlPlane, place: Place, tmp_path: Path
) -> None:
    space = place.namespace
    with FaultyApiServer.start(control_plane, place.identity, space.name, tmp_path) as api:
        api.object("PATCH", delay=6)
        api.object("PATCH", "/status", delay=6)
        with Operator.start(api.kubeconfig, place.simulator.url, place.log, namespaces=space.name):
            space.apply(place.manifest())
            space.wait_for("echo", within=60)
    assert place.writes() == [("createDeployment", 200)]
