"""`nvcf-operator run` ends in order by a signal, also before there is a cluster to speak to. Needs no control plane."""

import ctypes
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

COMMAND = Path(sys.executable).with_name("nvcf-operator")
OFFLINE = ("--nvcf-base-url=http://127.0.0.1:9/v2/nvcf", "--metrics-address=127.0.0.1:0", "--log-format=text")
DEADLINE = 30.0

NEW_PIDS = 0x20000000
"""CLONE_NEWPID of Linux."""

AS_PID_1 = f"""
import ctypes, os, sys
if ctypes.CDLL(None).unshare({NEW_PIDS}) != 0:
    sys.exit(77)
child = os.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
print("child", child, flush=True)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def kubeconfig(folder: Path, user: dict[str, Any], server: str = "http://127.0.0.1:9") -> Path:
    context = {"cluster": "c", "user": "u", "namespace": "default"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": context}],
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return file


class Run:
    """A process and the lines that it has written."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []

    def line_with(self, words: str) -> str:
        """Wait for a line with these words."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while selector.select(DEADLINE):
                line = self.process.stdout.readline()
                if not line:
                    break
                self.lines.append(line)
                if words in line:
                    return line
        raise AssertionError(f"no line with {words!r}: {self.lines}")

    def ends(self) -> int:
        """Wait for its end; give the exit code."""
        rest, _ = self.process.communicate(timeout=DEADLINE)
        self.lines += rest.splitlines()
        assert "Traceback" not in "".join(self.lines), self.lines
        return self.process.returncode


@contextmanager
def running(*command: str | Path, config: Path) -> Iterator[Run]:
    environment = {**os.environ, "KUBECONFIG": str(config), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1, env=environment
    )
    try:
        yield Run(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of an API server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield kubeconfig(tmp_path, {}, f"http://127.0.0.1:{listener.getsockname()[1]}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_while_it_waits_for_the_api_server(silent: Path, number: signal.Signals) -> None:
    with running(COMMAND, "run", *OFFLINE, config=silent) as run:
        run.line_with("metrics and probes at")
        run.process.send_signal(number)
        run.line_with(f"{number.name}: the operator is stopping")
        assert run.ends() == 0


def test_a_signal_ends_it_while_it_waits_for_an_exec_plugin(tmp_path: Path) -> None:
    pipe = tmp_path / "asked"
    os.mkfifo(pipe)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/bin/sh",
        "args": ["-c", f"echo $$ > {pipe}; exec sleep {DEADLINE:g}"],
        "interactiveMode": "Never",
    }
    with running(COMMAND, "run", *OFFLINE, config=kubeconfig(tmp_path, {"exec": plugin})) as run:
        plugin_pid = int(pipe.read_text())
        try:
            run.process.send_signal(signal.SIGTERM)
            assert run.ends() == 0
        finally:
            with suppress(ProcessLookupError):
                os.kill(plugin_pid, signal.SIGKILL)


def test_sigterm_ends_the_first_process_of_a_container_while_it_waits_for_the_api_server(silent: Path) -> None:
    if os.geteuid() != 0 or not hasattr(ctypes.CDLL(None), "unshare"):
        pytest.skip("a PID namespace of one's own needs root and Linux")
    with running(sys.executable, "-c", AS_PID_1, COMMAND, "run", *OFFLINE, config=silent) as run:
        try:
            child = int(run.line_with("child").split()[1])
        except AssertionError:
            if run.process.wait(DEADLINE) == 77:
                pytest.skip("no PID namespace can be made here")
            raise
        run.line_with("metrics and probes at")
        os.kill(child, signal.SIGTERM)
        assert run.ends() == 0
