"""An NVCF account in memory, with the races of the real one, under virtual time.

It keeps what a server has no books of: which POSTs still run, which rows come back, and whether an instance leaked.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nvcf_operator.core.changes import Patch
from nvcf_operator.nvcf.models import Deployment, GpuSpecification

FUNCTION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
ACCOUNT = "acme"
COMES_UP = 12.0
"""Seconds from POST to the end of DEPLOYING."""
SLOWEST_POST = 40.0
"""Seconds after which no POST runs any more: its client's timeout, and longer than the server's allocation."""
GHOST = 60.0
"""Seconds within which the row of a deployment can come back after its DELETE: one of the server's loops."""


@dataclass(slots=True)
class Row:
    """One deployment."""

    version: str
    deployment_id: str
    status: str
    specifications: list[dict[str, Any]]
    since: float
    queue: int = 0
    ghost_until: float | None = None

    def shown(self) -> Deployment:
        """The deployment as GET shows it."""
        broken = [{"gpu": "L40S", "error": "bad image"}] if self.status == "ERROR" else []
        return Deployment.model_validate(
            {
                "functionId": FUNCTION,
                "functionVersionId": self.version,
                "deploymentId": self.deployment_id,
                "functionName": "echo",
                "ncaId": ACCOUNT,
                "functionStatus": self.status,
                "deploymentSpecifications": self.specifications,
                "healthInfo": broken,
            }
        )


@dataclass(slots=True)
class Account:
    """All deployments of one function, by version."""

    chance: random.Random
    now: float = 0.0
    rows: dict[str, Row] = field(default_factory=dict)
    fates: dict[str, str] = field(default_factory=dict)
    """What becomes of the next deployment of a version: run, fail, or stay (it never comes up)."""
    queues: dict[str, int] = field(default_factory=dict)
    """Requests that wait in a version's queue when it is undeployed."""
    running: list[tuple[float, str, list[dict[str, Any]]]] = field(default_factory=list)
    """POSTs whose caller hung up: when they land, the version, the body."""
    coming_back: list[tuple[float, str, str]] = field(default_factory=list)
    undoing: list[tuple[float, str, list[dict[str, Any]]]] = field(default_factory=list)
    """Changes that the server's loop undoes: when, of which version, to what."""
    gone_at: dict[str, float] = field(default_factory=dict)
    """When a version's deployment went, by DELETE or otherwise."""
    quiet: bool = False
    made: int = 0

    def advance(self, seconds: float) -> None:
        """Let time pass, in steps as small as what happens in it."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1.0)
            self._work()

    def post(self, version: str, specifications: list[dict[str, Any]]) -> Row | None:
        """Deploy; None when something is there already."""
        if version in self.rows:
            return None
        self.made += 1
        named = [
            {**item, "gpuSpecificationId": f"g{self.made}-{place}", "maxRequestConcurrency": 1}
            for place, item in enumerate(specifications)
        ]
        row = Row(version, f"d{self.made}", "DEPLOYING", named, self.now)
        self.rows[version] = row
        return row

    def post_later(self, version: str, specifications: list[dict[str, Any]]) -> None:
        """Go on with a POST whose caller hung up."""
        self.running.append((self.now + self.chance.uniform(1.0, SLOWEST_POST - 5.0), version, specifications))

    def patch(self, version: str, change: Patch) -> bool:
        """Change a specification in place; False when it is not there, or draining."""
        row = self.rows.get(version)
        if row is None or row.status in ("INACTIVE", "ERROR"):
            return False
        before = [dict(item) for item in row.specifications]
        for item in row.specifications:
            if item["gpuSpecificationId"] == change.gpu_specification_id:
                item |= change.to_json()
        if row.status == "DEPLOYING" and not self.quiet and self.chance.random() < 0.3:
            self.undoing.append((self.now + 30.0, version, before))
        return True

    def delete(self, version: str, *, graceful: bool) -> bool:
        """Undeploy; False when nothing is there."""
        row = self.rows.get(version)
        if row is None:
            return False
        if graceful and self.queues.get(version, 0) > 0 and row.status != "INACTIVE":
            row.status = "INACTIVE"
        elif not graceful or row.status != "INACTIVE":
            self._remove(version)
        return True

    def undeploy_outside(self, version: str) -> None:
        """Somebody else's forced DELETE."""
        if version in self.rows:
            self._remove(version)

    def may_still_come(self, version: str) -> bool:
        """Whether a deployment of that version may appear without another POST."""
        return any(item == version for _, item, _ in self.running)

    def specifications(self, version: str) -> list[Mapping[str, Any]]:
        """What a version's deployment has."""
        return list(self.rows[version].specifications)

    def _work(self) -> None:
        for landing in [item for item in self.running if item[0] <= self.now]:
            self.running.remove(landing)
            self.post(landing[1], landing[2])
        for back in [item for item in self.coming_back if item[0] <= self.now]:
            self.coming_back.remove(back)
            if back[1] not in self.rows:
                row = Row(back[1], back[2], "INACTIVE", [dict(GPU)], self.now, ghost_until=self.now + 15.0)
                self.rows[back[1]] = row
        for undo in [item for item in self.undoing if item[0] <= self.now]:
            self.undoing.remove(undo)
            if undo[1] in self.rows and self.rows[undo[1]].status == "DEPLOYING":
                self.rows[undo[1]].specifications = undo[2]
        for version, row in list(self.rows.items()):
            if row.ghost_until is not None and row.ghost_until <= self.now:
                del self.rows[version]
                self.gone_at[version] = self.now
            elif row.status == "DEPLOYING" and self.now - row.since >= COMES_UP:
                row.status = {"run": "ACTIVE", "fail": "ERROR"}.get(self.fates.get(version, "run"), "DEPLOYING")
            elif row.status == "INACTIVE" and row.ghost_until is None and not self.queues.get(version):
                self._remove(version)

    def _remove(self, version: str) -> None:
        row = self.rows.pop(version)
        self.gone_at[version] = self.now
        if not self.quiet and row.ghost_until is None and self.chance.random() < 0.2:
            self.coming_back.append((self.now + self.chance.uniform(1.0, GHOST - 20.0), version, row.deployment_id))


GPU: dict[str, Any] = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}


def body_of(specifications: tuple[GpuSpecification, ...]) -> list[dict[str, Any]]:
    """The JSON of a POST."""
    return [item.to_request() for item in specifications]
