"""Two teams with an account each, and what their users and others do all the time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from hack.controlplane import ControlPlane
from tests.support.cluster import Namespace, follower, manifest
from tests.support.functions import Functions
from tests.support.simulator import ACCOUNT, KEY, OTHER_KEY, Simulator

Json = dict[str, Any]

TEAMS = {"speech": (ACCOUNT, KEY), "vision": ("globex", OTHER_KEY)}
"""Account and key of each namespace."""
DEPLOYED, FOLLOWED = 22, 8
"""FunctionDeployments by ids, and CloudFunctions with a follower each, of a namespace."""
GPUS: tuple[Json, ...] = (
    {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x"},
    {"gpu": "H100", "instanceType": "NCP.GPU.H100_1x"},
    {"gpu": "A100", "instanceType": "NCP.GPU.A100_1x"},
)
SLOWEST = 420.0
"""Seconds that the slowest instances take to start."""


@dataclass
class Team:
    """A namespace, the account behind it, and what it runs."""

    namespace: Namespace
    functions: Functions
    versions: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Function and version of each FunctionDeployment that names them."""
    deleted: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Those that are not there any more."""


class Story:
    """What the recorded hour is about; the same for the same seed, but for the times that the machine adds."""

    def __init__(self, plane: ControlPlane, simulator: Simulator, seed: int = 16) -> None:
        self._plane = plane
        self.simulator = simulator
        self._random = random.Random(seed)
        self.speech, self.vision = (self._team(name) for name in TEAMS)

    @property
    def teams(self) -> tuple[Team, Team]:
        """Both teams."""
        return self.speech, self.vision

    def begin(self) -> None:
        """Apply the manifests of both teams."""
        for team in self.teams:
            for name, ids in team.versions.items():
                team.namespace.apply(manifest(name, *ids, gpu=self._random.choice(GPUS)))
            for number in range(FOLLOWED):
                team.functions.apply(f"chat-{number}", template={"containerImage": "nvcr.io/org/chat:1"})
                team.namespace.apply(follower(f"chat-{number}", gpu=self._random.choice(GPUS)))

    def _team(self, name: str) -> Team:
        account, key = TEAMS[name]
        self._plane.kubectl("create", "namespace", name)
        namespace = Namespace(self._plane, name)
        namespace.secret(key)
        team = Team(namespace, Functions.of(namespace, self.simulator))
        for number in range(DEPLOYED):
            team.versions[f"{name}-{number}"] = self.simulator.add_function(f"{name} {number} größer", ncaId=account)
        for _, version in team.versions.values():
            self.simulator.instance_behaviour(version, deploySeconds=self._random.triangular(20, SLOWEST, 60))
        return team

    def everyday(self) -> None:
        """What users and others do all the time."""
        for team in self.teams:
            name = self._random.choice([*team.versions])
            _, version = team.versions[name]
            match self._random.randrange(6):
                case 0 | 1:
                    team.namespace.scale(name, maxInstances=self._random.randint(2, 5))
                case 2:
                    self.simulator.scale(version, maxInstances=self._random.randint(6, 9))
                    team.namespace.annotate(name, reconcile_requested_at=str(self._random.random()))
                case 3:
                    self.simulator.lose(version, 1)
                case 4:
                    team.namespace.scale(name, minInstances=self._random.randint(1, 2))
                case _:
                    image = f"nvcr.io/org/chat:{self._random.randint(2, 99)}"
                    team.functions.change(f"chat-{self._random.randrange(FOLLOWED)}", containerImage=image)
