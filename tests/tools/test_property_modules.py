"""The random stories draw constants from the modules that are loaded, so the tools must not be among these."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOADED = "import sys, pytest; pytest.main(['-q', '--collect-only', 'tests/property']); print(*sys.modules, sep='\\n')"


def test_the_property_tests_load_no_tool() -> None:
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    loaded = done.stdout.splitlines()
    assert "tests.property.test_random_stories" in loaded
    assert [name for name in loaded if name.partition(".")[0] == "hack"] == []
