"""Running the tests of this folder, their steps shown while they are taken."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_tests(arguments: list[str]) -> int:
    """Run pytest with these arguments more; give its exit status."""
    pytest = [sys.executable, "-m", "pytest", str(Path(__file__).parent), "--capture=no", "-p", "no:cacheprovider"]
    return subprocess.run([*pytest, *arguments], cwd=ROOT).returncode
