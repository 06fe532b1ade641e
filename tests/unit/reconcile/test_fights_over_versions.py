"""Changes in place that never last, with the whole operator around them: they are made a few times, then reported."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.property.registry_model import Version
from tests.property.row_races import Rows
from tests.unit.reconcile.one_function import LLAMA, SPEC, OneFunction

TEMPLATE = {"inferenceUrl": "/v1", "containerImage": "nvcr.io/org/llama:1"}
MOST = 6
"""PUTs of one fight within an hour: one for the manifest, one for NVCF's own races, three that count, one to spare."""


@pytest.fixture
def world() -> Iterator[OneFunction]:
    made = OneFunction()
    yield made
    made.operator.close()


@pytest.fixture
def puts(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The tags of all PUTs. The server takes each, and keeps tags in lower case."""
    found, change = list[set[str]](), Rows.change

    def lowering(rows: Rows, version_id: str, fields: Mapping[str, Any]) -> None:
        found.append(set(fields["tags"]))
        kept = [tag if tag.startswith("nvcf-operator:") else tag.lower() for tag in fields["tags"]]
        change(rows, version_id, {**fields, "tags": kept})

    monkeypatch.setattr(Rows, "change", lowering)
    return found


def registered(world: OneFunction) -> Version:
    """Have a version registered."""
    world.cluster.create(LLAMA, {**SPEC, "template": TEMPLATE, "tags": ["eins"], "history": {"limit": 1}})
    world.live(30)
    (version,) = world.registry.visible
    return version


def reason(world: OneFunction) -> str:
    """The reason of Ready."""
    conditions = world.cluster.objects[LLAMA]["status"]["conditions"]
    return str(next(item["reason"] for item in conditions if item["type"] == "Ready"))


def test_a_change_that_nvcf_takes_and_does_not_make_is_given_up(world: OneFunction, puts: list[set[str]]) -> None:
    registered(world)
    world.cluster.edit(LLAMA, tags=["Zwei"])
    world.live(600)
    assert reason(world) == "NotConverging"
    assert 3 <= len(puts) <= MOST


def test_so_it_is_with_a_former_version_that_comes_into_use_again(world: OneFunction, puts: list[set[str]]) -> None:
    registered(world)
    world.cluster.edit(LLAMA, template={**TEMPLATE, "containerArgs": "--tp 2"})
    world.live(60)
    world.cluster.edit(LLAMA, template=TEMPLATE, tags=["Zwei"])
    world.live(600)
    assert reason(world) == "NotConverging"
    assert 3 <= len(puts) <= MOST


def test_a_fight_beside_a_template_that_is_refused_ends_as_well(world: OneFunction, puts: list[set[str]]) -> None:
    version = registered(world)
    world.registry.unpushed.add("nvcr.io/org/llama:2")
    world.cluster.edit(LLAMA, template={**TEMPLATE, "containerImage": "nvcr.io/org/llama:2"})
    world.live(60)
    assert reason(world) == "ArtifactRejected"
    for _ in range(20):
        world.registry.change_outside(version, tags=[version.mark.tag if version.mark else "", "theirs"])
        world.live(65)
    assert 3 <= len(puts) <= MOST


def test_a_request_makes_a_change_that_does_not_last_once_more(world: OneFunction, puts: list[set[str]]) -> None:
    registered(world)
    world.cluster.edit(LLAMA, tags=["Zwei"])
    world.live(60)
    before = len(puts)
    world.cluster.annotate(LLAMA, "nvcf-operator.io/reconcile-requested-at", "1")
    world.live(60)
    assert len(puts) - before == 1
    assert reason(world) == "NotConverging"
    assert world.cluster.objects[LLAMA]["status"]["lastHandledReconcileAt"] == "1"
