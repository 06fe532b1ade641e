"""PUTs of secrets that do not go well, with the whole operator around them: the Secret's values win in the end."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from nvcf_client import errors
from nvcf_client.requests import Request
from nvcf_operator.flowcontrol.limiters import Admission
from nvcf_operator.kube.stored_secret import StoredSecret
from tests.property.chance import Crash
from tests.property.registry_model import Version
from tests.unit.reconcile.one_function import LLAMA, SPEC, OneFunction

PLACE = ("team", "s")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[OneFunction]:
    made = OneFunction()

    async def read(namespace: str, name: str, *, max_age: float) -> StoredSecret:
        found = made.cluster.secrets.there[namespace, name]
        return StoredSecret(found.data, found.uid, found.resource_version, found.annotations)

    monkeypatch.setattr(made.operator, "read", read, raising=False)
    made.cluster.secrets.create(PLACE, {"a": b"gr\xc3\xb6\xc3\x9fe-1", "b": b"other"}, allows="llama", now=0.0)
    yield made
    made.operator.close()


def entry(key: str = "a") -> list[dict[str, Any]]:
    """The manifest's secret, from that key."""
    return [{"name": "TOKEN", "secretRef": {"name": "s", "key": key}}]


def registered(world: OneFunction) -> Version:
    """Have a version with the secret registered."""
    world.cluster.create(LLAMA, {**SPEC, "secrets": entry()})
    world.live(30)
    (version,) = world.registry.visible
    assert version.secrets == {"TOKEN": "größe-1"}
    return version


def rotate(world: OneFunction, value: bytes, asked: str) -> None:
    """Change the Secret, and have it read at once."""
    world.cluster.secrets.set_value(PLACE, "a", value, world.account.now)
    world.cluster.annotate(LLAMA, "nvcf-operator.io/reconcile-requested-at", asked)


class Lost:
    """The first PUTs of secrets get no answer: what becomes of each, "done" or "late"."""

    def __init__(self, world: OneFunction, monkeypatch: pytest.MonkeyPatch, *fates: str) -> None:
        self.late: list[dict[str, Any]] = []
        self.sent: list[Any] = []
        door, left = world.operator.door, list(fates)
        send = door.send

        async def losing(request: Request[Any], admission: Admission) -> Any:
            if request.operation != "update_function_secrets":
                return await send(request, admission)
            values = {item["name"]: item["value"] for item in json.loads(request.body or b"{}")["secrets"]}
            self.sent.append((world.account.now, values))
            fate = left.pop(0) if left else ""
            if fate == "late":
                self.late.append(values)
            else:
                answer = await send(request, admission)
            if fate:
                raise door._error(request, errors.OutcomeUnknown, None)
            return answer

        monkeypatch.setattr(door, "send", losing)


