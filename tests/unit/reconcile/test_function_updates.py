"""The PUT of tags and rate limit, with the whole operator around it."""

from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_client import errors
from nvcf_client.requests import Request
from nvcf_operator.flowcontrol.limiters import Admission
from tests.property.registry_model import Version
from tests.unit.reconcile.one_function import LLAMA, SPEC, OneFunction

PUTS = ("update_function", "delete_rate_limit")


@pytest.fixture
def world() -> Iterator[OneFunction]:
    made = OneFunction()
    yield made
    made.operator.close()


def registered(world: OneFunction, **spec: Any) -> Version:
    """Have a version registered, and nothing left to do."""
    world.cluster.create(LLAMA, {**SPEC, **spec})
    world.live(30)
    (version,) = world.registry.visible
    return version


def ready(world: OneFunction) -> tuple[str, str, str]:
    """Status, reason and message of Ready."""
    conditions = world.cluster.objects[LLAMA]["status"]["conditions"]
    found = next(item for item in conditions if item["type"] == "Ready")
    return found["status"], found["reason"], found["message"]


def tags(version: Version) -> set[str]:
    """The tags of a version but for its mark."""
    return {tag for tag in version.tags if not tag.startswith("nvcf-operator:")}


@pytest.fixture
def asked(world: OneFunction, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of NVCF, as they come."""
    door, found = world.operator.door, list[str]()
    send = door.send

    async def noting(request: Request[Any], admission: Admission) -> Any:
        found.append(request.operation)
        world.account.advance(0.1)
        answer = await send(request, admission)
        world.account.advance(0.1)
        return answer

    monkeypatch.setattr(door, "send", noting)
    return found


def test_a_change_of_tags_is_one_put_and_two_status_writes_at_most(world: OneFunction, asked: list[str]) -> None:
    version = registered(world, tags=["eins"])
    asked.clear()
    before = world.operator.kube_writes
    world.cluster.edit(LLAMA, tags=["zwei"])
    world.live(20)
    assert tags(version) == {"zwei"}
    assert [name for name in asked if name != "list_functions"] == ["update_function"]
    assert world.operator.kube_writes - before <= 2
    assert ready(world)[0] == "True"


def test_at_rest_nothing_is_written_and_no_version_is_read(world: OneFunction, asked: list[str]) -> None:
    registered(world, tags=["eins"], rateLimit={"rateLimit": "1-M, 5-S"})
    asked.clear()
    before = world.operator.kube_writes
    world.live(600)
    assert set(asked) <= {"list_functions"}
    assert len(asked) <= 11, "no more lists than polls"
    assert world.operator.kube_writes == before


def test_a_change_without_an_answer_is_made_again(world: OneFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    version = registered(world, tags=["eins"])
    door, puts = world.operator.door, list[str]()
    send = door.send

    async def losing(request: Request[Any], admission: Admission) -> Any:
        answer = await send(request, admission)
        if request.operation in PUTS:
            puts.append(request.operation)
            if len(puts) == 1:
                raise door._error(request, errors.OutcomeUnknown, None)
        return answer

    monkeypatch.setattr(door, "send", losing)
    world.cluster.edit(LLAMA, tags=["zwei"])
    world.live(60)
    assert tags(version) == {"zwei"}
    assert ready(world)[0] == "True"
    assert puts == ["update_function"], "the list shows that it was made"


def test_a_refused_change_waits_for_no_other_call_while_it_holds_a_place(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(world, rateLimit={"rateLimit": "1-S"})
    nested, puts = world.refuse_beside_one_place(monkeypatch, PUTS)
    world.cluster.edit(LLAMA, rateLimit=None, rateLimitPolicy="Unlimited")
    world.live(300)
    assert not nested
    assert ready(world)[:2] == ("False", "Forbidden")
    assert "update_function" in ready(world)[2]
    assert 2 <= len(puts) <= 4, "it is tried again with growing waits"


def test_a_version_that_is_gone_at_the_put_is_searched_for_and_registered_again(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registered(world, tags=["eins"])
    world.registry.register(version.function_id, {"name": "llama"}, made_for="", process=0)  # so that the id stays
    door = world.operator.door
    send = door.send

    async def just_before(request: Request[Any], admission: Admission) -> Any:
        if request.operation in PUTS:
            world.registry.delete(version.version_id)
        return await send(request, admission)

    monkeypatch.setattr(door, "send", just_before)
    world.cluster.edit(LLAMA, tags=["zwei"])
    world.live(300)
    latest = world.cluster.objects[LLAMA]["status"]["latest"]["versionId"]
    assert latest != version.version_id
    assert tags(world.registry.rows[latest]) == {"zwei"}
    assert ready(world)[0] == "True"


def test_what_nvcf_does_not_find_though_lists_show_it_is_reported(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered(world, tags=["eins"])
    door, puts = world.operator.door, list[str]()
    send = door.send

    async def not_found(request: Request[Any], admission: Admission) -> Any:
        if request.operation in PUTS:
            puts.append(request.operation)
            raise door._error(request, errors.NotFound, 404)
        return await send(request, admission)

    monkeypatch.setattr(door, "send", not_found)
    world.cluster.edit(LLAMA, tags=["zwei"])
    world.live(300)
    assert ready(world)[:2] == ("False", "Rejected")
    assert len(puts) <= 16, "it is tried again with growing waits"
