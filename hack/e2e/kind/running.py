"""Running the tests of ``tests/e2e/kind``, their steps shown while they are taken."""

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests" / "e2e" / "kind"


def run_tests(arguments: list[str]) -> int:
    """Run pytest with these arguments more; give its exit status.

    An interrupt is passed on to it once, and then it is waited for: it takes away what it has installed.
    """
    pytest = [sys.executable, "-m", "pytest", str(TESTS), "--capture=no", "-p", "no:cacheprovider"]
    # In a group of its own, so that Ctrl-C does not reach it a second time: that would end its cleaning up.
    process = subprocess.Popen([*pytest, *arguments], cwd=ROOT, process_group=0)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        print("interrupted: taking away what was installed", file=sys.stderr)
        return process.wait()
