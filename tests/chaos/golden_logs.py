"""Golden logs of calls: played in runs at the same time, compared with what is stored, or stored again."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tests.chaos.call_log import Start, differences
from tests.chaos.crashes import RunT, Scenario
from tests.chaos.foretold import Foretold

WRITE = os.environ.get("GOLDEN") == "write"
TRIES = 3
"""Runs of which the shortest log is kept when they are written: one that an echo caused does not belong there."""

PlayedT = TypeVar("PlayedT")


@contextmanager
def all_played(names: Iterable[str], play: Callable[[str], PlayedT]) -> Iterator[dict[str, list[Future[PlayedT]]]]:
    """Have all scenarios played at the same time, each as often as it takes."""
    names = list(names)
    with ThreadPoolExecutor(len(names)) as pool:
        yield {name: [pool.submit(play, name) for _ in range(TRIES if WRITE else 1)] for name in names}


def play_on(run: RunT, scenario: Scenario[RunT]) -> tuple[Start, Foretold]:
    """Plan for a scenario, play it, go on for three polls, start the operator again, go on as long."""
    scenario.prepare(run)
    run.begin()
    foretold = Foretold.of(run, scenario)
    start = Start.of(run)
    scenario.play(run)
    run.until_reported()
    run.go_on()
    run.restart_and_observe()
    run.go_on()
    return start, foretold


def compare(golden: Path, logs: Iterable[str], test: str) -> None:
    """Compare the shortest log with the golden one, after it was written if that is meant.

    Raises:
        AssertionError: they differ.

    """
    found = min(logs, key=lambda log: (len(log.splitlines()), log))
    if WRITE:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found)
    difference = differences(golden.read_text(), found) if golden.exists() else f"{golden} is missing"
    rewrite = f"GOLDEN=write .venv/bin/pytest tests/chaos/{Path(test).name}"
    assert not difference, f"{difference}\n\nIf that is meant: {rewrite}, and review."
