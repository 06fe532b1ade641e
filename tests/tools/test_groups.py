"""Tests of a group run on one worker: a module's stories are not played again by each worker."""

import subprocess
import sys
from pathlib import Path

TESTS = """
import os
import pytest

pytestmark = pytest.mark.xdist_group("one")

@pytest.mark.parametrize("number", range(8))
def test_something(number):
    print(f"worker: {os.environ['PYTEST_XDIST_WORKER']}")
"""


def test_xdist_sends_a_group_to_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_something.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-rP", "-p", "no:cacheprovider", "."]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60
    )
    workers = [line for line in done.stdout.splitlines() if line.startswith("worker: ")]
    assert len(workers) == 8, done.stdout
    assert len(set(workers)) == 1, done.stdout
