"""Processes that end with their starter, each with a log of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_STOP_SECONDS = 10.0


class ProcessEndedError(RuntimeError):
    """A process that should run has ended; the message shows the end of its log."""


def spawn(
    command: Sequence[str | Path],
    *,
    stdout: int | IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command under the supervisor, its output and errors going to ``stdout``.

    Closing the returned process's ``stdin`` kills the command with all its children, and so does the end of this
    process, even by kill -9. The exit status is the command's (128 + n after signal n).
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SUPERVISOR), *map(str, command)],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End what :func:`spawn` started, at once, and wait until it is gone."""
    if process.stdin:
        process.stdin.close()
    process.wait(_STOP_SECONDS)


class Process:
    """One server process of the control plane."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path) -> None:
        """Start the command; its output is appended to ``log``."""
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._start_of_log = output.tell()
            self._process = spawn(command, stdout=output)

    @property
    def supervisor(self) -> int:
        """The id of the process that the command is a child of."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise :class:`ProcessEndedError` if the process is not running."""
        if not self.running:
            raise ProcessEndedError(
                f"{self.name} ended with status {self._process.returncode}; the end of {self.log}:\n{self.tail()}"
            )

    def output(self) -> str:
        """Return all that this process wrote to its log so far."""
        with self.log.open("rb") as log:
            log.seek(self._start_of_log)
            return log.read().decode(errors="replace")

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        return "\n".join(f"  {line}" for line in self.output().splitlines()[-lines:])

    def kill(self) -> None:
        """End the process at once and wait until it is gone. Harmless when it has ended already."""
        kill(self._process)
