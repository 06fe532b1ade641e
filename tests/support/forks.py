"""Processes of our two commands that start in milliseconds: forks of `tests.support.forkserver`.

They differ from fresh ones by what is loaded already. A test of a process' start or of what it uses starts a fresh one.
"""

import atexit
import functools
import json
import os
import select
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hack.processes import kill, spawn
from tests.support.waiting import eventually

START_SECONDS = 60.0
_END_SECONDS = 20.0
"""For a process to be gone after kill -9, on a machine that is busy."""

_starting = threading.Lock()


class Fork:
    """One process. Ends with its starter.

    Attributes:
        pid: its process id.

    """

    def __init__(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        output: Path,
        errors: Path | None = None,
        environment: Mapping[str, str] | None = None,
        **changes: Any,
    ) -> None:
        """Run `nvcf-operator` or `nvcf-simulator`.

        Args:
            program: the command's name.
            arguments: what follows it.
            output: file to which its output is appended.
            errors: file to which its errors are appended; that of the output by default.
            environment: all of its environment; that of this process by default.
            changes: what the fork server changes in the operator, by the names of `forkserver.change`.

        """
        wanted = {
            "program": program,
            "arguments": [str(each) for each in arguments],
            "environment": dict(os.environ if environment is None else environment),
            "output": str(output),
            "errors": str(errors or output),
            **changes,
        }
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(str(_address()))
        self._connection.sendall(json.dumps(wanted).encode() + b"\n")
        self._lines = self._connection.makefile("r")
        self.pid = int(self._line(START_SECONDS, "the fork"))
        self._status: int | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return not self.ended()

    def wait(self, within: float) -> int | None:
        """Wait for its end; give the exit status as a shell gives it (128 + n after signal n), None if it runs on."""
        if self._status is None and self.ended(within):
            self._status = self._read_status(0.0)
        return self._status

    def ended(self, within: float = 0.0) -> bool:
        """Whether it has ended, or ends within so many seconds."""
        return self._status is not None or bool(select.select([self._connection], [], [], within)[0])

    def kill(self) -> None:
        """Kill it with -9 if it runs, and wait until it is gone. Harmless when that was done already."""
        if self._connection.fileno() < 0:
            return
        if self._status is None:
            self._connection.shutdown(socket.SHUT_WR)
            self._status = self._read_status(_END_SECONDS)
        self._lines.close()
        self._connection.close()

    def _read_status(self, within: float) -> int:
        status = int(self._line(within, "the end of the fork"))
        return status if status >= 0 else 128 - status

    def _line(self, within: float, what: str) -> str:
        """Read a line of the fork server."""
        assert select.select([self._connection], [], [], within)[0], (
            f"the fork server has not reported {what} in {within:g} s"
        )
        line = self._lines.readline()
        assert line, f"the fork server has ended before it reported {what}"
        return line


def _address() -> Path:
    """The socket of this process' server, which the first call starts and which ends with this process."""
    with _starting:
        return _started()


@functools.cache
def _started() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="forkserver-")  # a socket's path must be short
    atexit.register(folder.cleanup)
    address, log = Path(folder.name) / "socket", Path(folder.name) / "log"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with log.open("wb") as output:
        server = spawn([sys.executable, "-m", "tests.support.forkserver", address], stdout=output, env=environment)
    atexit.register(kill, server)
    eventually(
        address.exists,
        lambda there: there or server.poll() is not None,
        within=START_SECONDS,
        what="the fork server listens",
    )
    assert server.poll() is None, f"the fork server has ended: {log.read_text()}"
    return address
