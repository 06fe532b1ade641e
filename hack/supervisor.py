"""Run a command that ends when its starter ends, however the starter ends.

Called as ``python supervisor.py COMMAND...`` with a pipe as standard input, whose other end only the starter holds.
When that end closes (the starter closed it, exited, or was killed with -9), the command's whole process group is
killed. On Linux the command is also bound to the supervisor's own life by a parent death signal. The kernel ties that
signal to the *thread* that forked, so a starter with threads cannot use it itself; the supervisor has a single one.

It needs the standard library only and is run by its path, so that it starts in some 30 ms.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_CHECK_PARENT_SECONDS = 1.0
"""How often to check whether the starter is still the parent: a forked copy of it would keep the pipe open."""


def supervise(command: list[str]) -> int:
    """Run the command until it exits or the starter is gone; return its exit status as a shell would give it."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starter's affair
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=death_signal())
    while child.poll() is None:
        readable, _, _ = select.select([0, wake_read], [], [], _CHECK_PARENT_SECONDS)
        starter_closed = 0 in readable and not os.read(0, 1024)
        if wake_read in readable:
            os.read(wake_read, 1024)
        if stopping or starter_closed or os.getppid() != parent:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def death_signal() -> Callable[[], None] | None:
    """Return what the forked child calls before it becomes the command."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    supervisor = os.getpid()

    def bind() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:  # it died before the call
            os.kill(os.getpid(), signal.SIGKILL)

    return bind


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1:]))
