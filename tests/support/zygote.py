"""Starts operators by forking a process that has imported everything: `python -m tests.support.zygote SOCKET`.

A fresh Python takes a second of CPU to import the operator, a fork some milliseconds; where a test starts hundreds of
operators that decides. Each connection to the socket is one operator: a JSON line says how to start it, a line with its
exit status tells its end, and closing the connection kills it. All of them end with this process.
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
from pathlib import Path
from typing import Any, NoReturn

import nvcf_operator.cli
import nvcf_operator.runtime.operator
from hack.supervisor import death_signal
from nvcf_client import AsyncClient, NvcfError
from nvcf_operator.core import backoff
from tests.support import planted
from tests.support.failpoints import Calls, Failpoint

__all__ = ["Zygote"]


class Zygote:
    """Forks operators for whoever connects."""

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

    def _bury(self) -> None:
        """Tell of the children that have ended."""
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._children.pop(pid)
            if connection in self._selector.get_map():
                self._selector.unregister(connection)
                connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            connection.close()

    def _become(self, connection: socket.socket, wanted: dict[str, Any]) -> NoReturn:
        """In the child: let go of all that is the parent's, and be the operator."""
        status = 1
        try:
            if self._bind_to_parent is not None:
                self._bind_to_parent()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for end in (self._listener, self._woken, self._waker, connection, *self._children.values()):
                end.close()
            log = os.open(wanted["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.close(log)
            os.environ.update(wanted["environment"])
            backoff.LONG = backoff.Backoff(wanted["retry_seconds"], backoff.LONG.last)
            if (bug := wanted["bug"]) is not None:
                planted.BUGS[bug]()
            point = wanted["failpoint"]
            Calls(
                Path(wanted["trace"]), Path(wanted["armed"]), Failpoint.parse(point) if point is not None else None
            ).install()
            nvcf_operator.cli.main(wanted["arguments"])
        except SystemExit as end_of_command:
            status = end_of_command.code if isinstance(end_of_command.code, int) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


async def warm_up() -> None:
    """Make one call that fails: what is imported and read from files by the first call is there for all forks then."""
    async with AsyncClient(api_key="nvapi-test", base_url="http://127.0.0.1:9", max_retries=0) as client:
        with contextlib.suppress(NvcfError):
            await client.deployments.functions.versions.get(function_id="none", function_version_id="none")


if __name__ == "__main__":
    asyncio.run(warm_up())
    gc.freeze()
    Zygote(Path(sys.argv[1])).run()
