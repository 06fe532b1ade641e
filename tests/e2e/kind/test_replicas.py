"""Two Pods, of which one leads: what happens when that one is terminated, or dies."""

import re
import time

import pytest

from tests.e2e.kind.cluster_access import on_node
from tests.e2e.kind.progress import step
from tests.e2e.kind.release import NAMESPACE, Release
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

LEASE_SECONDS = 15.0
KUBELET_SECONDS = 10.0
"""What kubelet and kubectl may take to pass a signal on, on a busy machine; less than a Lease lasts."""


def writers(tenant: Tenant, cursor: int) -> set[str]:
    """The Pods that changed something at NVCF after a cursor."""
    agents = [entry["userAgent"] for entry in tenant.simulator.log(cursor) if entry["mutating"]]
    return {match[1] for agent in agents if (match := re.search(r"\((\S+)_[0-9a-f]+\)", agent))}


def test_a_leader_that_is_deleted_hands_over(release: Release, tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=60)
    release.ready()
    first = release.leader()
    asked = time.monotonic()
    release.cluster.kubectl("-n", NAMESPACE, "delete", "pod", first, "--wait=false")
    second = release.leader(but=first)
    took = time.monotonic() - asked
    step(f"{second} leads {took:.1f} s after {first} was deleted")
    assert took < KUBELET_SECONDS + 1, "within a second of SIGTERM, and not when the Lease has ended"
    cursor = tenant.simulator.cursor
    tenant.namespace.scale("echo", maxInstances=6)
    tenant.namespace.wait_for("echo", within=60)
    assert writers(tenant, cursor) == {second}
    release.ready()
    assert [operation for operation, _ in tenant.writes()].count("createDeployment") == 1


def test_another_takes_over_from_a_leader_that_was_killed(release: Release, tenant: Tenant) -> None:
    if not release.cluster.nodes:
        pytest.skip("kill -9 of a container's first process needs a shell on its node: done on kind's nodes only")
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=60)
    pods = release.ready()
    first = release.leader()
    node = pods[first]["spec"]["nodeName"]
    (container,) = pods[first]["status"]["containerStatuses"]
    identifier = container["containerID"].removeprefix("containerd://")
    process = on_node(node, "crictl", "inspect", "-o", "go-template", "--template", "{{.info.pid}}", identifier)
    killed = time.monotonic()
    on_node(node, "kill", "-9", process)
    cursor = tenant.simulator.cursor
    tenant.namespace.scale("echo", maxInstances=7)
    second = eventually(
        lambda: [name for name in release.pods() if release.metric(name, "nvcf_operator_leader") == 1],
        lambda leaders: len(leaders) == 1,
        within=LEASE_SECONDS + KUBELET_SECONDS,
        what="a process leads again",
    )[0]
    took = time.monotonic() - killed
    step(f"{second} leads {took:.1f} s after the process of {first} was killed by kill -9")
    tenant.namespace.wait_for("echo", within=60)
    assert writers(tenant, cursor) == {second}
    eventually(release.restarts, lambda times: times == 1, within=60, what="kubelet starts the container again")
    release.ready()
    assert [operation for operation, _ in tenant.writes()].count("createDeployment") == 1
