"""A thousand resources under the chart's default memory limit, an upgrade over them, and the end of it all."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.chart import CHART
from nvcf_operator.api.names import CRD_NAME
from tests.e2e.kind.progress import step
from tests.e2e.kind.release import Release, statuses
from tests.support.cluster import Namespace, manifest
from tests.support.control import Control
from tests.support.simulator import KEY
from tests.support.waiting import eventually

NUMBER = 1000
LIMIT = 512 << 20
"""Bytes, as the chart's values say."""

PEAK = "import glob; print(next(open(p).read() for p in glob.glob('/sys/fs/cgroup/memory.peak') + " + (
    "glob.glob('/sys/fs/cgroup/memory/memory.max_usage_in_bytes')))"
)


@pytest.fixture(scope="module")
def crowd(release: Release, simulator: Control) -> Namespace:
    """A namespace with all of them, Ready."""
    name = "crowd"
    release.cluster.create_namespace(name)
    namespace = Namespace(release.cluster, name)
    namespace.secret(KEY)
    functions = simulator.add_functions(name, NUMBER)
    release.ready()
    began = time.monotonic()
    step(f"{NUMBER} manifests are applied")
    items = [manifest(f"f{number}", *ids) for number, ids in enumerate(functions)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    release.cluster.kubectl("-n", name, "create", "-f", "-", input=text, timeout=600)
    step(f"they are there after {time.monotonic() - began:.0f} s")
    eventually(
        lambda: release.metric(release.leader(), 'nvcf_operator_resources{condition="Ready",status="True"}'),
        lambda ready: ready >= NUMBER,
        within=600,
        what=f"{NUMBER} resources are Ready",
        rest=lambda: time.sleep(1),
    )
    step(f"all are Ready after {time.monotonic() - began:.0f} s")
    return namespace


def versions(crowd: Namespace) -> dict[str, str]:
    """The resourceVersion of each."""
    items = json.loads(crowd.plane.kubectl("-n", crowd.name, "get", "functiondeployments", "-o", "json"))["items"]
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in items}


def changed_at_nvcf(simulator: Control, cursor: int) -> list[Any]:
    return [entry["operation"] for entry in simulator.log(cursor) if entry["mutating"]]


def test_they_fit_into_the_default_memory_limit(release: Release, crowd: Namespace, simulator: Control) -> None:
    assert len(simulator.deployments()) == NUMBER
    for name, pod in release.ready().items():
        peak = int(release.run(name, PEAK))
        (container,) = pod["spec"]["containers"]
        assert container["resources"]["limits"]["memory"] == "512Mi"
        role = "leads" if name == release.leader() else "stands by"
        step(f"{name} {role}: {peak / 1e6:.0f} MB at most, of {LIMIT / 1e6:.0f} MB")
        assert peak < LIMIT * 0.75
        (status,) = statuses(pod)
        assert "lastState" not in status or status["lastState"].get("terminated", {}).get("reason") != "OOMKilled"


def test_an_upgrade_of_the_chart_writes_nothing(
    release: Release, crowd: Namespace, simulator: Control, tmp_path: Path
) -> None:
    before, cursor, pods = versions(crowd), simulator.cursor, set(release.ready())
    step("helm upgrades to a newer version of the chart")
    newer = tmp_path / "chart"
    shutil.copytree(CHART, newer)
    described = yaml.safe_load((newer / "Chart.yaml").read_text())
    (newer / "Chart.yaml").write_text(yaml.safe_dump({**described, "version": "99.0.0"}))
    file = newer / "files" / "crds" / "functiondeployments.yaml"
    crd = yaml.safe_load(file.read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["description"] = "Of a newer version."
    file.write_text(yaml.safe_dump(crd))
    release.install({"settings": {"pollInterval": 15}}, chart=newer)  # two polls are waited for
    fresh = release.ready()
    assert not pods & set(fresh), "all Pods are new"
    assert "Of a newer version." in release.cluster.kubectl("get", "crd", CRD_NAME, "-o", "yaml")
    # The Lease names the old leader until that has ended.
    leader = eventually(release.holder, lambda name: name in fresh, within=60, what="one of the new Pods leads")
    eventually(
        lambda: release.metric(leader, 'nvcf_operator_resources{condition="Ready",status="True"}'),
        lambda ready: ready >= NUMBER,
        within=120,
        what="the new leader has seen them all",
    )
    asked = simulator.cursor
    eventually(
        lambda: [entry["operation"] for entry in simulator.log(asked)],
        lambda calls: calls.count("listFunctions") >= 2,
        within=180,
        what="the new leader has polled twice",
        rest=lambda: time.sleep(1),
    )
    assert changed_at_nvcf(simulator, cursor) == []
    assert versions(crowd) == before
    assert release.restarts() == 0
    step(f"nothing was written, at NVCF or to the {NUMBER} resources")


def test_an_uninstall_leaves_all_and_the_next_install_takes_them_down(
    release: Release, crowd: Namespace, simulator: Control
) -> None:
    before, cursor = versions(crowd), simulator.cursor
    step("helm uninstalls the chart")
    release.uninstall()
    assert versions(crowd) == before
    assert changed_at_nvcf(simulator, cursor) == []
    assert len(simulator.deployments()) == NUMBER
    step("resources, CRD and deployments are as they were; installed again, all are deleted")
    release.install()
    release.ready()
    began = time.monotonic()
    release.cluster.kubectl("-n", crowd.name, "delete", "functiondeployments", "--all", "--wait=false", timeout=600)
    eventually(lambda: len(versions(crowd)), lambda left: left == 0, within=600, what="all are undeployed")
    assert simulator.deployments() == {}
    assert simulator.allocations() == []
    step(f"{NUMBER} were undeployed in {time.monotonic() - began:.0f} s")
    release.cluster.kubectl("delete", "namespace", crowd.name, "--timeout=60s")
    release.ready()
    assert release.restarts() == 0
