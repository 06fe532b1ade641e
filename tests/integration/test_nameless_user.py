"""The operator runs as whoever a container's user is, also as one without a name."""

import os
import sys
from pathlib import Path

from hack.controlplane import ControlPlane
from hack.controlplane.ports import free_ports
from hack.processes import kill, spawn
from tests.support.cluster import Namespace, manifest
from tests.support.process import FAST, flags
from tests.support.simulator import KEY, Simulator

NAMELESS = """
import pwd
def unknown(number):
    raise KeyError(f"getpwuid(): uid not found: {number}")
pwd.getpwuid = unknown
from nvcf_operator.cli import main
main()
"""
"""A machine whose list of users does not hold the one that runs this, as in an image without such a list."""


def test_a_user_without_a_name_is_enough(
    control_plane: ControlPlane, operator_identity: Path, namespace: str, simulator: Simulator, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    settings = {**FAST, "nvcf_base_url": simulator.url, "metrics_address": f"127.0.0.1:{port}", "namespaces": namespace}
    log = tmp_path / "operator.log"
    named = ("LOGNAME", "USER", "LNAME", "USERNAME")
    environment = {name: value for name, value in os.environ.items() if name not in named}
    environment["KUBECONFIG"] = str(operator_identity)
    with log.open("wb") as output:
        process = spawn([sys.executable, "-c", NAMELESS, "run", *flags(settings)], stdout=output, env=environment)
    try:
        team = Namespace(control_plane, namespace)
        team.secret(KEY)
        team.apply(manifest("echo", *simulator.add_function()))
        team.wait_for("echo")
        assert process.poll() is None, log.read_text()[-2000:]
    finally:
        kill(process)
