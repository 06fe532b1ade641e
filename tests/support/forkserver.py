"""A process that has imported the operator and the simulator, and forks itself into either on request.

A fresh Python takes a second of CPU to import the operator, a fork some milliseconds; tests start thousands. Each
connection to the socket is one process: a JSON line says how to start it, a line with its process id answers, another
with its exit status reports its end, and closing the connection kills it. All of them end with this process.
"""

import asyncio
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import nvcf_operator.cli
import nvcf_operator.commands.checking
import nvcf_operator.commands.importing
import nvcf_operator.runtime.operator
import nvcf_simulator.cli
from hack.supervisor import death_signal
from nvcf_client import AsyncClient, NvcfError
from nvcf_operator import backoff
from tests.support import planted
from tests.support.failpoints import Calls, Failpoint

__all__ = ["ForkServer"]

PROGRAMS: Final[Mapping[str, Callable[[list[str]], object]]] = {
    "nvcf-operator": nvcf_operator.cli.main,
    "nvcf-simulator": nvcf_simulator.cli.main,
}


class ForkServer:
    """Forks processes for whoever connects."""

    def __init__(self, address: Path) -> None:
        self._bind_to_parent = death_signal()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(address))
        self._listener.listen(64)
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._waker.fileno())
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._children: dict[int, socket.socket] = {}

    def run(self) -> NoReturn:
        """Serve until killed."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._start(self._listener.accept()[0])
                elif key.fileobj is self._woken:
                    self._woken.recv(4096)
                    self._bury()
                else:
                    os.kill(key.data, signal.SIGKILL)  # its user has closed the connection
                    self._selector.unregister(key.fileobj)

    def _start(self, connection: socket.socket) -> None:
        with connection.makefile("r") as lines:
            wanted = json.loads(lines.readline())
        pid = os.fork()
        if pid == 0:
            self._become(connection, wanted)
        self._children[pid] = connection
        self._selector.register(connection, selectors.EVENT_READ, pid)
        _report(connection, pid)

    def _bury(self) -> None:
        """Report the ends of children."""
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._children.pop(pid)
            if connection in self._selector.get_map():
                self._selector.unregister(connection)
            _report(connection, os.waitstatus_to_exitcode(status))
            connection.close()

    def _become(self, connection: socket.socket, wanted: dict[str, Any]) -> NoReturn:
        """In the child: let go of all that is the parent's, and run the command."""
        status = 1
        try:
            if self._bind_to_parent is not None:
                self._bind_to_parent()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for end in (self._listener, self._woken, self._waker, connection, *self._children.values()):
                end.close()
            _write_to(wanted["output"], 1)
            _write_to(wanted["errors"], 2)
            os.environ.clear()
            os.environ.update(wanted["environment"])
            time.tzset()
            change(wanted)
            sys.argv = [wanted["program"], *wanted["arguments"]]
            PROGRAMS[wanted["program"]](wanted["arguments"])
            status = 0
        except SystemExit as end_of_command:
            code = end_of_command.code
            status = code if isinstance(code, int) else int(code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _report(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # its user may have gone
        connection.sendall(f"{number}\n".encode())


def _write_to(path: str, descriptor: int) -> None:
    """Append what is written to a descriptor to a file."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, descriptor)
    os.close(file)


def change(wanted: Mapping[str, Any]) -> None:
    """Make the changes that are wanted in the operator before it runs."""
    if (seconds := wanted.get("retry_seconds")) is not None:
        backoff.LONG = backoff.Backoff(seconds, backoff.LONG.last)
    if (bug := wanted.get("bug")) is not None:
        planted.BUGS[bug]()
    if (armed := wanted.get("armed")) is not None:
        point = wanted["failpoint"]
        Calls(Path(wanted["trace"]), Path(armed), Failpoint.parse(point) if point is not None else None).install()


async def warm_up() -> None:
    """Make one call that fails: what is imported and read from files by the first call is there for all forks then."""
    async with AsyncClient(api_key="nvapi-test", base_url="http://127.0.0.1:9", max_retries=0) as client:
        with contextlib.suppress(NvcfError):
            await client.deployments.functions.versions.get(function_id="none", function_version_id="none")


if __name__ == "__main__":
    asyncio.run(warm_up())
    gc.freeze()
    ForkServer(Path(sys.argv[1])).run()
