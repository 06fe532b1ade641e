"""The DELETE of a version, with the whole operator around it."""

from collections.abc import Iterator

import pytest

from tests.property.registry_api import RegistryDoor
from tests.unit.reconcile.one_function import LLAMA, SPEC, OneFunction


@pytest.fixture
def world() -> Iterator[OneFunction]:
    made = OneFunction()
    yield made
    made.operator.close()


@pytest.mark.parametrize("forbidden", ["delete_function", "get_function"])
def test_a_refused_delete_waits_for_no_other_call_while_it_holds_a_place(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch, forbidden: str
) -> None:
    world.cluster.create(LLAMA, SPEC)
    world.live(5)
    world.cluster.delete(LLAMA)
    nested, _ = world.refuse_beside_one_place(monkeypatch, {forbidden})
    world.live(100)
    assert not nested
    conditions = world.cluster.objects[LLAMA]["status"]["conditions"]
    blocked = next(item for item in conditions if item["type"] == "DeletionBlocked")
    assert (blocked["status"], blocked["reason"]) == ("True", "Forbidden")
    scope = "delete_function" if forbidden == "delete_function" else "list_functions"
    assert scope in blocked["message"]
    assert len(list(world.registry.visible)) == 1


def test_what_somebody_deploys_right_before_the_delete_is_not_deleted(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list showed it INACTIVE, and no deployment was there; the read before the DELETE shows another status."""
    world.cluster.create(LLAMA, SPEC)
    world.live(5)
    (version,) = world.registry.visible
    shown = RegistryDoor._shown_with_secrets
    monkeypatch.setattr(RegistryDoor, "_shown_with_secrets", lambda *of: {**shown(*of), "status": "DEPLOYING"})
    world.cluster.delete(LLAMA)
    world.live(60)
    assert list(world.registry.visible) == [version]
    monkeypatch.undo()
    world.live(300)
    assert list(world.registry.visible) == []
    assert LLAMA not in world.cluster.objects


@pytest.mark.parametrize("seconds", range(60, 76, 3))
def test_no_former_version_is_deleted_where_the_latest_one_has_just_gone(world: OneFunction, seconds: int) -> None:
    """The list may have shown it a moment ago; with the last version NVCF would end the function."""
    world.cluster.create(LLAMA, {**SPEC, "history": {"limit": 0}})
    world.live(5)
    world.cluster.edit(LLAMA, template={"inferenceUrl": "/v1", "containerImage": "nvcr.io/org/llama:2"})
    world.live(seconds)
    former, latest = (item.version_id for item in world.registry.visible)
    world.registry.delete(latest)
    world.live(10)
    assert [item.version_id for item in world.registry.visible] == [former]
    world.live(300)
    (version,) = world.registry.visible
    status = world.cluster.objects[LLAMA]["status"]
    assert (version.function_id, version.version_id) == (status["functionId"], status["latest"]["versionId"])
