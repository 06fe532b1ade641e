"""The tests for a real cluster, pointed at one on which somebody has an operator already."""

import os
import subprocess
import sys
from pathlib import Path

from hack.controlplane import ControlPlane

ROOT = Path(__file__).parents[2]


def test_a_cluster_with_an_operator_is_left_alone(control_plane: ControlPlane, operator_identity: Path) -> None:
    assert operator_identity.exists(), "it is installed"
    given = {
        "KUBECONFIG": str(control_plane.kubeconfig),
        "IMAGE": "example.invalid/nvcf-operator:1",
        "PATH": f"{control_plane.assets}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "hack.e2e.kind", "-k", "install"],
        env={**os.environ, **given},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stdout
    assert "the namespace nvcf-operator-system is there already; these tests would take it over" in done.stdout
    assert control_plane.read("/api/v1/namespaces/nvcf-simulator") is None
