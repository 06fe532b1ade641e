"""Events as users find them with kubectl, and the end of a namespace."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from nvcf_operator.api.names import Key
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import connect
from nvcf_operator.kube.events import Recorder
from tests.integration.kube_cluster import Admin
from tests.support.waiting import eventually

DEADLINE = 30.0


@dataclass(frozen=True)
class Object:
    key: Key
    uid: str


@dataclass(frozen=True)
class Content:
    reason: str = "Active"
    message: str = "The deployment serves."
    warning: bool = False


@pytest.fixture
def admin(control_plane: ControlPlane, operator_identity: Path, namespace: str) -> Admin:
    return Admin(control_plane, namespace)


@pytest.fixture
async def recorder(operator_identity: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Recorder]:
    monkeypatch.setenv("KUBECONFIG", str(operator_identity))
    connection = await connect(user_agent="nvcf-operator/test")
    found = Recorder(KubeClient(connection), instance="pod-1")
    running = asyncio.create_task(found.run())
    yield found
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await connection.close()


def about(admin: Admin, name: str) -> Object:
    return Object(admin.key(name), admin.get(name)["metadata"]["uid"])


async def test_an_event_is_found_by_every_way_of_asking(recorder: Recorder, admin: Admin) -> None:
    admin.create("echo")
    recorder.note(about(admin, "echo"), Content("Drift", "Somebody changed it.", warning=True))
    await recorder.flush(DEADLINE)
    (event,) = json.loads(admin.kubectl("get", "events", "-o", "json"))["items"]
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "Drift", "Somebody changed it.")
    for way in (
        ("describe", "fd", "echo"),
        ("events", "--for", "fd/echo"),
        ("get", "events", "--field-selector", "involvedObject.kind=FunctionDeployment,involvedObject.name=echo"),
        ("get", "events.events.k8s.io"),
    ):
        shown = admin.kubectl(*way)
        assert "Somebody changed it." in shown, f"kubectl {' '.join(way)}:\n{shown}"


async def test_what_happens_again_is_one_event_with_a_count(recorder: Recorder, admin: Admin) -> None:
    admin.create("echo")
    for _ in range(3):
        recorder.note(about(admin, "echo"), Content())
        await recorder.flush(DEADLINE)
    (event,) = json.loads(admin.kubectl("get", "events", "-o", "json"))["items"]
    assert event["count"] == 3
    assert "(x3 over" in admin.kubectl("describe", "fd", "echo")


async def test_a_resource_with_the_longest_name_has_events_too(recorder: Recorder, admin: Admin) -> None:
    name = "x" * 253
    admin.create(name)
    recorder.note(about(admin, name), Content())
    await recorder.flush(DEADLINE)
    assert "The deployment serves." in admin.kubectl("get", "events")


async def test_an_ending_namespace_takes_no_event_and_nobody_else_suffers(
    recorder: Recorder, admin: Admin, control_plane: ControlPlane
) -> None:
    admin.create("echo")
    going = Admin(control_plane, f"{admin.namespace}-going")
    control_plane.kubectl("create", "namespace", going.namespace)
    going.create("echo", finalizers=("example.com/held",))
    about_going = about(going, "echo")
    control_plane.kubectl("delete", "namespace", going.namespace, "--wait=false")
    try:
        await asyncio.to_thread(
            eventually,
            lambda: going.get("echo")["metadata"].get("deletionTimestamp"),
            within=DEADLINE,
            what="its deletion has begun",
        )
        recorder.note(about_going, Content())
        recorder.note(about(admin, "echo"), Content())
        await recorder.flush(DEADLINE)
        assert "The deployment serves." in admin.kubectl("get", "events")
        assert going.kubectl("get", "events", "-o", "name") == ""
    finally:
        going.kubectl("patch", "fd", "echo", "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