def test_values_that_a_lost_put_may_have_set_are_not_taken_for_those_before(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registered(world)
    lost = Lost(world, monkeypatch, "done")
    rotate(world, b"wrong", "1")
    world.live(1)
    assert version.secrets == {"TOKEN": "wrong"}
    assert len(lost.sent) == 1
    rotate(world, "größe-1".encode(), "2")
    world.live(200)
    assert version.secrets == {"TOKEN": "größe-1"}


def test_another_key_and_back_is_sent_again_after_a_lost_put(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registered(world)
    lost = Lost(world, monkeypatch, "done")
    world.cluster.edit(LLAMA, secrets=entry("b"))
    world.live(1)
    assert version.secrets == {"TOKEN": "other"}
    assert len(lost.sent) == 1
    world.cluster.edit(LLAMA, secrets=entry("a"))
    world.live(200)
    assert version.secrets == {"TOKEN": "größe-1"}


def die_right_after_the_put(world: OneFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the process die when NVCF has taken the values, before that is on record."""
    door = world.operator.door
    send = door.send

    async def dying(request: Request[Any], admission: Admission) -> Any:
        answer = await send(request, admission)
        if request.operation == "update_function_secrets":
            raise Crash
        return answer

    monkeypatch.setattr(door, "send", dying)


@pytest.mark.parametrize("reported", [False, True], ids=["not reported", "reported"])
def test_another_key_and_back_is_sent_again_after_a_crash(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch, reported: bool
) -> None:
    version = registered(world)
    die_right_after_the_put(world, monkeypatch)
    if reported:  # the change of the tags comes first, and the generation goes on record with it
        world.cluster.edit(LLAMA, secrets=entry("b"), tags=["neu"])
    else:
        world.cluster.edit(LLAMA, secrets=entry("b"))
    world.live(2)
    assert version.secrets == {"TOKEN": "other"}
    status, generation = (world.cluster.objects[LLAMA][part] for part in ("status", "metadata"))
    assert (status["observedGeneration"] == generation["generation"]) == reported
    world.cluster.edit(LLAMA, secrets=entry("a"))
    world.live(200)
    assert version.secrets == {"TOKEN": "größe-1"}
    sent = len(world.operator.function_writes)
    world.operator.restart()
    world.live(200)
    assert len(world.operator.function_writes) == sent


def test_edits_of_something_else_while_no_operator_runs_send_no_values(world: OneFunction) -> None:
    registered(world)
    sent = len(world.operator.function_writes)
    world.operator.restart()
    world.cluster.edit(LLAMA, history={"limit": 3})
    world.live(60)
    assert len(world.operator.function_writes) == sent


def test_newer_values_wait_for_a_lost_put_though_a_repetition_of_it_was_answered(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registered(world)
    lost = Lost(world, monkeypatch, "late")
    rotate(world, b"second", "1")
    world.live(10)
    assert version.secrets == {"TOKEN": "second"}, "the same values need not wait"
    rotate(world, b"third", "2")
    world.live(10)
    version.secrets.update(lost.late[0])
    world.live(200)
    assert version.secrets == {"TOKEN": "third"}


def test_values_for_what_nvcf_does_not_find_though_lists_show_it_are_reported(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registered(world)
    door, puts = world.operator.door, list[str]()
    send = door.send

    async def not_found(request: Request[Any], admission: Admission) -> Any:
        if request.operation == "update_function_secrets":
            puts.append(request.operation)
            raise door._error(request, errors.NotFound, 404)
        return await send(request, admission)

    monkeypatch.setattr(door, "send", not_found)
    rotate(world, b"second", "1")
    world.live(300)
    conditions = world.cluster.objects[LLAMA]["status"]["conditions"]
    assert {item["type"]: item["reason"] for item in conditions if item["status"] == "False"} == {
        "Ready": "Rejected",
        "SecretsSynced": "Updating",
        "Reconciling": "Rejected",
    }
    assert len(puts) <= 16, "they are tried again with growing waits"
    assert version.version_id in json.dumps(conditions)


def hide_names(world: OneFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no read show names of secrets, as for a key without the scope list_functions_details."""
    monkeypatch.setattr(type(world.operator.door), "_shown_with_secrets", lambda door, item: world.registry.shown(item))


def with_another_name(world: OneFunction) -> None:
    """Name one more secret, in a template that NVCF refuses for now."""
    world.registry.unpushed.add("nvcr.io/org/llama:2")
    template = {"inferenceUrl": "/v1", "containerImage": "nvcr.io/org/llama:2"}
    more = {"name": "MORE", "secretRef": {"name": "s", "key": "b"}}
    world.cluster.edit(LLAMA, template=template, secrets=[*entry(), more])
    world.live(30)


def test_a_version_with_fewer_names_gets_new_values_though_no_read_shows_its_names(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_names(world, monkeypatch)
    version = registered(world)
    with_another_name(world)
    assert version.secrets == {"TOKEN": "größe-1"}, "a name is not added to it"
    rotate(world, b"second", "1")
    world.live(100)
    assert version.secrets == {"TOKEN": "second"}


def test_a_request_tries_each_refused_change_once(world: OneFunction, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(world)
    door, puts = world.operator.door, list[str]()
    send = door.send

    async def refusing(request: Request[Any], admission: Admission) -> Any:
        if request.operation in ("update_function", "update_function_secrets"):
            puts.append(request.operation)
            raise door._error(request, errors.Rejected, 400)
        return await send(request, admission)

    monkeypatch.setattr(door, "send", refusing)
    world.cluster.edit(LLAMA, tags=["neu"])
    rotate(world, b"second", "1")
    world.live(30)
    before = len(puts)
    assert set(puts) == {"update_function", "update_function_secrets"}
    world.cluster.annotate(LLAMA, "nvcf-operator.io/reconcile-requested-at", "2")
    world.live(20)
    assert len(puts) - before == 2
    status = world.cluster.objects[LLAMA]["status"]
    assert status["lastHandledReconcileAt"] == "2"
    assert {item["reason"] for item in status["conditions"] if item["type"] == "Ready"} == {"Rejected"}


def test_values_are_sent_though_the_change_of_tags_before_them_fails_each_time(
    world: OneFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registered(world)
    door = world.operator.door
    send = door.send

    async def redirecting(request: Request[Any], admission: Admission) -> Any:
        if request.operation == "update_function":
            raise door._error(request, errors.Redirected, 302)
        return await send(request, admission)

    monkeypatch.setattr(door, "send", redirecting)
    world.cluster.edit(LLAMA, tags=["neu"])
    rotate(world, b"second", "1")
    world.live(60)
    assert version.secrets == {"TOKEN": "second"}
