"""What is kept of a failure: logs, Events, Pods and resources, each in a file of one folder."""

import subprocess
from pathlib import Path

from hack.controlplane import KubectlError
from tests.e2e.kind import release, simulated_account
from tests.e2e.kind.cluster_access import RealCluster

_COMMANDS = {
    "pods.txt": ("get", "pods", "--all-namespaces", "--output=wide"),
    "nodes.txt": ("describe", "nodes"),
    "events.txt": ("get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp"),
    "operator-pods.txt": ("--namespace", release.NAMESPACE, "describe", "pods"),
    "cloudfunctions.yaml": ("get", "cloudfunctions", "--all-namespaces", "--output=yaml"),
    "functiondeployments.yaml": ("get", "functiondeployments", "--all-namespaces", "--output=yaml"),
    "leases.yaml": ("--namespace", release.NAMESPACE, "get", "leases", "--output=yaml"),
    "simulator.log": ("--namespace", simulated_account.NAMESPACE, "logs", "deployment/simulator"),
}


def keep(cluster: RealCluster, folder: Path) -> None:
    """Write them; what cannot be had is reported in its file."""
    folder.mkdir(parents=True, exist_ok=True)
    commands: dict[str, tuple[str, ...]] = dict(_COMMANDS)
    for pod in _said(cluster, "--namespace", release.NAMESPACE, "get", "pods", "--output=name").split():
        name = pod.removeprefix("pod/")
        logs = ("--namespace", release.NAMESPACE, "logs", name)
        commands |= {f"{name}.log": logs, f"{name}-before-restart.log": (*logs, "--previous")}
    for file, arguments in commands.items():
        (folder / file).write_text(_said(cluster, *arguments))


def _said(cluster: RealCluster, *arguments: str) -> str:
    try:
        return cluster.kubectl(*arguments)
    except (KubectlError, subprocess.TimeoutExpired) as error:
        return f"{error}\n"
