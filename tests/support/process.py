"""Starts, kills and stops the operator's process, and reads its log and metrics."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hack.controlplane.ports import free_ports
from hack.processes import kill, spawn
from tests.support.forks import Fork
from tests.support.waiting import eventually

FAST: Mapping[str, Any] = {
    "create_settle_seconds": 2.0,
    "create_settle_per_specification_seconds": 1.5,
    "redeploy_settle_seconds": 3.0,
    "register_settle_seconds": 3.0,
    "write_settle_seconds": 2.0,
    "secret_resync_interval": 2.0,
    "stalled_grace_seconds": 0.2,
    "reference_settle_seconds": 1.0,
    "poll_interval": 2.0,
    "busy_poll_interval": 0.3,
    "nvcf_rate": 500,
    "log_format": "text",
}
"""Settings under which a test takes seconds: every wait is shorter, none is left out."""

COMMAND = Path(sys.executable).with_name("nvcf-operator")


def flags(settings: Mapping[str, Any]) -> list[str]:
    """Settings as options of `run`; None leaves one out, True switches one on. Without leader election by default."""
    election = settings.get("leader_election", False)
    given = {name: value for name, value in settings.items() if value is not None and name != "leader_election"}
    return [
        "--leader-election" if election else "--no-leader-election",
        *(f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}") for name, value in given.items()),
    ]


class Fresh:
    """A process of its own interpreter, under a supervisor. Has what `Fork` has."""

    def __init__(self, command: list[str | Path], log: Path, environment: Mapping[str, str]) -> None:
        with log.open("ab") as output:
            self._process = spawn(command, stdout=output, env=environment)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id (not that of its supervisor)."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0])

    def kill(self) -> None:
        """Kill it with -9."""
        kill(self._process)

    def wait(self, within: float) -> int | None:
        """Wait for its end and give its exit code; None if it runs on."""
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            return None


class Operator:
    """One operator process. Ends with its starter.

    `fresh` has it start with an interpreter of its own, as users start it: for tests and measurements that are about
    the process itself. The others are forks.
    """

    def __init__(
        self,
        kubeconfig: Path,
        nvcf_url: str,
        log: Path,
        settings: Mapping[str, Any],
        *,
        bug: str | None = None,
        fresh: bool = False,
    ) -> None:
        self.log = log
        (self.port,) = free_ports(1)
        given = {"nvcf_base_url": nvcf_url, "metrics_address": f"127.0.0.1:{self.port}", **settings}
        arguments = ["run", *flags(given)]
        environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
        self._process: Fresh | Fork
        if fresh:
            program: list[str | Path] = [COMMAND]
            if bug is not None:
                program = [sys.executable, "-m", "tests.support.planted", bug]
            self._process = Fresh([*program, *arguments], log, environment)
        else:
            self._process = Fork("nvcf-operator", arguments, output=log, environment=environment, bug=bug)

    @classmethod
    @contextmanager
    def start(
        cls,
        kubeconfig: Path,
        nvcf_url: str,
        log: Path,
        *,
        ready: bool = True,
        bug: str | None = None,
        fresh: bool = False,
        **settings: Any,
    ) -> "Iterator[Operator]":
        """Run an operator for the body; wait until it is ready, by default.

        `bug` plants one of `tests.support.planted`.
        """
        operator = cls(kubeconfig, nvcf_url, log, {**FAST, **settings}, bug=bug, fresh=fresh)
        try:
            if ready:
                operator.wait_until_ready()
            yield operator
        finally:
            operator.kill()

    def wait_until_ready(self) -> None:
        """Wait for /readyz."""

        def read() -> str:
            assert self.running, f"the operator has ended: {self.output()[-2000:]}"
            return self.get("/readyz")

        eventually(read, lambda text: text.strip() == "ok", within=30, what="the operator is ready")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.running

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def output(self) -> str:
        """The whole log."""
        return self.log.read_text(errors="replace")

    def get(self, path: str) -> str:
        """Read from its probes; empty when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        total = 0.0
        for line in self.get("/metrics").splitlines():
            if line.startswith(name) and all(f'{key}="{value}"' in line for key, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def memory(self) -> float:
        """Resident memory in megabytes, and its peak so far is `peak_memory`."""
        return self._from_status("VmRSS")

    def peak_memory(self) -> float:
        """Peak of the resident memory in megabytes."""
        return self._from_status("VmHWM")

    def cpu_seconds(self) -> float:
        """CPU time used so far, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """Kill it with -9."""
        self._process.kill()

    def stop(self, within: float = 20.0) -> int:
        """Ask it to stop and give its exit code."""
        self.terminate()
        return self.wait(within)

    def freeze(self) -> None:
        """Stop it as a machine that hangs does."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to stop, and wait for nothing."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, within: float) -> int:
        """Wait for its end and give its exit code."""
        status = self._process.wait(within)
        assert status is not None, f"the operator did not end within {within:g} s: {self.output()[-2000:]}"
        return status

    def _from_status(self, name: str) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
        raise AssertionError(f"{name} is not printed")
