"""kill -9 at a call: where to, and what has to come of it, for runs about either kind of resource."""

import difflib
from collections import Counter
from collections.abc import Callable
from typing import Protocol, TypeVar

from tests.chaos.environment import Run
from tests.support.failpoints import Failpoint

AT_ONCE = 10
"""Runs at the same time: a run waits most of the time."""

READS = 2
"""So many of a read are crashed at: how often it is repeated while waiting depends on the clock."""

REACHED_WITHIN = 3.0
"""Seconds after the end of the scenario for a call that comes late, such as that of its last Event."""

RunT = TypeVar("RunT", bound=Run)
ActsOn = TypeVar("ActsOn", contravariant=True)


class Scenario(Protocol[ActsOn]):
    """What happens in a run."""

    @property
    def prepare(self) -> Callable[[ActsOn], object]:
        """Brings about what it begins with."""

    @property
    def play(self) -> Callable[[ActsOn], object]:
        """Makes it happen."""


class End(Protocol):
    """How a run ended."""

    @property
    def posts(self) -> int:
        """How often something was made in NVCF."""


EndT = TypeVar("EndT", bound=End)


def points(calls: list[str]) -> list[Failpoint]:
    """Where to crash, if these calls are made."""
    found = []
    for call, count in Counter(calls).items():
        reads = call.startswith(("kube GET", "nvcf get_", "nvcf list_"))
        for nth in range(1, (min(READS, count) if reads else count) + 1):
            found.append(Failpoint(call, nth, "before"))
            if not reads:  # the end after a read is that before the next call: nothing outside has changed
                found.append(Failpoint(call, nth, "after"))
            if call.startswith("nvcf ") and not reads:
                found.append(Failpoint(call, nth, "sent"))
    return found


def begun(run: RunT, scenario: Scenario[RunT]) -> int:
    """Bring about what a scenario begins with; give the cursor of its beginning."""
    scenario.prepare(run)
    run.begin()
    return run.simulator.cursor


def ends_alike(
    run: RunT,
    scenario: Scenario[RunT],
    wanted: EndT,
    observe: Callable[[RunT, int], EndT],
    wrongs: Callable[[RunT, int], list[str]] = lambda run, cursor: [],
) -> bool:
    """Play a scenario with a crash, and compare the end; say whether the call was reached at all.

    Args:
        run: with an operator that ends at the call.
        scenario: what happens.
        wanted: the end without a crash.
        observe: gives the end of a run that began at this cursor of NVCF's log.
        wrongs: gives what never may be in such a run, whatever its end.

    """
    cursor = begun(run, scenario)
    scenario.play(run)
    if not run.died:
        run.operator.ended(REACHED_WITHIN)
        run.keep_operating()
    if not run.died:
        return False
    run.until_observed()

    def difference() -> str:
        found = observe(run, cursor)
        assert found.posts <= wanted.posts, f"{found.posts} POSTs in place of {wanted.posts}: {wrongs(run, cursor)}"
        return _difference(wanted, found)

    run.eventually(difference, lambda found: not found, "the end is that without a crash")
    assert wrongs(run, cursor) == []
    return True


def _difference(wanted: End, found: End) -> str:
    """The difference between two ends, as a diff; empty where they are equal."""
    if found == wanted:
        return ""
    before, after = (repr(end).replace("\\n", "\n").splitlines() for end in (wanted, found))
    return "\n".join(difflib.unified_diff(before, after, "without a crash", "with it", lineterm="", n=1))
