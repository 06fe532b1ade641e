"""``python -m hack.controlplane run``: how it begins and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from hack.controlplane.ownership import owner
from tests.support.waiting import eventually

pytestmark = pytest.mark.needs_assets


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hack.controlplane", *arguments]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A control plane in the foreground, its standard input a pipe, ready."""
    process = subprocess.Popen(
        command("run", f"--root={tmp_path}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        ready = json.loads(stream(process.stdout).readline())
        assert ready["pid"] == process.pid
        assert ready["url"].startswith("https://127.0.0.1:")
        assert Path(ready["kubeconfig"]).is_file()
        assert len(servers(tmp_path)) == 3
        yield process
        process.kill()


def stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def servers(root: Path) -> dict[str, str]:
    """Return the servers that run with files in ``root``, by process id."""
    listing = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listing.splitlines():
        pid, _, arguments = line.strip().partition(" ")
        executable = arguments.split(" ")[0].rpartition("/")[2]
        if str(root) in arguments and executable in ("etcd", "kube-apiserver", "kube-controller-manager"):
            found[pid] = executable
    return found


def wait_until_gone(root: Path, seconds: float = 10.0) -> None:
    eventually(lambda: servers(root), lambda left: not left, within=seconds, what="all servers have ended")


def test_kill_9_of_the_starter_ends_all_servers(running: subprocess.Popen[str], tmp_path: Path) -> None:
    running.kill()
    wait_until_gone(tmp_path)
    assert owner(tmp_path) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(running: subprocess.Popen[str], tmp_path: Path, number: signal.Signals) -> None:
    running.send_signal(number)
    assert running.wait(10) == 0
    assert servers(tmp_path) == {}


def test_the_end_of_its_standard_input_ends_it(running: subprocess.Popen[str], tmp_path: Path) -> None:
    stream(running.stdin).close()
    assert running.wait(10) == 0
    assert servers(tmp_path) == {}


def test_a_server_that_ends_unexpectedly_ends_it_with_that_server_s_log(tmp_path: Path) -> None:
    with subprocess.Popen(
        command("run", f"--root={tmp_path}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert stream(process.stdout).readline()
        (manager,) = (pid for pid, name in servers(tmp_path).items() if name == "kube-controller-manager")
        os.kill(int(manager), signal.SIGKILL)
        assert process.wait(10) == 1
        assert "kube-controller-manager ended with status 137; the end of" in stream(process.stderr).read()
    assert servers(tmp_path) == {}


def test_a_detached_one_outlives_its_starter_until_it_is_stopped(tmp_path: Path) -> None:
    started = subprocess.run(command("run", f"--root={tmp_path}", "--detach"), stdout=subprocess.PIPE, check=True)
    assert owner(tmp_path) == json.loads(started.stdout)["pid"]
    assert len(servers(tmp_path)) == 3

    second = subprocess.run(
        command("run", f"--root={tmp_path}", "--detach"), capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "is in use by the control plane of process" in second.stderr

    subprocess.run(command("stop", f"--root={tmp_path}"), check=True)
    assert servers(tmp_path) == {}
    assert owner(tmp_path) is None
