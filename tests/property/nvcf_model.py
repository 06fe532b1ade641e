"""An NVCF account in memory, with the races of the real one, under virtual time.

It keeps what a server has no books of: which POSTs still run, which rows come back, and whether an instance leaked.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from nvcf_client.endpoints.deployments import create_timeout
from nvcf_client.models import Deployment
from tests.property import oddities
from tests.property.cluster_model import START

FUNCTION = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
ACCOUNT = "acme"
VERSIONS = tuple(f"7c1e0000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
COMES_UP = 12.0
"""Seconds from POST to the end of DEPLOYING."""
ALLOCATION = 90.0
"""Seconds that the server works at most on one specification that wants instances: three calls of 30 s each."""
GHOST = 60.0
"""Seconds within which the row of a deployment can come back after its DELETE: one of the server's loops."""
SLOW_PASS = 400.0
"""Seconds that a pass of the server's loop takes at most, with a slow allocator or a large account."""

BROKEN = "exit: <nil> & naïve: https://x/y?a=1&b=2"


@dataclass(slots=True)
class Row:
    """One deployment."""

    version: str
    deployment_id: str
    status: str
    specifications: list[dict[str, Any]]
    since: float
    made_for: str | None = None
    """The uid of the object that its POST was for; None for a stranger's."""
    updated_at: float = 0.0
    ghost_until: float | None = None
    stale: bool = False
    """It is the row of an earlier deployment, without any instance: it never changes."""
    drains_since: float | None = None
    error_since: float | None = None
    function: str = FUNCTION
    _shown: tuple[Any, Deployment] | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is not what an earlier deployment has left."""
        return self.ghost_until is None and not self.stale

    @property
    def appearance(self) -> str:
        """What whoever has seen the row has seen; a row that comes back has to be seen again."""
        return self.deployment_id if self.ghost_until is None else f"{self.deployment_id}, come back"

    def shown(self, odd: str | None = None) -> Deployment:
        """The deployment as GET shows it, with that oddity, as the client reads it.

        Raises:
            ValidationError: it cannot be read.

        """
        state = (self.status, self.updated_at, [tuple(item.values()) for item in self.specifications], odd)
        if self._shown is not None and self._shown[0] == state:
            return self._shown[1]
        broken = [{"gpu": "L40S", "error": BROKEN, "né": {"<": "&"}}] if self.status == "ERROR" else []
        digits = f"{self.updated_at % 1:.9f}"[2 : 2 + int(self.updated_at * 7) % 10]
        moment = (START + timedelta(seconds=int(self.updated_at))).strftime("%Y-%m-%dT%H:%M:%S")
        body = {
            "functionId": self.function,
            "functionVersionId": self.version,
            "deploymentId": self.deployment_id,
            "functionName": "naïve & <co>",
            "ncaId": ACCOUNT,
            "functionStatus": self.status,
            "deploymentSpecifications": self.specifications[::-1],
            "healthInfo": broken,
            "lastUpdatedAt": f"{moment}.{digits}Z" if digits else f"{moment}Z",
            "lüftung": ["unknown", None, {"a": 1}],
        }
        found = oddities.deployment(body, odd) if odd is not None else Deployment.model_validate(body)
        self._shown = (state, found)
        return found


@dataclass(slots=True)
class Running:
    """A POST that the server works on."""

    lands_at: float
    version: str
    specifications: list[dict[str, Any]]
    deployment_id: str
    made_for: str
    process: int


class Beside(Protocol):
    """What else happens in an account."""

    @property
    def due(self) -> float:
        """When something happens next."""

    def work(self) -> None:
        """Let what is due happen."""


@dataclass(slots=True)
class Account:
    """All deployments of one function, by version."""

    chance: random.Random
    now: float = 0.0
    rows: dict[str, Row] = field(default_factory=dict)
    fates: dict[str, str] = field(default_factory=dict)
    """What becomes of the next deployment of a version: run, fail, or stay (it never comes up)."""
    posts: dict[str, str] = field(default_factory=dict)
    """What becomes of POSTs of a version: the answer of the next one is lost while it runs on, or all are refused."""
    odd: dict[str, str] = field(default_factory=dict)
    """By version, what of its answers has another form than is known (`oddities.KINDS`)."""
    failing: frozenset[str] = frozenset()
    """Methods that are answered with 500, without end, and do nothing."""
    queues: dict[str, int] = field(default_factory=dict)
    """Requests that wait in a version's queue when it is undeployed."""
    running: list[Running] = field(default_factory=list)
    """POSTs whose caller hung up."""
    coming_back: list[tuple[float, Row]] = field(default_factory=list)
    passes: list[tuple[float, Row]] = field(default_factory=list)
    """Rows that a slow pass of the server's loop has read and will write back."""
    undoing: list[tuple[float, str, list[dict[str, Any]]]] = field(default_factory=list)
    """Changes that the server's loop undoes: when, of which version, to what."""
    gone_at: dict[str, float] = field(default_factory=dict)
    """When a version's deployment went, by DELETE or otherwise."""
    last: dict[str, str] = field(default_factory=dict)
    """Which one that was."""
    lost: dict[str, str] = field(default_factory=dict)
    """Deployments that run on where nothing shows them, and why."""
    functions: dict[str, str] = field(default_factory=dict)
    """Whose version each is, where that is not `FUNCTION`."""
    beside: list[Beside] = field(default_factory=list)
    """What else happens as time passes."""
    quiet: bool = False
    made: int = 0
    hides_instances: bool = False
    """The key may not see instances."""
    empty_since: dict[str, float] = field(default_factory=dict)
    """Versions that lose all their instances, though they stay ACTIVE, and since when."""
    shown: list[tuple[float, str]] = field(default_factory=list)
    """When the deployment of which version was read."""
    reads: list[tuple[float, str]] = field(default_factory=list)
    """When the instances of which version were read."""

    def advance(self, seconds: float) -> None:
        """Let time pass, from one thing that happens to the next."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, max(self.now + 0.5, self._next()))
            self._work()

    def post(self, version: str, specifications: list[dict[str, Any]], *, made_for: str | None) -> Row | None:
        """Deploy; None when something is there already."""
        if version in self.rows:
            return None
        return self._land(version, specifications, self._id(), made_for)

    def post_slowly(self, version: str, specifications: list[dict[str, Any]], made_for: str, process: int) -> None:
        """Go on with a POST whose caller hung up, or died."""
        if version in self.rows:
            return
        longest = ALLOCATION * max(1, allocating(specifications))
        takes = self.chance.choice((self.chance.uniform(1.0, 20.0), self.chance.uniform(0.8, 1.0) * longest))
        self.running.append(Running(self.now + takes, version, specifications, self._id(), made_for, process))

    def fate_of_post(self, version: str) -> str | None:
        """What was decided of the next POST of a version."""
        fate = self.posts.get(version)
        if fate == "lost, runs on":
            del self.posts[version]
        return fate

    def patch(self, version: str, specification_id: str, change: Mapping[str, Any]) -> Row | None:
        """Change a specification in place; None when it is not there, or draining."""
        row = self.rows.get(version)
        if row is None or row.status in ("INACTIVE", "ERROR"):
            return None
        before = [dict(item) for item in row.specifications]
        for item in row.specifications:
            if item["gpuSpecificationId"] == specification_id:
                item |= change
        if row.specifications != before:
            row.updated_at = self.now
        if row.status == "DEPLOYING" and not row.stale and not self.quiet and self.chance.random() < 0.3:
            self.undoing.append((self.now + 30.0, version, before))
        return row

    def delete(self, version: str, *, graceful: bool) -> bool:
        """Undeploy; False when nothing is there."""
        row = self.rows.get(version)
        if row is None:
            return False
        if graceful and self.queues.get(version, 0) > 0 and row.status != "INACTIVE":
            row.status, row.drains_since = "INACTIVE", self.now
        elif not graceful or row.status != "INACTIVE":
            self._remove(version)
        return True

    def undeploy_outside(self, version: str) -> None:
        """Somebody else's forced DELETE."""
        if version in self.rows:
            self._remove(version)

    def instances(self, version: str) -> list[str]:
        """The states of a version's instances: of each specification as many run as it scales to at the moment."""
        row = self.rows.get(version)
        if row is None or row.status != "ACTIVE" or version in self.empty_since:
            return []
        ranges = [(item["minInstances"], item["maxInstances"]) for item in row.specifications]
        beat = 0 if self.quiet else int(self.now / 7)
        running = sum(least + beat % (most - least + 1) for least, most in ranges)
        return ["ACTIVE"] * running + ["TERMINATED"]

    def held_or_coming(self, version: str) -> set[str]:
        """The deployments of a version that are there, or will be."""
        row = self.rows.get(version)
        return {item.deployment_id for item in self.running if item.version == version} | (
            {row.deployment_id} if row is not None else set()
        )

    def _id(self) -> str:
        self.made += 1
        return f"d{self.made}"

    def _land(self, version: str, specifications: list[dict[str, Any]], of: str, made_for: str | None) -> Row:
        there = self.rows.get(version)
        if there is not None and there.ghost_until is None and not there.stale:
            self.lost[there.deployment_id] = "another POST has written its row over it"
        named = [
            {**item, "gpuSpecificationId": f"{of}-{place}", "maxRequestConcurrency": 1}
            for place, item in enumerate(specifications)
        ]
        status = "DEPLOYING" if allocating(specifications) else "ACTIVE"
        row = self.rows[version] = Row(version, of, status, named, self.now, made_for, self.now + 0.123456789)
        row.function = self.functions.get(version, FUNCTION)
        return row

    def _next(self) -> float:
        """When something happens next."""
        times = [item.lands_at for item in self.running]
        times += [part.due for part in self.beside]
        times += [item[0] for item in (*self.coming_back, *self.passes)] + [item[0] for item in self.undoing]
        for row in self.rows.values():
            if row.ghost_until is not None:
                times.append(row.ghost_until)
            elif row.status == "DEPLOYING" and not row.stale and self.fates.get(row.version) != "stay":
                times.append(row.since + COMES_UP)
            elif row.status == "INACTIVE" and not self.queues.get(row.version):
                times.append(self.now)
        return min(times, default=float("inf"))

    def _work(self) -> None:
        for post in [item for item in self.running if item.lands_at <= self.now]:
            self.running.remove(post)
            self._land(post.version, post.specifications, post.deployment_id, post.made_for)
        for back in [item for item in self.coming_back if item[0] <= self.now]:
            self.coming_back.remove(back)
            if back[1].version not in self.rows:
                row = self.rows[back[1].version] = back[1]
                row.status, row.ghost_until = "INACTIVE", self.now + 15.0
        for slow in [item for item in self.passes if item[0] <= self.now]:
            self.passes.remove(slow)
            self._write_back(slow[1])
        for undo in [item for item in self.undoing if item[0] <= self.now]:
            self.undoing.remove(undo)
            row_now = self.rows.get(undo[1])
            if row_now is not None and row_now.status == "DEPLOYING":
                row_now.specifications = undo[2]
        for version, row in list(self.rows.items()):
            if row.ghost_until is not None and row.ghost_until <= self.now:
                del self.rows[version]
                self.gone_at[version], self.last[version] = self.now, row.appearance
            elif row.status == "DEPLOYING" and not row.stale and self.now - row.since >= COMES_UP:
                row.status = {"run": "ACTIVE", "fail": "ERROR"}.get(self.fates.get(version, "run"), "DEPLOYING")
                row.error_since = self.now if row.status == "ERROR" else None
            elif row.status == "INACTIVE" and row.ghost_until is None and not self.queues.get(version):
                self._remove(version)
        for part in self.beside:
            part.work()

    def _write_back(self, old: Row) -> None:
        new = self.rows.get(old.version)
        if self.quiet or new is None or new.ghost_until is not None or new.stale or new.status == "INACTIVE":
            return
        if new.deployment_id == old.deployment_id or new.made_for is None:
            return  # over a stranger's, nobody but its owner could know
        self.lost[new.deployment_id] = "the server's loop has written an earlier row over it"
        old.made_for = new.made_for  # who made that one has to mend this
        old.stale, old.status = True, self.chance.choice(("DEPLOYING", "DEPLOYING", "ERROR"))
        old.error_since = self.now if old.status == "ERROR" else None
        self.rows[old.version] = old

    def _remove(self, version: str) -> None:
        row = self.rows.pop(version)
        self.gone_at[version], self.last[version] = self.now, row.appearance
        if self.quiet or row.ghost_until is not None or row.stale:
            return
        dice = self.chance.random()
        if dice < 0.2:
            self.coming_back.append((self.now + self.chance.uniform(1.0, GHOST - 20.0), row))
        elif dice < 0.6:
            self.passes.append((self.now + self.chance.uniform(80.0, SLOW_PASS), row))


GPU: dict[str, Any] = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 4}


def specifications_of(count: int, *, idle: bool = False, **first: Any) -> list[dict[str, Any]]:
    """So many specifications of a manifest, distinguished by their instance types; with `idle` the last wants none."""
    found = [{**GPU, "instanceType": f"NCP.GPU.L40S_{place + 1}x"} for place in range(count)]
    found[-1] |= {"minInstances": 0} if idle else {}
    found[0] |= first
    return found


def allocating(specifications: Iterable[Mapping[str, Any]]) -> int:
    """How many of them the server asks its allocator for."""
    return sum(item["minInstances"] > 0 for item in specifications)


def hangs_up_after(specifications: Iterable[Mapping[str, Any]]) -> float:
    """Seconds after which the client gives a POST up."""
    return create_timeout(allocating(specifications))
