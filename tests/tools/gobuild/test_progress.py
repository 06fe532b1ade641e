"""A user who waits sees that something goes on."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hack.gobuild.progress import CommandError, Progress
from tests.support.waiting import eventually

COUNT_TO_THREE = "import time\nfor i in range(3): print('done', i, flush=True)\ntime.sleep(0.5)"


def test_a_silent_command_is_reported_at_each_heartbeat(tmp_path: Path) -> None:
    shown = io.StringIO()
    progress = Progress(total=2, stream=shown, heartbeat=0.1)
    progress.step("counting")
    output = progress.run(
        [sys.executable, "-c", COUNT_TO_THREE],
        env=os.environ,
        cwd=tmp_path,
        counts=lambda line: line.startswith("done"),
        report=lambda count: f"{count} of 3",
    )
    assert output.splitlines() == ["done 0", "done 1", "done 2"]
    assert len(re.findall(r"^\[1/2\] +\d+ s  counting: 3 of 3$", shown.getvalue(), re.MULTILINE)) >= 2


def test_a_failing_command_is_reported_with_the_end_of_its_output(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('first'); raise SystemExit('no such host')"]
    with pytest.raises(CommandError, match="status 1:\n  first\n  no such host"):
        Progress(total=1).run(command, env=os.environ, cwd=tmp_path)


def test_an_interrupted_command_is_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"""
import os, time
open({str(pid_file)!r}, "w").write(str(os.getpid()))
print("up", flush=True)
time.sleep(600)
"""

    def interrupt(_: str) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Progress(total=1).run([sys.executable, "-c", script], env=os.environ, cwd=tmp_path, counts=interrupt)
    ps = ["ps", "-o", "args=", "-p", pid_file.read_text()]
    left = eventually(
        lambda: subprocess.run(ps, capture_output=True, text=True, check=False).stdout,
        lambda found: not found,
        within=60,
        what="the command has ended",
    )
    assert left == ""
