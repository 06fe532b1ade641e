"""Nodes that are drained and restarted under the operator."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from hack.e2e.kind.cluster import connect
from hack.e2e.kind.podman import podman
from tests.e2e.kind.cluster_access import RealCluster
from tests.e2e.kind.progress import step
from tests.e2e.kind.release import Release, statuses
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


@pytest.fixture
def worker(release: Release) -> Iterator[str]:
    """The node without the simulator; it takes Pods afterwards, whatever was done to it."""
    if len(release.cluster.nodes) < 2:
        pytest.skip("nodes are drained and restarted on kind's cluster only")
    node = release.cluster.nodes[1]
    yield node
    release.cluster.kubectl("uncordon", node)


def quiet(tenant: Tenant, cursor: int) -> bool:
    """Whether nothing was changed at NVCF after a cursor."""
    return not [entry for entry in tenant.simulator.log(cursor) if entry["mutating"]]


def test_a_drain_is_not_blocked_and_costs_nothing(release: Release, tenant: Tenant, worker: str) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=60)
    release.ready()
    before, cursor = tenant.namespace.get("echo")["metadata"]["resourceVersion"], tenant.simulator.cursor
    began = time.monotonic()
    release.cluster.kubectl("drain", worker, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
    step(f"{worker} was drained in {time.monotonic() - began:.0f} s")
    pods = release.ready()
    assert worker not in {pod["spec"]["nodeName"] for pod in pods.values()}
    assert quiet(tenant, cursor)
    assert tenant.namespace.get("echo")["metadata"]["resourceVersion"] == before
    tenant.namespace.scale("echo", maxInstances=6)
    tenant.namespace.wait_for("echo", within=60)


def test_a_node_that_restarts_brings_its_pod_back(release: Release, tenant: Tenant, worker: str) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=60)
    away = next(iter(release.ready()))
    release.cluster.kubectl("-n", "nvcf-operator-system", "delete", "pod", away)  # one of the two goes to the worker
    on_worker = [name for name, pod in release.ready().items() if pod["spec"]["nodeName"] == worker]
    step(f"{worker} loses its power, with {', '.join(on_worker) or 'no Pod of the operator'} on it")
    assert on_worker, "the spread takes a replica to the empty node"
    cursor, off = tenant.simulator.cursor, datetime.now(UTC)
    podman("restart", "--time=0", worker)
    eventually(
        lambda: renewed(release.cluster, worker), lambda at: at > off, within=180, what=f"{worker} reports again"
    )
    connect()
    eventually(
        lambda: [each for name, pod in release.ready().items() if name in on_worker for each in statuses(pod)],
        lambda found: bool(found) and all(each["restartCount"] > 0 for each in found),
        within=180,
        what="the Pod was started again",
    )
    step("both Pods are ready again")
    for name in release.ready():
        assert release.metric(name, "nvcf_operator_leader") in (0.0, 1.0), (
            f"{name} cannot be reached from {worker}'s peer"
        )
    assert quiet(tenant, cursor)
    tenant.namespace.scale("echo", maxInstances=6)
    tenant.namespace.wait_for("echo", within=60)


def renewed(cluster: RealCluster, node: str) -> datetime:
    """When a node has last said that it lives."""
    lease = cluster.read(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}")
    return datetime.fromisoformat(lease["spec"]["renewTime"])
