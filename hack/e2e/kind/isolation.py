"""Private namespaces: what runs in them leaves no process, mount or network behind, and what the kernel has only once
(some sysctls, cgroup folders) is put back by a process that outlives its starter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hack.processes import kill, spawn

_PID_1 = '"$@"; exit $?'
"""A shell as the first process: it takes in whatever loses its parent."""


def run_isolated(command: Sequence[str | Path], *, env: Mapping[str, str], network: bool) -> int:
    """Run a command with mounts and processes of its own, and without the machine's ``network`` if asked to.

    Its output is shown. It ends with this process, however that ends. Gives its exit status.
    """
    own = ["--mount", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc", *([] if network else ["--net"])]
    process = spawn(["unshare", *own, "bash", "-c", _PID_1, "bash", *command], stdout=sys.stderr.fileno(), env=env)
    try:
        return process.wait()
    finally:
        kill(process)


def own_run_folder() -> None:
    """Mount an empty /run, but for what /etc/resolv.conf leads to. For what runs with mounts of its own."""
    resolv = Path("/etc/resolv.conf").resolve()
    kept = resolv.read_bytes() if resolv.is_relative_to("/run") and resolv.exists() else None
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    Path("/run/lock").mkdir()
    if kept is not None:
        resolv.parent.mkdir(parents=True, exist_ok=True)
        resolv.write_bytes(kept)


@contextmanager
def put_back(*folders: Path) -> Iterator[None]:
    """When the body ends, and also when this process is killed: sysctls as before, no new cgroups, no ``folders``."""
    janitor = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("janitor.py")), *map(str, folders)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert janitor.stdin is not None
    assert janitor.stdout is not None
    janitor.stdout.readline()  # it has written down what there is
    try:
        yield
    finally:
        janitor.stdin.close()
        with janitor.stdout:
            janitor.stdout.read()
        janitor.wait()
