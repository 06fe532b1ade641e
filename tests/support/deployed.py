"""The operator as an installed Deployment says, run beside a cluster that has no nodes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hack.controlplane import ControlPlane
from hack.controlplane.ports import free_ports
from hack.processes import kill, spawn
from tests.support.process import COMMAND


@dataclass(frozen=True)
class Deployed:
    """A running one."""

    log: Path
    url: str
    """Of its probes and metrics."""


@contextmanager
def deployed(plane: ControlPlane, namespace: str, name: str, folder: Path) -> Iterator[Deployed]:
    """Run it for the body, with the Deployment's arguments but for the port, and a token of its ServiceAccount."""
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
    with log.open("wb") as output:
        process = spawn([COMMAND, *arguments], stdout=output, env={"KUBECONFIG": str(kubeconfig), "HOME": str(folder)})
    try:
        yield Deployed(log, f"http://127.0.0.1:{port}")
    finally:
        kill(process)
