"""Stories in which a plan is made before each step, and the operator has to do what it says first."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import note

from nvcf_client.requests import Request
from nvcf_operator.accounts.account import Account
from nvcf_operator.api.names import Key
from nvcf_operator.commands.plan.engine import Planner
from nvcf_operator.commands.plan.loop.channel import Reader
from nvcf_operator.commands.plan.loop.ports import GivenKey
from nvcf_operator.commands.plan.model import Action, Basis, Manifest, Planned, Source
from nvcf_operator.reconcile.ports import SecretStore
from tests.property.chance import Chance, Write
from tests.property.cluster_model import START, Cluster
from tests.property.nvcf_api import BASE_URL, CREDENTIAL, Door, Process
from tests.property.operator_process import SETTINGS
from tests.property.story import Story
from tests.property.story_runs import focused

AT_REST = 100.0
"""Seconds after which an operator remembers nothing that a plan does not know: longer than the redeploy settle."""


class Reads:
    """Reads the account of a story, by nobody's chance."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def call(self, request: Request[Any]) -> Any:
        return await self._door.send(request, cast(Any, None))

    async def __aexit__(self, *of: object) -> None:
        """Nothing is open."""


class Foretelling(Story):
    """Steps from rest to rest. NVCF fails nothing, and nobody else writes meanwhile."""

    calm = True

    def _step(self, said: str, chance: Chance, seconds: float = 0.0, *, always: bool = False) -> None:
        self.account.quiet = True
        planned = self._plan()
        begun = len(self.operator.writes)
        super()._step(said, chance, seconds)
        at_once = self._first(begun)
        reasons = self._reasons()
        for _ in range(6):
            before = self._writes()
            self._live(AT_REST, Chance())
            if before == self._writes() and not self.operator.waits:
                break
        if any(item.first_write is not None and key not in self._first(begun) for key, item in planned.items()):
            self._live(1.1 * SETTINGS.deep_resync_interval, Chance())  # a plan reads in full what the operator will
        later = self._first(begun)
        ended = any(key not in self.cluster.objects for key in planned)
        for key, item in planned.items():
            note(f"              plan of {key}: {item.action} {item.first_write} after {item.waits:.0f} s")
            if ended and item.action == Action.CONFLICT:
                continue  # it takes over what the holder has left, as the plan says
            if key in self.cluster.objects or item.first_write is not None:
                self._is_as_planned(key, item, at_once.get(key), later.get(key), reasons.get(key))

    def _is_as_planned(
        self, key: Key, item: Planned, at_once: Write | None, later: Write | None, reason: str | None
    ) -> None:
        reported = f"{key}: the plan is {item}, the operator wrote {at_once or later} and reports {reason}"
        if item.first_write is None:
            assert at_once is None, self._picture(reported)
            assert item.action == Action.WAIT or reason in (None, item.reason), self._picture(reported)
            return
        made = at_once or later  # later by what this process remembers, such as a deployment that has just gone
        assert made is not None, self._picture(reported)
        path = item.first_write.path
        same = path.endswith(made.specification_id or made.version) or f"/{made.version}?" in path
        assert (item.first_write.method, same) == (made.kind, True), self._picture(reported)

    def _first(self, begun: int) -> dict[Key, Write]:
        """The first write for each resource since then."""
        found: dict[Key, Write] = {}
        for write in self.operator.writes[begun:]:
            if write.key is not None:
                found.setdefault(write.key, write)
        return found

    def _reasons(self) -> dict[Key, str]:
        return {
            key: item["reason"]
            for key, obj in self.cluster.objects.items()
            for item in obj["status"].get("conditions", ())
            if item["type"] == "Ready"
        }

    def _plan(self) -> dict[Key, Planned]:
        stub = SimpleNamespace(chance=Chance(), witnessed=set(), called=lambda: None)
        door = Door(cast(Account, SimpleNamespace(limiter=None)), self.account, self.cluster, cast(Process, stub))
        now = START.timestamp() + self.account.now + self.operator.wall_is_ahead
        return plan_of(self.cluster, Reads(door), now)


def plan_of(cluster: Cluster, reads: Reader, now: float, secrets: SecretStore | None = None) -> dict[Key, Planned]:
    """Plan for all manifests as they stand."""
    objects = {key: obj for key in sorted(cluster.objects) if (obj := cluster.read(key)) is not None}
    manifests = [
        Manifest(Source("story", number), obj, obj, Basis.DRY_RUN) for number, obj in enumerate(objects.values(), 1)
    ]

    async def made() -> list[Planned]:
        credentials = GivenKey(BASE_URL, CREDENTIAL.api_key)
        planner = Planner(SETTINGS, credentials, lambda credential: reads, secrets=secrets, began=now)
        plan = await planner.plan(manifests)
        await planner.close()
        return list(plan.planned)

    return dict(zip(objects, asyncio.run(made()), strict=True))


Foretold = focused(
    "Foretold",
    (
        "create",
        "change_version",
        "scale",
        "change_gpu",
        "change_rollout",
        "change_policy",
        "request",
        "delete",
        "deploy_outside",
        "undeploy_outside",
        "scale_outside",
        "wait",
        "die",
    ),
    Foretelling,
)
"""What users and others do, each when all is at rest."""
