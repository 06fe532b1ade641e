"""Mistakes that only a real cluster shows, and the sentence that whoever made them reads."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from hack.chart import CHART
from tests.e2e.kind.cluster_access import on_node
from tests.e2e.kind.progress import step
from tests.e2e.kind.release import NAME, NAMESPACE, Release, statuses
from tests.support.cluster import condition_of
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

LOGS = "/var/log/pods"


@pytest.fixture
def release(release: Release) -> Iterator[Release]:
    """The operator, which is installed as it was after each of the mistakes."""
    yield release
    release.install()
    release.ready()


def containers(release: Release) -> list[dict[str, Any]]:
    return [status for pod in release.pods().values() for status in statuses(pod)]


def runs(pod: dict[str, Any]) -> bool:
    """Whether its container has been started, so that there is a log."""
    return any("running" in status["state"] for status in statuses(pod))


def upgrade(release: Release, **values: Any) -> None:
    """Upgrade without waiting for Pods that will not come."""
    more = ("--namespace", NAMESPACE, "--reset-values")
    release.helm("upgrade", NAME, str(CHART), *more, values={**release.values, **values})


def test_a_wrong_image_leaves_the_old_pods_at_work_and_is_named(release: Release, tenant: Tenant) -> None:
    upgrade(release, image={**release.values["image"], "tag": "not-there"})
    waiting = eventually(
        lambda: [each["state"]["waiting"] for each in containers(release) if "waiting" in each["state"]],
        lambda found: any(each.get("reason") in ("ErrImagePull", "ImagePullBackOff") for each in found),
        within=120,
        what="a Pod says that its image cannot be pulled",
    )
    step(f"a wrong image: {waiting[0]['reason']}: {waiting[0].get('message', '')[:120]}")
    assert any("not-there" in each.get("message", "") for each in waiting)
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=120)


def test_a_secret_that_the_chart_does_not_open_is_named_with_what_opens_it(release: Release, tenant: Tenant) -> None:
    tenant.namespace.secret("nvapi-simulator", name="mine")
    tenant.namespace.apply(tenant.manifest(credentials={"secretRef": {"name": "mine"}}))
    found = tenant.namespace.wait_for("echo", "CredentialsValid", "False", reason="SecretNotPermitted", within=60)
    said = condition_of(found, "CredentialsValid")["message"]
    step(f"a Secret that is not opened: {said}")
    assert "mine" in said
    assert tenant.writes() == []
    release.install({"credentials": {"secretNames": ["nvcf-credentials", "mine"]}})
    tenant.namespace.wait_for("echo", within=120)
    tenant.namespace.delete("echo")
    tenant.namespace.wait_gone("echo", within=120)


@pytest.fixture
def small_disk_for_logs(release: Release) -> Iterator[str]:
    """A node on which the logs of new Pods go to a disk of 1 MB."""
    if len(release.cluster.nodes) < 2:
        pytest.skip("a disk is filled on kind's nodes only")
    node = release.cluster.nodes[1]
    on_node(node, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", LOGS)
    yield node
    on_node(node, "umount", "--lazy", LOGS)
    for name, pod in release.pods().items():
        if pod["spec"]["nodeName"] == node:
            release.cluster.kubectl("-n", NAMESPACE, "delete", "pod", name)


def test_a_full_disk_of_the_logs_stops_nothing_and_events_show_what_was_done(
    release: Release, tenant: Tenant, small_disk_for_logs: str
) -> None:
    node, cluster = small_disk_for_logs, release.cluster
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=120)
    for name, pod in release.ready().items():
        if pod["spec"]["nodeName"] == node:
            cluster.kubectl("-n", NAMESPACE, "delete", "pod", name)
    (here,) = [name for name, pod in release.ready().items() if pod["spec"]["nodeName"] == node]
    if (elsewhere := release.leader()) != here:
        cluster.kubectl("-n", NAMESPACE, "delete", "pod", elsewhere)
    release.ready()
    assert release.leader() == here
    on_node(node, "sh", "-c", f"cat /dev/zero > {LOGS}/full || true")
    with pytest.raises(subprocess.CalledProcessError):
        on_node(node, "sh", "-c", f"echo more > {LOGS}/more")
    cursor = tenant.simulator.cursor
    for most in (5, 6, 7):
        tenant.namespace.scale("echo", maxInstances=most)
        tenant.namespace.wait_for("echo", within=120)
    agents = {entry["userAgent"] for entry in tenant.simulator.log(cursor) if entry["mutating"]}
    assert len(agents) == 1
    assert f"({here}_" in agents.pop()
    assert release.restarts() == 0
    shown = eventually(
        lambda: [message for _, reason, message in tenant.namespace.events("echo") if reason == "Updated"],
        lambda found: len(found) >= 3,
        within=60,
        what="Events report each edit",
    )
    step(f"no room for logs on {node}: the leader there goes on, and Events say: {shown[-1]}")


def test_an_operator_without_rights_says_which_right_it_lacks(release: Release) -> None:
    cluster = release.cluster
    binding = f"clusterrolebinding/{NAME}"
    kept = json.loads(cluster.kubectl("get", binding, "-o", "json"))
    cluster.kubectl("delete", binding)
    try:
        before = release.ready()
        cluster.kubectl("-n", NAMESPACE, "delete", "pod", next(iter(before)))
        (fresh, *_) = eventually(
            lambda: [name for name, pod in release.pods().items() if name not in before and runs(pod)],
            bool,
            within=60,
            what="a new Pod runs",
        )
        said = eventually(
            lambda: cluster.kubectl("-n", NAMESPACE, "logs", fresh),
            lambda text: "forbidden" in text.lower(),
            within=60,
            what="the log says that a right is missing",
        )
        line = next(line for line in said.splitlines() if "forbidden" in line.lower())
        step(f"without rights: {line[:300]}")
        assert "functiondeployments" in line
    finally:
        body = {key: kept[key] for key in ("apiVersion", "kind", "roleRef", "subjects")}
        body["metadata"] = {key: kept["metadata"].get(key, {}) for key in ("name", "labels", "annotations")}
        cluster.kubectl("apply", "-f", "-", input=json.dumps(body))


def test_a_memory_limit_that_is_too_low_shows_as_such_and_spoils_nothing(release: Release, tenant: Tenant) -> None:
    tenant.namespace.apply(tenant.manifest())
    tenant.namespace.wait_for("echo", within=120)
    cursor = tenant.simulator.cursor
    upgrade(release, resources={"requests": {"memory": "16Mi"}, "limits": {"memory": "24Mi"}}, replicaCount=1)
    reasons = eventually(
        lambda: [
            each.get(when, {}).get("terminated", {}).get("reason")
            for each in containers(release)
            for when in ("state", "lastState")
        ],
        lambda found: "OOMKilled" in found,
        within=120,
        what="a container is killed for its memory",
    )
    step(f"24 MB of memory: {[each for each in reasons if each]}")
    release.install()
    release.ready()
    tenant.namespace.scale("echo", maxInstances=8)
    tenant.namespace.wait_for("echo", within=120)
    writes = [entry["operation"] for entry in tenant.simulator.log(cursor) if entry["mutating"]]
    assert writes.count("createDeployment") == 0
