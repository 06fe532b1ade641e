"""kill -9 at random moments while resources are created, edited and deleted: nothing is lost, doubled or left."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from tests.chaos import oracle
from tests.support.cluster import Namespace, condition_of, manifest, resource_path
from tests.support.process import FAST, Operator
from tests.support.simulator import KEY, Simulator
from tests.support.waiting import eventually

RESOURCES, KILLS = 30, 50
SETTINGS = {**FAST, "create_settle_seconds": 2.5, "redeploy_settle_seconds": 3.0}
SLOW_POST = (0.2, 1.5)
"""Seconds that NVCF takes over a POST: long enough to be caught in flight, shorter than the create settle."""


class Story:
    """What users do meanwhile, in a random order that the seed fixes."""

    def __init__(self, seed: int, namespace: Namespace, simulator: Simulator) -> None:
        self._random = random.Random(seed)
        self._namespace = namespace
        self._simulator = simulator
        self.wanted: dict[str, tuple[str, int]] = {}
        """Name to version and maximum, of the resources that exist."""
        self._unborn = [f"r{number}" for number in range(RESOURCES)]
        self.actions: list[str] = []

    def go_on(self) -> None:
        """Do one thing: create, edit or delete a resource."""
        deed = self._random.choices(("create", "edit", "delete"), weights=(6, 3, 1))[0]
        if deed == "create" and self._unborn:
            self._create(self._unborn.pop())
        elif self.wanted and deed == "edit":
            self._edit(self._random.choice(sorted(self.wanted)))
        elif self.wanted and deed == "delete":
            self._delete(self._random.choice(sorted(self.wanted)))

    def finish(self) -> None:
        """Create what is still to be created."""
        while self._unborn:
            self._create(self._unborn.pop())

    def delete_all(self) -> None:
        """Delete everything."""
        for name in sorted(self.wanted):
            self._delete(name)

    def _create(self, name: str) -> None:
        function, version = self._simulator.add_function(name)
        self._namespace.apply(manifest(name, function, version))
        self.wanted[name] = (version, 2)
        self.actions.append(f"create {name}")

    def _edit(self, name: str) -> None:
        maximum = self._random.randint(3, 9)
        self._namespace.scale(name, maxInstances=maximum)
        self.wanted[name] = (self.wanted[name][0], maximum)
        self.actions.append(f"edit {name}: max {maximum}")

    def _delete(self, name: str) -> None:
        self._namespace.delete(name)
        del self.wanted[name]
        self.actions.append(f"delete {name}")


@pytest.mark.timeout(600)
def test_fifty_kills_lose_double_and_leave_nothing(
    control_plane: ControlPlane, operator_identity: Path, namespace: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10**6)))
    print(f"seed {seed} (CHAOS_SEED={seed} repeats the story)")
    chance = random.Random(seed + 1)
    place = Namespace(control_plane, namespace)
    place.secret(KEY)
    caught = 0
    with Simulator.start(races={"slowPost": SLOW_POST}, deploySeconds=0.5) as simulator:
        story = Story(seed, place, simulator)
        for _ in range(KILLS):
            ready = chance.random() < 0.8  # some die while they start
            log = tmp_path / "operator.log"
            with Operator.start(operator_identity, simulator.url, log, ready=ready, **SETTINGS):
                _live_for(chance.uniform(0.2, 1.2), story.go_on, chance)
                caught += any(entry["inFlight"] and entry["mutating"] for entry in simulator.log())
        story.finish()
        print(f"{KILLS} kills, {caught} with a change in flight; {len(story.actions)} deeds")
        assert caught >= 5, f"only {caught} kills met a change in flight: the test proves too little"
        with Operator.start(operator_identity, simulator.url, tmp_path / "operator.log", **SETTINGS):
            _converge(place, story, simulator)
            versions = [version for version, _ in story.wanted.values()]
            assert oracle.money(simulator, versions) == []
            assert dict(story.wanted.values()) == _maxima(simulator)
            story.delete_all()
            eventually(
                lambda: [item["metadata"]["name"] for item in control_plane.read(resource_path(namespace))["items"]],
                lambda names: not names,
                within=90,
                what="all resources are gone",
            )
        calls = simulator.log()
        assert simulator.allocations() == []
        assert simulator.deployments() == {}
        assert oracle.two_writers(calls) == []
        assert oracle.hasty_posts(calls, create_settle=2.5, redeploy_settle=3.0) == []


def _live_for(seconds: float, deed: Callable[[], None], chance: random.Random) -> None:
    """Let users act for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        deed()
        time.sleep(min(chance.uniform(0.05, 0.4), max(0.0, end - time.monotonic())))


def _converge(place: Namespace, story: Story, simulator: Simulator) -> None:
    def unready() -> list[str]:
        waiting = []
        for name in story.wanted:
            found = place.find(name)
            ready = condition_of(found or {}, "Ready")
            current = found is not None and ready.get("observedGeneration") == found["metadata"]["generation"]
            if not current or ready.get("status") != "True":
                waiting.append(f"{name}: {ready.get('reason')} {ready.get('message')}")
        return waiting

    eventually(unready, lambda names: not names, within=120, what="all resources are Ready")
    wanted = {version for version, _ in story.wanted.values()}
    eventually(lambda: set(simulator.deployments()), lambda there: there == wanted, within=60, what="all deletions")


def _maxima(simulator: Simulator) -> dict[str, int]:
    return {
        version: deployment["deploymentSpecifications"][0]["maxInstances"]
        for version, deployment in simulator.deployments().items()
    }
