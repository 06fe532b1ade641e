"""Admission that takes longer than a proof lasts delays a deployment and does not prevent it."""

from pathlib import Path

from hack.controlplane import ControlPlane
from tests.support.faulty import FaultyApiServer
from tests.support.process import Operator
from tests.support.sandbox import Sandbox


def test_admission_that_takes_6_seconds_is_no_obstacle(
    control_plane: ControlPlane, sandbox: Sandbox, tmp_path: Path
) -> None:
    space = sandbox.namespace
    with FaultyApiServer.start(control_plane, sandbox.identity, space.name, tmp_path) as api:
        api.object("PATCH", delay=6)
        api.object("PATCH", "/status", delay=6)
        with Operator.start(api.kubeconfig, sandbox.simulator.url, sandbox.log, namespaces=space.name):
            space.apply(sandbox.manifest())
            space.wait_for("echo", within=60)
    assert sandbox.writes() == [("createDeployment", 200)]
