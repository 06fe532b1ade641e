"""What `docs/kind.md` has its reader type, typed: from the simulator's start to the last deletion."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.chart.binaries import helm_binary
from hack.e2e.kind.running import ROOT
from tests.e2e.kind.cluster_access import RealCluster
from tests.e2e.kind.progress import step
from tests.support.waiting import eventually

PAGE = ROOT / "docs" / "kind.md"
FOR_EVER = "kubectl get fd -w"
"""Ends by Ctrl-C only; what it would show is waited for."""

MINUTES = 5


def blocks() -> list[str]:
    """The page's commands."""
    return re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.M | re.S)


class Shell:
    """A reader's shell, in the project's folder."""

    def __init__(self, cluster: RealCluster, home: Path) -> None:
        (home / "helm").symlink_to(helm_binary(4))
        self._environment = {
            "HOME": str(home),
            "KUBECONFIG": str(cluster.kubeconfig),
            "PATH": f"{home}:{os.environ['PATH']}",
        }

    def type(self, script: str) -> str:
        """Run commands until one fails or the time is over; give what they printed."""
        done = subprocess.run(
            ["timeout", "--kill-after=5", f"{MINUTES}m", "bash", "-euxo", "pipefail", "-c", script],
            env=self._environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture
def shell(cluster: RealCluster, tmp_path: Path) -> Iterator[Shell]:
    """A shell for the cluster; what the page has installed with it is taken away afterwards."""
    if not cluster.nodes:
        pytest.skip("the page is for a cluster of kind's")
    made = Shell(cluster, tmp_path)
    yield made
    # While the operator is there; without it nobody takes the finalizer off.
    made.type("""
        kubectl delete fd echo --ignore-not-found --timeout=60s ||
            kubectl patch fd echo --type=merge --patch='{"metadata": {"finalizers": null}}' || true
        helm uninstall nvcf-operator -n nvcf-operator-system --ignore-not-found --wait
        kubectl delete secret nvcf-credentials --ignore-not-found
        kubectl delete namespace nvcf-simulator nvcf-operator-system --ignore-not-found --timeout=120s
    """)


def test_the_page_can_be_typed_as_it_stands(shell: Shell) -> None:
    with_docker, with_podman, starting, living = blocks()
    for making in (with_docker, with_podman):  # the cluster and its images are there already
        assert "kind create cluster" in making
    step(f"{PAGE.relative_to(ROOT)} is typed: simulator and operator")
    shell.type(starting)
    step("a function is deployed, changed and let go")
    deploy, watched, rest = living.partition(FOR_EVER)
    describe, delete = rest.splitlines()[1:]
    assert watched
    said = shell.type(deploy)
    assert "functiondeployment.nvcf-operator.io/echo condition met" in said
    eventually(
        lambda: shell.type(describe),
        lambda text: "L40S: 1-4 instances" in text,
        within=60,
        what="an Event reports the change",
    )
    shell.type(delete)
    assert shell.type("kubectl get fd --ignore-not-found -o name").splitlines()[1:] == []
