"""``python -m hack.e2e.argocd``: the stories of ``tests/e2e/argocd``, with arguments for pytest.

``make e2e-argocd`` runs it. The stories run in a network of their own, with loopback only, where a machine allows one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from hack.chart.binaries import helm_binary, helm_version
from hack.controlplane import AssetsError, assets
from hack.controlplane.pins import pins
from hack.e2e.argocd.binary import ArgoCDError, argocd_binary, install_manifest, version
from hack.e2e.argocd.reporting import say
from hack.e2e.tested_versions import record
from hack.supervisor import death_signal

_PROGRAMS = {"redis-server": "redis-server", "git": "git"}
"""What must be on the PATH, by the Debian package that has it."""

_TESTS = Path(__file__).parents[3] / "tests" / "e2e" / "argocd"

_LOOPBACK_ONLY = 'ip link set lo up && exec "$@"'


def main(arguments: list[str]) -> int:
    """Fetch and build what is missing, and run the stories; give pytest's exit status."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if wrong := _what_is_missing():
            print(f"error: {wrong}", file=sys.stderr)
            return 1
        assets()
        argocd_binary()
        install_manifest()
        helm_binary(4)
        tests = [sys.executable, "-m", "pytest", "-s", str(_TESTS), *arguments]
        # pytest is killed when this process is, and all that it started ends with it.
        status = subprocess.run([*_isolation(), *tests], preexec_fn=death_signal(), check=False).returncode
        if status == 0 and not arguments:
            record("make e2e-argocd", _versions())
    except (AssetsError, ArgoCDError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; all servers are gone", file=sys.stderr)
        return 130
    say(f"{'passed' if status == 0 else 'FAILED'} after {time.monotonic() - began:.0f} s")
    return status


def _versions() -> dict[str, str]:
    redis = subprocess.run(["redis-server", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {
        "Argo CD": version(),
        "Kubernetes": pins().kubernetes_version,
        "helm": helm_version(4),
        "redis": redis.partition("v=")[2].split()[0],
    }


def _what_is_missing() -> str:
    """Install what is missing where that can be done, and say what still is."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    packages = [_PROGRAMS[name] for name in missing]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing by apt-get: {' '.join(packages)}")
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages]
        subprocess.run(command, env=quiet, stdout=sys.stderr, check=False)
        missing = [name for name in missing if shutil.which(name) is None]
    if not missing:
        return ""
    install = f"apt-get install --no-install-recommends {' '.join(packages)}"
    return f"not on the PATH: {', '.join(missing)}. On Debian: {install}"


def _isolation() -> list[str]:
    """What a command is put behind so that it runs in a network of its own."""
    own = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net"]
    possible = shutil.which("unshare") and shutil.which("ip")
    if (
        possible
        and subprocess.run([*own, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode == 0
    ):
        return [*own, "sh", "-c", _LOOPBACK_ONLY, "sh"]
    say("no network of its own (unshare or ip is missing or not allowed): Argo CD's controller has no option for the")
    say("address of its metrics, so they can be read from other machines as long as this runs")
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
