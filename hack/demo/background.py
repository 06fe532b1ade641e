"""`make up` and `make down`: the same parts, left running to play with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.environment import running_environment

SETTINGS: dict[str, Any] = {"busy_poll_interval": 1.0, "poll_interval": 10.0}


def up(root: Path) -> None:
    """Start a keeper that outlives this process, and say how to reach what it keeps."""
    if running(root) is not None:
        print("already running; `make down` ends it", file=sys.stderr)
        explain(root)
        return
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    print("starting control plane, simulator and operator ...", file=sys.stderr, flush=True)
    with (root / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "hack.demo", "keep"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    end = time.monotonic() + 120
    while not (root / "ready.json").exists():
        if keeper.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"it did not start:\n{(root / 'keeper.log').read_text()[-2000:]}")
        time.sleep(0.1)
    keeper.returncode = 0  # it goes on without us
    explain(root)


def keep(root: Path) -> None:
    """Run everything until this process gets a signal to stop."""
    with running_environment(root, behaviour={"deploySeconds": 5.0}, **SETTINGS) as environment:
        environment.namespace("demo")
        ready = {
            "pid": os.getpid(),
            "kubeconfig": str(environment.plane.kubeconfig),
            "kubectl": str(environment.plane.assets / "kubectl"),
            "nvcf": environment.simulator.url,
            "control": environment.simulator.control,
        }
        draft = root / "ready.draft"
        draft.write_text(json.dumps(ready))
        draft.rename(root / "ready.json")
        try:
            signal.pause()
        finally:
            (root / "ready.json").unlink(missing_ok=True)


def down(root: Path) -> None:
    """End the keeper, and with it everything that it started."""
    pid = running(root)
    if pid is None:
        print("nothing is running", file=sys.stderr)
        return
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + 30
    while running(root) is not None:
        if time.monotonic() > end:
            raise AssertionError(f"process {pid} did not end within 30 s")
        time.sleep(0.1)
    shutil.rmtree(root, ignore_errors=True)
    print("ended", file=sys.stderr)


def running(root: Path) -> int | None:
    """The keeper's process id, if it runs."""
    try:
        pid = int(json.loads((root / "ready.json").read_text())["pid"])
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError, KeyError):
        return None
    return pid if b"demo" in command and b"keep" in command else None


def explain(root: Path) -> None:
    """Say how to reach it."""
    ready = json.loads((root / "ready.json").read_text())
    print(f"export KUBECONFIG={ready['kubeconfig']}")
    print(f"# kubectl of the same version: {ready['kubectl']}", file=sys.stderr)
    print("# kubectl -n demo apply -f deploy/examples/cloudfunction.yaml", file=sys.stderr)
    print("# kubectl -n demo get nvcf", file=sys.stderr)
    print(f"# NVCF simulator: {ready['nvcf']}, its log: {ready['control']}/log", file=sys.stderr)
    print("# make down ends it all", file=sys.stderr)
