"""What a story is, and what stories share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.chaos import oracle
from tests.chaos.environment import SETTINGS, Run
from tests.chaos.user_actions import path_of
from tests.support.cluster import condition_of, manifest
from tests.support.waiting import eventually

T = TypeVar("T")
GPU = {"gpu": "L40S", "instanceType": "NCP.GPU.L40S_1x", "minInstances": 1, "maxInstances": 2}
SOON = 12.0
"""Seconds within which a bug would have shown itself."""


@dataclass(frozen=True)
class Story:
    """One story.

    Attributes:
        invariants: what it is about, by their numbers.
        bugs: those that it catches.
        play: plays it and says what is wrong.
        settings: of its operator, beside the usual ones.
        disruption: one of `tests.support.disruptions`, under which the story has to end well.
        lone: whether it needs an NVCF to itself, since what happens there happens to all who share it.

    """

    invariants: tuple[int, ...]
    bugs: tuple[str, ...]
    play: Callable[[Run], list[str]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    disruption: str | None = None
    lone: bool = False


def entries(run: Run, **wanted: Any) -> list[dict[str, Any]]:
    """The requests about the run's first version."""
    return run.simulator.log(run.cursor, functionVersionId=run.versions[0], **wanted)


def writes(run: Run) -> list[str]:
    """The changes that were asked for of the run's first version."""
    return [entry["operation"] for entry in entries(run) if entry["mutating"]]


def wrong_posts(
    run: Run,
    *,
    create_settle: float = SETTINGS["create_settle_seconds"],
    redeploy_settle: float = SETTINGS["redeploy_settle_seconds"],
) -> list[str]:
    """What the oracle finds wrong with the run's POSTs."""
    log = entries(run)
    leaked = [item["instanceId"] for item in run.simulator.leaked() if item["functionVersionId"] in run.versions]
    hasty = oracle.hasty_posts(log, create_settle=create_settle, redeploy_settle=redeploy_settle)
    return hasty + oracle.two_writers(log) + leaked


def remains(run: Run) -> list[str]:
    """What is left in NVCF of the run's first version."""
    rows = [f"the deployment {v}" for v in run.simulator.deployments() if v == run.versions[0]]
    alive = run.simulator.allocations()
    return rows + [item["instanceId"] for item in alive if item["functionVersionId"] == run.versions[0]]


def is_true(found: Mapping[str, Any], condition: str) -> bool:
    """Whether a condition is True."""
    return condition_of(found, condition).get("status") == "True"


def came(read: Callable[[], T], wanted: Callable[[T], bool], *, within: float = SOON) -> bool:
    """Whether something comes."""
    try:
        eventually(read, wanted, within=within, what="it")
    except AssertionError:
        return False
    return True


def beside(run: Run, name: str, function: str = "", version: str = "", **spec: Any) -> str:
    """Create another resource, of the run's version by default, and give its path."""
    body = manifest(name, function or run.function, version or run.versions[0], **spec)
    run.kube.create(path_of(run, ""), body)
    return path_of(run, name)


def crowd(run: Run, function: str, version: str, *, known: bool, **spec: Any) -> list[str]:
    """Have many resources to reconcile, each by a call of its own, of which some are under way.

    Those that are known are what an operator begins with, before the run's resource, as lists are sorted by name; the
    others are as new as what a user creates next.
    """
    cursor = run.simulator.cursor
    if known:
        run.operator.close()
    paths = [beside(run, f"crowd-{n}", function, version, managementPolicy="Observe", **spec) for n in range(24)]
    if known:
        run.operate()
    crowded = {"operation": "getDeployment", "functionVersionId": version}
    run.eventually(lambda: run.simulator.log(cursor, **crowded), lambda log: len(log) >= 2, "the crowd")
    return paths


def clear(run: Run, paths: list[str]) -> None:
    """Delete resources."""
    for path in paths:
        run.kube.delete(path)


def secret_path(run: Run) -> str:
    """The path of the Secret."""
    return f"/api/v1/namespaces/{run.namespace}/secrets/nvcf-credentials"


def secret(run: Run, **values: str | None) -> None:
    """Set members of the Secret; None takes one out."""
    gone: dict[str, None] = {name: None for name, value in values.items() if value is None}
    text = {name: value for name, value in values.items() if value is not None}
    run.kube.merge(secret_path(run), {"stringData": text, **({"data": gone} if gone else {})})
