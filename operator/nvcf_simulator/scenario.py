"""Scenarios: what there is at the start, as a YAML file says it."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from nvcf_simulator.endpoints.functions import defaults
from nvcf_simulator.http.faults import Fault
from nvcf_simulator.model.catalogue import DEFAULT_TYPES, Catalogue, InstanceType
from nvcf_simulator.model.clock import Clock
from nvcf_simulator.model.entities import SCOPES, Account, Function, Key, State
from nvcf_simulator.model.identifiers import derived_id, parse_id, random_id
from nvcf_simulator.model.world import World
from nvcf_simulator.settings import Behaviour, Model

ACCOUNT, TOKEN = "acme", "nvapi-simulator"
OTHER_ACCOUNT, OTHER_TOKEN = "globex", "nvapi-other"
ECHO = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"


class ScenarioError(Exception):
    """The scenario cannot be used; the message says where and why."""


class AccountEntry(Model):
    """An account."""

    nca_id: str
    org: str | None = None
    requests_per_second: float | None = Field(None, gt=0)

    def made(self) -> Account:
        """The account itself."""
        return Account(self.nca_id, self.org, self.requests_per_second)


class KeyEntry(Model):
    """A key."""

    name: str
    token: str
    nca_id: str = ACCOUNT
    kind: Literal["api-key", "jwt"] = "api-key"
    scopes: list[str] = Field(default_factory=lambda: list(SCOPES))
    resources: list[str] = Field(default_factory=lambda: ["account-functions:*"])
    revoked: bool = False
    service_status: int | None = None

    def made(self) -> Key:
        """The key itself."""
        return Key(
            self.name,
            self.token,
            self.nca_id,
            self.kind,
            list(self.scopes),
            list(self.resources),
            self.revoked,
            service_status=self.service_status,
        )


class FunctionEntry(Model):
    """A function version, or `count` of them: NAME-0 to NAME-(count-1), each with ids derived from its name."""

    name: str
    function_id: str | None = None
    function_version_id: str | None = None
    nca_id: str = ACCOUNT
    kind: Literal["container", "helm"] = "container"
    public: bool = False
    count: int | None = Field(None, gt=0, le=100_000)

    def made(self, now: int) -> list[Function]:
        """The functions themselves."""
        if self.count is None:
            given = (self.function_id, self.function_version_id)
            return [self._one(self.name, *given, now)]
        names = [f"{self.name}-{number}" for number in range(self.count)]
        return [self._one(name, derived_id("function", name), derived_id("version", name), now) for name in names]

    def _one(self, name: str, function_id: str | None, version_id: str | None, now: int) -> Function:
        made = {"containerImage": f"nvcr.io/simulated/{name}:1.0"}
        if self.kind == "helm":
            made = {"helmChart": f"https://helm.simulator.invalid/{name}-1.0.tgz", "helmChartServiceName": name}
        return Function(
            id=(parse_id(function_id) if function_id else None) or random_id(),
            version_id=(parse_id(version_id) if version_id else None) or random_id(),
            nca_id=self.nca_id,
            name=name,
            created_at=now,
            details=defaults(name) | made,
            public=self.public,
        )


class Scenario(Model):
    """All that there is at the start."""

    accounts: list[AccountEntry] = Field(
        default_factory=lambda: [AccountEntry(nca_id=ACCOUNT, org="acme"), AccountEntry(nca_id=OTHER_ACCOUNT)]
    )
    keys: list[KeyEntry] = Field(
        default_factory=lambda: [
            KeyEntry(name="default", token=TOKEN),
            KeyEntry(name="other", token=OTHER_TOKEN, nca_id=OTHER_ACCOUNT),
        ]
    )
    functions: list[FunctionEntry] = Field(default_factory=lambda: _examples())
    catalogue: list[InstanceType] = Field(default_factory=lambda: list(DEFAULT_TYPES))
    capacity: dict[str, int] = Field(default_factory=dict)
    """Most instances at once by instance type, over the catalogue's own number."""
    behaviour: Behaviour = Field(default_factory=Behaviour)
    faults: list[Fault] = Field(default_factory=list)
    speed: float = Field(1.0, gt=0)
    """How much faster than the machine's the simulated clock runs."""
    seed: int | None = None

    def world(self) -> World:
        """Make the world that this describes."""
        clock = Clock(self.speed)
        state = State(capacity=dict(self.capacity))
        for account in self.accounts:
            state.accounts[account.nca_id] = account.made()
        for key in self.keys:
            state.keys[key.name] = key.made()
        for entry in self.functions:
            for function in entry.made(clock.now()):
                state.functions[function.version_id] = function
        return World(state, clock, Catalogue(self.catalogue), self.behaviour, self.seed)


def _examples() -> list[FunctionEntry]:
    """The functions that exist without a scenario: those of the operator's example manifests."""
    found = [FunctionEntry(name="echo", function_id=ECHO, function_version_id=ECHO)]
    more = (
        ("summarizer", "5b0d6e3c-7a1f-4f1e-9a42-0c8f6a2f9d11", "a4d3f0b2-1c57-4c1b-8f0e-6f2f5f0f7c22"),
        ("translator", "7d444840-9dc0-11d1-b245-5ffdce74fad2", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("echo-legacy", "9b2f7c1e-4d3a-4e6b-8c5f-1a0e7d9b3c44", "e1f3a5c7-2b4d-4f6a-9c8e-0d1b3f5a7c55"),
    )
    found += [FunctionEntry(name=name, function_id=one, function_version_id=two) for name, one, two in more]
    chart = ("0f9c2f6a-53b4-4a0e-9d5b-2f8d8c1b7e33", "c81d4e2e-bcf2-41e6-869b-7df92533d2db")
    found.append(FunctionEntry(name="rag-pipeline", function_id=chart[0], function_version_id=chart[1], kind="helm"))
    return found


def load(path: Path | None) -> Scenario:
    """Read a scenario file. Raises `ScenarioError`, naming every mistake by its place."""
    if path is None:
        return Scenario()
    try:
        value: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from None
    try:
        return Scenario.model_validate(value)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False)]
        raise ScenarioError(f"{path}: " + "; ".join(lines)) from None
