"""``python -m hack.e2e.kind.cluster``: kind's cluster in private namespaces, the tests against it, and its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml

from hack.chart.binaries import helm_version
from hack.e2e.kind import podman
from hack.e2e.kind.images import NAMES
from hack.e2e.kind.isolation import own_run_folder
from hack.e2e.kind.pins import KIND_VERSION
from hack.e2e.kind.running import run_tests
from hack.e2e.tested_versions import record
from hack.processes import kill, spawn

CLUSTER = "nvcf-operator-e2e"
NODES = (f"{CLUSTER}-control-plane", f"{CLUSTER}-worker")
_RESOLVER = "192.0.2.53"
"""An address that belongs to nobody: the resolver that says at once that there is no such name outside."""

_CONFIG = {
    "kind": "Cluster",
    "apiVersion": "kind.x-k8s.io/v1alpha4",
    "nodes": [{"role": "control-plane"}, {"role": "worker"}],
}


def main(arguments: list[str]) -> int:
    """Make the cluster, run pytest with these arguments, take the cluster down; give pytest's exit status.

    A run of all tests that passed is written into docs/tested.md.
    """
    run, binaries = Path(os.environ["E2E_RUN"]), Path(os.environ["E2E_BINARIES"])
    kubeconfig = run / "kubeconfig"
    os.environ.update(
        KUBECONFIG=str(kubeconfig),
        PATH=f"{binaries}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        KIND_EXPERIMENTAL_PROVIDER="podman",
    )
    began = time.monotonic()
    with _network(run):
        _clear()
        try:
            _create(run)
            print(f"cluster: ready after {time.monotonic() - began:.0f} s", file=sys.stderr)
            os.environ["IMAGE"] = NAMES["operator"]
            os.environ["SIMULATOR_IMAGE"] = NAMES["simulator"]
            os.environ["E2E_NODES"] = ",".join(NODES)
            status = run_tests(arguments)
            if status == 0 and not arguments:
                record("make e2e", _versions())
            return status
        finally:
            print("cluster: taking it down", file=sys.stderr)
            subprocess.run(["kind", "delete", "cluster", "--quiet", f"--name={CLUSTER}"])
            _clear()


@contextmanager
def _network(run: Path) -> Iterator[None]:
    """A machine with loopback only, whose resolver knows no name but answers at once."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", f"{_RESOLVER}/32", "dev", "lo"], check=True)
    own_run_folder()
    _modules_folder()
    resolv = run / "resolv.conf"
    resolv.write_text(f"nameserver {_RESOLVER}\n")
    with suppress(subprocess.CalledProcessError):
        subprocess.run(["mount", "--bind", resolv, Path("/etc/resolv.conf").resolve()], check=True)
    with (run / "resolver.log").open("wb") as log:
        resolver = spawn([sys.executable, Path(__file__).with_name("resolver.py"), _RESOLVER], stdout=log)
    try:
        yield
    finally:
        kill(resolver)


def _modules_folder() -> None:
    """Let there be /lib/modules, which kind shows to its nodes, also on a machine whose kernel has none."""
    if Path("/lib/modules").exists():
        return
    upper, work = Path("/run/library/upper"), Path("/run/library/work")
    for folder in (upper / "modules", work):
        folder.mkdir(parents=True)
    options = f"lowerdir=/usr/lib,upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, "/usr/lib"], check=True)


def _clear() -> None:
    """Remove containers and volumes; an interrupted run may have left some in the storage."""
    podman.podman("rm", "--all", "--force", "--volumes")
    podman.podman("volume", "prune", "--force")


def _create(run: Path) -> None:
    config = run / "kind.yaml"
    config.write_text(yaml.safe_dump(_CONFIG))
    image = os.environ["E2E_NODE"]
    create = ["kind", "create", "cluster", f"--name={CLUSTER}", f"--image={image}", f"--config={config}", "--wait=180s"]
    try:
        subprocess.run([*create, "--retain"], check=True)
    except subprocess.CalledProcessError:
        logs = Path(os.environ["E2E_FAILURE"]) / "kind"
        subprocess.run(["kind", "export", "logs", "--quiet", f"--name={CLUSTER}", logs])
        print(f"cluster: kind could not make it; what its nodes said is in {logs}", file=sys.stderr)
        raise
    connect()
    untaint = ["kubectl", "taint", "node", NODES[0], "node-role.kubernetes.io/control-plane-"]
    subprocess.run(untaint, check=True)
    for target in NAMES:
        archive = run / f"{target}.tar"
        subprocess.run(["kind", "load", "image-archive", f"--name={CLUSTER}", archive], check=True)
    rollout = ["kubectl", "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s"]
    subprocess.run(rollout, check=True)


def _versions() -> dict[str, str]:
    """What the cluster is made of."""
    shown = subprocess.run(["kubectl", "get", "nodes", "-o", "json"], check=True, stdout=subprocess.PIPE).stdout
    info = json.loads(shown)["items"][0]["status"]["nodeInfo"]
    return {
        "Kubernetes": info["kubeletVersion"].removeprefix("v"),
        "kind": KIND_VERSION,
        "containerd": info["containerRuntimeVersion"].removeprefix("containerd://").partition("+")[0],
        "helm": helm_version(4),
        "podman": podman.podman("--version").split()[-1],
        "nodes of": info["osImage"],
    }


def connect() -> None:
    """Give each node the routes to the other's Pods: the network of the node image has none of its own.

    A node that was restarted needs them again, and may have another address, which its Node shows only later.
    """
    shown = subprocess.run(["kubectl", "get", "nodes", "-o", "json"], check=True, stdout=subprocess.PIPE).stdout
    ways = {}
    for node in json.loads(shown)["items"]:
        name = node["metadata"]["name"]
        address = podman.podman("inspect", "--format={{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
        ways[name] = (node["spec"]["podCIDR"], address.strip())
    for name in ways:
        for other, (pods, address) in ways.items():
            if other != name:
                podman.podman("exec", name, "ip", "route", "replace", pods, "via", address)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.SubprocessError as error:
        sys.exit(f"error: {error}")
