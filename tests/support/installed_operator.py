"""The operator as an installed Deployment says, run beside a cluster that has no nodes."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.controlplane import ControlPlane
from hack.controlplane.ports import free_ports
from tests.support.process import COMMAND, Fresh


@dataclass(frozen=True)
class InstalledOperator:
    """A running operator."""

    log: Path
    url: str
    """Of its probes and metrics."""


@contextmanager
def installed_operator(
    plane: ControlPlane, namespace: str, name: str, folder: Path, command: Path = COMMAND
) -> Iterator[InstalledOperator]:
    """Run the operator for the body: the arguments of its Deployment but the port, the token of its ServiceAccount.

    `command` is the operator of another revision, where the Deployment is that revision's.
    """
    deployment = json.loads(plane.kubectl("-n", namespace, "get", "deployment", name, "-o", "json"))
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (port,) = free_ports(1)
    arguments = [
        f"--metrics-address=127.0.0.1:{port}" if each.startswith("--metrics-address") else each
        for each in container["args"]
    ]
    kubeconfig = plane.kubeconfig_for(namespace, pod["serviceAccountName"])
    log = folder / f"operator-{port}.log"
    process = Fresh([command, *arguments], log, {"KUBECONFIG": str(kubeconfig), "HOME": str(folder)})
    try:
        yield InstalledOperator(log, f"http://127.0.0.1:{port}")
        os.kill(process.pid, signal.SIGTERM)  # as a Pod ends: it gives up its Lease, so that the next one need not wait
        status = process.wait(30)
        assert status == 0, f"it ended with {status}: {log.read_text()[-3000:]}"
    finally:
        process.kill()
