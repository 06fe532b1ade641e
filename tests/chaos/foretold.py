"""What `nvcf-operator plan` says of a scenario before it is played, held against what the operator writes then."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from nvcf_operator.api.names import CLOUD_FUNCTION, FUNCTION_DEPLOYMENT, Kind
from nvcf_operator.commands.plan.engine import make_plan
from nvcf_operator.commands.plan.loop.channel import HIDDEN
from nvcf_operator.commands.plan.loop.expected import FUNCTION, TOKEN, UID, VERSION
from nvcf_operator.commands.plan.loop.ports import GivenKey
from nvcf_operator.commands.plan.model import Action, Basis, Manifest, Planned, Source, Write
from nvcf_operator.commands.read_only_client import ReadOnlyClient
from nvcf_operator.core.rules.credentials import Credential
from nvcf_operator.kube.secrets import Absent, SecretRead
from nvcf_operator.kube.stored_secret import StoredSecret
from nvcf_operator.settings import Settings
from nvcf_operator.settings.options import AccountSettings
from tests.chaos.crashes import RunT, Scenario
from tests.chaos.environment import Run
from tests.chaos.rehearsal import Rehearsal

PREFIX = "/v2/nvcf"
OPEN = re.compile("|".join(map(re.escape, (FUNCTION, VERSION, TOKEN, UID, HIDDEN))))
"""What a plan cannot know."""


@dataclass(frozen=True)
class Secrets:
    """The Secrets of a run, one of them with the value that it gets."""

    rehearsal: Rehearsal
    run: Run

    async def read(self, namespace: str, name: str, *, max_age: float) -> SecretRead:
        found = self.run.kube.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        if found is None:
            return Absent()
        stored, value = StoredSecret.of(found), self.rehearsal.secret
        if value is None:
            return stored
        return replace(stored, data={"token": value.encode()}, resource_version=f"{stored.resource_version}1")


@dataclass(frozen=True)
class Foretold:
    """The plan of each resource of a run."""

    planned: dict[str, Planned]

    @classmethod
    def of(cls, run: RunT, scenario: Scenario[RunT]) -> "Foretold":
        """Plan what a scenario is about to do, with a key of its own, by the state of NVCF and of the cluster."""
        rehearsal: Any = Rehearsal(run)
        scenario.play(rehearsal)
        name, key = f"{run.name}-planner", f"nvapi-test-{run.name}-planner"
        run.simulator.add_key(name, key, ncaId=run.name)
        url = run.simulator.url
        settings = {name: value for name, value in run.settings.items() if name.endswith(("_seconds", "_interval"))}
        account = AccountSettings.model_construct(nvcf_base_url=url, nvcf_host_header=None, nvcf_ca_file=None)

        def connect(credential: Credential) -> ReadOnlyClient:
            return ReadOnlyClient(account, credential.api_key, timeout=30.0)

        plan = asyncio.run(
            make_plan(
                [_manifest(run, kind, found) for kind, found in rehearsal.objects().items()],
                Settings(nvcf_base_url=url, **settings),
                GivenKey(url, key),
                connect,
                secrets=Secrets(rehearsal, run),
            )
        )
        return cls({item.kind: item for item in plan.planned})

    def difference(self, run: Run, cursor: int) -> str:
        """Say in what the plan was wrong about the writes after a cursor of NVCF's log; empty where it was right."""
        told: dict[str, Write] = {}
        for kind, write in _writes(run, cursor):
            told.setdefault(kind.name, write)
        wrong = []
        for name in self.planned.keys() | told.keys():
            item = self.planned.get(name)
            foretold, made = item.first_write if item is not None else None, told.get(name)
            waits = item is not None and item.action == Action.WAIT and foretold is None
            if not waits and not _is_foretold(foretold, made):
                wrong.append(f"{name}: the plan is {item}\n    the operator's first write is {made}")
        return "\n".join(wrong)

    def waits_for_more(self, run: Run, cursor: int) -> bool:
        """Whether a resource was written about that the plan only says to wait with, for the end of another one."""
        written = {kind.name for kind, _ in _writes(run, cursor)}
        return any(name in written and item.action == Action.WAIT for name, item in self.planned.items())


def _manifest(run: Run, kind: Kind, found: dict[str, Any]) -> Manifest:
    found = {**found, "kind": kind.name, "metadata": {"namespace": run.namespace, **found["metadata"]}}
    recorded = found if "uid" in found["metadata"] else None
    return Manifest(Source("scenario", 1), found, recorded, Basis.DRY_RUN if recorded else Basis.NEW)


def _writes(run: Run, cursor: int) -> Iterator[tuple[Kind, Write]]:
    """The writes of a run's operators, each with the kind that it is about."""
    for entry in run.asked(cursor):
        if entry["mutating"]:
            path = entry["path"].removeprefix(PREFIX) + (f"?{entry['query']}" if entry["query"] else "")
            kind = FUNCTION_DEPLOYMENT if path.startswith("/deployments") else CLOUD_FUNCTION
            yield kind, Write(entry["method"], path, entry["body"])


def _is_foretold(foretold: Write | None, made: Write | None) -> bool:
    if foretold is None or made is None:
        return foretold is made
    same = foretold.method == made.method and _matches(foretold.path, made.path)
    return same and _same(foretold.body, made.body)


def _same(foretold: Any, made: Any) -> bool:
    """Whether two bodies are the same but for what a plan cannot know."""
    if isinstance(foretold, dict) and isinstance(made, dict):
        return foretold.keys() == made.keys() and all(_same(foretold[name], made[name]) for name in foretold)
    if isinstance(foretold, list) and isinstance(made, list):
        return len(foretold) == len(made) and all(map(_same, foretold, made))
    if isinstance(foretold, str) and isinstance(made, str):
        return _matches(foretold, made)
    return bool(foretold == made) or foretold == HIDDEN


def _matches(foretold: str, made: str) -> bool:
    return re.fullmatch("[^/?]+".join(map(re.escape, OPEN.split(foretold))), made) is not None
