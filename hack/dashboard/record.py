"""Runs the story under two replicas of the operator, and keeps what a scrape of each shows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from hack.controlplane import ControlPlane
from hack.dashboard.plot import HANDOVER
from hack.dashboard.plot import minute as happen
from hack.dashboard.story import Story
from tests.support.installation import install
from tests.support.process import Operator
from tests.support.simulator import Simulator

SCRAPE_SECONDS = 30
SETTINGS = {
    "poll_interval": 60,
    "busy_poll_interval": 5,
    "deep_resync_interval": 900,
    "create_settle_seconds": 125,
    "create_settle_per_specification_seconds": 95,
    "redeploy_settle_seconds": 75,
    "register_settle_seconds": 180,
    "write_settle_seconds": 60,
    "secret_resync_interval": 300,
    "stalled_grace_seconds": 60,
    "reference_settle_seconds": 5,
    "nvcf_rate": 50,
    "leader_election": True,
}
"""The defaults, but for a deep read every quarter of an hour."""


def scrapes(folder: Path, minutes: int) -> Iterator[tuple[str, float, str]]:
    """Run the story; give instance, time and text of each scrape."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nvcf-operator-dashboard-")))
        plane = stack.enter_context(ControlPlane.start(root / "controlplane"))
        simulator = stack.enter_context(Simulator.start(fresh=True, period=10, deploySeconds=90))
        identity = install(plane)
        replicas = {
            f"10.0.0.{number}:8080": Operator(
                identity, simulator.url, folder / f"operator-{number}.log", SETTINGS, fresh=True
            )
            for number in (1, 2)
        }
        for replica in replicas.values():
            stack.callback(replica.kill)
            replica.wait_until_ready()
        story = Story(plane, simulator)
        start = time.monotonic()
        for number in range(minutes * 60 // SCRAPE_SECONDS + 1):
            time.sleep(max(0.0, start + number * SCRAPE_SECONDS - time.monotonic()))
            minute, rest = divmod(number * SCRAPE_SECONDS, 60)
            for instance, replica in replicas.items():
                yield instance, round(time.time(), 3), replica.get("/metrics")
            if rest:
                continue
            print(f"minute {minute} of {minutes}", flush=True)
            if minute == HANDOVER.minute:
                next(each for each in replicas.values() if each.metric("nvcf_operator_leader")).kill()
            for failure in happen(story, minute) if minute else ():
                print(f"  could not be done: {failure[:200]}", flush=True)
