"""The simulator responds like the real open-source server in every conformance case."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hack import documents
from tests.support.simulator import Simulator

pytestmark = pytest.mark.xdist_group("conformance")

FOLDER = Path(__file__).parent
CASES = [
    pytest.param(case["name"], id=f"{path.stem}: {case['name']}")
    for path in sorted((FOLDER / "conformance" / "cases").glob("*.yaml"))
    for case in documents.load(path.read_text())
]

Results = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def results() -> Results:
    """Run all cases once, in parallel; return the result of each by its name."""
    runner = FOLDER / "conformance" / "conformance.py"
    adapter = f"{FOLDER / 'conformance_adapter.py'}:Simulator"
    with Simulator.start() as simulator:
        result = subprocess.run(
            [sys.executable, runner, "--url", simulator.url, "--adapter", adapter, "--jobs", "8", "--json"],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert result.stdout, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    return {line["name"]: line for line in lines}


def test_there_are_as_many_cases_as_the_real_server_was_given(results: Results) -> None:
    assert len(results) == len(CASES) == 201


@pytest.mark.parametrize("name", CASES)
def test_the_response_is_the_real_servers(results: Results, name: str) -> None:
    assert (results[name]["verdict"], results[name]["why"]) == ("ok", "")
