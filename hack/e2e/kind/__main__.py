"""``python -m hack.e2e.kind``: the tests of ``tests/e2e/kind`` on a real cluster; what ``make e2e`` does.

With both KUBECONFIG and IMAGE set, on the cluster that is there; else on one that kind makes and that ends with it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hack.chart.binaries import helm_binary
from hack.controlplane import AssetsError
from hack.e2e.kind import podman
from hack.e2e.kind.debian import DebianError
from hack.e2e.kind.isolation import put_back, run_isolated
from hack.e2e.kind.pieces import pieces
from hack.e2e.kind.running import ROOT, run_tests
from hack.gobuild.building import BuildError

_PROGRAMS = (*podman.PROGRAMS, "debootstrap", "unshare", "ip", "bash")
_NOBODY_ELSE = """\
Another way is a cluster of yours: KUBECONFIG=FILE IMAGE=REGISTRY/nvcf-operator:TAG
SIMULATOR_IMAGE=REGISTRY/nvcf-simulator:TAG make e2e (docs/image.md says how to build and push them)."""


def main(arguments: list[str]) -> int:
    """Run the tests, with these arguments for pytest; give the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if os.environ.get("KUBECONFIG") and os.environ.get("IMAGE"):
        print(f"e2e: on the cluster of {os.environ['KUBECONFIG']}", file=sys.stderr)
        return run_tests(arguments)
    try:
        if wrong := _what_is_missing():
            print(f"error: {wrong}\n{_NOBODY_ELSE}", file=sys.stderr)
            return 1
        return _on_kind(arguments)
    except (AssetsError, BuildError, DebianError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the cluster is gone", file=sys.stderr)
        return 130


def _what_is_missing() -> str:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a kind cluster in private namespaces needs root on Linux"
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [name for name in _PROGRAMS if shutil.which(name) is None and not _library(name).exists()]
    if missing:
        packages = sorted({"debootstrap", "iproute2", *podman.PROGRAMS})
        return f"missing: {', '.join(missing)}. On Debian: apt-get install --no-install-recommends {' '.join(packages)}"
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "--net", "true"]).returncode != 0:
        return "this machine allows no namespaces (unshare failed, see above); a container without privileges does not"
    return ""


def _library(name: str) -> Path:
    """Where podman's helpers stand."""
    return Path("/usr/lib/podman") / name


def _on_kind(arguments: list[str]) -> int:
    began = time.monotonic()
    made = pieces()
    helm_binary(4)  # the tests run where nothing can be downloaded
    run = Path(tempfile.mkdtemp(prefix="nvcf-operator-e2e-"))
    with podman.alone(made.storage), put_back(run, made.storage / "volumes"):
        env = podman.environment(podman.settings(made.storage, run))
        env |= {
            "TMPDIR": str(run),  # what a killed build leaves goes with it
            "E2E_RUN": str(run),
            "E2E_BINARIES": str(made.binaries),
            "E2E_NODE": made.node.name,
            "E2E_SOURCES": json.dumps(made.sources()),
            "E2E_FAILURE": str(ROOT / "build" / f"e2e-{time.strftime('%Y%m%d-%H%M%S')}"),
        }
        status = run_isolated([sys.executable, "-m", "hack.e2e.kind.images"], env=env, network=True)
        if status == 0:
            status = run_isolated([sys.executable, "-m", "hack.e2e.kind.cluster", *arguments], env=env, network=False)
    print(f"e2e: {'passed' if status == 0 else 'FAILED'} after {time.monotonic() - began:.0f} s", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
