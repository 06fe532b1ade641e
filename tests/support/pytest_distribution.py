"""How the tests are dealt out to xdist's workers, by `--dist loadgroup`.

A module goes to one worker as a whole, so that what its tests share (an operator, a simulator, a follower) is started
once, and not once by each worker. The modules of `APART` do not: each of their tests takes long by itself.

The chaos tests run dozens of operators at a time, and use the CPU that the integration tests leave while they wait. So
they begin at once, in two workers; the others begin with what needs no control plane, and end with small tests, so that
no worker is idle then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pytest

HEAVY: Final = "tests/chaos/"
HEAVY_WORKERS: Final = 2
"""Workers that run heavy tests, as long as there are others to run."""

APART: Final = (
    "tests/chaos/test_crash_points.py",
    "tests/chaos/test_function_crash_points.py",
    "tests/chaos/test_races_crash.py",
    "tests/chaos/test_stale_lists.py",
    "tests/property/",
)
"""Modules, and a folder of such, whose tests go to different workers."""

FIRST: Final = (
    "tests/chaos/test_random_life.py",
    "tests/chaos/test_planted.py",
    "tests/chaos/test_kill.py",
    "tests/chaos/test_golden_follow_calls.py",
    "tests/chaos/test_golden_calls.py",
)
"""The modules that take longest as a whole, in their order."""

STAGES: Final[Mapping[str, int]] = {
    "tests/chaos": 0,
    "tests/unit": 0,
    "tests/tools": 0,
    "tests/integration": 1,
    "tests/contract": 2,
}
"""The order of the folders."""


def module_of(nodeid: str) -> str:
    """The file of a test."""
    return nodeid.partition("::")[0]


def unit_of(nodeid: str, group: str) -> str:
    """What goes to one worker with a test: xdist's group where there is one (else that is the test), or the module."""
    module = module_of(nodeid)
    return group if group != nodeid or module.startswith(APART) else module


def chosen(queue: Iterable[tuple[str, str]], heavy_elsewhere: int) -> str:
    """What a worker gets next.

    Args:
        queue: what is left: the name of each unit, and one of its tests.
        heavy_elsewhere: how many other workers have heavy tests to run.

    """

    def rank(unit: tuple[str, str]) -> tuple[bool, int, int]:
        module = module_of(unit[1])
        stage = STAGES.get("/".join(module.split("/")[:2]), len(STAGES))
        in_turn = module.startswith(HEAVY) == (heavy_elsewhere < HEAVY_WORKERS)
        return not in_turn, stage, FIRST.index(module) if module in FIRST else len(FIRST)

    name, _ = min(queue, key=rank)
    return name


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Deal the tests out as this module says, where groups are asked for."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class Distribution(LoadGroupScheduling):  # type: ignore[misc]  # it has no types
        """xdist's groups, and modules, in an order of ours."""

        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid, super()._split_scope(nodeid))

        def _assign_work_unit(self, node: object) -> None:
            queue = [(name, next(iter(unit))) for name, unit in self.workqueue.items()]
            heavy = sum(self._runs_heavy(work) for other, work in self.assigned_work.items() if other is not node)
            self.workqueue.move_to_end(chosen(queue, heavy), last=False)
            super()._assign_work_unit(node)

        def _reschedule(self, node: object) -> None:
            """Give a worker no more than the test after the one that it runs: another may be free before it."""
            if not self.workqueue or self._pending_of(self.assigned_work[node]) < 2:
                super()._reschedule(node)

        def _runs_heavy(self, work: Mapping[str, Mapping[str, bool]]) -> bool:
            tests = (test for unit in work.values() for test in unit.items())
            return any(not done and module_of(test).startswith(HEAVY) for test, done in tests)

    return Distribution(config, log)
