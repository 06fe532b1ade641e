"""A supervised process never outlives its starter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hack.processes import Process, ProcessEndedError
from tests.support.waiting import eventually

SLEEP = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"]
PARENT_OF_SLEEP = [sys.executable, "-c", f"import subprocess; subprocess.run({SLEEP!r})"]

STARTER = """
import sys, time
from pathlib import Path
from hack.processes import Process
process = Process("sleep", {command!r}, Path(sys.argv[1]))
time.sleep(600)
"""


def printed_pid(log: Path) -> int:
    """Wait until the process has written its id to its log; return it."""
    text = eventually(
        lambda: log.read_text() if log.exists() else "",
        lambda written: written.endswith("\n"),
        within=60,
        what="the process has written its id",
    )
    return int(text)


def alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip() not in ("", "Z")


def wait_until_dead(pid: int) -> None:
    eventually(lambda: alive(pid), lambda living: not living, within=60, what=f"process {pid} has ended")


@pytest.mark.parametrize(
    ("command", "reason"),
    [(SLEEP, "the command itself"), (PARENT_OF_SLEEP, "a child of the command, as compilers are of go")],
    ids=["command", "grandchild"],
)
def test_kill_9_of_the_starter_kills(command: list[str], reason: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = STARTER.format(command=command)
    with subprocess.Popen([sys.executable, "-c", script, log]) as starter:
        pid = printed_pid(log)
        assert alive(pid), reason
        starter.kill()
    wait_until_dead(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="a parent death signal is Linux's")
def test_kill_9_of_the_supervisor_kills_the_command(tmp_path: Path) -> None:
    process = Process("sleep", SLEEP, tmp_path / "log")
    pid = printed_pid(process.log)
    os.kill(process.supervisor, signal.SIGKILL)
    wait_until_dead(pid)
    process.kill()


def test_the_end_of_the_thread_that_started_it_does_not_end_a_process(tmp_path: Path) -> None:
    started: list[Process] = []
    thread = threading.Thread(target=lambda: started.append(Process("sleep", SLEEP, tmp_path / "log")))
    thread.start()
    thread.join()
    (process,) = started
    pid = printed_pid(process.log)
    process.check()
    process.kill()
    assert not alive(pid)
    assert not process.running


def test_killing_a_process_twice_is_harmless(tmp_path: Path) -> None:
    process = Process("sleep", SLEEP, tmp_path / "log")
    pid = printed_pid(process.log)
    process.kill()
    process.kill()
    assert not alive(pid)


def test_a_process_that_ended_is_reported_with_its_own_part_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("of an earlier run\n")
    process = Process("failing", ["sh", "-c", "echo cannot work >&2; exit 3"], log)
    eventually(lambda: process.running, lambda running: not running, within=60, what="the process has ended")
    with pytest.raises(ProcessEndedError, match=r"failing ended with status 3; the end of .*:\n  cannot work$"):
        process.check()
    process.kill()
