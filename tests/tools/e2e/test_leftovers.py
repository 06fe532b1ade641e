"""What a run on a real cluster leaves is taken away by a process that outlives it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hack.e2e.kind.isolation import put_back
from hack.e2e.kind.janitor import read_sysctls, remove_cgroups
from tests.support.waiting import eventually

STARTER = """
import sys, time
from pathlib import Path
from hack.e2e.kind.isolation import put_back
with put_back(Path(sys.argv[1])):
    print("inside", flush=True)
    time.sleep(60)
"""


def test_a_folder_is_gone_after_the_body(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "inner").mkdir(parents=True)
    with put_back(folder, tmp_path / "never-made"):
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_is_gone_also_when_the_starter_was_killed(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    command = [sys.executable, "-c", STARTER, str(folder)]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        assert starter.stdout.readline() == "inside\n"
        starter.send_signal(number)
        starter.wait(60)
    eventually(folder.exists, lambda there: not there, within=60, what="the folder is gone")


def test_groups_go_with_all_below_them_once_they_are_empty(tmp_path: Path) -> None:
    group = tmp_path / "libpod_parent"
    (group / "a" / "b").mkdir(parents=True)
    remove_cgroups({group, tmp_path / "gone-already"})
    assert not group.exists()


def test_the_sysctls_that_it_keeps_are_there_to_be_read() -> None:
    assert read_sysctls()["kernel/panic"].lstrip("-").isdigit()
