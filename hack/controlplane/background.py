"""A control plane as a process of its own: in the foreground of a starter, or detached from it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from hack.controlplane.ownership import owner
from hack.controlplane.plane import ControlPlane

_CHECK_SECONDS = 1.0
_STOP_SECONDS = 20.0


class DetachError(RuntimeError):
    """The detached control plane did not come up; the message shows what it wrote."""


def run(root: Path, *, with_parent: bool) -> None:
    """Run a control plane until it is interrupted (``KeyboardInterrupt``); print one JSON line when it is ready.

    The line has ``kubeconfig``, ``url``, ``audit_log`` and ``pid``. With ``with_parent`` it also ends with the process
    that started this one, and when standard input is a pipe that is closed. Raises
    :class:`ProcessEndedError` when a server ends on its own.
    """
    parent = os.getppid()
    watched = [0] if with_parent and stat.S_ISFIFO(os.fstat(0).st_mode) else []
    with ControlPlane.start(root) as plane, contextlib.suppress(KeyboardInterrupt):
        ready = {"kubeconfig": str(plane.kubeconfig), "url": plane.url, "audit_log": str(plane.audit_log)}
        print(json.dumps(ready | {"pid": os.getpid()}), flush=True)
        while not _input_closed(watched) and not (with_parent and os.getppid() != parent):
            plane.check()


def start_detached(root: Path) -> str:
    """Start :func:`run` in a session of its own, which outlives this process; return its JSON line.

    What it writes to standard error goes to ``root/logs/controlplane.log``. Raises :class:`DetachError`.
    """
    (root / "logs").mkdir(parents=True, exist_ok=True)
    log = root / "logs" / "controlplane.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "hack.controlplane", "run", f"--root={root}", "--no-parent"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            text=True,
        )
    assert process.stdout
    with process.stdout:
        line = process.stdout.readline()
    if not line:
        process.wait()
        raise DetachError(f"the control plane did not start:\n{log.read_text()}")
    process.returncode = 0  # it goes on without us: nobody has to wait for it
    return line.strip()


def stop_detached(root: Path) -> bool:
    """End the control plane that uses ``root``, whoever started it; return whether there was one.

    Raises :class:`TimeoutError` when it does not end.
    """
    process = owner(root)
    if process is None:
        return False
    os.kill(process, signal.SIGTERM)
    until = time.monotonic() + _STOP_SECONDS
    while owner(root) == process:
        if time.monotonic() > until:
            raise TimeoutError(f"process {process} still uses {root} {_STOP_SECONDS:.0f} s after SIGTERM")
        time.sleep(0.05)
    return True


def _input_closed(watched: list[int]) -> bool:
    """Wait for a while; return whether one of these descriptors reached its end."""
    readable, _, _ = select.select(watched, [], [], _CHECK_SECONDS)
    return any(not os.read(descriptor, 1024) for descriptor in readable)
