"""Scenarios: the initial state, as a YAML file describes it."""

from collections import Counter
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from nvcf_simulator.entries import ACCOUNT, AccountEntry, FunctionEntry, KeyEntry
from nvcf_simulator.http.faults import Fault
from nvcf_simulator.model.catalogue import DEFAULT_TYPES, Catalogue, InstanceType, QuotaRule
from nvcf_simulator.model.clock import Clock
from nvcf_simulator.model.entities import State
from nvcf_simulator.model.world import World
from nvcf_simulator.settings import Behaviour, Model

TOKEN = "nvapi-simulator"
OTHER_ACCOUNT, OTHER_TOKEN = "globex", "nvapi-other"
ECHO = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"


class ScenarioError(Exception):
    """The scenario is unusable; the message says where and why."""


def _accounts() -> list[AccountEntry]:
    return [AccountEntry(nca_id=ACCOUNT), AccountEntry(nca_id=OTHER_ACCOUNT)]


def _keys() -> list[KeyEntry]:
    return [
        KeyEntry(name="default", token=TOKEN),
        KeyEntry(name="other", token=OTHER_TOKEN, nca_id=OTHER_ACCOUNT),
    ]


def _functions() -> list[FunctionEntry]:
    """Return the function of the old SDK's documentation and those of the operator's example manifests."""
    containers = (
        ("echo", ECHO, ECHO),
        ("summarizer", "5b0d6e3c-7a1f-4f1e-9a42-0c8f6a2f9d11", "a4d3f0b2-1c57-4c1b-8f0e-6f2f5f0f7c22"),
        ("translator", "7d444840-9dc0-11d1-b245-5ffdce74fad2", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
        ("echo-legacy", "9b2f7c1e-4d3a-4e6b-8c5f-1a0e7d9b3c44", "e1f3a5c7-2b4d-4f6a-9c8e-0d1b3f5a7c55"),
    )
    charts = (("rag-pipeline", "0f9c2f6a-53b4-4a0e-9d5b-2f8d8c1b7e33", "c81d4e2e-bcf2-41e6-869b-7df92533d2db"),)
    return [_function(*one) for one in containers] + [_function(*one, kind="helm") for one in charts]


def _function(
    name: str, function_id: str, version_id: str, kind: Literal["container", "helm"] = "container"
) -> FunctionEntry:
    described = {"description": f"{name} <β> & more – für „Größeres“, see https://{name}.invalid/?a=1&b=<2>"}
    return FunctionEntry(
        name=name, function_id=function_id, function_version_id=version_id, kind=kind, details=described
    )


class Scenario(Model):
    """The initial state. What is left out has its default."""

    accounts: list[AccountEntry] = Field(default_factory=_accounts)
    keys: list[KeyEntry] = Field(default_factory=_keys)
    functions: list[FunctionEntry] = Field(default_factory=_functions)
    catalogue: list[InstanceType] = Field(default_factory=lambda: list(DEFAULT_TYPES))
    quota: list[QuotaRule] = Field(default_factory=list)
    """The quota rules of every account."""
    capacity: dict[str, int] = Field(default_factory=dict)
    """Maximum number of concurrent instances by instance type, in place of the catalogue's."""
    behaviour: Behaviour = Field(default_factory=Behaviour)
    faults: list[Fault] = Field(default_factory=list)
    speed: float = Field(1.0, gt=0)
    """How much faster than the machine's clock the simulated one runs."""
    seed: int | None = None
    """Makes random events repeatable."""

    @model_validator(mode="after")
    def _names_are_consistent(self) -> Self:
        known = {account.nca_id for account in self.accounts}
        for what, names in (
            ("account", [account.nca_id for account in self.accounts]),
            ("key name", [key.name for key in self.keys]),
            ("key token", [key.token for key in self.keys]),
            ("function version", [f.function_version_id for f in self.functions if f.function_version_id]),
        ):
            duplicates = [name for name, count in Counter(names).items() if count > 1]
            if duplicates and what == "key token":
                raise ValueError("two keys have the same token")
            if duplicates:
                raise ValueError(f"duplicate {what} {duplicates[0]!r}")
        for function in self.functions:
            if function.nca_id not in known:
                raise ValueError(f"function {function.name!r} belongs to an unknown account: {function.nca_id!r}")
        return self

    def world(self, saved: State | None = None) -> World:
        """Build the world described here; a saved state replaces accounts, keys, functions and capacity."""
        clock = Clock(self.speed)
        if saved is not None:
            clock.jump(max(0, saved.clock_offset) / 1e9)
        world = World(saved or self._state(clock), clock, Catalogue(self.catalogue), self.behaviour, self.seed)
        world.quota = list(self.quota)
        return world

    def _state(self, clock: Clock) -> State:
        return State(
            accounts={entry.nca_id: entry.build() for entry in self.accounts},
            keys={entry.name: entry.build(clock.now()) for entry in self.keys},
            functions={f.version_id: f for entry in self.functions for f in entry.build(clock.now())},
            capacity=dict(self.capacity),
        )


def load(path: Path | None) -> Scenario:
    """Read a scenario file. Raises `ScenarioError` with the location of each error."""
    if path is None:
        return Scenario()
    try:
        value: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from None
    try:
        return Scenario.model_validate(value)
    except ValidationError as error:
        raise ScenarioError("\n".join([f"{path} is not a valid scenario:", *explain(error)])) from None


def explain(error: ValidationError) -> list[str]:
    """Return one line for each error, without the values: a token may be among them."""
    return [
        f"  {'.'.join(map(str, item['loc'])) or 'top level'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]
