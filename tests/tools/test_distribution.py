"""How tests are dealt out to xdist's workers: what a module's tests share is not started again by each worker."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.pytest_distribution import APART, FIRST, HEAVY_WORKERS, STAGES, chosen, unit_of

ROOT = Path(__file__).parents[2]

SAYS_ITS_WORKER = """
import os
import pytest
{mark}
@pytest.mark.parametrize("number", range(6))
def test_something(number):
    print(f"worker: {{os.environ['PYTEST_XDIST_WORKER']}}")
"""

IN_A_GROUP = 'pytestmark = pytest.mark.xdist_group("one")'

WAITS_FOR_THE_OTHER = """
import pathlib
import pytest
from tests.support.waiting import eventually

@pytest.mark.parametrize("number", range(2))
def test_both_run(number, request):
    here = pathlib.Path(request.config.rootpath)
    (here / f"ran-{number}").touch()
    eventually((here / f"ran-{1 - number}").exists, within=100, what="the other one runs at the same time")
"""


def dealt(folder: Path, modules: dict[str, str], workers: int) -> str:
    """Run tests by that many workers; give what pytest prints."""
    for name, text in modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "pytest.ini").touch()
    plugins = ["-p", "tests.support.pytest_distribution", "-p", "no:cacheprovider", "--import-mode", "importlib"]
    command = [sys.executable, "-m", "pytest", *plugins, "-n", str(workers), "--dist", "loadgroup", "-rP", "-v", "."]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, env=environment
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def workers_of(printed: str) -> dict[str, set[str]]:
    """The workers by which each module's tests have passed."""
    found = defaultdict(set)
    for worker, module in re.findall(r"^\[(gw\d)\].* PASSED (\S+?)::", printed, re.MULTILINE):
        found[module].add(worker)
    return found


def test_a_module_and_a_group_go_to_one_worker(tmp_path: Path) -> None:
    alone, grouped = SAYS_ITS_WORKER.format(mark=""), SAYS_ITS_WORKER.format(mark=IN_A_GROUP)
    modules = {f"tests/unit/test_{letter}.py": alone for letter in "abc"} | {"tests/unit/test_group.py": grouped}
    printed = dealt(tmp_path, modules, 2)
    found = workers_of(printed)
    assert found.keys() == modules.keys(), printed
    assert {module: len(workers) for module, workers in found.items()} == dict.fromkeys(modules, 1), printed
    assert len(set.union(*found.values())) == 2, printed


def test_the_tests_of_some_modules_go_to_different_workers(tmp_path: Path) -> None:
    module = min(APART)
    assert len(workers_of(dealt(tmp_path, {module: WAITS_FOR_THE_OTHER}, 2))[module]) == 2


def test_what_waits_comes_after_what_needs_no_control_plane_and_small_tests_come_last(tmp_path: Path) -> None:
    folders = ["contract", "integration", "unit", "chaos"]
    modules = {f"tests/{folder}/test_{folder}.py": SAYS_ITS_WORKER.format(mark="") for folder in folders}
    printed = dealt(tmp_path, modules, 1)
    ran = re.findall(r" PASSED tests/(\w+)/", printed)
    assert list(dict.fromkeys(ran)) == ["chaos", "unit", "integration", "contract"], printed


@pytest.mark.parametrize(
    ("nodeid", "group", "expected"),
    [
        ("tests/unit/test_a.py::test_a[1]", "", "tests/unit/test_a.py"),
        ("tests/unit/test_a.py::test_a@shared", "shared", "shared"),
        ("tests/chaos/test_crash_points.py::test_a[1]", "", "tests/chaos/test_crash_points.py::test_a[1]"),
        ("tests/property/test_a.py::test_a", "", "tests/property/test_a.py::test_a"),
    ],
)
def test_what_goes_to_one_worker(nodeid: str, group: str, expected: str) -> None:
    assert unit_of(nodeid, group or nodeid) == expected


QUEUE = {
    "tests/unit/test_a.py": "tests/unit/test_a.py::test_a",
    "tests/chaos/test_other.py": "tests/chaos/test_other.py::test_a",
    "a group": f"{FIRST[1]}::test_a@a group",
    "tests/integration/test_a.py": "tests/integration/test_a.py::test_a",
}


def test_heavy_tests_are_run_by_two_workers_and_the_longest_come_first() -> None:
    assert chosen(QUEUE.items(), HEAVY_WORKERS - 1) == "a group"
    assert chosen(QUEUE.items(), HEAVY_WORKERS) == "tests/unit/test_a.py"


def test_where_nothing_else_is_left_all_workers_run_heavy_tests_and_none_is_idle() -> None:
    heavy = [(name, test) for name, test in QUEUE.items() if "/chaos/" in test]
    others = [(name, test) for name, test in QUEUE.items() if "/chaos/" not in test]
    assert chosen(heavy, HEAVY_WORKERS) == "a group"
    assert chosen(others, 0) == "tests/unit/test_a.py"


def test_all_files_and_folders_exist() -> None:
    assert [name for name in (*APART, *FIRST, *STAGES) if not (ROOT / name).exists()] == []
