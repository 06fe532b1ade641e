"""A resource that is deleted in the very moment in which it gets its finalizer.

The API server may then drop the resource although the patch with the finalizer was answered by 200.
"""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from hack.controlplane import ControlPlane
from tests.support.cluster import manifest, resource_path
from tests.support.kube_api import KubeApi
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

RESOURCES = 120
AT_ONCE = 8
LATEST = 0.08
"""Seconds after its creation within which a resource is deleted: the time that its first read of NVCF takes."""


@pytest.fixture
def kube(control_plane: ControlPlane) -> Iterator[KubeApi]:
    with closing(KubeApi(control_plane)) as made:
        yield made


def test_no_deployment_is_left_without_its_resource(tenant: Tenant, kube: KubeApi) -> None:
    namespace, simulator = tenant.namespace, tenant.simulator
    functions = simulator.add_functions(namespace.name, RESOURCES)
    moments = random.Random(1)

    def live(number: int, pause: float) -> None:
        name = f"f{number}"
        kube.create(resource_path(namespace.name), manifest(name, *functions[number]))
        time.sleep(pause)  # the race itself: no condition shows the moment before a write
        kube.delete(resource_path(namespace.name, name))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(live, range(RESOURCES), [moments.uniform(0.0, LATEST) for _ in range(RESOURCES)]))
    eventually(
        lambda: (kube.get(resource_path(namespace.name)) or {}).get("items"),
        lambda left: left == [],
        within=120,
        what="all resources are gone",
    )
    mine = {version for _, version in functions}
    eventually(
        lambda: sorted(mine & set(simulator.deployments())),
        lambda left: left == [],
        within=30,
        what="nothing is deployed without a resource",
    )
