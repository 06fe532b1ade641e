"""Ctrl-C during the tests on a cluster that was there before."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import eventually

STARTER = """
import sys
from pathlib import Path
from hack.e2e.kind import __main__, running
running.TESTS = Path(sys.argv[1])
sys.exit(__main__.main([]))
"""

TESTS = """
import time
from pathlib import Path
import pytest

HERE = Path(__file__).parent

@pytest.fixture
def installed():
    yield
    time.sleep(1)
    (HERE / "taken-away").touch()

def test_something(installed):
    (HERE / "running").touch()
    time.sleep(60)
"""


def test_what_was_installed_is_taken_away_before_it_ends(tmp_path: Path) -> None:
    (tmp_path / "test_something.py").write_text(TESTS)
    given = {"KUBECONFIG": "somewhere", "IMAGE": "some:image"}
    started = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        env=os.environ | given,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        eventually((tmp_path / "running").exists, bool, within=60, what="the test runs")
        os.killpg(started.pid, signal.SIGINT)  # as a terminal does
        said, _ = started.communicate(timeout=60)
    finally:
        started.kill()
        started.wait()
        assert started.stdout is not None
        started.stdout.close()
    assert started.returncode == 2, said
    assert (tmp_path / "taken-away").exists(), said
    assert "taking away what was installed" in said
