"""The simulator answers as the real open-source server did: every conformance case, none skipped."""

import subprocess
import sys
from pathlib import Path

from simulation import Simulator

FOLDER = Path(__file__).parent
CASES = 124


def test_every_conformance_case_passes() -> None:
    with Simulator.start() as simulator:
        result = subprocess.run(
            [
                sys.executable,
                FOLDER / "conformance" / "conformance.py",
                "--url",
                simulator.url,
                "--adapter",
                f"{FOLDER / 'conformance_adapter.py'}:Simulator",
                "--jobs",
                "8",
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    wrong = [line for line in result.stdout.splitlines() if not line.startswith("ok ")]
    assert wrong == [f"{CASES} passed, 0 failed, 0 skipped"], "\n".join(wrong) + result.stderr
