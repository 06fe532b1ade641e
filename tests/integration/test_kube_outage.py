"""The API server goes away under the client's hands and comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from hack.controlplane import ControlPlane
from nvcf_operator.api.names import Key
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import connect
from nvcf_operator.kube.errors import Unavailable
from nvcf_operator.kube.events import Recorder
from nvcf_operator.kube.secrets import Secrets
from nvcf_operator.kube.secrets import Unavailable as Unanswered
from nvcf_operator.kube.stored_secret import StoredSecret
from tests.integration.kube_cluster import Admin
from tests.support.installation import install
from tests.support.waiting import eventually

pytestmark = [pytest.mark.needs_assets, pytest.mark.xdist_group("kube-outage")]

NAMESPACE = "default"
FOR_EVER = float("inf")


@dataclass(frozen=True)
class Ref:
    key: Key
    uid: str


@dataclass(frozen=True)
class Content:
    reason: str
    message: str = "The deployment serves."
    warning: bool = False


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane of its own, since others would miss its API server."""
    with ControlPlane.start(tmp_path_factory.mktemp("outage"), controller_manager=False) as started:
        yield started


@pytest.fixture
async def kube(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeClient]:
    monkeypatch.setenv("KUBECONFIG", str(install(plane)))
    connection = await connect(user_agent="nvcf-operator/test")
    yield KubeClient(connection)
    await connection.close()


@pytest.fixture
def recorder(kube: KubeClient) -> Recorder:
    return Recorder(kube, instance="pod-1")


@pytest.fixture
async def recording(recorder: Recorder) -> AsyncIterator[None]:
    running = asyncio.create_task(recorder.run())
    yield
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def current(admin: Admin, name: str) -> dict[str, Any]:
    """The very object and version that is there now, as writes name it."""
    metadata = admin.get(name)["metadata"]
    return {"uid": metadata["uid"], "resource_version": metadata["resourceVersion"]}


async def test_calls_fail_at_once_and_the_same_client_works_when_the_api_server_is_back(
    plane: ControlPlane, kube: KubeClient, recorder: Recorder, recording: None
) -> None:
    admin = Admin(plane, NAMESPACE)
    admin.create("echo")
    admin.kubectl("create", "secret", "generic", "nvcf-credentials", "--from-literal=NGC_API_KEY=nvapi-test")
    key, secrets, which = admin.key("echo"), Secrets(kube), current(admin, "echo")
    held = await secrets.read(NAMESPACE, "nvcf-credentials", max_age=FOR_EVER)
    assert isinstance(held, StoredSecret)

    plane.stop_api_server()
    try:
        began = time.monotonic()
        for call in (
            kube.get_resource(key),
            kube.list_resources(),
            kube.patch_status(key, **which, status={"phase": "Active"}),
            kube.get_secret(NAMESPACE, "nvcf-credentials"),
        ):
            with pytest.raises(Unavailable):
                await call
        assert time.monotonic() - began < 5, "nobody waits for a server that refuses the connection"
        assert isinstance(await secrets.read(NAMESPACE, "nvcf-credentials", max_age=0), Unanswered)
        assert await secrets.read(NAMESPACE, "nvcf-credentials", max_age=FOR_EVER) == held, "what was read stays known"
        recorder.note(Ref(key, which["uid"]), Content("Active"))
    finally:
        await asyncio.to_thread(plane.start_api_server)

    after = await kube.patch_status(key, **which, status={"phase": "Active"})
    assert after["status"]["phase"] == "Active"
    assert [item["metadata"]["name"] for item in await kube.list_resources()] == ["echo"]
    await asyncio.to_thread(
        eventually,
        lambda: admin.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}"),
        lambda reasons: "Active" in reasons.split(),
        within=30,
        what="the Event that was recorded while the API server was away",
    )


async def test_a_write_may_be_the_first_call_after_a_restart(plane: ControlPlane, kube: KubeClient) -> None:
    """The connections of before are dead then, and a write is not simply sent again."""
    admin = Admin(plane, NAMESPACE)
    admin.create("restarted")
    which = current(admin, "restarted")
    await asyncio.gather(*(kube.get_resource(admin.key("restarted")) for _ in range(20)))
    plane.stop_api_server()
    await asyncio.to_thread(plane.start_api_server)
    after = await kube.patch_status(admin.key("restarted"), **which, status={"phase": "Active"})
    assert after["status"]["phase"] == "Active"
