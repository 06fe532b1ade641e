"""A cluster without the CRD of CloudFunction: FunctionDeployments are watched as ever, and the CRD is taken up."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hack.controlplane import ControlPlane
from nvcf_operator.api.crd import crd_yaml
from nvcf_operator.api.names import CLOUD_FUNCTION, Key
from nvcf_operator.informer.informer import Informer, NowServed
from nvcf_operator.kube.client import KubeClient
from nvcf_operator.kube.connection import connect
from nvcf_operator.process.signals import Stop
from nvcf_operator.queue.delay_queue import DelayQueue
from tests.integration.resource_manifests import SMALL, manifest
from tests.support.installation import install
from tests.unit.informer.two_kinds import cache_of_both, function, function_key

pytestmark = pytest.mark.needs_assets

NAMESPACE = "default"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[ControlPlane]:
    """A control plane of its own, without that CRD."""
    with ControlPlane.start(tmp_path / "plane", controller_manager=False) as made:
        install(made, without=[CLOUD_FUNCTION.crd_name])
        yield made


class Watching:
    """An informer of both kinds that watches the cluster."""

    def __init__(self, kube: KubeClient, namespaces: tuple[str, ...]) -> None:
        self.cache = cache_of_both()
        self.informer = Informer(
            kube,
            self.cache,
            DelayQueue(group=lambda key: key.namespace),
            namespaces=namespaces,
            gone=lambda resource: None,
            user_agent="nvcf-operator/test",
        )

    async def shows(self, key: Key) -> None:
        """Wait until the watch has shown an object."""
        async with asyncio.timeout(30.0):
            while key not in set(self.cache):  # noqa: ASYNC110  the cache notifies nobody
                await asyncio.sleep(0.1)


@asynccontextmanager
async def watching(plane: ControlPlane, *namespaces: str) -> AsyncIterator[Watching]:
    """An informer that has listed everything and watches."""

    async def ending() -> None:
        """Nothing is to be ended."""

    connection = await connect(user_agent="nvcf-operator/test")
    stop, made = Stop(), Watching(KubeClient(connection), namespaces)
    await made.informer.prime()
    watch = asyncio.create_task(made.informer.watch(stop=stop, ending=ending))
    try:
        yield made
    finally:
        stop.event.set()
        await watch
        await connection.close()


def create(plane: ControlPlane, obj: dict[str, object]) -> None:
    plane.kubectl("create", "--namespace", NAMESPACE, "-f", "-", input=json.dumps(obj))


def create_function(plane: ControlPlane) -> None:
    made = function(0)
    spec = made["spec"]
    create(plane, {"apiVersion": "nvcf-operator.io/v1alpha1", "kind": "CloudFunction", "metadata": {"name": "llama"},
                   "spec": spec})  # fmt: skip


def add_crd(plane: ControlPlane) -> None:
    plane.kubectl("apply", "-f", "-", input=crd_yaml(CLOUD_FUNCTION))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{CLOUD_FUNCTION.crd_name}")


@pytest.mark.parametrize("namespaces", [(), (NAMESPACE,)], ids=["everywhere", "in one namespace"])
async def test_a_crd_that_is_missing_keeps_nothing_else_from_being_watched_and_is_taken_up(
    plane: ControlPlane,
    namespaces: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig))
    with caplog.at_level(logging.WARNING, "nvcf_operator"):
        async with watching(plane, *namespaces) as made:
            await asyncio.to_thread(create, plane, manifest("echo", SMALL))
            await made.shows(Key(NAMESPACE, "echo"))
            await made.informer.relist()
            assert [record.getMessage() for record in caplog.records if "serves no cloudfunctions" in record.message]
            await asyncio.to_thread(add_crd, plane)
            if namespaces:
                with pytest.raises(NowServed):
                    await made.informer.relist()
                return
            await made.informer.relist()
            await asyncio.to_thread(create_function, plane)
            await made.shows(function_key("llama", NAMESPACE))
    own = [record for record in caplog.records if record.name.startswith("nvcf_operator")]
    assert len([record for record in own if record.levelno >= logging.WARNING]) == 1, "it is said once"
