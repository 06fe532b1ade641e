"""Lists with an entry that cannot be read: what a list lacks then is not registered again."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from nvcf_client import errors
from nvcf_client.requests import Request
from tests.property.registry_api import RegistryDoor
from tests.property.registry_model import Registry, Version
from tests.unit.reconcile.one_function import LLAMA, SPEC, OneFunction


@pytest.fixture
def world() -> Iterator[OneFunction]:
    made = OneFunction()
    yield made
    made.operator.close()


def ready(world: OneFunction) -> tuple[str, str]:
    conditions = world.cluster.objects[LLAMA]["status"]["conditions"]
    found = next(item for item in conditions if item["type"] == "Ready")
    return found["status"], found["reason"]


SHOWN, ANSWER = Registry.shown, RegistryDoor._answer


def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show no version's status, which each answer needs."""

    def answer(request: Request[Any], body: dict[str, Any]) -> Any:
        try:
            return ANSWER(request, body)
        except ValidationError:
            kind = errors.InvalidAnswer if request.method == "GET" else errors.OutcomeUnknown
            raise RegistryDoor._error(request, kind, 200) from None

    monkeypatch.setattr(Registry, "shown", lambda registry, item: {**SHOWN(registry, item), "status": None})
    monkeypatch.setattr(RegistryDoor, "_answer", staticmethod(answer))


def test_a_registration_whose_version_cannot_be_read_is_not_made_again(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd(monkeypatch)
    world.cluster.create(LLAMA, SPEC)
    world.live(600)
    assert len(list(world.registry.visible)) == 1
    assert ready(world) == ("False", "InvalidAnswer")
    monkeypatch.undo()
    world.live(120)
    assert ready(world) == ("True", "Registered")
    assert len(world.operator.function_writes) == 1


def test_a_function_that_cannot_be_read_is_not_created_again_for_a_lost_record(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cluster.create(LLAMA, SPEC)
    world.live(10)
    odd(monkeypatch)
    world.cluster.set_status(LLAMA, {"observedGeneration": -1})
    world.operator.restart()
    world.live(600)
    assert len(list(world.registry.visible)) == 1


def test_an_entry_of_somebody_else_that_cannot_be_read_is_in_nobodys_way(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_a_stranger(registry: Registry, item: Version) -> dict[str, Any]:
        entry = SHOWN(registry, item)
        return entry if item.mark is not None else {**entry, "status": None}

    monkeypatch.setattr(Registry, "shown", with_a_stranger)
    world.registry.register(None, {"name": "x", "tags": ["größe"]}, made_for="", process=0)
    world.cluster.create(LLAMA, SPEC)
    world.live(10)
    assert ready(world) == ("True", "Registered")
